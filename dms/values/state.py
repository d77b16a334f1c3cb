"""What the decision makes of an observation, and one step of it as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from dms.fast_init import fast_init
from dms.values.event import ActiveAlert, Event, Kind, Level
from dms.values.fault import Fault
from dms.values.observation import DriverObservation, Frame, HeadPose, Unseen
from dms.values.vehicle import PauseReason, VehicleContext


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
class Moment:
    """What the decision core is told at one instant."""

    observation: DriverObservation
    vehicle: VehicleContext | None = None
    faults: tuple[Fault, ...] = ()


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
