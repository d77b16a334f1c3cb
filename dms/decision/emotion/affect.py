"""The expression over time: scores of frontal, confident frames smoothed by a time constant.

Nothing here knows the driver's rest or the vehicle; :mod:`dms.decision.emotion.rage` judges what
this tracks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dms.settings import setting, settings
from dms.values import EXPRESSIONS, ExpressionScores, HeadPose

_NEUTRAL = EXPRESSIONS.index("neutral")


@settings
class AffectSettings:
    """Which frames count, and how slowly the tracks follow them."""

    frontal_deg: float = setting(
        15.0, unit="deg", gt=0, source="published emotion nets hold within +-15 deg",
        text="head yaw and pitch within which scores count",
    )  # fmt: skip
    smooth_s: float = setting(1.5, unit="s", gt=0, text="time constant of the smoothed scores")
    hold_s: float = setting(1.0, unit="s", gt=0, text="a score counts this long after its frame")
    forget_s: float = setting(
        15.0, unit="s", gt=0, text="unseen for longer, the tracks start anew from a neutral face"
    )


@dataclass(frozen=True, slots=True)
class Affect:
    """Smoothed scores in the order of EXPRESSIONS, valence and arousal; None is not seen now."""

    scores: tuple[float, ...] | None = None
    valence: float | None = None
    arousal: float | None = None


class AffectTracks:
    """Step it with every frame in time order."""

    def __init__(self, settings: AffectSettings) -> None:
        self._settings = settings
        self._scores: list[float] | None = None
        self._valence: float | None = None
        self._arousal: float | None = None
        self._scored_s = float("-inf")

    def frontal(self, pose: HeadPose | None) -> bool:
        """Whether the head is straight enough for the expression to count."""
        limit = self._settings.frontal_deg
        return pose is not None and abs(pose.yaw_deg) <= limit and abs(pose.pitch_deg) <= limit

    def step(self, t_s: float, scores: ExpressionScores | None, pose: HeadPose | None) -> Affect:
        """Take one frame; ``scores`` is None where the net was not due or saw no face."""
        if scores is not None and scores.sure and self.frontal(pose):
            self._follow(t_s, scores)
        if self._scores is None or t_s - self._scored_s > self._settings.hold_s:
            return Affect()
        return Affect(tuple(self._scores), self._valence, self._arousal)

    def _follow(self, t_s: float, scores: ExpressionScores) -> None:
        gap_s = t_s - self._scored_s
        self._scored_s = t_s
        if self._scores is None or gap_s > self._settings.forget_s:
            # A first look counts little: one frame is noise.
            self._scores = [1.0 if i == _NEUTRAL else 0.0 for i in range(len(EXPRESSIONS))]
            self._valence = self._arousal = None
            gap_s = 0.1
        share = 1 - math.exp(-gap_s / self._settings.smooth_s)
        pairs = zip(self._scores, scores.probabilities, strict=True)
        self._scores = [old + (new - old) * share for old, new in pairs]
        self._valence = _blend(self._valence, scores.valence, share)
        self._arousal = _blend(self._arousal, scores.arousal, share)


def _blend(old: float | None, new: float | None, share: float) -> float | None:
    if new is None or old is None:
        return new if old is None else old
    return old + (new - old) * share
