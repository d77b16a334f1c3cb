"""Road rage from the expression over time: sustained anger and disgust beyond the driver's rest.

Single frames, turned heads and unsure scores change nothing; joy and the vehicle's context decide
what the same face means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dms.context import Mood
from dms.settings import setting, settings
from dms.values import EXPRESSIONS, ExpressionScores, HeadPose, Level

_NEUTRAL, _HAPPY = EXPRESSIONS.index("neutral"), EXPRESSIONS.index("happiness")
_ANGER, _DISGUST = EXPRESSIONS.index("anger"), EXPRESSIONS.index("disgust")


@settings
class RageSettings:
    """How anger adds up."""

    frontal_deg: float = setting(
        15.0, unit="deg", gt=0, source="published emotion nets hold within +-15 deg",
        text="head yaw and pitch within which scores count",
    )  # fmt: skip
    smooth_s: float = setting(1.5, unit="s", gt=0, text="time constant of the smoothed scores")
    hold_s: float = setting(1.0, unit="s", gt=0, text="a score counts this long after its frame")
    excess: float = setting(
        0.30, gt=0, lt=1, text="anger + disgust above rest from where evidence grows"
    )
    gain_hz: float = setting(0.35, unit="1/s", gt=0, text="evidence per second per unit of excess")
    decay_s: float = setting(20.0, unit="s", gt=0, text="time constant of forgetting")
    stress_above: float = setting(0.5, gt=0, lt=1, text="evidence for level 1")
    rage_above: float = setting(0.85, gt=0, le=1, text="evidence for level 2")
    back: float = setting(0.2, gt=0, lt=0.5, text="hysteresis of both")
    rest_most: float = setting(0.5, ge=0, lt=1, text="most of anger + disgust believed as rest")
    joy_valence: float = setting(0.2, ge=0, lt=1, text="valence above this is no rage at all")


@dataclass(frozen=True, slots=True)
class Episode:
    """Anger from the first evidence to its end."""

    start_s: float
    end_s: float
    peak_s: float
    peak: float


@dataclass(frozen=True, slots=True)
class Rage:
    """The present evidence 0..1, its level, and the reason in words."""

    evidence: float | None
    level: Level
    reason: str
    smoothed: tuple[float, ...] | None
    valence: float | None
    arousal: float | None
    ended: Episode | None = None


UNSEEN_RAGE = Rage(None, Level.NONE, "no expression seen yet", None, None, None)


class RageMeter:
    """Step it with every frame in time order."""

    def __init__(self, settings: RageSettings) -> None:
        self._settings = settings
        self._smoothed: list[float] | None = None
        self._valence: float | None = None
        self._arousal: float | None = None
        self._scored_s = float("-inf")
        self._last_s: float | None = None
        self._evidence = 0.0
        self._level = Level.NONE
        self._began_s: float | None = None
        self._peak = (0.0, 0.0)  # evidence, when

    def step(
        self,
        t_s: float,
        scores: ExpressionScores | None,
        pose: HeadPose | None,
        rest: tuple[float, ...],
        mood: Mood,
    ) -> Rage:
        """Take one frame; ``scores`` is None where the net was not due or saw no face."""
        s = self._settings
        dt_s = 0.0 if self._last_s is None else min(t_s - self._last_s, 0.5)
        self._last_s = t_s
        if scores is not None and scores.sure and self.frontal(pose):
            self._smooth(t_s, scores)
        fresh = t_s - self._scored_s <= s.hold_s
        excess = self.excess(rest) if fresh else 0.0
        if fresh or self._level is Level.NONE:  # turning away does not end what stands
            self._evidence *= math.exp(-dt_s / s.decay_s)
        over = max(excess - s.excess, 0.0)
        self._evidence = min(self._evidence + over * s.gain_hz * dt_s * mood.factor, 1.0)
        self._set_level()
        words = f"anger and disgust {excess:.2f} above rest, evidence {self._evidence:.2f}"
        if mood.names:
            words += f" ({', '.join(mood.names)})"
        return Rage(
            self._evidence if self._smoothed is not None else None,
            self._level,
            words,
            tuple(self._smoothed) if self._smoothed is not None and fresh else None,
            self._valence if fresh else None,
            self._arousal if fresh else None,
            self._episode(t_s),
        )

    def frontal(self, pose: HeadPose | None) -> bool:
        """Whether the head is straight enough for the expression to count."""
        limit = self._settings.frontal_deg
        return pose is not None and abs(pose.yaw_deg) <= limit and abs(pose.pitch_deg) <= limit

    def excess(self, rest: tuple[float, ...]) -> float:
        """Return anger and disgust above rest as last smoothed, 0..1; joy takes it away."""
        s = self._settings
        if self._smoothed is None or (self._valence or 0.0) > s.joy_valence:
            return 0.0
        angry = self._smoothed[_ANGER] + self._smoothed[_DISGUST]
        usual = min(rest[_ANGER] + rest[_DISGUST], s.rest_most)
        return max(angry - usual, 0.0) * (1.0 - min(self._smoothed[_HAPPY] * 2, 1.0))

    def _smooth(self, t_s: float, scores: ExpressionScores) -> None:
        gap_s = t_s - self._scored_s
        self._scored_s = t_s
        if self._smoothed is None or gap_s > 10 * self._settings.smooth_s:
            # A first look counts little: one frame is noise.
            self._smoothed = [1.0 if i == _NEUTRAL else 0.0 for i in range(len(EXPRESSIONS))]
            self._valence = self._arousal = None
            gap_s = 0.1
        share = 1 - math.exp(-gap_s / self._settings.smooth_s)
        pairs = zip(self._smoothed, scores.probabilities, strict=True)
        self._smoothed = [old + (new - old) * share for old, new in pairs]
        self._valence = _blend(self._valence, scores.valence, share)
        self._arousal = _blend(self._arousal, scores.arousal, share)

    def _set_level(self) -> None:
        s = self._settings
        level = Level.NONE
        for wanted, limit in ((Level.ADVISORY, s.stress_above), (Level.WARNING, s.rage_above)):
            held = self._level >= wanted
            if self._evidence >= (limit - s.back if held else limit):
                level = wanted
        self._level = level

    def _episode(self, t_s: float) -> Episode | None:
        """Follow an episode from half the evidence of stress to below it again."""
        limit = self._settings.stress_above / 2
        if self._evidence >= limit:
            if self._began_s is None:
                self._began_s, self._peak = t_s, (0.0, t_s)
            self._peak = max(self._peak, (self._evidence, t_s), key=lambda peak: peak[0])
            return None
        began_s, self._began_s = self._began_s, None
        if began_s is None or self._peak[0] < self._settings.stress_above:
            return None
        return Episode(began_s, t_s, self._peak[1], self._peak[0])


def _blend(old: float | None, new: float | None, share: float) -> float | None:
    if new is None or old is None:
        return new if old is None else old
    return old + (new - old) * share
