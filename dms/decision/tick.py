"""The instant of one frame: how long after the one before, and whether that was a gap."""

from __future__ import annotations

from dataclasses import dataclass

TOLERANCE_S = 1e-3  # timestamps of containers are rounded to milliseconds
LONGEST_STEP_S = 0.5  # our estimate; the setting core.longest_step_s


def reached(spent_s: float, limit_s: float) -> bool:
    """Whether a timer has come to its limit, but for what rounded timestamps lack."""
    return spent_s >= limit_s - TOLERANCE_S


@dataclass(slots=True)
class Tick:
    """Made once a frame and handed to each meter, which leave it as it is.

    ``dt_s`` is the time since the frame before, 0 for the first and after a gap; ``gap_s`` is the
    length of that gap, in which nothing is known, else 0.
    """

    t_s: float
    last_s: float  # the frame before; of the first, its own time
    dt_s: float = 0.0
    gap_s: float = 0.0
    longest_s: float = LONGEST_STEP_S  # a longer step would be a gap

    @classmethod
    def after(
        cls, last_s: float | None, t_s: float, longest_step_s: float = LONGEST_STEP_S
    ) -> Tick:
        """Return the tick at ``t_s``; ``last_s`` is None for the first frame."""
        if last_s is None or t_s <= last_s:
            return cls(t_s, t_s, 0.0, 0.0, longest_step_s)
        step_s = t_s - last_s
        if step_s > longest_step_s:
            return cls(t_s, last_s, 0.0, step_s, longest_step_s)
        return cls(t_s, last_s, step_s, 0.0, longest_step_s)

    @property
    def elapsed_s(self) -> float:
        """The time since the frame before, known or not."""
        return self.dt_s + self.gap_s

    def reached(self, since_s: float, limit_s: float) -> bool:
        """Whether ``limit_s`` have passed since then."""
        return self.t_s - since_s >= limit_s - TOLERANCE_S
