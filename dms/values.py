"""The frozen values that cross a boundary between rooms.

Nothing here computes. Units stand in the names; ``None`` means unknown, and where something
is unknown an :class:`Unseen` reason says why. Left and right are the driver's own. Signs follow
COVESA VSS: yaw left +, pitch up +, roll right + (all in degrees).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dms.fast_init import fast_init
from dms.masking import told

_LONGEST_FAULT = 500  # characters
Gray: TypeAlias = NDArray[np.uint8]
Points: TypeAlias = NDArray[np.float32]
Scalar: TypeAlias = float | int | str | bool | None

EXPRESSIONS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt",
)  # fmt: skip  # FER+ order (Barsoum et al. 2016)
# Pleasantness of each of EXPRESSIONS, -1..1, and its excitement: the net's own regression has no
# labels to learn from, so both are expectations over the classes.
VALENCE = (0.0, 0.89, 0.15, -0.63, -0.51, -0.60, -0.64, -0.40)
AROUSAL = (0.0, 0.25, 0.75, -0.25, 0.60, 0.35, 0.60, 0.15)


class Unseen(str, Enum):
    """Why something about the driver is unknown."""

    NO_FACE = "no_face"
    TURNED_AWAY = "turned_away"
    GLARE = "glare"
    SUNGLASSES = "sunglasses"
    COVERED = "covered"  # mask, hand, hat brim
    DARK = "dark"
    OVEREXPOSED = "overexposed"
    BLURRED = "blurred"
    TOO_SMALL = "too_small"
    UNSURE = "unsure"  # evidence disagrees
    CAMERA = "camera"  # no usable picture at all
    STILL = "still"  # neither moves nor blinks for a minute: a photo or a screen
    STARTING = "starting"  # the system is not ready yet
    NOT_MEASURED = "not_measured"  # the part is switched off or not due in this frame


class Kind(str, Enum):
    """Every kind of event; the strings are the stable names in JSON Lines and MQTT."""

    BLINK = "blink"
    YAWN = "yawn"
    NOD = "nod"
    GLANCE = "glance"
    MICROSLEEP = "microsleep"
    SLEEP = "sleep"
    UNRESPONSIVE = "unresponsive"
    DROWSY = "drowsy"
    DISTRACTION = "distraction"
    ROAD_RAGE = "road_rage"
    MICRO_EXPRESSION = "micro_expression"
    DEGRADED = "degraded"
    FAULT = "fault"


class Level(IntEnum):
    """Alert level as on the bus."""

    NONE = 0
    ADVISORY = 1
    WARNING = 2
    CRITICAL = 3


class Wording(str, Enum):
    """What the head unit should tell the driver, in its own words and language."""

    SUGGEST_BREAK = "suggest_break"
    CALM_DOWN = "calm_down"


# What an alert asks for, where its kind alone does not say it.
WORDINGS: Mapping[tuple[Kind, Level], Wording] = {
    (Kind.DROWSY, Level.ADVISORY): Wording.SUGGEST_BREAK,
    (Kind.DROWSY, Level.WARNING): Wording.SUGGEST_BREAK,
    (Kind.ROAD_RAGE, Level.ADVISORY): Wording.SUGGEST_BREAK,
    (Kind.ROAD_RAGE, Level.WARNING): Wording.CALM_DOWN,
}


@fast_init
@dataclass(frozen=True, slots=True)
class Frame:
    """One picture. ``gray``: (H, W) uint8, C-contiguous; ``t_s``: capture time of the source.

    ``lost``: why a recording's picture counts as none, as its camera would have; None where it is
    one. A live camera raises CameraLostError instead.
    """

    gray: Gray
    t_s: float
    sequence: int
    lost: str | None = None


@fast_init
@dataclass(frozen=True, slots=True)
class Box:
    """Axis-aligned box in pixels; ``x, y`` is the top left corner and may lie off the picture."""

    x: float
    y: float
    width: float
    height: float


@fast_init
@dataclass(frozen=True, slots=True)
class HeadPose:
    """Head rotation against the camera's axis, in degrees (VSS signs)."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@fast_init
@dataclass(frozen=True, slots=True)
class Lids:
    """Probabilities of an eye's lids, given that the eye can be seen; they sum to 1.

    ``lowered``: the lids follow the gaze down and are not shut; 0 where the eye is too small to
    tell, and so in recordings that are older than this value.
    """

    open: float
    lowered: float
    closed: float


@fast_init
@dataclass(frozen=True, slots=True)
class Iris:
    """Where the middle of the iris lies, from the midpoint of the eye's corners, in eye widths.

    In the eye's own frame, in which the corners are level: ``x`` towards the picture's right, ``y``
    down; ``sd`` is one standard deviation of each.
    """

    x: float
    y: float
    sd: float


@fast_init
@dataclass(frozen=True, slots=True)
class EyeEvidence:
    """What one frame says of one eye, before the driver's own normal is known."""

    ear: float | None = None  # eye aspect ratio, Soukupova & Cech 2016
    open_probability: float | None = None  # of the eye-state net, given that the eye can be seen
    visible_probability: float | None = None  # of the eye-state net
    contrast: float | None = None  # standard deviation of the crop over its mean, 0..
    shade: float | None = None  # mean gray of the crop over the whole face's, 0..
    unseen: Unseen | None = None  # why the values above are None or not to be believed
    lids: Lids | None = None  # None in older recordings and without a net that tells them
    iris: Iris | None = None  # None where it is not told
    width_px: float | None = None  # distance of the eye's corners in the camera's picture


class Embedding:
    """Numbers of a face, (E,), that may tell whose it is: for the decision core, in memory only.

    It has no text and no equal; copied, pickled or written as JSON it is None, and none is read.
    """

    __slots__ = ("numbers",)

    def __init__(self, numbers: NDArray[np.float32]) -> None:
        self.numbers = np.array(numbers, np.float32)

    def __repr__(self) -> str:
        return "Embedding(in memory only)"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema  # noqa: PLC0415  (pydantic itself asks for it)

        nothing = core_schema.plain_serializer_function_ser_schema(lambda _: None)
        return core_schema.none_schema(serialization=nothing)


@fast_init
@dataclass(frozen=True, slots=True)
class ExpressionScores:
    """Probabilities of :data:`EXPRESSIONS` in that order; ``sure`` says whether to believe them.

    The core turns the ``embedding`` into what stands below it, which is what may be kept: where
    ``rest_known`` is true, ``sure``, ``valence`` and ``arousal`` are against rest, too.
    """

    probabilities: tuple[float, ...]
    sure: bool
    confidence: float  # calibrated probability of the top class
    valence: float | None = None  # -1 unpleasant .. 1 pleasant
    arousal: float | None = None  # -1 calm .. 1 excited
    embedding: Embedding | None = field(default=None, repr=False, compare=False)
    rage_log_odds: float | None = None  # anger + disgust against this driver's own resting face
    relative: tuple[float, ...] | None = None  # seven scores against rest, contempt as it was
    rest_known: bool | None = None  # None: the net has no embedding, and nothing was made of it
    rest_progress: float | None = None  # how much of the resting face is learned, 0..1


@fast_init
@dataclass(frozen=True, slots=True)
class DriverObservation:
    """All that perception says of one frame. The decision core sees nothing else of the driver."""

    t_s: float
    face: Box | None = None
    fit: float | None = None  # 0..1, how much the landmarks look like a face
    right_eye: EyeEvidence = EyeEvidence(unseen=Unseen.NO_FACE)
    left_eye: EyeEvidence = EyeEvidence(unseen=Unseen.NO_FACE)
    mar: float | None = None  # mouth aspect ratio of the inner lips
    pose: HeadPose | None = None
    expression: ExpressionScores | None = None  # None in frames in which the net was not due
    shape: tuple[float, ...] | None = None  # of dms.perception.landmarks, where wanted
    brightness: float | None = None  # mean gray of the face box, 0..255; of the picture if no face
    unseen: Unseen | None = None  # why there is no face, or no usable picture
    yawn: float | None = None  # of the mouth net, 0..1; None in frames in which it was not due


class Gear(str, Enum):
    """Selector position, as far as it matters here."""

    PARK = "park"
    REVERSE = "reverse"
    NEUTRAL = "neutral"
    DRIVE = "drive"


class Indicator(str, Enum):
    """Turn indicator."""

    OFF = "off"
    LEFT = "left"
    RIGHT = "right"
    HAZARD = "hazard"


@fast_init
@dataclass(frozen=True, slots=True)
class VehicleContext:
    """The vehicle as last heard; ``None`` is unknown (not mapped, stale or implausible)."""

    t_s: float
    speed_kmh: float | None = None
    standstill: bool | None = None
    gear: Gear | None = None
    steering_deg: float | None = None  # steering wheel, left +
    steering_rate_dps: float | None = None
    indicator: Indicator | None = None
    brake: float | None = None  # pedal or pressure 0..1
    accelerator: float | None = None  # pedal 0..1
    acceleration_mps2: float | None = None  # along the vehicle, forward +
    horn: bool | None = None
    ignition: bool | None = None
    acknowledge: bool | None = None
    speed_limit_kmh: float | None = None
    loudness_db: float | None = None


class Part(str, Enum):
    """What can be at fault; the strings are the stable names on buses and in files."""

    CAMERA = "camera"
    ENGINE = "engine"
    BRIDGE = "bridge"
    VEHICLE = "vehicle"
    STORE = "store"
    LAMP = "lamp"
    OTHER = "other"  # as recorded by another version; its text has no such beginning


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one part. Its text, ``part: words``, is put together here alone.

    The words go to everybody: they are one line, without secrets, and not endless.
    """

    part: Part
    words: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", told(self.words)[:_LONGEST_FAULT])

    @classmethod
    def from_text(cls, text: str) -> Fault:
        """Return the fault that :meth:`__str__` told."""
        part, colon, words = text.partition(": ")
        known = colon and part in (one.value for one in Part if one is not Part.OTHER)
        return cls(Part(part), words) if known else cls(Part.OTHER, text)

    @property
    def blinding(self) -> bool:
        """Whether it touches the watching itself, not only what is kept of it or lights it."""
        return self.part not in (Part.STORE, Part.LAMP)

    def __str__(self) -> str:
        return self.words if self.part is Part.OTHER else f"{self.part.value}: {self.words}"


@fast_init
@dataclass(frozen=True, slots=True)
class Moment:
    """What the decision core is told at one instant."""

    observation: DriverObservation
    vehicle: VehicleContext | None = None
    faults: tuple[Fault, ...] = ()


class PauseReason(str, Enum):
    """Why monitoring is paused, as the head unit said; shown on the bus while it lasts."""

    DRIVER = "driver"  # the driver switched it off
    AUTOMATED = "automated"  # the vehicle drives itself
    WORKSHOP = "workshop"
    PRIVACY = "privacy"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Command:
    """A request of the head unit to the decision core; ``None`` leaves a switch as it is."""

    acknowledge: bool = False
    press: bool = False  # of a button: ends a warning, and never the 5 s of attention
    pause: bool | None = None
    pause_reason: PauseReason | None = None  # with ``pause=True``; None means OTHER
    warnings: bool | None = None
    rage: bool | None = None


@fast_init
@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: level 0 is observed only, 1..3 is an alert.

    ``t_s`` is when it was raised, ``start_s``/``end_s`` when what it names began and ended.
    """

    t_s: float
    kind: Kind
    level: Level
    reason: str
    start_s: float | None = None
    end_s: float | None = None
    values: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def wording(self) -> Wording | None:
        """What the head unit should say, by kind and level alone."""
        return WORDINGS.get((self.kind, self.level))

    @property
    def told(self) -> Mapping[str, Scalar]:
        """The values as files and buses carry them, with the wording where there is one."""
        wording = self.wording
        return self.values if wording is None else {**self.values, "wording": wording.value}


@fast_init
@dataclass(frozen=True, slots=True)
class EyeObservation:
    """Openness of one eye after the driver's own normal: 0 closed .. 1 open, ``None`` unknown."""

    openness: float | None = None
    certainty: float = 0.0
    unseen: Unseen | None = Unseen.NO_FACE


class EmotionBy(str, Enum):
    """Against what an expression was read."""

    ABSOLUTE = "absolute"  # as anybody's face
    REST = "rest"  # against this driver's own resting face


class EyesState(str, Enum):
    """Both eyes in one word."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class LidsState(str, Enum):
    """What the lids do, over time and by both eyes; the strings are the names in files."""

    OPEN = "open"
    LOWERED = "lowered"  # they follow the gaze down: looking away
    CLOSED = "closed"
    AWAY_OR_CLOSED = "away_or_closed"  # head down or face lost on its way down: cannot be told
    UNKNOWN = "unknown"


class GazeZone(str, Enum):
    """Where the driver looks, coarse; a finer name only where the gaze is certain enough."""

    ROAD = "road"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    MIRROR = "mirror"  # the inner one
    DOWN = "down"  # instruments or centre: the gaze is not certain enough to say which
    CENTRE = "centre"  # console and screen
    INSTRUMENTS = "instruments"
    LAP = "lap"
    UNKNOWN = "unknown"


class AttentionBy(str, Enum):
    """What says that attention is off the road."""

    HEAD = "head"
    GAZE = "gaze"
    BOTH = "both"


@fast_init
@dataclass(frozen=True, slots=True)
class Gaze:
    """Direction of the eyes against the learned road ahead, in degrees (VSS signs).

    ``sd_deg``: one standard deviation of the less certain angle.
    """

    yaw_deg: float
    pitch_deg: float
    sd_deg: float


@fast_init
@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """An alert that stands now."""

    kind: Kind
    level: Level
    since_s: float
    reason: str

    @property
    def wording(self) -> Wording | None:
        """What the head unit should say, by kind and level alone."""
        return WORDINGS.get((self.kind, self.level))


@fast_init
@dataclass(frozen=True, slots=True)
class DriverState:
    """The full, explainable result of one step of the decision core."""

    t_s: float
    level: Level = Level.NONE
    kind: Kind | None = None  # of the highest active alert
    active: tuple[ActiveAlert, ...] = ()
    right_eye: EyeObservation = EyeObservation()
    left_eye: EyeObservation = EyeObservation()
    eyes: EyesState = EyesState.UNKNOWN
    eyes_unseen: Unseen | None = Unseen.NO_FACE
    openness: float | None = None
    closed_s: float = 0.0  # how long the eyes have now been closed
    perclos: float | None = None  # P80 over the window, None below the least seen time
    seen_s: float = 0.0  # time the eyes were seen within the window
    blink_rate_hz: float | None = None
    blink_s: float | None = None  # mean blink duration
    drowsiness: int | None = None  # 1..9 in KSS numbers; an estimate, not a validated KSS
    drowsiness_reason: str = ""
    yawning: bool | None = None
    face_seen: bool = False
    away: bool | None = None  # attention off the road, None unknown
    away_s: float = 0.0
    lids: LidsState = LidsState.UNKNOWN
    lowered_unseen: Unseen | None = Unseen.NOT_MEASURED  # why lowered lids cannot be told apart
    unsure_s: float = 0.0  # how long the eyes have been closed or away, which cannot be told apart
    gaze: Gaze | None = None
    road_learned: bool = False  # that road is this driver's own, not the mount's
    gaze_zone: GazeZone = GazeZone.UNKNOWN
    attention_by: AttentionBy | None = None  # while away
    pose: HeadPose | None = None  # relative to the baseline
    expression: tuple[float, ...] | None = None  # smoothed, order of EXPRESSIONS
    emotion_by: EmotionBy | None = None  # of expression, valence, arousal; None: not read now
    rest_progress: float | None = None  # of the resting face, 0..1; None: the net reads none
    rage: float | None = None  # evidence 0..1
    valence: float | None = None
    arousal: float | None = None
    baseline_progress: float = 0.0  # 0..1
    camera_on: bool = False  # pictures come, or the camera is being started
    paused: bool = False
    pause_reason: PauseReason | None = None  # of the command that paused it
    warnings_on: bool = True  # levels 1 and 2, as the driver switched them
    rage_on: bool = True
    faults: tuple[Fault, ...] = ()
    events: tuple[Event, ...] = ()  # raised in this very step


@fast_init
@dataclass(frozen=True, slots=True)
class Step:
    """One turn of the loop: what went in, what the core made of it, and the picture, if any."""

    moment: Moment
    state: DriverState
    frame: Frame | None = None

    @property
    def t_s(self) -> float:
        """The time of the state."""
        return self.state.t_s
