"""What one step found, as the fields of a :class:`~dms.values.DriverState`, which is built once."""

from __future__ import annotations

from typing import Any

from dms.decision.alerts import Board
from dms.decision.emotion.emotion import Emotion
from dms.decision.fatigue.closure import Closure
from dms.decision.fatigue.fatigue import Fatigue
from dms.decision.openness import Openness
from dms.decision.switches import Switches
from dms.values import (
    DriverObservation,
    EyesState,
    Fault,
    HeadPose,
    Level,
    PauseReason,
    Unseen,
)


def of_eyes(
    observation: DriverObservation,
    opened: Openness,
    pose: HeadPose | None,
    closure: Closure,
    far_to_deg: float,
) -> dict[str, Any]:
    """Return what is known of face and eyes; ``far_to_deg``: further a turned head hides them."""
    unknown, unseen = closure.state is EyesState.UNKNOWN, opened.unseen
    if unknown and unseen is None:
        far = pose is not None and abs(pose.yaw_deg) > far_to_deg
        unseen = Unseen.TURNED_AWAY if far else Unseen.UNSURE
    return {
        "t_s": observation.t_s,
        "right_eye": opened.right,
        "left_eye": opened.left,
        "eyes": closure.state,
        "eyes_unseen": unseen if unknown else None,
        "openness": None if unknown else opened.both,
        "closed_s": closure.closed_s,
        "face_seen": observation.face is not None,
        "camera_on": observation.unseen is not Unseen.CAMERA,
        "lids": closure.lids,
        "lowered_unseen": _lowered_unseen(observation),
        "unsure_s": closure.unsure_s,
        "pose": pose,
    }


def of_fatigue(fatigue: Fatigue) -> dict[str, Any]:
    """Return what is known of how tired the driver is."""
    perclos, record, drowsiness = fatigue.perclos, fatigue.record, fatigue.drowsiness
    return {
        "perclos": perclos.value,
        "seen_s": perclos.seen_s,
        "blink_rate_hz": record.rate_hz(perclos.seen_s),
        "blink_s": record.blink_s,
        "drowsiness": drowsiness.level,
        "drowsiness_reason": drowsiness.reason,
        "yawning": fatigue.yawns.yawning,
    }


def of_mood(emotion: Emotion) -> dict[str, Any]:
    """Return what is known of the driver's expression."""
    affect = emotion.affect
    return {
        "expression": affect.scores,
        "emotion_by": affect.by,
        "rest_progress": affect.rest_progress,
        "rage": emotion.rage.evidence,
        "valence": affect.valence,
        "arousal": affect.arousal,
    }


def of_alerts(
    board: Board, switches: Switches, pause: PauseReason | None, faults: tuple[Fault, ...]
) -> dict[str, Any]:
    """Return what the policy made of it."""
    active = board.active
    return {
        "level": active[0].level if active else Level.NONE,
        "kind": active[0].kind if active else None,
        "active": active,
        "paused": switches.paused,
        "pause_reason": pause,
        "warnings_on": switches.warnings,
        "rage_on": switches.rage,
        "faults": faults,
    }


def _lowered_unseen(observation: DriverObservation) -> Unseen | None:
    """Why lowered lids cannot be told from shut ones in this frame, None where they can."""
    eyes = [eye for eye in (observation.right_eye, observation.left_eye) if eye.lids is not None]
    if not eyes:
        return Unseen.NOT_MEASURED
    return None if any(eye.iris is not None for eye in eyes) else Unseen.TOO_SMALL
