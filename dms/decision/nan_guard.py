"""What is not a finite number is unknown: keeps NaN and infinity out of the decision's filters.

One NaN in a running mean would stay there for the rest of the drive and silence every alert.
"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite, nan

from dms.values import DriverObservation, ExpressionScores, EyeEvidence, Iris, Lids


def finite(observation: DriverObservation) -> DriverObservation:
    """Return ``observation`` with every value that is not finite as unknown."""
    seen = observation
    pose, scores, right, left = seen.pose, seen.expression, seen.right_eye, seen.left_eye
    numbers: list[float | None] = [
        seen.mar, seen.yawn, seen.brightness, seen.fit,
        right.ear, right.open_probability, right.visible_probability, right.contrast, right.shade,
        right.width_px, *_lids(right), *_iris(right),
        left.ear, left.open_probability, left.visible_probability, left.contrast, left.shade,
        left.width_px, *_lids(left), *_iris(left),
    ]  # fmt: skip
    if pose is not None:
        numbers += (pose.yaw_deg, pose.pitch_deg, pose.roll_deg)
    if seen.shape is not None:
        numbers += seen.shape
    if scores is not None:
        numbers += (*scores.probabilities, scores.confidence, scores.valence, scores.arousal)
        numbers += (scores.rage_log_odds, *(scores.relative or ()))
    # Every frame comes here: one sum is not finite as soon as one of its numbers is not.
    if isfinite(sum(filter(None, numbers))):
        return observation
    read = () if scores is None else (*scores.probabilities, *(scores.relative or ()))
    scored = scores is not None and all(map(isfinite, (*read, scores.confidence)))
    posed = pose is not None and all(map(isfinite, (pose.yaw_deg, pose.pitch_deg, pose.roll_deg)))
    return replace(
        seen,
        right_eye=_eye(seen.right_eye),
        left_eye=_eye(seen.left_eye),
        mar=_number(seen.mar),
        yawn=_number(seen.yawn),
        brightness=_number(seen.brightness),
        fit=_number(seen.fit),
        pose=pose if posed else None,
        shape=seen.shape if seen.shape is not None and all(map(isfinite, seen.shape)) else None,
        expression=_scores(scores) if scored and scores is not None else None,
    )


def _scores(scores: ExpressionScores) -> ExpressionScores:
    return replace(
        scores,
        valence=_number(scores.valence),
        arousal=_number(scores.arousal),
        rage_log_odds=_number(scores.rage_log_odds),
    )


def _eye(eye: EyeEvidence) -> EyeEvidence:
    return replace(
        eye,
        ear=_number(eye.ear),
        open_probability=_number(eye.open_probability),
        visible_probability=_number(eye.visible_probability),
        contrast=_number(eye.contrast),
        shade=_number(eye.shade),
        lids=eye.lids if all(map(isfinite, _lids(eye))) else None,
        iris=eye.iris if all(map(isfinite, _iris(eye))) else None,
        width_px=_number(eye.width_px),
    )


def _lids(eye: EyeEvidence) -> tuple[float, ...]:
    lids = eye.lids
    if lids is None:
        return ()
    return (lids.open, lids.lowered, lids.closed) if isinstance(lids, Lids) else (nan,)


def _iris(eye: EyeEvidence) -> tuple[float, ...]:
    iris = eye.iris
    if iris is None:
        return ()
    return (iris.x, iris.y, iris.sd) if isinstance(iris, Iris) else (nan,)


def _number(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
