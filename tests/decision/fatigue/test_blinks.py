"""Blinks as dips of the openness, at any frame rate."""

from __future__ import annotations

import math
import random

import pytest

from dms.decision.fatigue.blinks import Blink, Blinks, BlinkSettings
from dms.decision.tick import LONGEST_STEP_S
from tests.decision.ticks import Ticks

S = BlinkSettings()


def dip(
    t_s: float, at_s: float, closing: float, closed: float, opening: float, depth: float
) -> float:
    """Openness at ``t_s`` of one blink that starts at ``at_s``."""
    after = t_s - at_s
    if after < 0 or after > closing + closed + opening:
        return 1.0
    if after < closing:
        return 1.0 - depth * after / closing
    if after < closing + closed:
        return 1.0 - depth
    return 1.0 - depth * (1 - (after - closing - closed) / opening)


def watch(
    shape: tuple[float, float, float], depth: float = 1.0, fps: float = 30.0, noise: float = 0.0
) -> list[Blink]:
    """Watch 5 s with one blink of (closing, closed, opening) seconds at 2 s."""
    blinks, tick, found, dice = Blinks(S), Ticks(), [], random.Random(7)
    for frame in range(round(5 * fps)):
        t_s = frame / fps
        openness = dip(t_s, 2.0, *shape, depth) + dice.uniform(-noise, noise)
        blink = blinks.step(tick(t_s), min(max(openness, 0.0), 1.0))
        found += [blink] if blink is not None else []
    return found


@pytest.mark.parametrize("fps", [15.0, 20.0, 30.0, 60.0, 120.0])
@pytest.mark.parametrize("shape", [(0.07, 0.05, 0.12), (0.1, 0.2, 0.2), (0.15, 0.4, 0.25)])
def test_start_end_and_duration(fps: float, shape: tuple[float, float, float]) -> None:
    (blink,) = watch(shape, fps=fps)
    frame_s = 1 / fps
    closing, closed, opening = shape
    assert blink.start_s == pytest.approx(2.0 + S.edge * closing, abs=frame_s)
    assert blink.end_s == pytest.approx(
        2.0 + closing + closed + S.reopened * opening, abs=2 * frame_s
    )
    half_s = closing / 2 + closed + opening / 2
    assert blink.duration_s == pytest.approx(half_s, abs=frame_s)
    assert blink.start_s < blink.end_s
    assert blink.depth == pytest.approx(1.0, abs=0.35)


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0, 120.0])
@pytest.mark.parametrize("shape", [(0.07, 0.1, 0.12), (0.1, 0.2, 0.2), (0.15, 0.4, 0.25)])
def test_closing_closed_and_reopening(fps: float, shape: tuple[float, float, float]) -> None:
    (blink,) = watch(shape, fps=fps)
    closing, closed, opening = shape
    frame_s = 1 / fps
    assert blink.closing_s == pytest.approx((0.8 - S.edge) * closing, abs=frame_s)
    assert blink.closed_s == pytest.approx(closed + 0.2 * (closing + opening), abs=frame_s)
    assert blink.reopening_s == pytest.approx((S.reopened - 0.2) * opening, abs=frame_s)
    whole_s = blink.closing_s + blink.closed_s + blink.reopening_s
    assert whole_s == pytest.approx(blink.end_s - blink.start_s, abs=frame_s)


@pytest.mark.parametrize(("depth", "count"), [(1.0, 1), (0.5, 1), (0.35, 1), (0.25, 0)])
def test_partial_blinks(depth: float, count: int) -> None:
    assert len(watch((0.07, 0.07, 0.12), depth)) == count


def test_noise_is_no_blink_and_does_not_hide_one() -> None:
    assert len(watch((0.07, 0.1, 0.12), depth=0.9, noise=0.06)) == 1
    assert watch((0.07, 0.1, 0.12), depth=0.0, noise=0.15) == []


def test_one_frame_of_noise_is_too_short() -> None:
    assert watch((0.001, 0.01, 0.001), depth=0.5) == []


def test_slow_squint_is_no_blink() -> None:
    assert watch((1.0, 0.5, 0.3)) == []


def test_closure_is_no_blink() -> None:
    assert watch((0.1, 1.3, 0.1)) == []


def test_two_blinks_in_a_row() -> None:
    blinks, tick, found = Blinks(S), Ticks(), []
    for frame in range(120):
        t_s = frame / 30
        openness = min(dip(t_s, at, 0.07, 0.05, 0.1, 1.0) for at in (1.0, 1.4))
        found += [blinks.step(tick(t_s), openness)]
    assert sum(blink is not None for blink in found) == 2


def test_stream_that_begins_within_a_blink_counts_none() -> None:
    blinks, tick = Blinks(S), Ticks()
    found = [blinks.step(tick(n / 30), 0.2 if n < 4 else 1.0) for n in range(60)]
    assert found == [None] * 60


def test_unseen_eyes_break_a_blink_off() -> None:
    blinks, tick = Blinks(S), Ticks()
    for n in range(30):
        blinks.step(tick(n / 30), 1.0)
    for n in range(30, 34):
        blinks.step(tick(n / 30), 0.1)
    assert blinks.step(tick(34 / 30), None) is None
    assert [blinks.step(tick(n / 30), 1.0) for n in range(35, 60)] == [None] * 25


def test_gap_between_frames_breaks_a_blink_off() -> None:
    blinks, tick = Blinks(S), Ticks()
    for n in range(30):
        blinks.step(tick(n / 30), 1.0)
    blinks.step(tick(1.03), 0.1)
    assert blinks.step(tick(1.03 + LONGEST_STEP_S + 0.1), 1.0) is None


def test_eyes_that_stay_low_become_the_new_level() -> None:
    blinks, tick = Blinks(S), Ticks()
    found = []
    for n in range(30 * 8):
        openness = 1.0 if n < 30 else 0.6
        if n >= 30 * 6:  # a blink from the new level
            openness = 0.6 * dip(n / 30, 6.5, 0.07, 0.1, 0.1, 1.0)
        found += [blinks.step(tick(n / 30), openness)]
    assert sum(blink is not None for blink in found) == 1


def test_level_follows_slow_waves() -> None:
    blinks, tick = Blinks(S), Ticks()
    found = [blinks.step(tick(n / 30), 0.8 + 0.2 * math.cos(n / 60)) for n in range(900)]
    assert found == [None] * 900
