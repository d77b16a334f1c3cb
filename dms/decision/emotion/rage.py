"""Road rage from the expression over time: sustained anger and disgust beyond the driver's rest.

Single frames, turned heads and unsure scores change nothing; joy, fear and the vehicle's context
decide what the same face means. Anger is measured in log odds against this driver's own resting
face, so a naturally stern face, or a net that reads one so, is not angry: by the net's own relative
reading where it has one (:mod:`dms.decision.emotion.rest`), else by the scores' distance from
those of the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dms.decision.emotion.affect import Affect
from dms.decision.emotion.context import Mood
from dms.decision.tick import Tick
from dms.odds import log_odds
from dms.settings import setting, settings
from dms.values import EXPRESSIONS, Level

_HAPPY, _ANGER, _DISGUST, _FEAR, _SURPRISE = (
    EXPRESSIONS.index(name) for name in ("happiness", "anger", "disgust", "fear", "surprise")
)

_NONE = Level.NONE  # bound once, as in dms.decision.policy


@settings
class RageSettings:
    """How anger adds up, and whether it is looked for at all."""

    workplace: bool = setting(
        False,
        source="EU AI Act, Art. 5(1)(f)",
        text="the vehicle is a workplace: no emotion is inferred unless enabled says true",
    )
    enabled: bool | None = setting(
        None, text="infer expressions and tell road rage; null: yes, but not at a workplace"
    )
    excess: float = setting(
        1.7, unit="log odds", gt=0, lt=10,
        source="FER2013, even tiles: tools/evaluate.py rage --parts fer --choose",
        text="anger + disgust this far above rest: evidence grows from here",
    )  # fmt: skip
    excess_most: float = setting(
        1.0, unit="log odds", gt=0, text="what lies further above counts no more: noise, not rage"
    )
    against_rest: float = setting(
        -0.3, unit="log odds",
        source="posing people left out, even: tools/evaluate.py rage --parts posed --choose",
        text="the same where the net reads a face against its rest: evidence grows from here",
    )  # fmt: skip
    against_most: float = setting(
        2.0, unit="log odds", gt=0, text="what lies further above counts no more"
    )
    speaking: float = setting(
        1.8, unit="log odds", ge=0,
        text="so much further above while the mouth is at work, without horn or hard pedal",
    )  # fmt: skip
    gain_hz: float = setting(0.2, unit="1/s", gt=0, text="evidence per second per unit above")
    decay_s: float = setting(20.0, unit="s", gt=0, text="time constant of forgetting")
    stress_above: float = setting(0.5, gt=0, lt=1, text="evidence for level 1")
    rage_above: float = setting(0.85, gt=0, le=1, text="evidence for level 2")
    back: float = setting(0.2, gt=0, lt=0.5, text="hysteresis of both")
    rest_least: float = setting(
        0.1, gt=0, lt=0.5, text="anger + disgust of a resting face is taken as at least this"
    )
    rest_most: float = setting(0.7, ge=0, lt=1, text="and as at most this")
    joy_valence: float = setting(0.2, ge=0, lt=1, text="valence above this is no rage at all")

    @property
    def on(self) -> bool:
        """Whether emotions are inferred: the owner's word, else not at a workplace."""
        return not self.workplace if self.enabled is None else self.enabled


@dataclass(frozen=True, slots=True)
class Episode:
    """Anger from the first evidence to its end; the reason is that of the peak."""

    start_s: float
    end_s: float
    peak_s: float
    peak: float
    level: Level
    reason: str


@dataclass(slots=True)
class Rage:
    """The present evidence 0..1 (None: no expression was seen yet), its level and what made it.

    ``excess``: how far anger lies above rest in log odds; ``learning``: that rest is not known yet.
    """

    evidence: float | None
    level: Level
    excess: float | None
    mood: Mood
    learning: bool
    speaking: bool
    ended: Episode | None = None
    seen: bool = False  # the face is seen now: what is not seen raises no alert

    @property
    def reason(self) -> str:
        """It in words, which are put together only where they are told."""
        if self.evidence is None:
            return "no expression seen yet"
        if self.learning:
            return "the driver's resting face is not known yet"
        excess, mood = self.excess, self.mood
        above = "unseen" if excess is None else f"{excess:.1f} above rest (log odds)"
        words = f"anger and disgust {above}, evidence {self.evidence:.2f}"
        words += ", the mouth at work" if self.speaking else ""
        if mood.names:
            words += f" ({', '.join(mood.names)}: reads as {mood.reading})"
        return words


UNSEEN_RAGE = Rage(None, Level.NONE, None, Mood(), learning=True, speaking=False)


class RageMeter:
    """Step it with every frame in time order.

    ``forget_s``: evidence of a face that is unseen for longer is forgotten slowly.
    """

    def __init__(self, settings: RageSettings, forget_s: float) -> None:
        self._settings = settings
        self._forget_s = forget_s
        self._seen_s: float | None = None
        self._evidence = 0.0
        self._level = _NONE
        self._began_s: float | None = None
        self._peak: tuple[float, float, str] = (0.0, 0.0, "")  # evidence, when, why
        self._peak_level = _NONE

    def forget(self) -> None:
        """Drop all evidence, as another face may be seen next; an episode ends with it."""
        self._seen_s, self._evidence, self._level = None, 0.0, _NONE

    def step(
        self,
        tick: Tick,
        affect: Affect,
        rest: tuple[float, ...] | None,
        mood: Mood,
        *,
        speaking: bool = False,
    ) -> Rage:
        """Take one frame. ``rest`` is this driver's resting face, None while it is unknown.

        ``speaking``: the mouth is at work.
        """
        s, dt_s = self._settings, tick.dt_s
        seen = affect.scores is not None or affect.odds is not None
        excess = None if rest is None else self.excess(affect, rest)
        if self._evidence > 0.0:
            self._evidence *= math.exp(-self._faded_s(tick, seen=seen) / s.decay_s)
        if seen:
            self._seen_s = tick.t_s
        if rest is None:  # evidence is against a rest: of whom would this be?
            self._evidence, self._level = 0.0, _NONE
        elif excess is not None:
            low, most = self._counted(affect, mood, speaking=speaking)
            over = excess - low
            if over > 0.0:
                over = most if over > most else over
                growth = over * s.gain_hz * dt_s * mood.rage * self._alone(affect.scores, mood)
                self._evidence = min(self._evidence + growth, 1.0)
        if seen and (self._evidence > 0.0 or self._level is not _NONE):
            self._set_level(mood)
        evidence = None if self._seen_s is None else self._evidence
        rage = Rage(evidence, self._level, excess, mood, rest is None, speaking, None, seen)
        if self._began_s is not None or self._evidence >= s.stress_above / 2:
            rage.ended = self._episode(tick.t_s, rage.reason)
        return rage

    def _faded_s(self, tick: Tick, *, seen: bool) -> float:
        """Return for how long of this step evidence fades.

        Turning away does not end what stands; but what was seen long ago is no evidence now.
        """
        fades_s = tick.dt_s if seen or self._level is _NONE else 0.0
        if self._seen_s is None:
            return fades_s
        stale_s = tick.t_s - self._seen_s - self._forget_s
        return max(fades_s, min(stale_s, tick.elapsed_s))

    def excess(self, affect: Affect, rest: tuple[float, ...]) -> float | None:
        """Return anger + disgust above rest in log odds; None where nothing is seen.

        A pleasant face is no angry one, whatever its anger: none of it counts.
        """
        s = self._settings
        if affect.rest_known:
            pleasant = (affect.valence or 0.0) > s.joy_valence
            if pleasant and affect.odds is not None:
                return min(affect.odds, s.against_rest)
            return affect.odds
        if affect.scores is None:
            return None
        if (affect.valence or 0.0) > s.joy_valence:
            return 0.0
        usual = min(max(rest[_ANGER] + rest[_DISGUST], s.rest_least), s.rest_most)
        angry = affect.scores[_ANGER] + affect.scores[_DISGUST]
        return max(log_odds(angry) - log_odds(usual), 0.0)

    def calm(self, affect: Affect, rest: tuple[float, ...]) -> bool:
        """Whether the face may teach what rest is: unseen or not clearly angry."""
        excess = self.excess(affect, rest)
        return excess is None or excess < self._settings.excess

    def _counted(self, affect: Affect, mood: Mood, *, speaking: bool) -> tuple[float, float]:
        """Return from where the excess counts, and how much of it at most."""
        s = self._settings
        if affect.rest_known is None:
            return s.excess, s.excess_most
        doubt = s.speaking if speaking and mood.reading != "rage" else 0.0
        return s.against_rest + doubt, s.against_most

    def _alone(self, scores: tuple[float, ...] | None, mood: Mood) -> float:
        """How far anger stands alone, 0..1: joy takes it away twice, fear and surprise once."""
        if scores is None:
            return 1.0
        fear = scores[_FEAR] + scores[_SURPRISE]
        return 1.0 - min(2.0 * scores[_HAPPY] * mood.joy + fear * mood.fear, 1.0)

    def _set_level(self, mood: Mood) -> None:
        s = self._settings
        level = _NONE
        for wanted, limit in ((Level.ADVISORY, s.stress_above), (Level.WARNING, s.rage_above)):
            held = self._level >= wanted
            if self._evidence >= (limit - s.back if held else limit):
                level = wanted
        if mood.reading == "stress" and self._level < Level.WARNING:
            level = min(level, Level.ADVISORY)
        self._level = level

    def _episode(self, t_s: float, reason: str) -> Episode | None:
        """Follow an episode from half the evidence of stress to below it again."""
        limit = self._settings.stress_above / 2
        if self._evidence >= limit or self._level is not _NONE:
            if self._began_s is None:
                self._began_s, self._peak_level = t_s, _NONE
                self._peak = (0.0, t_s, reason)
            self._peak = max(self._peak, (self._evidence, t_s, reason), key=lambda peak: peak[0])
            self._peak_level = max(self._peak_level, self._level)
            return None
        began_s, self._began_s = self._began_s, None
        peak, peak_s, why = self._peak
        if began_s is None or peak < self._settings.stress_above:
            return None
        return Episode(began_s, t_s, peak_s, peak, self._peak_level, why)
