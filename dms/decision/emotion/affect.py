"""The expression over time: scores of frontal, confident frames smoothed by a time constant.

Where the driver's resting face is known, the scores are those against it. Nothing here knows the
vehicle; :mod:`dms.decision.emotion.rage` judges what this tracks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dms.settings import setting, settings
from dms.values import EXPRESSIONS, EmotionBy, ExpressionScores, HeadPose

_REST, _ABSOLUTE = EmotionBy.REST, EmotionBy.ABSOLUTE  # bound once, as in dms.decision.policy
_NEUTRAL_FACE = tuple(1.0 if name == "neutral" else 0.0 for name in EXPRESSIONS)


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
        15.0, unit="s", gt=0,
        text="unseen for longer, the tracks start again from a neutral face, and evidence fades",
    )  # fmt: skip


@dataclass(slots=True)
class Affect:
    """Smoothed scores in the order of EXPRESSIONS, valence and arousal; None is not seen now.

    ``odds``: smoothed log odds of anger + disgust against rest, also of unsure scores;
    ``rest_known`` and ``rest_progress`` as the last scores said, None where the net reads no rest.
    """

    scores: tuple[float, ...] | None = None
    valence: float | None = None
    arousal: float | None = None
    by: EmotionBy | None = None
    odds: float | None = None
    rest_known: bool | None = None
    rest_progress: float | None = None


class AffectTracks:
    """Step it with every frame in time order; ``calm_odds``: from there on odds are evidence."""

    def __init__(self, settings: AffectSettings, calm_odds: float) -> None:
        self._settings = settings
        self._calm_odds = calm_odds
        self._scores: tuple[float, ...] | None = None
        self._valence: float | None = None
        self._arousal: float | None = None
        self._scored_s = float("-inf")
        self._odds: float | None = None
        self._odds_s = float("-inf")
        self._rest_known: bool | None = None
        self._rest_progress: float | None = None
        self._held = (False, False)  # whether the scores and the odds are recent enough to count
        self._now = Affect()

    def forget(self) -> None:
        """Start again, as another face may be seen next; its rest is not known either."""
        self._scores = self._valence = self._arousal = self._odds = None
        self._scored_s = self._odds_s = float("-inf")
        if self._rest_known is not None:
            self._rest_known, self._rest_progress = False, 0.0
        self._held = (False, False)
        self._now = Affect(None, None, None, None, None, self._rest_known, self._rest_progress)

    def frontal(self, pose: HeadPose | None) -> bool:
        """Whether the head is straight enough for the expression to count."""
        limit = self._settings.frontal_deg
        return pose is not None and abs(pose.yaw_deg) <= limit and abs(pose.pitch_deg) <= limit

    def step(self, t_s: float, scores: ExpressionScores | None, pose: HeadPose | None) -> Affect:
        """Take one frame; ``scores`` is None where the net was not due or saw no face."""
        if scores is not None:
            if scores.rest_known is not self._rest_known:
                self._scores = self._odds = None  # absolute and relative scores do not mix
            self._rest_known, self._rest_progress = scores.rest_known, scores.rest_progress
            if self.frontal(pose):
                self._follow_odds(t_s, scores.rage_log_odds)
                if scores.sure:
                    self._follow(t_s, scores)
        hold_s = self._settings.hold_s
        held = (t_s - self._scored_s <= hold_s, t_s - self._odds_s <= hold_s)
        if scores is not None or held != self._held:
            self._held, self._now = held, self._affect(*held)
        return self._now

    def _affect(self, scored: bool, weighed: bool) -> Affect:
        """Return what is known now: with scores where ``scored``, with odds where ``weighed``."""
        odds = self._odds if weighed else None
        known, progress = self._rest_known, self._rest_progress
        if self._scores is None or not scored:
            return Affect(None, None, None, None, odds, known, progress)
        by = _REST if known else _ABSOLUTE
        return Affect(self._scores, self._valence, self._arousal, by, odds, known, progress)

    def _follow(self, t_s: float, scores: ExpressionScores) -> None:
        gap_s = t_s - self._scored_s
        self._scored_s = t_s
        if self._scores is None or gap_s > self._settings.forget_s:
            # A first look counts little: one frame is noise.
            self._scores = _NEUTRAL_FACE
            self._valence = self._arousal = None
            gap_s = 0.1
        share = 1 - math.exp(-gap_s / self._settings.smooth_s)
        pairs = zip(self._scores, scores.relative or scores.probabilities, strict=True)
        self._scores = tuple([old + (new - old) * share for old, new in pairs])
        self._valence = _blend(self._valence, scores.valence, share)
        self._arousal = _blend(self._arousal, scores.arousal, share)

    def _follow_odds(self, t_s: float, odds: float | None) -> None:
        gap_s = t_s - self._odds_s
        if odds is None:
            return
        self._odds_s = t_s
        if self._odds is None or gap_s > self._settings.forget_s:
            self._odds = min(odds, self._calm_odds)  # as above: no evidence yet
            return
        share = 1 - math.exp(-gap_s / self._settings.smooth_s)
        self._odds += (odds - self._odds) * share


def _blend(old: float | None, new: float | None, share: float) -> float | None:
    if new is None or old is None:
        return new if old is None else old
    return old + (new - old) * share
