"""What a frame's tick says of the time before it."""

from __future__ import annotations

import pytest

from dms.decision.tick import LONGEST_STEP_S, Tick, reached


def test_the_first_frame_has_no_time_before_it() -> None:
    assert Tick.after(None, 7.0) == Tick(7.0, 7.0, 0.0, 0.0)


@pytest.mark.parametrize("t_s", [6.0, 7.0])
def test_a_repeated_or_late_frame_takes_no_time(t_s: float) -> None:
    assert Tick.after(7.0, t_s).elapsed_s == 0.0


def test_a_step_is_counted_and_a_gap_is_not() -> None:
    step, gap = Tick.after(1.0, 1.0 + LONGEST_STEP_S), Tick.after(1.0, 2.0)
    assert (step.dt_s, step.gap_s, step.last_s) == (LONGEST_STEP_S, 0.0, 1.0)
    assert (gap.dt_s, gap.gap_s, gap.last_s) == (0.0, 1.0, 1.0)
    assert gap.elapsed_s == 1.0
    assert Tick.after(1.0, 2.0, longest_step_s=1.0).dt_s == 1.0


def test_a_limit_is_reached_though_stamps_are_rounded_to_milliseconds() -> None:
    assert reached(0.9991, 1.0)
    assert not reached(0.9989, 1.0)
    assert Tick(3.0, 2.9).reached(2.0, 1.0)
    assert not Tick(3.0, 2.9).reached(2.1, 1.0)
