"""What a driver state says in the signals of ``dms.dbc``. Pure; unknown becomes the word SNA."""

from __future__ import annotations

import math
from enum import Enum
from functools import cache

from dms import __version__
from dms.bridge.codec import SNA, Value, contract
from dms.values import (
    EXPRESSIONS,
    ActiveAlert,
    DriverState,
    EmotionBy,
    EyesState,
    GazeZone,
    HeadPose,
    Kind,
    Level,
    LidsState,
    PauseReason,
)

_LEVELS = {
    Level.NONE: "None",
    Level.ADVISORY: "Advisory",
    Level.WARNING: "Warning",
    Level.CRITICAL: "Critical",
}
_FATIGUE = {Kind.DROWSY, Kind.MICROSLEEP, Kind.SLEEP, Kind.UNRESPONSIVE}
_EMOTION_BY = {None: SNA, EmotionBy.ABSOLUTE: "Absolute", EmotionBy.REST: "OwnRest"}
_EYES = {EyesState.OPEN: "Open", EyesState.CLOSED: "Closed", EyesState.UNKNOWN: SNA}
_ALERT_WRAP_S = 6553.4  # one step above the largest value of AlertTime


@cache
def _word(member: Enum) -> str:
    return "".join(part.capitalize() for part in str(member.value).split("_"))


def kind_number(kind: str | None) -> int:
    """Return the raw number of AlertKind for the name of a Kind; 0 is none."""
    if kind is None:
        return 0
    choices = contract().get_message_by_name("DMS_Alert").get_signal_by_name("AlertKind").choices
    words = {str(word): raw for raw, word in (choices or {}).items()}
    return int(words.get(_word(Kind(kind)), 0))


def _scaled(value: float | None, low: float, high: float, factor: float = 1.0) -> Value:
    if value is None or not math.isfinite(value):
        return SNA
    return min(max(value * factor, low), high)


def _percent(value: float | None) -> Value:
    return _scaled(value, 0.0, 100.0, 100.0)


def _yes(value: bool | None, yes: str, no: str) -> str:
    return SNA if value is None else yes if value else no


def health_word(state: DriverState) -> str:
    """Fault where a part of the watching is lost, Degraded where nobody can be judged, else Ok.

    A store that is full is an alert and a fault code, but no reason not to rely on the rest.
    """
    levels = {alert.kind: alert.level for alert in state.active}
    blind = any(fault.blinding for fault in state.faults)
    if blind or levels.get(Kind.FAULT, Level.NONE) >= Level.WARNING:
        return "Fault"
    return "Degraded" if Kind.DEGRADED in levels else "Ok"


def _warning(state: DriverState, kinds: set[Kind]) -> str:
    active = any(a.kind in kinds and a.level >= Level.WARNING for a in state.active)
    return "Warning" if active else "NoWarning"


def state_signals(state: DriverState, answer: str, counter: int) -> dict[str, Value]:
    """Return the signals of DMS_State; ``answer`` and ``counter`` are of the last command."""
    reason = "Seen" if state.eyes_unseen is None else _word(state.eyes_unseen)
    pause = "NotPaused"
    if state.paused:
        pause = _word(state.pause_reason or PauseReason.OTHER)
    return {
        "ActiveLevel": _LEVELS[state.level],
        "ActiveKind": _word(state.kind) if state.kind else "None",
        "WarningsOn": "On" if state.warnings_on else "Off",
        "RageOn": "On" if state.rage_on else "Off",
        "Drowsiness": SNA if state.drowsiness is None else min(max(state.drowsiness, 1), 9),
        "DrowsinessWarning": _warning(state, _FATIGUE),
        "DistractionState": _yes(state.away, "Distracted", "NotDistracted"),
        "DistractionWarning": _warning(state, {Kind.DISTRACTION}),
        "Eyes": _EYES[state.eyes],
        "EyesReason": reason,
        "CommandAnswer": answer,
        "CommandCounter": counter,
        "Openness": _percent(state.openness),
        "BaselineProgress": _percent(state.baseline_progress),
        "Face": "Seen" if state.face_seen else "NotSeen",
        "Health": health_word(state),
        "Pause": pause,
        "CameraOn": "On" if state.camera_on else "Off",
    }


def off_signals() -> dict[str, Value]:
    """Return the signals of the last DMS_State before the device goes: nothing is known."""
    gone = ("ActiveLevel", "ActiveKind", "Drowsiness", "DrowsinessWarning", "DistractionState",
            "DistractionWarning", "Eyes", "EyesReason", "Openness", "BaselineProgress",
            "Face", "Pause")  # fmt: skip
    return {
        **dict.fromkeys(gone, SNA),
        "WarningsOn": "Off",
        "RageOn": "Off",
        "CameraOn": "Off",
        "CommandAnswer": "NoCommand",
        "CommandCounter": 0,
        "Health": "Off",
    }


def attention_signals(state: DriverState) -> dict[str, Value]:
    """Return the signals of DMS_Attention."""
    pose = state.pose or HeadPose(0.0, 0.0, 0.0)
    angles = (pose.yaw_deg, pose.pitch_deg, pose.roll_deg) if state.pose else (None, None, None)
    eyes_known = state.eyes is not EyesState.UNKNOWN or state.closed_s > 0
    rate = None if state.blink_rate_hz is None else state.blink_rate_hz * 60.0
    away = None if state.away is None else state.away_s
    return {
        "ClosedTime": _scaled(state.closed_s if eyes_known else None, 0.0, 25.3),
        "Perclos": _percent(state.perclos),
        "BlinkRate": _scaled(rate, 0.0, 62.0),
        "Yawning": _yes(state.yawning, "Yes", "No"),
        "BlinkDuration": _scaled(state.blink_s, 0.0, 1265.0, 1000.0),
        "AwayTime": _scaled(away, 0.0, 25.3),
        "HeadYaw": _scaled(angles[0], -127.0, 127.0),
        "HeadPitch": _scaled(angles[1], -127.0, 127.0),
        "HeadRoll": _scaled(angles[2], -127.0, 127.0),
    }


def eyes_on_road(state: DriverState) -> bool | None:
    """Whether open eyes look at the road: as far as the gaze is read by it, else by the head."""
    if state.away is True or state.eyes is EyesState.CLOSED:
        return False
    if state.away is None or state.eyes is EyesState.UNKNOWN:
        return None
    return True


def gaze_signals(state: DriverState) -> dict[str, Value]:
    """Return the signals of DMS_Gaze."""
    gaze = state.gaze
    valid = "NotRead" if gaze is None else "Valid" if state.road_learned else "Learning"
    by = SNA if state.away is None else "None"
    return {
        "Lids": SNA if state.lids is LidsState.UNKNOWN else _word(state.lids),
        "AttentionBy": _word(state.attention_by) if state.attention_by else by,
        "EyesOnRoad": _yes(eyes_on_road(state), "Yes", "No"),
        "GazeZone": SNA if state.gaze_zone is GazeZone.UNKNOWN else _word(state.gaze_zone),
        "GazeValidity": valid,
        "GazeYaw": _scaled(gaze.yaw_deg if gaze else None, -127.0, 127.0),
        "GazePitch": _scaled(gaze.pitch_deg if gaze else None, -127.0, 127.0),
        "GazeDeviation": _scaled(gaze.sd_deg if gaze else None, 0.0, 31.0),
    }


def emotion_signals(state: DriverState) -> dict[str, Value]:
    """Return the signals of DMS_Emotion."""
    scores = state.expression or (None,) * len(EXPRESSIONS)
    values = {
        name.capitalize(): _percent(score) for name, score in zip(EXPRESSIONS, scores, strict=True)
    }
    return {
        **values,
        "Rage": _percent(state.rage),
        "Valence": _scaled(state.valence, -1.0, 1.0),
        "Arousal": _scaled(state.arousal, -1.0, 1.0),
    }


def rest_signals(state: DriverState) -> dict[str, Value]:
    """Return the signals of DMS_Rest."""
    return {
        "EmotionBy": _EMOTION_BY[state.emotion_by],
        "RestProgress": _percent(state.rest_progress),
    }


def diag_signals(codes: tuple[int, ...], command_errors: int, bus_faults: int) -> dict[str, Value]:
    """Return the signals of DMS_Diag; ``codes`` are the active fault codes."""
    major, minor, patch = (int(part) for part in __version__.split(".")[:3])
    return {
        "FaultCount": min(len(codes), 254),
        "FaultCode": codes[0] if codes else "NoFault",
        "VersionMajor": min(major, 15),
        "VersionMinor": min(minor, 63),
        "VersionPatch": min(patch, 63),
        "CommandErrors": command_errors % 256,
        "BusFaults": bus_faults % 256,
    }


def alert_signals(alert: ActiveAlert, action: str, number: int, t_s: float) -> dict[str, Value]:
    """Return the signals of DMS_Alert; ``action`` is Raised, Changed or Ended."""
    return {
        "AlertLevel": _LEVELS[alert.level],
        "AlertKind": _word(alert.kind),
        "AlertAction": action,
        "AlertWording": "None" if alert.wording is None else _word(alert.wording),
        "AlertNumber": number % 256,
        "AlertDuration": _scaled(max(t_s - alert.since_s, 0.0), 0.0, 6553.3),
        "AlertTime": min(t_s % _ALERT_WRAP_S, 6553.3) if t_s >= 0 else SNA,
    }
