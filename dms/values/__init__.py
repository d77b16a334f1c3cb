"""The frozen values that cross a boundary between rooms.

Nothing here computes. Units stand in the names; ``None`` means unknown, and where something
is unknown an :class:`Unseen` reason says why. Left and right are the driver's own. Signs follow
COVESA VSS: yaw left +, pitch up +, roll right + (all in degrees).
"""

from dms.values.event import WORDINGS, ActiveAlert, Event, Kind, Level, Scalar, Wording
from dms.values.fault import Fault, Part
from dms.values.observation import (
    AROUSAL,
    EXPRESSIONS,
    SHAPE,
    VALENCE,
    Box,
    DriverObservation,
    Embedding,
    ExpressionScores,
    EyeEvidence,
    Frame,
    Gray,
    HeadPose,
    Iris,
    Lids,
    Points,
    Unseen,
)
from dms.values.state import (
    AttentionBy,
    DriverState,
    EmotionBy,
    EyeObservation,
    EyesState,
    Gaze,
    GazeZone,
    LidsState,
    Moment,
    Step,
)
from dms.values.vehicle import Command, Gear, Indicator, PauseReason, VehicleContext

__all__ = [
    "AROUSAL", "EXPRESSIONS", "SHAPE", "VALENCE", "WORDINGS", "ActiveAlert", "AttentionBy", "Box",
    "Command", "DriverObservation", "DriverState", "Embedding", "EmotionBy", "Event",
    "ExpressionScores", "EyeEvidence", "EyeObservation", "EyesState", "Fault", "Frame", "Gaze",
    "GazeZone", "Gear", "Gray", "HeadPose", "Indicator", "Iris", "Kind", "Level", "Lids",
    "LidsState", "Moment", "Part", "PauseReason", "Points", "Scalar", "Step", "Unseen",
    "VehicleContext", "Wording",
]  # fmt: skip
