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
    pose, scores = seen.pose, seen.expression
    numbers: list[float | None] = [
        seen.mar, seen.yawn, seen.brightness, seen.fit,
        *_numbers(seen.right_eye), *_numbers(seen.left_eye),
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
        lids=eye.lids if _sound(EyeEvidence(lids=eye.lids)) else None,
        iris=eye.iris if _sound(EyeEvidence(iris=eye.iris)) else None,
        width_px=_number(eye.width_px),
    )


def _numbers(eye: EyeEvidence) -> tuple[float | None, ...]:
    """Return all numbers of one eye; NaN stands for a part that is not what it should be."""
    lids, iris = eye.lids, eye.iris
    numbers: tuple[float | None, ...] = (
        eye.ear, eye.open_probability, eye.visible_probability, eye.contrast, eye.shade,
        eye.width_px,
    )  # fmt: skip
    if lids is not None:
        numbers += (lids.open, lids.lowered, lids.closed) if isinstance(lids, Lids) else (nan,)
    if iris is not None:
        numbers += (iris.x, iris.y, iris.sd) if isinstance(iris, Iris) else (nan,)
    return numbers


def _sound(eye: EyeEvidence) -> bool:
    return all(isfinite(number) for number in _numbers(eye) if number is not None)


def _number(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
