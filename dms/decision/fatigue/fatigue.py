"""All of the decision core that tells sleep and tiredness, in one room.

Joins the closure of the eyes, blinks, PERCLOS, yawns, nods and what they add up to; what each does
stands in its own module.
"""

from __future__ import annotations

from collections.abc import Mapping

from dms.decision.fatigue.blinks import Blink, Blinks
from dms.decision.fatigue.closure import Closure, Ended
from dms.decision.fatigue.drowsiness import BlinkRecord, Drowsiness, Evidence, SteadyLevel, judge
from dms.decision.fatigue.nods import Nod, Nods
from dms.decision.fatigue.perclos import Perclos
from dms.decision.fatigue.yawns import Yawns
from dms.decision.head import Head
from dms.decision.lids import LidSigns
from dms.decision.openness import Openness
from dms.decision.profiles import Rules
from dms.decision.settings import CoreSettings
from dms.decision.tick import Tick, reached
from dms.values import (
    EXPRESSIONS,
    DriverObservation,
    Event,
    EyesState,
    HeadPose,
    Kind,
    Level,
    LidsState,
    Scalar,
)

_HAPPINESS = EXPRESSIONS.index("happiness")
_OPEN, _UNKNOWN = EyesState.OPEN, EyesState.UNKNOWN  # bound once, as in dms.decision.policy
_LOWERED, _AWAY_OR_CLOSED = LidsState.LOWERED, LidsState.AWAY_OR_CLOSED


class Fatigue:
    """Step it with every frame in time order, then let it :meth:`judge`."""

    def __init__(self, settings: CoreSettings, rules: Rules) -> None:
        self._settings, self._rules = settings, rules
        self.forget_closure()
        self.forget_tiredness()

    def forget_closure(self) -> None:
        """Drop what is under way: the closure, the blink, the nod."""
        s = self._settings
        self.closure = Closure(s.closure)
        self._blinks = Blinks(s.blinks)
        self._nods = Nods(s.nods)
        self._head = Head(s.head)
        self._lids = LidSigns(s.lids)

    def forget_tiredness(self) -> None:
        """Drop what has been counted; an alert that stands ends only by its own rule."""
        s = self._settings
        self.perclos = Perclos(s.perclos)
        self.yawns = Yawns(s.yawns)
        self.record = BlinkRecord(s.drowsiness)
        self._steady = SteadyLevel(s.drowsiness)
        self._evidence: Evidence | None = None  # what was judged last
        self._judged = self.drowsiness = Drowsiness(None, None, "")

    def succeed(self, old: Fatigue) -> None:
        """Go on with the closure of ``old``, whose settings were others."""
        self.closure.succeed(old.closure)

    def step(
        self,
        tick: Tick,
        observation: DriverObservation,
        opened: Openness,
        pose: HeadPose | None,
        expression: tuple[float, ...] | None,
    ) -> list[Event]:
        """Take one frame; return the nod, blink, long closure and yawn that it ended, level 0.

        ``pose`` is against the baseline, ``expression`` as it was known before this frame.
        """
        t_s, closure = tick.t_s, self.closure
        self._head.step(t_s, observation.face, pose)
        signs = self._lids.step(tick, observation, opened, self._head)
        closure.step(tick, opened.lids, opened.certainty, signs)
        events: list[Event] = []
        shut = closure.state is not _OPEN
        nod = self._nods.step(
            t_s, self._head, signs,
            closure_s=closure.start_s, shut=shut, seen=observation.face is not None,
        )  # fmt: skip
        if nod is not None:
            events.append(self._nod(t_s, nod))
        seen = closure.state is not _UNKNOWN
        blink = self._blinks.step(tick, opened.both if seen else None)
        if blink is not None:
            events.append(self._blink(t_s, blink))
        self.perclos.step(tick, seen=seen, closed_s=closure.closed_s, start_s=closure.start_s)
        if closure.ended is not None:
            events += self._end_closure(t_s, closure.ended)
        happy = None if expression is None else expression[_HAPPINESS]
        yawn = self.yawns.step(t_s, observation.mar, happy, observation.yawn)
        if yawn is not None:
            values = {"peak": round(yawn.peak, 3)}
            events.append(_observed(t_s, Kind.YAWN, "yawn", (yawn.start_s, yawn.end_s), values))
        return events

    def judge(self, t_s: float) -> None:
        """Set :attr:`drowsiness` by what has been counted."""
        self.record.forget(t_s)
        perclos = self.perclos
        evidence = self.record.evidence(perclos.value, perclos.seen_s, self.yawns.count)
        if evidence is not self._evidence:
            self._evidence = evidence
            self._judged = judge(evidence, self._settings.drowsiness)
        self.drowsiness = self._steady.step(t_s, self._judged)

    def lids_away(self) -> bool:
        """Tell whether the lids say that the eyes are off the road, for longer than a blink."""
        closure = self.closure
        if closure.lids is _AWAY_OR_CLOSED:
            carried = reached(closure.unsure_s, self._settings.closure.carry_s)
            return carried or closure.by_gaze
        return closure.lids is _LOWERED

    def _nod(self, t_s: float, nod: Nod) -> Event:
        """Note a nod: it makes a closure that could not be told from a look a microsleep."""
        if nod.start_s == self.closure.start_s:
            self.closure.prove()  # else what went before it, unseen, stays in doubt
        if nod.before_s is not None:
            self.record.add_nod(t_s)
        values = {"fall_deg": round(nod.fall_deg, 1)}
        return _observed(t_s, Kind.NOD, "nod", (nod.start_s, nod.end_s), values)

    def _blink(self, t_s: float, blink: Blink) -> Event:
        self.record.add_blink(t_s, blink.duration_s)
        span = (blink.start_s, blink.end_s)
        return _observed(t_s, Kind.BLINK, "blink", span, blink.values)

    def _end_closure(self, t_s: float, ended: Ended) -> list[Event]:
        """Note a closure of a microsleep's length with its start and end, as observed only."""
        if not reached(ended.closed_s, self._rules.microsleep_s):
            return []
        self.record.add_microsleep(t_s)
        kind = Kind.SLEEP if reached(ended.closed_s, self._rules.sleep_s) else Kind.MICROSLEEP
        values = {"closed_s": round(ended.closed_s, 3)}
        span = (ended.start_s, ended.end_s)
        return [_observed(t_s, kind, "the closure has ended", span, values)]


def _observed(
    t_s: float, kind: Kind, reason: str, span_s: tuple[float, float], values: Mapping[str, Scalar]
) -> Event:
    """Make an event of what is only observed, level 0."""
    return Event(t_s, kind, Level.NONE, reason, *span_s, values)
