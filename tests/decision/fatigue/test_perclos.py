"""PERCLOS: long closures over the time seen."""

from __future__ import annotations

import pytest

from dms.decision.fatigue.perclos import Perclos, PerclosSettings
from tests.decision.ticks import Ticks

S = PerclosSettings()
DT = 0.1


class Minute:
    """Steps PERCLOS at 10 Hz."""

    def __init__(self) -> None:
        self.it = Perclos(S)
        self.tick = Ticks()
        self.t_s = 0.0

    def seen(self, seconds: float, *, seen: bool = True) -> Minute:
        for _ in range(round(seconds / DT)):
            self.it.step(self.tick(round(self.t_s, 6)), seen=seen, closed_s=0.0, start_s=None)
            self.t_s += DT
        return self

    def closed(self, seconds: float, *, seen: bool = True) -> Minute:
        start_s = round(self.t_s, 6)
        for n in range(round(seconds / DT)):
            self.it.step(self.tick(round(self.t_s, 6)), seen=seen, closed_s=n * DT, start_s=start_s)
            self.t_s += DT
        return self


def test_unknown_below_the_least_time_seen() -> None:
    assert Minute().seen(S.seen_least_s).it.value is None
    assert Minute().seen(S.seen_least_s + DT).it.value == 0.0


def test_blinks_do_not_count() -> None:
    minute = Minute()
    for _ in range(20):
        minute.seen(2.6).closed(0.4)
    assert minute.it.value == 0.0


def test_long_closures_count_whole() -> None:
    minute = Minute()
    for _ in range(20):
        minute.seen(2.2).closed(0.8)
    minute.seen(DT)
    assert minute.it.value == pytest.approx(20 * 0.7 / 60, abs=0.01)


def test_closure_counts_from_its_start_once_it_is_long() -> None:
    minute = Minute().seen(40).closed(S.closure_s)
    assert minute.it.value == 0.0
    minute.closed(0.1)  # a new one
    assert minute.it.value == 0.0
    longer = Minute().seen(40).closed(S.closure_s + DT)
    assert longer.it.value == pytest.approx(0.5 / 40.5, abs=0.002)


def test_unseen_time_is_neither_open_nor_closed() -> None:
    minute = Minute()
    for _ in range(10):
        minute.seen(3.0).closed(1.0).seen(2.0, seen=False)
    assert minute.it.seen_s == pytest.approx(40.0, abs=0.5)
    assert minute.it.value == pytest.approx(10 * 0.9 / 39, abs=0.02)


def test_closure_that_runs_on_unseen_counts_only_while_seen() -> None:
    minute = Minute().seen(45).closed(1.0)
    value = minute.it.value
    minute.closed(10.0, seen=False)
    assert minute.it.value == pytest.approx(value, abs=0.01)


def test_window_slides() -> None:
    minute = Minute().closed(5.0).seen(50)
    assert minute.it.value == pytest.approx(4.9 / 54.9, abs=0.01)
    minute.seen(8.0)
    assert minute.it.value == pytest.approx(1.9 / 60, abs=0.01)
    minute.seen(3.0)
    assert minute.it.value == 0.0
    assert minute.it.seen_s == pytest.approx(60.0)


def test_gap_between_frames_is_unseen() -> None:
    minute = Minute().seen(40)
    minute.t_s += 10.0
    minute.seen(1.0)
    assert minute.it.seen_s == pytest.approx(40.8, abs=DT)


def test_all_closed_is_one() -> None:
    assert Minute().closed(90).it.value == pytest.approx(1.0)
