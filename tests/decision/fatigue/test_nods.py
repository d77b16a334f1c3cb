"""Nods: the head falls with the eyes shut, and jerks back."""

from __future__ import annotations

import math

import pytest

from dms.decision.fatigue.nods import Nod, Nods, NodSettings
from dms.decision.head import Head, HeadSettings
from dms.decision.lids import Signs
from dms.values import Box

S = NodSettings()
DT = 1 / 30
SHUT, OPEN = Signs(certain_open=False), Signs()


class Sleeper:
    """Moves a head at 30 Hz; the closure begins where it is told."""

    def __init__(self) -> None:
        self.it, self.head = Nods(S), Head(HeadSettings())
        self.t_s, self.deg = 0.0, 0.0
        self.closure_s: float | None = None
        self.nods: list[Nod] = []
        self.moves(1.0, 0.0, shut=False)

    def shuts(self) -> Sleeper:
        self.closure_s = self.t_s
        return self

    def moves(
        self, seconds: float, to_deg: float, signs: Signs = SHUT, *, shut: bool = True
    ) -> Sleeper:
        steps, from_deg = max(round(seconds / DT), 1), self.deg
        for step in range(1, steps + 1):
            self.deg = from_deg + (to_deg - from_deg) * step / steps
            self._step(self.deg, signs, shut=shut)
        return self

    def hides(self, seconds: float) -> Sleeper:
        for _ in range(round(seconds / DT)):
            self._step(None, SHUT, shut=True)
        return self

    def _step(self, deg: float | None, signs: Signs, *, shut: bool) -> None:
        top = None if deg is None else 200.0 * math.sin(math.radians(deg))
        self.head.step(self.t_s, None if top is None else Box(0.0, top, 200.0, 200.0), None)
        nod = self.it.step(
            self.t_s, self.head, signs,
            closure_s=self.closure_s, shut=shut, seen=deg is not None,
        )  # fmt: skip
        if nod is not None:
            self.nods.append(nod)
        self.t_s += DT


def test_a_fall_with_shut_eyes_and_a_jerk_back_is_a_nod_told_at_the_return() -> None:
    it = Sleeper().shuts().moves(0.2, 0.0).moves(0.6, 30.0)
    assert it.nods == []
    fallen_s = it.t_s
    it.moves(0.3, 0.0)
    (nod,) = it.nods
    assert nod.start_s == pytest.approx(1.0)
    assert nod.end_s == pytest.approx(fallen_s + 0.15, abs=2 * DT)
    assert nod.fall_deg == pytest.approx(30.0, abs=0.5)


def test_a_head_out_of_sight_at_the_bottom_is_a_nod_too() -> None:
    it = Sleeper().shuts().moves(0.4, 25.0).hides(0.8).moves(DT, 5.0).moves(0.3, 0.0)
    assert len(it.nods) == 1


def test_a_face_seen_again_with_shut_eyes_may_nod_anew() -> None:
    """What was lost, longer than any nod, is over; the nod counts from where it is seen again."""
    it = Sleeper().shuts().moves(0.4, 10.0).hides(2.5)
    seen_s = it.t_s
    it.moves(0.8, 30.0).moves(0.3, 10.0)
    (nod,) = it.nods
    assert nod.start_s == pytest.approx(seen_s)
    assert nod.end_s == pytest.approx(it.t_s - 0.15, abs=3 * DT)


@pytest.mark.parametrize(("hides_s", "nods"), [(0.3, 0), (0.7, 1)])
def test_a_face_lost_for_a_moment_goes_on_with_what_it_did(hides_s: float, nods: int) -> None:
    it = Sleeper().shuts().moves(2.2, 10.0).hides(hides_s).moves(0.8, 30.0).moves(0.3, 10.0)
    assert len(it.nods) == nods


def test_a_look_down_that_is_seen_again_on_its_way_back_is_no_nod() -> None:
    it = Sleeper().shuts().moves(0.4, 25.0).hides(2.5).moves(DT, 30.0).moves(0.3, 0.0)
    assert it.nods == []


def test_the_fall_may_begin_before_the_eyes_shut() -> None:
    it = Sleeper().moves(0.3, 10.0, OPEN, shut=False).shuts().moves(0.5, 20.0).moves(0.3, 0.0)
    assert [round(nod.fall_deg) for nod in it.nods] == [20]


@pytest.mark.parametrize(
    ("fall_s", "fall_deg", "back_s", "nods"),
    [(0.6, 11.5, 0.3, 0), (0.6, 12.5, 0.3, 1), (0.6, 30.0, 2.5, 0), (0.1, 30.0, 0.2, 0),
     (1.6, 30.0, 0.3, 1), (2.2, 30.0, 0.3, 0)],
)  # fmt: skip
def test_how_far_how_fast_and_how_long(
    fall_s: float, fall_deg: float, back_s: float, nods: int
) -> None:
    it = Sleeper().shuts().moves(fall_s, fall_deg).moves(back_s, 0.0)
    assert len(it.nods) == nods


@pytest.mark.parametrize("signs", [OPEN, Signs(certain_open=False, lowered=True)])
def test_eyes_open_or_lowered_while_the_head_is_down_were_looking(signs: Signs) -> None:
    it = Sleeper().shuts().moves(0.5, 30.0).moves(0.1, 30.0, signs).moves(0.5, 30.0)
    assert it.moves(0.3, 0.0).nods == []
    flicker = Sleeper().shuts().moves(0.5, 30.0).moves(DT, 30.0, signs).moves(0.5, 30.0)
    assert len(flicker.moves(0.3, 0.0).nods) == 1


def test_eyes_that_open_as_the_head_begins_to_rise_looked_down() -> None:
    it = Sleeper().shuts().moves(1.0, 30.0)
    assert it.moves(0.4, 0.0, SHUT, shut=False).nods == []


def test_a_head_back_within_two_frames_may_open_its_eyes_in_them() -> None:
    it = Sleeper().shuts().moves(1.0, 30.0)
    assert len(it.moves(DT, 0.0, SHUT, shut=False).nods) == 1


def test_next_nod_after_a_pause() -> None:
    it = Sleeper()
    for _ in range(2):
        it.shuts().moves(0.5, 30.0).moves(0.2, 0.0)
    assert len(it.nods) == 1
    it.moves(2.0, 0.0, shut=False).shuts().moves(0.5, 30.0).moves(0.2, 0.0)
    assert len(it.nods) == 2


def test_the_second_nod_within_a_minute_knows_of_the_first() -> None:
    it = Sleeper()
    for pause_s in (10.0, 65.0, 0.1):
        it.shuts().moves(0.5, 30.0).moves(0.2, 0.0).moves(pause_s, 0.0, shut=False)
    assert [nod.before_s is not None for nod in it.nods] == [False, True, False]


def test_without_a_closure_there_is_no_nod() -> None:
    assert Sleeper().moves(0.5, 30.0).moves(0.2, 0.0).nods == []
