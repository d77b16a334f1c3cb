import itertools
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms.camera.clock import RecordingClock


def stamps(raw, fps=25.0, gap=60.0, scale=1.0):
    clock = RecordingClock(fps, gap, scale)
    return [clock.stamp(value) for value in raw]


def test_good_stamps_pass_unchanged_and_count_from_the_first():
    assert stamps([5.0, 5.04, 5.1, 5.3]) == pytest.approx([0, 0.04, 0.1, 0.3])


def test_missing_stamps_take_the_declared_rate():
    assert stamps([None] * 4) == pytest.approx([0, 0.04, 0.08, 0.12])


@pytest.mark.parametrize("fps", [0.0, float("nan"), 90000.0])
def test_an_unbelievable_rate_is_taken_as_thirty(fps):
    assert stamps([None, None], fps=fps)[1] == pytest.approx(1 / 30)


def test_a_repeated_stamp_takes_the_period_and_the_next_ones_catch_up():
    times = stamps([0.0, 0.04, 0.04, 0.12, 0.16])
    assert times == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])


def test_swapped_frames_still_rise_and_return_to_the_true_time():
    times = stamps([0.0, 0.08, 0.04, 0.12, 0.16, 0.2])
    assert times == sorted(set(times))
    assert times[-1] == pytest.approx(0.2)


def test_a_count_that_restarts_goes_on():
    times = stamps([0.0, 5.0, 10.0, 0.0, 0.04])
    assert times == pytest.approx([0, 5.0, 10.0, 10.04, 10.08])


def test_a_jump_of_hours_is_a_broken_stamp_but_a_pause_is_a_pause():
    assert stamps([0.0, 0.04, 9000.0, 9000.04])[2:] == pytest.approx([0.08, 0.12])
    assert stamps([0.0, 0.04, 30.0])[2] == pytest.approx(30.0)


def test_one_picture_that_comes_late_makes_no_new_count():
    """After damage a decoder may give one of two seconds ago, as MPEG-TS does."""
    times = stamps([0.0, 4.0, 4.04, 1.9, 4.08, 4.12, 4.16])
    assert times == sorted(set(times))
    assert times[-1] == pytest.approx(4.16)
    assert stamps([0.0, 0.04, 9000.0, 0.12, 0.16]) == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])


def test_several_pictures_that_come_late_make_none_either_once_the_count_goes_on():
    times = stamps([0.0, 4.0, 4.04, 1.9, 1.94, 1.98, 4.16, 4.2, 4.24, 4.28])
    assert times == sorted(set(times))
    assert times[-1] == pytest.approx(4.28)
    again = [100.0, 100.04, *(0.04 * n for n in range(200)), 9.5]  # restarted, later a gap
    assert stamps(again)[-1] == pytest.approx(0.08 + 9.5)


def test_repairs_are_told_once(caplog):
    with caplog.at_level(logging.WARNING):
        stamps([0.0, 0.0, 0.0, 0.0])
    assert len(caplog.records) == 1


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e4, 1e4)), min_size=2, max_size=50),
    st.floats(0.1, 10),
)
def test_time_always_rises_whatever_the_file_says(raw, scale):
    times = stamps(raw, scale=scale)
    assert times[0] == 0.0
    assert all(late > early for early, late in itertools.pairwise(times))
