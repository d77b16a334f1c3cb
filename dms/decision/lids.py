"""What besides their opening says how the lids are: gaze, head and laughter.

Eyes that look down have lids as low as a sleeper's. *Lowered* needs to be seen: the iris low under
the lid, by the net, and the gaze or the head going down. Where the head came down before the lids
closed, or is so far down that the picture does not tell, they are *away or closed*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dms.decision.head import Head
from dms.decision.openness import Openness
from dms.decision.tick import Tick, reached
from dms.settings import setting, settings
from dms.values import EXPRESSIONS, DriverObservation, ExpressionScores, EyeEvidence, EyeObservation

_HAPPY = EXPRESSIONS.index("happiness")


@settings
class LidSettings:
    """When lids are lowered, and when closed ones are doubted."""

    lowered_above: float = setting(0.5, gt=0, lt=1, text="the net's probability of lowered lids")
    closed_above: float = setting(
        0.6, gt=0, lt=1, text="of one eye: no lids are lowered then, as both move together"
    )
    iris_low: float = setting(
        0.07, gt=0, lt=0.5, source="an eye of 12 mm radius in a slit of 30 mm turned by 10 deg",
        text="iris this much lower than looking ahead, in eye widths: the gaze is down",
    )  # fmt: skip
    lid_sinks: float = setting(
        0.15, ge=0, lt=1, source="drawn lids over a level gaze (tools/evaluate.py drifts)",
        text="lids that come down cover the iris from above: what is seen of it lies this much"
        " lower the shorter they are of open, in eye widths",
    )  # fmt: skip
    sinks_least: float = setting(
        0.05, gt=0, lt=0.5, source="chosen on the same: 3 % of eyes that fall shut, 77 % of"
        " looks down", text="an iris seen lower than that explains was a gaze down",
    )  # fmt: skip
    sinks_from: float = setting(
        0.2, gt=0, lt=1, text="openness from which the iris is believed so far"
    )
    half_least: float = setting(
        0.27, gt=0, lt=1, text="openness from which half-open lids over an iris seen low, for"
        " certain (two standard deviations), are lowered whatever the net calls them",
    )  # fmt: skip
    half_most: float = setting(0.65, gt=0, lt=1, text="up to here; above, the gaze alone tells")
    iris_learn_s: float = setting(20.0, unit="s", gt=0, text="memory of where the iris is ahead")
    memory_s: float = setting(
        0.5, unit="s", ge=0, text="lids that close this soon after a gaze down are not believed"
    )
    lowered_s: float = setting(
        0.4, unit="s", ge=0, text="seen lowered for this long: shorter is the way of shutting lids"
    )
    lead_s: float = setting(
        0.1, unit="s", ge=0, text="the head came down before the lids if it was down this early"
    )
    certain_visible: float = setting(
        0.95, gt=0, le=1, text="of the net: an eye that is seen for certain"
    )
    certain_lids: float = setting(
        0.8, gt=0, lt=1, text="or one whose lids the net calls open with this probability"
    )
    certain_open: float = setting(
        0.5, gt=0, le=1, text="openness of such an eye that no sleeper with a hanging head shows"
    )
    laughs_above: float = setting(
        0.9, gt=0, lt=1, source="measured: 0.98 and above in laughter, below 0.1 of sleepers",
        text="happiness from which lids are pressed shut by laughter",
    )  # fmt: skip
    laughs_s: float = setting(0.3, unit="s", gt=0, text="time constant of that; twice: forgotten")


@dataclass(slots=True)
class Signs:
    """What speaks for and against sleep in one frame whose lids may read closed."""

    lowered: bool = False  # lids follow the gaze down
    certain_open: bool = True  # an eye is seen open, or half open, for certain
    looked_down: bool = False  # head or gaze had come down before this frame
    by_gaze: bool = False  # it was the gaze
    down: bool = False  # the head has come down
    far: bool = False  # so far that the picture tells no more
    fall_s: float = float("-inf")  # when the head was last up
    laughs: bool = False


_WIDE = 0.9  # openness of lids that do not move down
_REST_Y = -0.085  # the iris of a level gaze rests above the line of the corners


class _Ahead:
    """How low the iris lies while this driver looks ahead, of one eye."""

    def __init__(self) -> None:
        self.y = _REST_Y
        self._taught_s = 1.0

    def learn(self, y: float, dt_s: float, memory_s: float) -> None:
        taught_s = self._taught_s + dt_s
        self._taught_s = taught_s = memory_s if taught_s > memory_s else taught_s
        self.y += (y - self.y) * (1.0 if dt_s > taught_s else dt_s / taught_s)


class _Laughter:
    """Whether the face laughs now: happiness over some tenths of a second."""

    def __init__(self) -> None:
        self._happiness = 0.0
        self._scored_s = float("-inf")

    def step(self, t_s: float, scores: ExpressionScores | None, settings: LidSettings) -> bool:
        if scores is not None and scores.sure:
            now = scores.probabilities[_HAPPY]
            share = 1.0 - math.exp(-(t_s - self._scored_s) / settings.laughs_s)
            self._happiness += (now - self._happiness) * share
            self._scored_s = t_s
        if self._happiness <= settings.laughs_above:
            return False
        return t_s - self._scored_s <= 2 * settings.laughs_s


class LidSigns:
    """Step it with every frame in time order."""

    def __init__(self, settings: LidSettings) -> None:
        self._settings = settings
        self._ahead = (_Ahead(), _Ahead())
        self._laughter = _Laughter()
        self._laughs = False
        self._signs = Signs()  # filled anew in each step
        self._since_s: float | None = None  # since when the lids are seen lowered
        self._lowered_s = float("-inf")  # when they last were, for long enough
        self._sank_s = float("-inf")  # when the iris was last lower than the lids explain

    def step(
        self, tick: Tick, observation: DriverObservation, opened: Openness, head: Head
    ) -> Signs:
        """Take one frame; the signs are those of this frame until the next."""
        s, t_s, down = self._settings, tick.t_s, head.down
        by_gaze = t_s - self._lowered_s <= s.memory_s or t_s - self._sank_s <= s.memory_s
        right_lowered, right_sinks, right_shut, right_open = self._judge(
            observation.right_eye, opened.right, self._ahead[0], tick.dt_s, down, by_gaze
        )
        left_lowered, left_sinks, left_shut, left_open = self._judge(
            observation.left_eye, opened.left, self._ahead[1], tick.dt_s, down, by_gaze
        )
        if right_sinks or left_sinks:
            self._sank_s = t_s
        lowered = (right_lowered or left_lowered) and not (right_shut or left_shut)
        if not lowered:
            self._since_s = None
        else:
            self._since_s = t_s if self._since_s is None else self._since_s
            if reached(t_s - self._since_s, s.lowered_s):
                self._lowered_s = t_s
        before, scores = head.was_down(t_s - s.lead_s), observation.expression
        if scores is not None or self._laughs:  # without new scores nobody begins to laugh
            self._laughs = self._laughter.step(t_s, scores, s)
        signs = self._signs
        signs.lowered = lowered
        signs.certain_open = right_open or left_open
        signs.looked_down = before or by_gaze
        signs.by_gaze = by_gaze and not before
        signs.down, signs.far, signs.fall_s = down, head.far, head.fall_s
        signs.laughs = self._laughs
        return signs

    def _judge(
        self,
        eye: EyeEvidence,
        seen: EyeObservation,
        ahead: _Ahead,
        dt_s: float,
        down: bool,
        by_gaze: bool,
    ) -> tuple[bool, bool, bool, bool]:
        """Return of one eye whether it is lowered, its iris sinks, it is shut, open for certain.

        Sinks: the iris lies lower than lids on their way down over a level gaze explain.
        """
        openness, lids, iris, s = seen.openness, eye.lids, eye.iris, self._settings
        if openness is None:
            return False, False, False, False
        visible = eye.visible_probability
        certain = visible is None or visible >= s.certain_visible
        certain = certain or (lids is not None and lids.open >= s.certain_lids)
        certain = certain and openness >= s.certain_open
        below = sd = 0.0
        sinks = False
        if iris is not None:
            below, sd = iris.y - ahead.y, iris.sd
            if s.sinks_from <= openness < _WIDE:
                covered = s.lid_sinks * (1.0 - openness)
                sinks = below - covered >= max(s.sinks_least, sd)
        if lids is None:
            return False, sinks, False, certain
        if lids.lowered >= s.lowered_above:
            lowered = down or by_gaze or below >= max(s.iris_low, sd)
        else:  # half open, as in a look at the instruments: the iris itself must be seen low
            half = sinks and s.half_least <= openness <= s.half_most
            lowered = half and below >= max(s.iris_low, 2 * sd)
        if iris is not None and not down and lids.open > 0.7 and openness > 0.8:
            ahead.learn(iris.y, dt_s, s.iris_learn_s)
        return lowered, sinks, lids.closed >= s.closed_above, certain
