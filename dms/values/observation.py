"""What perception says of one frame, and the frame itself. Left and right are the driver's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dms.fast_init import fast_init

Gray: TypeAlias = NDArray[np.uint8]
Points: TypeAlias = NDArray[np.float32]
EXPRESSIONS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt",
)  # fmt: skip  # FER+ order (Barsoum et al. 2016)
# Pleasantness of each of EXPRESSIONS, -1..1, and its excitement: the net's own regression has no
# labels to learn from, so both are expectations over the classes.
VALENCE = (0.0, 0.89, 0.15, -0.63, -0.51, -0.60, -0.64, -0.40)
AROUSAL = (0.0, 0.25, 0.75, -0.25, 0.60, 0.35, 0.60, 0.15)

SHAPE = 14  # places of a face's shape, dms.perception.landmarks.face_shape


class Unseen(str, Enum):
    """Why something about the driver is unknown."""

    NO_FACE = "no_face"
    TURNED_AWAY = "turned_away"
    GLARE = "glare"
    SUNGLASSES = "sunglasses"
    COVERED = "covered"  # mask, hand, hat brim
    DARK = "dark"
    OVEREXPOSED = "overexposed"
    BLURRED = "blurred"  # has its number in the contract; nothing tells it so far
    TOO_SMALL = "too_small"
    UNSURE = "unsure"  # evidence disagrees
    CAMERA = "camera"  # no usable picture at all
    STILL = "still"  # neither moves nor blinks for a minute: a photo or a screen
    STARTING = "starting"  # the system is not ready yet
    NOT_MEASURED = "not_measured"  # the part is switched off or not due in this frame


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
    relative: tuple[float, ...] | None = None  # all eight against rest; contempt as it was
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
    shape: tuple[float, ...] | None = None  # of dms.perception.landmarks, (14,), where wanted
    brightness: float | None = None  # mean gray of the face box, 0..255; of the picture if no face
    unseen: Unseen | None = None  # why there is no face, or no usable picture
    yawn: float | None = None  # of the mouth net, 0..1; None in frames in which it was not due
