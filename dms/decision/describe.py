"""The state of one step, put together once from all that knows a part of it."""

from __future__ import annotations

from dms.decision.alerts import Board
from dms.decision.attention import Attention
from dms.decision.baseline import Baseline
from dms.decision.emotion.emotion import Emotion
from dms.decision.fatigue.fatigue import Fatigue
from dms.decision.openness import Openness
from dms.decision.switches import Switches
from dms.values import (
    DriverObservation,
    DriverState,
    Event,
    EyesState,
    Fault,
    HeadPose,
    Level,
    PauseReason,
    Unseen,
)

# Bound once, as in dms.decision.policy.
_EYES_UNKNOWN, _NONE, _CAMERA = EyesState.UNKNOWN, Level.NONE, Unseen.CAMERA


def why_unseen(opened: Openness, pose: HeadPose | None, far_to_deg: float) -> Unseen:
    """Return why the eyes are unknown; ``far_to_deg``: a head turned further hides them."""
    if opened.unseen is not None:
        return opened.unseen
    far = pose is not None and abs(pose.yaw_deg) > far_to_deg
    return Unseen.TURNED_AWAY if far else Unseen.UNSURE


def describe(
    observation: DriverObservation,
    opened: Openness,
    pose: HeadPose | None,
    eyes_unseen: Unseen | None,
    fatigue: Fatigue,
    attention: Attention,
    emotion: Emotion,
    baseline: Baseline,
    board: Board,
    switches: Switches,
    pause: PauseReason | None,
    faults: tuple[Fault, ...],
    events: tuple[Event, ...],
) -> DriverState:
    """Return the state; what it is told stands in the order of its fields."""
    closure, perclos, record = fatigue.closure, fatigue.perclos, fatigue.record
    drowsiness, distraction, affect = fatigue.drowsiness, attention.distraction, emotion.affect
    eyes, active = closure.state, board.active if board.standing else ()
    return DriverState(  # by place: names would double what it costs
        observation.t_s,
        active[0].level if active else _NONE,
        active[0].kind if active else None,
        active,
        opened.right,
        opened.left,
        eyes,
        eyes_unseen,
        None if eyes is _EYES_UNKNOWN else opened.both,
        closure.closed_s,
        perclos.value,
        perclos.seen_s,
        record.rate_hz(perclos.seen_s),
        record.blink_s,
        drowsiness.level,
        drowsiness.reason,
        fatigue.yawns.yawning,
        observation.face is not None,
        distraction.away,
        distraction.away_s,
        closure.lids,
        _lowered_unseen(observation),
        closure.unsure_s,
        attention.gaze,
        baseline.road.learned,
        attention.zone,
        distraction.by,
        pose,
        affect.scores,
        affect.by,
        affect.rest_progress,
        emotion.rage.evidence,
        affect.valence,
        affect.arousal,
        baseline.progress,
        observation.unseen is not _CAMERA,
        switches.paused,
        pause,
        switches.warnings,
        switches.rage,
        faults,
        events,
    )


def _lowered_unseen(observation: DriverObservation) -> Unseen | None:
    """Why lowered lids cannot be told from shut ones in this frame, None where they can."""
    right, left = observation.right_eye, observation.left_eye
    if right.lids is None and left.lids is None:
        return Unseen.NOT_MEASURED
    if right.lids is not None and right.iris is not None:
        return None
    return None if left.lids is not None and left.iris is not None else Unseen.TOO_SMALL
