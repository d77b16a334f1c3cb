"""The closed-eye timer."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dms.decision.fatigue.closure import Closure, ClosureSettings, Ended
from dms.decision.lids import Signs
from dms.values import EyesState, LidsState
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

    def hold(
        self,
        seconds: float,
        openness: float | None,
        certainty: float = 0.9,
        signs: Signs = Signs(),  # noqa: B008
    ) -> Closure:
        for _ in range(round(seconds / DT)):
            self.it.step(self.tick(round(self.t_s, 6)), openness, certainty, signs)
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


LOOKED = Signs(looked_down=True, down=True, far=True)
DOWN = Signs(down=True)
LOWERED = Signs(lowered=True, looked_down=True, by_gaze=True)


def test_a_half_open_frame_before_the_loss_ends_no_closure() -> None:
    eyes = Eyes()
    eyes.hold(1.0, 0.0)
    eyes.hold(DT, 0.4)
    it = eyes.hold(1.0, None)
    assert it.closed_s == pytest.approx(1.0 + 1.0, abs=1e-6)
    assert eyes.ended == []


def test_lids_that_close_after_the_head_came_down_are_away_or_closed() -> None:
    eyes = Eyes()
    it = eyes.hold(2.0, 0.0, signs=LOOKED)
    assert (it.lids, it.closed_s) == (LidsState.AWAY_OR_CLOSED, 0.0)
    assert it.unsure_s == pytest.approx(2.0 - DT)
    eyes.hold(0.2, 1.0)
    (ended,) = eyes.ended
    assert ended.closed_s == 0.0


def test_closed_with_the_head_up_again_believes_the_whole_closure() -> None:
    eyes = Eyes()
    eyes.hold(1.0, 0.0, signs=LOOKED)
    assert eyes.hold(S.proof_s, 0.0).closed_s == 0.0
    it = eyes.hold(DT, 0.0)
    assert (it.lids, it.unsure_s) == (LidsState.CLOSED, 0.0)
    assert it.closed_s == pytest.approx(1.0 + S.proof_s)


def test_a_closure_after_a_gaze_down_is_not_believed_for_being_long() -> None:
    eyes = Eyes()
    eyes.hold(DT, 0.0, signs=Signs(looked_down=True, by_gaze=True))
    it = eyes.hold(3.0, 0.0)
    assert (it.lids, it.closed_s) == (LidsState.AWAY_OR_CLOSED, 0.0)


@pytest.mark.parametrize(("before_s", "doubtful"), [(0.2, True), (0.4, False)])
def test_a_head_that_falls_with_the_lids_is_doubtful(before_s: float, doubtful: bool) -> None:
    eyes = Eyes()
    eyes.hold(before_s, 0.0)
    it = eyes.hold(1.0, 0.0, signs=Signs(down=True, far=True, fall_s=before_s - DT))
    assert it.doubtful is doubtful
    assert it.closed_s == (0.0 if doubtful else pytest.approx(before_s + 1.0 - DT))


def test_a_head_that_falls_late_in_a_closure_changes_nothing() -> None:
    eyes = Eyes()
    eyes.hold(S.doubt_s + DT, 0.0)
    assert not eyes.hold(1.0, 0.0, signs=Signs(down=True, far=True, fall_s=0.0)).doubtful


def test_laughter_is_doubtful_and_what_follows_it_is_believed() -> None:
    eyes = Eyes()
    assert eyes.hold(1.5, 0.0, signs=Signs(laughs=True)).lids is LidsState.AWAY_OR_CLOSED
    assert eyes.hold(S.proof_s + DT, 0.0).lids is LidsState.CLOSED


def test_a_face_lost_as_the_head_comes_down_is_away_or_closed() -> None:
    eyes = Eyes()
    eyes.hold(1.0, 1.0, signs=DOWN)
    it = eyes.hold(2.0, None, signs=DOWN)
    assert (it.state, it.lids) == (EyesState.UNKNOWN, LidsState.AWAY_OR_CLOSED)
    assert (it.closed_s, it.unsure_s) == (0.0, pytest.approx(2.0))
    assert eyes.hold(0.2, 1.0).unsure_s == 0.0


def test_a_short_closure_lost_as_the_head_falls_runs_on_and_is_believed_afterwards() -> None:
    eyes = Eyes()
    eyes.hold(0.2, 0.0, signs=DOWN)
    assert eyes.hold(1.5, None, signs=DOWN).unsure_s == pytest.approx(1.7 - DT)
    assert eyes.hold(S.proof_s + DT, 0.0).closed_s == pytest.approx(1.7 + S.proof_s)


def test_eyes_that_were_seen_opening_as_the_face_is_lost_leave_it_away_or_closed() -> None:
    """A hand that hides them right then must not make a sleeper of who woke from a long blink."""
    eyes = Eyes()
    eyes.hold(0.5, 1.0)
    eyes.hold(0.45, 0.0)
    eyes.hold(2 * DT, 0.4)  # risen, not yet for as long as ends a closure
    it = eyes.hold(2.0, None, certainty=0.0)
    assert (it.doubtful, it.lids) == (True, LidsState.AWAY_OR_CLOSED)
    shut = Eyes()
    shut.hold(0.5, 1.0)
    shut.hold(0.45 + 2 * DT, 0.0)
    it = shut.hold(2.0, None, certainty=0.0)
    assert (it.doubtful, it.lids) == (False, LidsState.CLOSED)


def test_a_misread_eye_of_a_hanging_head_ends_no_closure() -> None:
    eyes = Eyes()
    eyes.hold(0.5, 0.0)
    hangs = Signs(certain_open=False, down=True, far=True, fall_s=0.4)
    eyes.hold(0.5, 0.9, signs=hangs)
    assert eyes.ended == []
    eyes.hold(0.2, 0.9, signs=Signs(down=True, far=True, fall_s=0.4))
    assert len(eyes.ended) == 1


def test_lids_seen_lowered_stop_the_clock_without_resetting_it() -> None:
    eyes = Eyes()
    eyes.hold(0.8, 0.0)
    it = eyes.hold(2.0, 0.1, signs=LOWERED)
    assert it.lids is LidsState.LOWERED
    assert it.closed_s == pytest.approx(0.8 - DT, abs=DT + 1e-6)
    assert eyes.hold(0.3, 0.0).closed_s == pytest.approx(1.1, abs=2 * DT)
    assert eyes.ended == []


def test_a_frame_of_lowered_lids_stops_nothing() -> None:
    eyes = Eyes()
    eyes.hold(0.8, 0.0)
    eyes.hold(DT, 0.0, signs=LOWERED)
    assert eyes.hold(0.4, 0.0).closed_s == pytest.approx(1.2)


def test_lowered_lids_that_are_seen_open_end_a_closure_as_others_do() -> None:
    eyes = Eyes()
    eyes.hold(0.8, 0.0)
    assert eyes.hold(S.reopen_s + DT, 0.6, signs=LOWERED).closed_s == 0.0
    (ended,) = eyes.ended
    assert ended.closed_s == pytest.approx(0.8, abs=S.reopen_s + DT)


def test_open_lids_of_which_some_frames_read_lowered_hold_no_closure() -> None:
    eyes = Eyes()
    eyes.hold(0.9, 0.0)
    eyes.hold(S.reopen_s + DT, 0.6, signs=LOWERED)
    assert eyes.hold(DT, 0.6).closed_s == 0.0
    assert [one.closed_s for one in eyes.ended] == [pytest.approx(0.9, abs=S.reopen_s)]


def test_lids_that_never_rose_but_were_read_lowered_for_a_moment_stay_shut() -> None:
    eyes = Eyes()
    eyes.hold(1.0, 1.0)
    eyes.hold(0.2, 0.0)
    eyes.hold(0.5, 0.1, signs=LOWERED)
    it = eyes.hold(0.8, 0.0)
    assert (it.lids, it.unsure_s) == (LidsState.CLOSED, 0.0)
    assert it.closed_s == pytest.approx(0.2 + 0.8, abs=2 * DT)


def test_lids_lowered_for_too_long_are_away_or_closed_from_their_begin() -> None:
    eyes = Eyes()
    eyes.hold(1.0, 1.0)
    it = eyes.hold(S.lowered_most_s, 0.1, signs=LOWERED)
    assert (it.lids, it.unsure_s) == (LidsState.LOWERED, 0.0)
    it = eyes.hold(DT, 0.1, signs=LOWERED)
    assert it.lids is LidsState.AWAY_OR_CLOSED
    assert it.unsure_s == pytest.approx(S.lowered_most_s)


def test_lowered_lids_begin_no_closure() -> None:
    eyes = Eyes()
    eyes.hold(0.5, 1.0)
    it = eyes.hold(S.lowered_most_s, 0.1, signs=LOWERED)
    assert (it.lids, it.closed_s, it.unsure_s) == (LidsState.LOWERED, 0.0, 0.0)


def test_lids_that_shut_slowly_pass_through_lowered_without_delay() -> None:
    eyes = Eyes()
    eyes.hold(0.5, 1.0)
    eyes.hold(0.3, 0.1, signs=LOWERED)
    it = eyes.hold(1.0, 0.0)
    assert it.start_s == pytest.approx(0.5)
    assert it.closed_s == pytest.approx(1.3 - DT)
    eyes.hold(0.5, 1.0)
    start_s = eyes.t_s
    eyes.hold(0.2, 0.1)
    eyes.hold(0.3, 0.1, signs=LOWERED)
    assert eyes.hold(0.2, 0.0).closed_s == pytest.approx(eyes.t_s - DT - start_s)


def test_lids_in_one_word() -> None:
    eyes = Eyes()
    assert eyes.hold(DT, None).lids is LidsState.UNKNOWN
    assert eyes.hold(DT, 1.0).lids is LidsState.OPEN
    assert eyes.hold(0.5, 0.0).lids is LidsState.CLOSED
    assert eyes.hold(0.5, None).lids is LidsState.CLOSED  # it runs on unseen
    eyes.hold(0.3, 1.0)
    eyes.hold(0.1, 0.0)
    assert eyes.hold(0.5, None).lids is LidsState.UNKNOWN  # held


def test_thresholds_must_leave_a_hysteresis() -> None:
    with pytest.raises(ValidationError, match="closed_below must be less"):
        ClosureSettings(closed_below=0.6, open_above=0.5)
