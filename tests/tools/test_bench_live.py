"""What tools/bench_live.py says of a run: flat, or not and why."""

from dataclasses import replace

import pytest

from tools.bench_live import FPS, WARM_MIN, Minute, judge, stolen_ms

CALM = Minute(1, 148.0, 72.0, 11, 8, round(60 * FPS), 0, 5, 14.0, 5.0, 9.0, 8.0, 20.0)


def minutes(count=40, **last):
    """A calm run whose last minute differs."""
    run = [replace(CALM, minute=number) for number in range(1, count + 1)]
    return [*run[:-1], replace(run[-1], **last)]


def test_a_calm_run_is_flat():
    words, flat = judge(minutes())
    assert flat
    assert "40 minutes, 72,000 frames, 0 dropped" in words


@pytest.mark.parametrize("wrong", [{"anonymous_mb": 78.0}, {"descriptors": 12}, {"drops": 1}])
def test_growth_and_drops_are_told(wrong):
    assert not judge(minutes(**wrong))[1]


def test_frames_lost_while_it_starts_do_not_count():
    run = minutes()
    run[0] = replace(run[0], drops=9, anonymous_mb=60.0, descriptors=9)
    assert judge(run)[1]


def test_a_run_that_was_cut_short_is_not_judged():
    words, flat = judge(minutes(WARM_MIN + 1))
    assert not flat
    assert "too short" in words


def test_what_the_host_took_is_told_beside_the_drops():
    words, _ = judge(minutes(drops=4, stolen_ms=220.0))
    assert "took its processors for 1.0 s, 0.2 s of it in the 1 minutes with drops" in words
    assert stolen_ms() >= 0
