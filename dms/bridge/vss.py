"""What a driver state says in COVESA VSS v6 paths and those of our overlay. Pure.

The overlay, ``dms/bridge/dms.vspec``, names what VSS lacks. ``None`` is unknown.
"""

from __future__ import annotations

from dms.bridge.signals import eyes_on_road, health_word
from dms.values import (
    EXPRESSIONS,
    DriverState,
    EyesState,
    GazeZone,
    Kind,
    Level,
    LidsState,
    PauseReason,
    Scalar,
    Unseen,
)

_DRIVER = "Vehicle.Driver"
_DMS = "Vehicle.ADAS.DMS"
_HEAD = "Vehicle.Occupant.Row1.DriverSide.HeadPosition"
_GAZE = "Vehicle.Occupant.Row1.DriverSide.MidEyeGaze"
_FULLY_DISTRACTED_S = 3.0  # Euro NCAP: a long distraction
_NOT_WARNINGS = {Kind.DEGRADED, Kind.FAULT}


def _percent(share: float | None) -> float | None:
    return None if share is None else round(min(max(share, 0.0), 1.0) * 100.0, 1)


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)


def fatigue_percent(drowsiness: int | None) -> float | None:
    """Return FatigueLevel 0..100 of the KSS-like level 1..9."""
    return None if drowsiness is None else (min(max(drowsiness, 1), 9) - 1) / 8 * 100.0


def distraction_percent(state: DriverState) -> float | None:
    """Return how much of the time of a long distraction (3 s) the driver has looked away."""
    if any(a.kind is Kind.DISTRACTION for a in state.active):
        return 100.0
    if state.away is None:
        return None
    return _percent(state.away_s / _FULLY_DISTRACTED_S) if state.away else 0.0


def attentive_percent(state: DriverState) -> float | None:
    """Return how sure it is that open eyes face the road; no calibrated probability."""
    on_road = eyes_on_road(state)
    if on_road is None:
        return None
    certainty = max(state.right_eye.certainty, state.left_eye.certainty)
    return _percent(certainty) if on_road else 0.0


def values(state: DriverState) -> dict[str, Scalar]:
    """Return the value of every path; the order is stable."""
    pose, scores = state.pose, state.expression or (None,) * len(EXPRESSIONS)
    warned = any(a.kind not in _NOT_WARNINGS and a.level > Level.NONE for a in state.active)
    right, left = state.right_eye.openness, state.left_eye.openness
    return {
        f"{_DRIVER}.FatigueLevel": fatigue_percent(state.drowsiness),
        f"{_DRIVER}.DistractionLevel": distraction_percent(state),
        f"{_DRIVER}.AttentiveProbability": attentive_percent(state),
        f"{_DRIVER}.IsEyesOnRoad": eyes_on_road(state),
        f"{_DMS}.IsEnabled": not state.paused,
        f"{_DMS}.IsWarning": warned,
        f"{_DMS}.IsError": any(fault.blinding for fault in state.faults),
        f"{_HEAD}.Yaw": _rounded(pose.yaw_deg if pose else None),
        f"{_HEAD}.Pitch": _rounded(pose.pitch_deg if pose else None),
        f"{_HEAD}.Roll": _rounded(pose.roll_deg if pose else None),
        f"{_GAZE}.Azimuth": _rounded(state.gaze.yaw_deg if state.gaze else None),
        f"{_GAZE}.Elevation": _rounded(state.gaze.pitch_deg if state.gaze else None),
        f"{_DMS}.AlertLevel": int(state.level),
        f"{_DMS}.AlertKind": state.kind.value.upper() if state.kind else "NONE",
        f"{_DMS}.Health": health_word(state).upper(),
        f"{_DMS}.PauseReason": _pause(state),
        f"{_DMS}.IsCameraOn": state.camera_on,
        f"{_DMS}.IsWarningsEnabled": state.warnings_on,
        f"{_DMS}.IsRageEnabled": state.rage_on,
        f"{_DMS}.BaselineProgress": _percent(state.baseline_progress),
        f"{_DRIVER}.Perclos": _percent(state.perclos),
        f"{_DRIVER}.EyeClosure.Right": _percent(None if right is None else 1.0 - right),
        f"{_DRIVER}.EyeClosure.Left": _percent(None if left is None else 1.0 - left),
        f"{_DRIVER}.EyeClosure.Time": _closed_s(state),
        f"{_DRIVER}.Lids": None if state.lids is LidsState.UNKNOWN else state.lids.value.upper(),
        f"{_DRIVER}.Gaze.Deviation": _rounded(state.gaze.sd_deg if state.gaze else None),
        f"{_DRIVER}.Gaze.Zone": _zone(state),
        f"{_DRIVER}.Gaze.IsRoadLearned": state.road_learned,
        f"{_DRIVER}.AttentionBy": _attention_by(state),
        **{
            f"{_DRIVER}.Emotion.{name.capitalize()}": _percent(score)
            for name, score in zip(EXPRESSIONS, scores, strict=True)
        },
        f"{_DRIVER}.Emotion.ReadAgainst": state.emotion_by.value.upper()
        if state.emotion_by
        else "NOTHING",
        f"{_DRIVER}.Emotion.RestProgress": _percent(state.rest_progress),
        f"{_DRIVER}.Emotion.Rage": _percent(state.rage),
        f"{_DRIVER}.Emotion.Valence": _rounded(state.valence, 2),
        f"{_DRIVER}.Emotion.Arousal": _rounded(state.arousal, 2),
    }


def reason(path: str, state: DriverState) -> str:
    """Return why the value of ``path`` is unknown, in one word."""
    if state.paused:
        return "paused"
    if not state.face_seen:
        return state.eyes_unseen.value if state.eyes_unseen else Unseen.NO_FACE.value
    if path.startswith(f"{_DRIVER}.Emotion"):
        return "not_measured" if state.rage_on else "switched_off"
    if path in (f"{_DRIVER}.FatigueLevel", f"{_DRIVER}.Perclos"):
        return "too_early"  # its time window is not filled yet
    return state.eyes_unseen.value if state.eyes_unseen else Unseen.NOT_MEASURED.value


def off_values() -> dict[str, Scalar]:
    """Return the last value of every path before the device goes: nothing runs or is known."""
    off: dict[str, Scalar] = {
        f"{_DMS}.IsEnabled": False,
        f"{_DMS}.IsCameraOn": False,
        f"{_DMS}.IsWarning": False,
        f"{_DMS}.Health": "OFF",
    }
    return {**dict.fromkeys(values(DriverState(0.0))), **off}


def _closed_s(state: DriverState) -> float | None:
    unknown = state.eyes is EyesState.UNKNOWN and not state.closed_s
    return None if unknown else _rounded(state.closed_s)


def _zone(state: DriverState) -> str | None:
    return None if state.gaze_zone is GazeZone.UNKNOWN else state.gaze_zone.value.upper()


def _attention_by(state: DriverState) -> str | None:
    if state.attention_by is not None:
        return state.attention_by.value.upper()
    return None if state.away is None else "NONE"


def _pause(state: DriverState) -> str:
    if not state.paused:
        return "NONE"
    return (state.pause_reason or PauseReason.OTHER).value.upper()
