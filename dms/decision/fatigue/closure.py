"""How long the eyes have now been closed, with hysteresis, and across moments without a face.

A closure that has outlasted a blink goes on while the face is lost (a nodding sleeper); a shorter
one is held, not reset.
"""

from __future__ import annotations

from dataclasses import dataclass

from dms.decision.tick import Tick
from dms.settings import setting, settings
from dms.values import EyesState


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


class Closure:
    """The closed-eye timer. Step it with every frame in time order."""

    def __init__(self, settings: ClosureSettings) -> None:
        self._settings = settings
        self._start_s: float | None = None
        self._held_s = 0.0  # time within the closure that was frozen
        self._lost_s: float | None = None  # since when the eyes are not seen
        self._lost_held = False
        self._depth = 0.0  # lowest openness of this closure
        self._open_s: float | None = None  # since when they may be open again
        self._half_s: float | None = None  # since when they are half open
        self.state = EyesState.UNKNOWN
        self.closed_s = 0.0
        self.ended: Ended | None = None  # the closure that ended in this step

    def succeed(self, old: Closure) -> None:
        """Go on with the closure of ``old`` under these settings."""
        vars(self).update({**vars(old), "_settings": self._settings})

    @property
    def start_s(self) -> float | None:
        """When the present closure began, None while there is none."""
        return self._start_s

    def step(self, tick: Tick, openness: float | None, certainty: float) -> None:
        """Take one frame; ``openness`` is None where the eyes are not seen."""
        s = self._settings
        self.ended = None
        if tick.gap_s and self._lost_s is None:
            self._lose(tick.last_s)
        if tick.gap_s > s.longest_gap_s:
            self._end(tick.last_s if self._lost_s is None else self._lost_s)
            self._lost_s = None
        if openness is None or certainty < s.certain_above:
            if self._lost_s is None:
                self._lose(tick.last_s)
            self.state = EyesState.UNKNOWN
        else:
            self._see(tick, openness)
        self._count(tick.t_s)

    def _lose(self, since_s: float) -> None:
        self._lost_s, self._half_s = since_s, None
        if self._open_s is not None:  # it was opening: believe it
            self._end(self._open_s)
        closed_s = 0.0 if self._start_s is None else since_s - self._start_s - self._held_s
        self._lost_held = closed_s < self._settings.carry_s

    def _see(self, tick: Tick, openness: float) -> None:
        s, t_s = self._settings, tick.t_s
        lost_s, self._lost_s = self._lost_s, None
        closed = openness < s.closed_below
        if self._start_s is None:
            if closed:
                self._start_s, self._held_s, self._open_s = t_s, 0.0, None
                self._depth = openness
            self.state = EyesState.CLOSED if closed else EyesState.OPEN
            return
        if self._squinted(tick, openness):
            self.state = EyesState.OPEN
            return
        risen = openness > max(s.closed_below, self._depth + s.rise)
        if openness > s.open_above or risen:
            if lost_s is not None and self._lost_held:
                self._end(lost_s)
            elif self._open_s is None:
                self._open_s = t_s
            if self._open_s is not None and tick.reached(self._open_s, s.reopen_s):
                self._end(self._open_s)
            self.state = EyesState.OPEN
            return
        self._open_s = None
        self._depth = min(self._depth, openness)
        if lost_s is not None and self._lost_held and t_s - lost_s > s.bridge_s:
            self._held_s += t_s - lost_s
        self.state = EyesState.CLOSED

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

    def _count(self, t_s: float) -> None:
        if self._start_s is None:
            self.closed_s = 0.0
            return
        until_s = t_s
        if self._open_s is not None:
            until_s = self._open_s
        elif self._lost_s is not None and self._lost_held:
            until_s = self._lost_s
        self.closed_s = max(until_s - self._start_s - self._held_s, 0.0)

    def _end(self, end_s: float) -> None:
        if self._start_s is not None:
            closed_s = max(end_s - self._start_s - self._held_s, 0.0)
            self.ended = Ended(self._start_s, end_s, closed_s)
        self._start_s, self._open_s, self._half_s, self._held_s = None, None, None, 0.0
