"""Who sits at the wheel: when another may have sat down, and whether it was another."""

from __future__ import annotations

import pytest

from dms.decision.baseline import Known
from dms.decision.learning import BaselineSettings
from dms.decision.seat import Seat, SeatSettings
from dms.values import HeadPose
from tests.decision.ticks import Ticks

S = SeatSettings()
DT = 0.1
AHEAD = HeadPose(0.0, 0.0, 0.0)


class Car:
    """Steps a seat at 10 Hz and teaches its baseline."""

    def __init__(self, known: Known | None = None) -> None:
        self.seat, self.tick = Seat(S, BaselineSettings(), known), Ticks()
        self.t_s = 0.0
        self.stands: bool | None = None
        self.ignition: bool | None = None
        self.parked = self.closed = False
        self.taken = self.changed = 0

    def step(self, face: bool) -> None:
        self.seat.step(
            self.tick(self.t_s), face=face, stands=self.stands, ignition=self.ignition,
            parked=self.parked, closed=self.closed,
        )  # fmt: skip
        self.taken += self.seat.taken
        self.changed += self.seat.changed
        self.t_s += DT

    def drives(self, seconds: float, ear: float = 0.30, pose: HeadPose = AHEAD) -> Car:
        for _ in range(round(seconds / DT)):
            self.step(face=True)
            base = self.seat.baseline
            base.learn_eyes((ear, ear), (None, None), DT, closed=False)
            base.learn_pose(pose, DT)
            base.advance(DT)
        return self

    def leaves(self, seconds: float, stands: bool | None = None, *, parked: bool = False) -> Car:
        self.stands, self.parked = stands, parked
        for _ in range(round(seconds / DT)):
            self.step(face=False)
        return self


def learned() -> tuple[Car, object]:
    car = Car().drives(70)
    return car, car.seat.baseline


@pytest.mark.parametrize(
    ("seconds", "stands", "anew"),
    [
        (S.empty_standing_s - 2 * DT, True, False),
        (S.empty_standing_s + DT, True, True),
        (S.empty_s - 2 * DT, None, False),
        (S.empty_s + DT, None, True),
        (600.0, False, False),
    ],
)
def test_how_long_the_seat_must_be_empty(seconds: float, stands: bool | None, anew: bool) -> None:
    car, first = learned()
    car.leaves(seconds, stands).step(face=True)
    assert (car.seat.baseline is not first) is anew
    assert car.taken == anew


def test_moments_without_a_face_do_not_add_up() -> None:
    car, first = learned()
    for _ in range(20):
        car.leaves(S.empty_standing_s - 1, stands=True).step(face=True)
    assert car.seat.baseline is first


def test_standing_and_unknown_time_add_up_and_moving_time_does_not() -> None:
    car, first = learned()
    car.leaves(S.empty_standing_s - 1, stands=True).leaves(300, stands=False)
    car.leaves(S.empty_s - S.empty_standing_s, stands=None).step(face=True)
    assert car.seat.baseline is first
    car.leaves(S.empty_standing_s - 1, stands=True).leaves(300, stands=False)
    car.leaves(S.empty_s - S.empty_standing_s + 1.1, stands=None).step(face=True)
    assert car.seat.baseline is not first


def test_a_gap_without_frames_is_unknown_time() -> None:
    car, first = learned()
    car.stands = False
    car.t_s += S.empty_s + 1
    car.step(face=True)
    assert car.seat.baseline is not first


def test_ignition_off_and_on_again_begins_anew() -> None:
    car, first = learned()
    car.ignition = True
    car.drives(1)
    car.ignition = False
    car.drives(1)
    car.ignition = None  # not heard for a moment
    car.drives(1)
    assert car.seat.baseline is first
    car.ignition = True
    car.step(face=True)
    assert car.seat.baseline is not first
    assert car.taken == 1


@pytest.mark.parametrize(("stands", "parked"), [(True, True), (True, False), (None, False)])
def test_who_slept_out_of_sight_stays_who_he_is(stands: bool | None, parked: bool) -> None:
    car, first = learned()
    car.closed = True
    car.leaves(S.empty_s + 1, stands, parked=parked).step(face=True)
    # Parked, whoever sleeps harms nobody: the next face is judged by its own eyes.
    assert (car.seat.baseline is first) is not parked
    car.closed = False
    car.step(face=True)
    assert car.seat.baseline is not first


@pytest.mark.parametrize("stands", [True, None])
def test_who_comes_back_asleep_is_himself_when_he_wakes(stands: bool | None) -> None:
    car, first = learned()
    car.closed = True
    car.leaves(S.empty_s + 1, stands)
    for _ in range(round(S.asleep_s / DT) + 1):
        car.step(face=True)
    car.closed = False
    car.step(face=True)
    assert car.seat.baseline is first


def test_who_was_lost_asleep_while_parked_and_is_seen_on_the_road_is_protected() -> None:
    car, first = learned()
    car.closed = True
    car.leaves(S.empty_standing_s + 1, stands=True, parked=True).leaves(1, stands=False)
    car.step(face=True)
    assert (car.seat.baseline is first, car.taken) == (True, 0)


@pytest.mark.parametrize(
    ("seconds", "stands", "anew"),
    [
        (0.5, True, False),
        (0.5, None, False),
        (1.2, True, True),
        (1.2, None, True),
        (3, False, False),
    ],
)
def test_a_glitch_of_the_ignition_is_no_new_driver(
    seconds: float, stands: bool | None, anew: bool
) -> None:
    car, first = learned()
    car.stands, car.closed = stands, stands is True
    for on, lasts_s in ((True, 1.0), (False, seconds), (True, 1.0)):
        car.ignition = on
        for _ in range(round(lasts_s / DT)):
            car.step(face=True)
    assert (car.seat.baseline is not first) is anew


def test_an_ignition_off_that_turned_out_to_be_in_motion_is_forgotten() -> None:
    car, first = learned()
    for ignition, stands in ((False, None), (None, False), (None, None), (True, None)):
        car.ignition, car.stands = ignition, stands
        for _ in range(20):
            car.step(face=True)
    assert car.seat.baseline is first


@pytest.mark.parametrize(
    ("ear", "pose", "same"),
    [
        (0.30, AHEAD, True),
        (0.28, AHEAD, True),
        (0.32, AHEAD, True),
        (0.26, AHEAD, True),  # heavy lids are the same driver's
        (0.20, AHEAD, True),
        (0.17, AHEAD, False),
        (0.26, HeadPose(0.0, -12.0, 0.0), False),
        (0.35, AHEAD, False),
        (0.30, HeadPose(0.0, -12.0, 0.0), False),
        (0.30, HeadPose(12.0, 0.0, 0.0), False),
    ],
)
def test_the_same_driver_is_taken_up_again(ear: float, pose: HeadPose, same: bool) -> None:
    car, first = learned()
    car.leaves(10, stands=True).drives(S.compare_s - 1, ear, pose)
    assert car.seat.baseline is not first
    assert not car.seat.baseline.learned
    car.drives(2, ear, pose)
    assert (car.seat.baseline is first) is same
    assert car.changed == 0  # after a mere stop nothing that was counted is forgotten


@pytest.mark.parametrize(
    ("ear", "same"), [(0.24, True), (0.22, True), (0.20, False), (0.35, False)]
)
def test_another_after_parking_is_told(ear: float, same: bool) -> None:
    car, first = learned()
    car.leaves(10, stands=True, parked=True).drives(S.compare_s + 1, ear)
    assert (car.seat.baseline is first) is same
    assert car.changed == (not same)


def test_parking_is_not_remembered_beyond_the_driver_it_brought() -> None:
    car = Car().drives(10)  # hardly learned
    car.leaves(10, stands=True, parked=True).drives(70, ear=0.25)
    car.leaves(10, stands=True).drives(S.compare_s + 1, ear=0.36)
    assert (car.taken, car.changed) == (2, 0)


def test_another_on_an_unknown_drive_keeps_what_was_counted() -> None:
    car, first = learned()
    car.leaves(S.empty_s + 1).drives(30, ear=0.36)
    assert car.seat.baseline is not first
    assert (car.taken, car.changed) == (1, 0)


def test_who_was_hardly_learned_is_not_compared_with() -> None:
    car = Car().drives(10)
    car.leaves(10, stands=True).drives(70, ear=0.21)
    assert car.changed == 0
    assert car.seat.baseline.right_ear.value == pytest.approx(0.21, abs=0.01)


def test_who_hides_his_eyes_is_not_compared() -> None:
    car, first = learned()
    car.leaves(10, stands=True)
    for _ in range(1000):
        car.step(face=True)
    assert car.seat.baseline is not first
    assert car.changed == 0


def test_the_next_driver_looks_straight_ahead_where_the_former_did() -> None:
    """A camera at the side stays where it is; the eyes start from the population's all the same."""
    car = Car().drives(70, ear=0.22, pose=HeadPose(20.0, -8.0, 3.0))
    car.leaves(10, stands=True).step(face=True)
    base = car.seat.baseline
    assert base.yaw.value_deg == pytest.approx(20.0, abs=1.5)
    assert base.pitch.value_deg == pytest.approx(-8.0, abs=1.0)
    assert base.roll.value_deg == pytest.approx(3.0, abs=0.5)
    assert base.right_ear.value == BaselineSettings().ear
    assert base.progress == 0.0


def test_only_the_first_driver_is_remembered() -> None:
    car, _ = learned()
    car.leaves(10, stands=True, parked=True).drives(100, ear=0.2)
    assert car.seat.baseline.known is not None
    assert car.seat.baseline.known.right_ear == pytest.approx(0.2, abs=0.01)
    assert car.seat.known is not None
    assert car.seat.known.right_ear == pytest.approx(0.3, abs=0.01)


def test_a_third_driver_is_not_remembered_either() -> None:
    car, _ = learned()
    car.leaves(10, stands=True, parked=True).drives(30, ear=0.2)  # not yet learned
    car.leaves(10, stands=True).drives(100, ear=0.25)
    assert car.seat.known is not None
    assert car.seat.known.right_ear == pytest.approx(0.3, abs=0.01)


def test_a_recalled_driver_is_compared_with_what_is_known_of_him() -> None:
    car = Car(Known(right_ear=0.30, left_ear=0.30)).drives(5)
    first = car.seat.baseline
    car.leaves(10, stands=True, parked=True).drives(100, ear=0.2)
    assert car.changed == 1
    assert car.seat.known is None  # he was not learned anew, so his file stays as it is
    again = Car(Known(right_ear=0.30, left_ear=0.30)).drives(5)
    first = again.seat.baseline
    again.leaves(10, stands=True).drives(S.compare_s + 1)
    assert again.seat.baseline is first


def test_the_first_driver_stays_the_one_to_remember_in_another_seat() -> None:
    car, _ = learned()
    own = Seat(S, BaselineSettings(), car.seat.baseline.known)
    own.keep_owner(car.seat)
    assert own.known is None  # his own baseline, which is not learned anew yet
    car.leaves(10, stands=True, parked=True).drives(100, ear=0.2)
    next_seat = Seat(S, BaselineSettings(), car.seat.baseline.known)
    next_seat.keep_owner(car.seat)
    assert next_seat.known == car.seat.known
    assert next_seat.known is not None
    assert next_seat.known.right_ear == pytest.approx(0.3, abs=0.01)
