"""How long the eyes have now been closed, with hysteresis, and across moments without a face.

A closure that has outlasted a blink goes on while the face is lost (a nodding sleeper); a shorter
one is held, not reset. One that may as well be a look down is doubtful: its time is told apart,
as *away or closed*, until the lids are seen closed with the head up again.
"""

from __future__ import annotations

from dataclasses import dataclass

from dms.decision.lids import Signs
from dms.decision.tick import Tick, reached
from dms.settings import setting, settings
from dms.values import EyesState, LidsState


@settings
class ClosureSettings:
    """When eyes count as closed; openness is 0..1 of this driver's own."""

    closed_below: float = setting(
        0.27, gt=0, lt=1, text="closed: P80 (openness 0.2) plus the landmarks' blur"
    )
    open_above: float = setting(
        0.55, gt=0, lt=1, source="EAR 0.75 of the driver's own, DESIGN", text="open again"
    )
    rise: float = setting(
        0.3, gt=0, lt=1, text="or risen this far from the closure's own depth, above closed_below"
    )
    reopen_s: float = setting(0.1, unit="s", ge=0, text="open for this long ends a closure")
    half_open_s: float = setting(
        0.5, unit="s", ge=0,
        text="so does half open, midway between the two limits, for this long: a squint",
    )  # fmt: skip
    certain_above: float = setting(0.2, ge=0, lt=1, text="less certain frames change nothing")
    carry_s: float = setting(
        0.3, unit="s", ge=0, text="closed this long before the loss: the timer runs on unseen"
    )
    bridge_s: float = setting(
        1.0, unit="s", ge=0, text="closed before and after a loss this short: closed throughout"
    )
    proof_s: float = setting(
        0.3, unit="s", ge=0,
        text="read closed this long before the head fell, or with it up again: asleep, no look",
    )  # fmt: skip
    way_s: float = setting(
        0.4, unit="s", ge=0, text="lids read lowered for less are on their way to be shut"
    )
    lowered_most_s: float = setting(
        3.0, unit="s", gt=0,
        text="lids this low for longer are away or closed, also where they are read lowered",
    )  # fmt: skip
    doubt_s: float = setting(
        1.0, unit="s", ge=0, text="a head that falls later in a closure makes it no look down"
    )
    longest_gap_s: float = setting(
        5.0, unit="s", gt=0, text="a gap without any frame longer than this ends a closure"
    )

    def __post_init__(self) -> None:
        if self.closed_below >= self.open_above:
            raise ValueError(
                f"closed_below must be less than open_above, got {self.closed_below} and "
                f"{self.open_above}"
            )


@dataclass(frozen=True, slots=True)
class Ended:
    """A closure that is over; ``closed_s`` leaves out what was not seen and not believed."""

    start_s: float
    end_s: float
    closed_s: float


_NO_SIGNS = Signs()
# Bound once, as in dms.decision.policy.
_OPEN, _CLOSED, _UNKNOWN = EyesState.OPEN, EyesState.CLOSED, EyesState.UNKNOWN
_LIDS_OPEN, _LIDS_CLOSED = LidsState.OPEN, LidsState.CLOSED


class Closure:
    """The closed-eye timer. Step it with every frame in time order."""

    def __init__(self, settings: ClosureSettings) -> None:
        self._settings = settings
        self.start_s: float | None = None  # when the present closure began, None without one
        self._held_s = 0.0  # time within the closure that was frozen
        self._lost_s: float | None = None  # since when the eyes are not seen
        self._lost_held = False
        self._depth = 0.0  # lowest openness of this closure
        self._open_s: float | None = None  # since when they may be open again
        self._wide = False  # they were then seen wide open
        self._half_s: float | None = None  # since when they are half open
        self._lowered_s: float | None = None  # since when they are lowered
        self._rested_s = 0.0  # how much of that has been held
        self._shut_s: float | None = None  # since when the lids read shut, lowered or not
        self._proof_s: float | None = None  # since when they are closed with the head up
        self._provable = True  # the head made the doubt, not the gaze
        self.doubtful = False  # the present closure may be a look down
        self.state = _UNKNOWN
        self.lids = LidsState.UNKNOWN
        self.closed_s = 0.0
        self.unsure_s = 0.0  # the same of a doubtful closure
        self.ended: Ended | None = None  # the closure that ended in this step

    def succeed(self, old: Closure) -> None:
        """Go on with the closure of ``old`` under these settings."""
        vars(self).update({**vars(old), "_settings": self._settings})

    @property
    def by_gaze(self) -> bool:
        """Whether the present closure is doubtful because the gaze went down before it."""
        return self.doubtful and not self._provable

    def prove(self) -> None:
        """Believe the present closure, as of a head that has jerked back."""
        self.doubtful = False

    def step(
        self, tick: Tick, openness: float | None, certainty: float, signs: Signs = _NO_SIGNS
    ) -> None:
        """Take one frame; ``openness`` is None where the eyes are not seen."""
        s = self._settings
        self.ended = None
        if tick.gap_s and self._lost_s is None:
            self._lose(tick.last_s, signs)
        if tick.gap_s > s.longest_gap_s:
            self._end(tick.last_s if self._lost_s is None else self._lost_s)
            self._lost_s = None
        if openness is None or certainty < s.certain_above:
            if self._lost_s is None:
                self._lose(tick.last_s, signs)
            self.state = _UNKNOWN
        else:
            self._see(tick, openness, signs)
        if self.start_s is None:
            self.closed_s = self.unsure_s = 0.0
        else:
            self._doubt(tick, signs)
            self._count(self.start_s, tick.t_s)
        self.lids = self._lids(tick)

    def _lose(self, since_s: float, signs: Signs) -> None:
        self._lost_s, self._half_s, self._proof_s, self._lowered_s = since_s, None, None, None
        opening = self._open_s is not None and reached(
            since_s - self._open_s, self._settings.reopen_s / 2
        )
        if self._open_s is not None and self._wide:  # it was opening: believe it
            self._end(self._open_s)
        self._open_s = None
        closed_s = 0.0 if self.start_s is None else since_s - self.start_s - self._held_s
        self._lost_held = closed_s < self._settings.carry_s
        if self._lost_held and signs.down:  # lost as it came down: away or closed from here
            if self.start_s is None:
                self.start_s, self._held_s, self._depth = since_s, 0.0, 0.0
            self.doubtful, self._provable, self._lost_held = True, True, False
        elif opening and self.start_s is not None:  # seen opening last: away or closed from here
            self.doubtful, self._provable = True, True

    def _see(self, tick: Tick, openness: float, signs: Signs) -> None:
        s, t_s = self._settings, tick.t_s
        lost_s, self._lost_s = self._lost_s, None
        hangs = signs.far and not signs.certain_open  # what is read of it is not believed
        closed = openness < s.closed_below or hangs
        rested_s = self._lowered_s
        if openness >= s.closed_below:
            self._shut_s = None
        elif self._shut_s is None:
            self._shut_s = t_s
        rests = passed = False
        if signs.lowered or rested_s is not None or self._rested_s:
            rests = self._rests(tick, signs)
            passed = not rests and self._resumes(tick, rested_s)
        self.state = _CLOSED if closed else _OPEN
        if self.start_s is None:
            if closed and not rests:
                whole = passed or signs.lowered  # on their way, or for too long to be believed
                since_s = self._shut_s if whole and self._shut_s is not None else t_s
                self._begin(since_s, openness, signs)
            return
        if not hangs and self._squinted(tick, openness):
            self.state = _OPEN
            return
        risen = openness > max(s.closed_below, self._depth + s.rise)
        if (openness > s.open_above or risen) and not hangs:
            if lost_s is not None and self._lost_held:
                self._end(lost_s)
            elif self._open_s is None:
                self._open_s, self._wide = t_s, False
            self._wide = self._wide or openness > s.open_above
            if self._open_s is not None and tick.reached(self._open_s, s.reopen_s):
                self._end(self._open_s)
            self.state, self._proof_s = _OPEN, None
            return
        self._open_s = None
        if rests:
            return
        self._depth = min(self._depth, openness)
        if lost_s is not None and self._lost_held and t_s - lost_s > s.bridge_s:
            self._held_s += t_s - lost_s
        self.state = _CLOSED

    def _resumes(self, tick: Tick, rested_s: float | None) -> bool:
        """Whether lids lowered from ``rested_s`` to now were but on their way to be shut."""
        s, held_s = self._settings, self._rested_s
        self._rested_s = 0.0
        if rested_s is None:
            return False
        if not tick.reached(rested_s, s.way_s):
            self._held_s -= held_s if self.start_s is not None else 0.0
            return True
        if self.start_s is None or self.closed_s >= s.proof_s:
            return False
        if self._shut_s is None or self._shut_s > self.start_s:  # a blink, then a look down
            self.doubtful, self._provable = True, False
        return False

    def _begin(self, t_s: float, openness: float, signs: Signs) -> None:
        self.start_s, self._held_s, self._open_s = t_s, 0.0, None
        self._depth = openness
        unread = openness >= self._settings.closed_below
        self.doubtful, self._provable = signs.looked_down or unread, not signs.by_gaze

    def _rests(self, tick: Tick, signs: Signs) -> bool:
        """Whether lids seen lowered for long enough stop the clock, which they do not reset."""
        too_long = self._shut_s is not None and tick.reached(
            self._shut_s, self._settings.lowered_most_s
        )
        if not signs.lowered or too_long:
            self._lowered_s = None
            return False
        rested = self._resting(tick.last_s)
        self._lowered_s = tick.t_s if self._lowered_s is None else self._lowered_s
        if not self._resting(tick.t_s):
            return self.start_s is None  # none begins with lowered lids
        if self.start_s is not None:
            rest_s = tick.t_s - (tick.last_s if rested else self._lowered_s)
            self._held_s, self._rested_s = self._held_s + rest_s, self._rested_s + rest_s
        self._proof_s = None
        return True

    def _resting(self, t_s: float) -> bool:
        since_s = self._lowered_s
        return since_s is not None and reached(t_s - since_s, self._settings.reopen_s)

    def _doubt(self, tick: Tick, signs: Signs) -> None:
        """Doubt a closure whose head falls with it; believe one read closed with the head up."""
        s = self._settings
        if self.start_s is None or self._lost_s is not None:
            return
        young = tick.t_s - self.start_s < s.doubt_s
        fell = signs.far and signs.fall_s - self.start_s < s.proof_s
        if not self.doubtful and young and (fell or signs.laughs):
            self.doubtful, self._provable = True, True
        closed = self.state is _CLOSED and not signs.lowered
        if not closed or signs.down or signs.far or signs.laughs or not self._provable:
            self._proof_s = None
            return
        self._proof_s = tick.t_s if self._proof_s is None else self._proof_s
        if tick.reached(self._proof_s, s.proof_s):
            self.doubtful = False

    def _squinted(self, tick: Tick, openness: float) -> bool:
        """End a closure that has become a squint: one shallow dip must not hold it for good."""
        s = self._settings
        if openness <= (s.closed_below + s.open_above) / 2:
            self._half_s = None
            return False
        self._half_s = tick.t_s if self._half_s is None else self._half_s
        if not tick.reached(self._half_s, s.half_open_s):
            return False
        self._end(self._half_s)
        return True

    def _count(self, start_s: float, t_s: float) -> None:
        self.closed_s = self.unsure_s = 0.0
        until_s = t_s
        if self._open_s is not None:
            until_s = self._open_s
        elif self._lost_s is not None and self._lost_held:
            until_s = self._lost_s
        counted_s = max(until_s - start_s - self._held_s, 0.0)
        if self.doubtful:
            self.unsure_s = counted_s
        else:
            self.closed_s = counted_s

    def _lids(self, tick: Tick) -> LidsState:
        if self._lost_s is not None:
            if self.start_s is None or self._lost_held:
                return LidsState.UNKNOWN
        elif self._lowered_s is not None and (self.start_s is None or self._resting(tick.t_s)):
            return LidsState.LOWERED
        elif self.start_s is None or self.state is _OPEN:
            return _LIDS_OPEN
        return LidsState.AWAY_OR_CLOSED if self.doubtful else _LIDS_CLOSED

    def _end(self, end_s: float) -> None:
        if self.start_s is not None:
            closed_s = max(end_s - self.start_s - self._held_s, 0.0)
            self.ended = Ended(self.start_s, end_s, 0.0 if self.doubtful else closed_s)
        self.start_s, self._open_s, self._half_s, self._held_s = None, None, None, 0.0
        self._proof_s, self.doubtful = None, False
