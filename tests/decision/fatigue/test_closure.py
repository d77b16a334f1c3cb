"""The closed-eye timer."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dms.decision.fatigue.closure import Closure, ClosureSettings, Ended
from dms.values import EyesState
from tests.decision.ticks import Ticks

S = ClosureSettings()
DT = 0.05


class Eyes:
    """Steps a closure at 20 Hz."""

    def __init__(self) -> None:
        self.it = Closure(S)
        self.tick = Ticks()
        self.t_s = 0.0
        self.ended: list[Ended] = []

    def hold(self, seconds: float, openness: float | None, certainty: float = 0.9) -> Closure:
        for _ in range(round(seconds / DT)):
            self.it.step(self.tick(round(self.t_s, 6)), openness, certainty)
            if self.it.ended is not None:
                self.ended.append(self.it.ended)
            self.t_s += DT
        return self.it


def test_counts_from_the_first_closed_frame() -> None:
    eyes = Eyes()
    assert eyes.hold(1.0, 1.0).state is EyesState.OPEN
    it = eyes.hold(1.0, 0.1)
    assert it.state is EyesState.CLOSED
    assert it.start_s == pytest.approx(1.0)
    assert it.closed_s == pytest.approx(1.0 - DT)


@pytest.mark.parametrize(("openness", "state"), [(0.26, EyesState.CLOSED), (0.27, EyesState.OPEN)])
def test_threshold_of_closing(openness: float, state: EyesState) -> None:
    assert Eyes().hold(DT, openness).state is state


def test_hysteresis_of_opening() -> None:
    eyes = Eyes()
    eyes.hold(0.5, 0.26)
    assert eyes.hold(0.5, 0.55).state is EyesState.CLOSED
    assert eyes.hold(0.5, 0.56).state is EyesState.OPEN
    assert eyes.it.closed_s == 0.0


def test_a_clear_rise_from_the_depth_opens_too() -> None:
    eyes = Eyes()
    eyes.hold(0.5, 0.05)
    assert eyes.hold(0.5, 0.34).state is EyesState.CLOSED
    assert eyes.hold(0.5, 0.36).state is EyesState.OPEN


MIDWAY = (S.closed_below + S.open_above) / 2


def test_half_open_for_long_is_a_squint() -> None:
    eyes = Eyes()
    eyes.hold(0.5, 0.25)
    assert eyes.hold(S.half_open_s, MIDWAY + 0.01).state is EyesState.CLOSED
    assert eyes.hold(DT, MIDWAY + 0.01).state is EyesState.OPEN
    (ended,) = eyes.ended
    assert ended.closed_s == pytest.approx(0.5)
    assert eyes.hold(10.0, MIDWAY + 0.01).closed_s == 0.0


def test_hardly_risen_stays_closed() -> None:
    eyes = Eyes()
    eyes.hold(0.5, 0.25)
    assert eyes.hold(10.0, MIDWAY).closed_s == pytest.approx(10.5 - DT)


def test_half_open_is_counted_without_a_break() -> None:
    eyes = Eyes()
    eyes.hold(0.5, 0.25)
    for _ in range(5):
        eyes.hold(S.half_open_s, MIDWAY + 0.01)
        eyes.hold(DT, 0.25)
    eyes.hold(S.half_open_s, MIDWAY + 0.01)
    eyes.hold(2 * DT, None)
    eyes.hold(S.half_open_s, MIDWAY + 0.01)
    assert eyes.ended == []


def test_end_is_the_first_open_frame() -> None:
    eyes = Eyes()
    eyes.hold(1.0, 1.0)
    eyes.hold(2.0, 0.0)
    eyes.hold(1.0, 1.0)
    (ended,) = eyes.ended
    assert (ended.start_s, ended.end_s) == (pytest.approx(1.0), pytest.approx(3.0))
    assert ended.closed_s == pytest.approx(2.0)


def test_timer_waits_while_it_may_be_opening() -> None:
    eyes = Eyes()
    eyes.hold(1.0, 0.0)
    assert eyes.hold(DT, 1.0).closed_s == pytest.approx(1.0)
    assert eyes.hold(1.0, 0.0).closed_s == pytest.approx(2.0)
    assert eyes.ended == []


def test_reset_of_opening_by_one_closed_frame() -> None:
    eyes = Eyes()
    eyes.hold(1.0, 0.0)
    for _ in range(5):
        eyes.hold(2 * DT, 1.0)
        eyes.hold(DT, 0.0)
    assert eyes.ended == []


def test_uncertain_frames_are_unseen() -> None:
    assert Eyes().hold(1.0, 0.0, certainty=S.certain_above - 0.01).state is EyesState.UNKNOWN
    assert Eyes().hold(1.0, 0.0, certainty=S.certain_above).state is EyesState.CLOSED


def test_long_closure_runs_on_unseen() -> None:
    eyes = Eyes()
    eyes.hold(S.carry_s + 2 * DT, 0.0)
    it = eyes.hold(5.0, None)
    assert it.state is EyesState.UNKNOWN
    assert it.closed_s == pytest.approx(S.carry_s + 2 * DT + 5.0 - DT, abs=1e-6)


def test_short_closure_is_held_unseen() -> None:
    eyes = Eyes()
    eyes.hold(0.2, 0.0)
    assert eyes.hold(5.0, None).closed_s == pytest.approx(0.2 - DT)
    eyes.hold(0.2, 1.0)
    assert eyes.it.closed_s == 0.0
    (ended,) = eyes.ended
    assert ended.closed_s == pytest.approx(0.2 - DT)


def test_short_closure_bridges_a_short_loss() -> None:
    eyes = Eyes()
    eyes.hold(0.2, 0.0)
    eyes.hold(0.5, None)
    assert eyes.hold(DT, 0.0).closed_s == pytest.approx(0.7)


def test_short_closure_does_not_bridge_a_long_loss() -> None:
    eyes = Eyes()
    eyes.hold(0.2, 0.0)
    eyes.hold(S.bridge_s + 0.5, None)
    assert eyes.hold(2 * DT, 0.0).closed_s == pytest.approx(0.2, abs=DT + 1e-6)


def test_opening_then_lost_is_believed() -> None:
    eyes = Eyes()
    eyes.hold(1.0, 0.0)
    eyes.hold(DT, 1.0)
    it = eyes.hold(1.0, None)
    assert it.closed_s == 0.0
    assert eyes.ended[0].end_s == pytest.approx(1.0)


def test_gap_within_a_long_closure_is_carried() -> None:
    eyes = Eyes()
    eyes.hold(1.0, 0.0)
    eyes.t_s += 2.0
    assert eyes.hold(DT, 0.0).closed_s == pytest.approx(3.0)


def test_gap_beyond_reason_ends_the_closure() -> None:
    eyes = Eyes()
    eyes.hold(1.0, 0.0)
    eyes.t_s += S.longest_gap_s + 1.0
    it = eyes.hold(1.0, 0.0)
    assert it.closed_s == pytest.approx(1.0 - DT)
    assert eyes.ended[0].closed_s == pytest.approx(1.0 - DT)


def test_eyes_never_seen_are_not_closed() -> None:
    it = Eyes().hold(10.0, None)
    assert (it.closed_s, it.start_s) == (0.0, None)


def test_thresholds_must_leave_a_hysteresis() -> None:
    with pytest.raises(ValidationError, match="closed_below must be less"):
        ClosureSettings(closed_below=0.6, open_above=0.5)
