"""Looks away: where the road ends, how long they last, and what excuses them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dms.decision.distraction import Distraction, DistractionSettings, Glance
from dms.values import HeadPose, Indicator, VehicleContext
from tests.decision.ticks import Ticks

S = DistractionSettings()
DT = 0.1


class Looks:
    """Steps a Distraction at 10 Hz."""

    def __init__(self, **parts: object) -> None:
        self.it = Distraction(S, **parts)  # type: ignore[arg-type]
        self.tick = Ticks()
        self.t_s = 0.0
        self.glances: list[Glance] = []

    def hold(
        self,
        seconds: float,
        yaw: float = 0.0,
        pitch: float = 0.0,
        *,
        lost: bool = False,
        **more: object,
    ) -> Distraction:
        for _ in range(round(seconds / DT)):
            pose = None if lost else HeadPose(yaw, pitch, 0.0)
            self.it.step(self.tick(round(self.t_s, 6)), pose, **more)  # type: ignore[arg-type]
            if self.it.glance is not None:
                self.glances.append(self.it.glance)
            self.t_s += DT
        return self.it


def vehicle(**parts: object) -> VehicleContext:
    return VehicleContext(0.0, **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("yaw", "pitch", "away"),
    [
        (30.0, 0.0, False), (30.1, 0.0, True), (-30.1, 0.0, True), (-30.0, 0.0, False),
        (0.0, -20.0, False), (0.0, -20.1, True), (0.0, 60.0, False), (29.0, -19.0, False),
    ],
)  # fmt: skip
def test_where_the_road_ends(yaw: float, pitch: float, away: bool) -> None:
    assert Looks().hold(DT, yaw, pitch).away is away


@pytest.mark.parametrize(
    ("yaw", "pitch", "beyond"),
    [(0.0, 0.0, False), (30.0, -20.0, False), (-30.0, 0.0, False),
     (30.1, 0.0, True), (-30.1, 0.0, True), (0.0, -20.1, True), (0.0, 60.0, False)],
)  # fmt: skip
def test_which_pose_begins_a_look(yaw: float, pitch: float, beyond: bool) -> None:
    assert S.beyond(HeadPose(yaw, pitch, 0.0)) is beyond


@pytest.mark.parametrize(
    ("yaw", "pitch", "away"),
    [(24.1, 0.0, True), (24.0, 0.0, False), (0.0, -15.1, True), (0.0, -15.0, False)],
)
def test_the_way_back_is_longer(yaw: float, pitch: float, away: bool) -> None:
    looks = Looks()
    looks.hold(1.0, 40.0)
    assert looks.hold(DT, yaw, pitch).away is away


def test_time_away_is_from_its_first_frame() -> None:
    looks = Looks()
    looks.hold(1.0)
    it = looks.hold(2.0, 40.0)
    assert it.start_s == pytest.approx(1.0)
    assert it.away_s == pytest.approx(1.9)
    assert it.summed_s == pytest.approx(1.9)
    looks.hold(DT)  # the look lasts until the first frame back
    assert it.summed_s == pytest.approx(2.0)


def test_a_blip_back_does_not_end_a_look() -> None:
    looks = Looks()
    looks.hold(1.0, 40.0)
    looks.hold(0.2)
    assert looks.hold(1.0, 40.0).start_s == 0.0
    assert looks.glances == []


def test_a_look_ends_when_back_for_long_enough() -> None:
    looks = Looks()
    looks.hold(1.0)
    looks.hold(1.0, 40.0)
    it = looks.hold(0.3)
    assert it.start_s is None
    assert it.away_s == 0.0
    (glance,) = looks.glances
    assert glance.start_s == pytest.approx(1.0)
    assert glance.end_s == pytest.approx(2.0)


def test_sum_is_reset_by_time_on_the_road() -> None:
    looks = Looks(reset_s=2.0)
    looks.hold(3.0, 40.0)
    assert looks.hold(2.0).summed_s == pytest.approx(3.0)
    assert looks.hold(DT).summed_s == 0.0


def test_the_running_sum_stays_that_of_the_looks_in_the_window() -> None:
    looks = Looks(window_s=7.0, reset_s=100.0)
    for n in range(500):
        looks.hold(DT * (1 + n % 4), 40.0)
        it = looks.hold(DT * (1 + n % 7))
        kept = sum(end_s - start_s for start_s, end_s in it._spans)
        assert it.summed_s == pytest.approx(kept, abs=1e-9)


def test_time_on_the_road_starts_anew_with_each_look() -> None:
    looks = Looks(reset_s=2.0)
    looks.hold(1.0, 40.0)
    for _ in range(5):
        looks.hold(1.5)
        looks.hold(0.5, 40.0)
    assert looks.it.summed_s == pytest.approx(1.0 + 5 * 0.5, abs=DT + 1e-6)


def test_window_slides() -> None:
    looks = Looks(window_s=5.0, reset_s=100.0)
    looks.hold(2.0, 40.0)
    looks.hold(4.0)
    assert looks.it.summed_s == pytest.approx(5.0 - 4.0 + DT, abs=1e-6)
    looks.hold(2.0)
    assert looks.it.summed_s == 0.0


def test_window_cuts_a_long_look() -> None:
    looks = Looks(window_s=5.0)
    assert looks.hold(9.0, 40.0).summed_s == pytest.approx(5.0)
    assert looks.it.away_s == pytest.approx(8.9)


def test_down_only() -> None:
    assert Looks(down_only=True).hold(1.0, 60.0).away is False
    assert Looks(down_only=True).hold(1.0, 0.0, -30.0).away is True


def test_no_face_is_unknown_and_moves_nothing() -> None:
    looks = Looks()
    looks.hold(1.0)
    looks.hold(2.0, 40.0)
    looks.hold(0.1)
    summed_s = looks.it.summed_s
    it = looks.hold(5.0, lost=True)
    assert it.away is None
    assert it.summed_s == pytest.approx(summed_s)


def test_unseen_time_is_not_time_on_the_road() -> None:
    looks = Looks(reset_s=2.0)
    looks.hold(3.0, 40.0)
    looks.hold(1.0)
    looks.hold(5.0, lost=True)
    assert looks.hold(0.5).summed_s == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("yaw", "pitch", "away"),
    [(18.1, 0.0, True), (-18.1, 0.0, True), (18.0, 0.0, None), (0.0, -12.1, True),
     (0.0, -12.0, None)],
)  # fmt: skip
def test_face_lost_while_turning_is_away(yaw: float, pitch: float, away: bool | None) -> None:
    looks = Looks()
    looks.hold(1.0)
    looks.hold(0.2, yaw, pitch)
    assert looks.hold(3.0, lost=True).away is away
    assert looks.hold(DT).away is False


def test_face_lost_long_after_turning_is_not() -> None:
    looks = Looks()
    looks.hold(1.0, 20.0)
    looks.t_s += S.turning_memory_s
    assert looks.hold(1.0, lost=True).away is None


def test_turned_head_lost_stays_away_for_as_long_as_it_lasts() -> None:
    looks = Looks()
    looks.hold(1.0, 26.0)
    it = looks.hold(20.0, lost=True)
    assert it.away is True
    assert it.away_s == pytest.approx(19.9)


def test_turning_away_is_over_once_the_face_was_seen_ahead() -> None:
    looks = Looks()
    looks.hold(1.0, 26.0)
    looks.hold(1.0, lost=True)
    looks.hold(1.0)
    assert looks.it.turned is False
    assert looks.hold(1.0, lost=True).away is None


def test_before_the_first_frame_nothing_is_known() -> None:
    it = Distraction(S)
    assert (it.away, it.away_s, it.turned, it.start_s, it.glance) == (None, 0.0, False, None, None)


def test_a_gap_is_not_time_back_on_the_road() -> None:
    looks = Looks()
    looks.hold(1.0, 40.0)
    looks.hold(DT)
    looks.t_s += 10.0
    assert looks.hold(2 * DT).start_s is not None
    assert looks.hold(2 * DT).start_s is None


def test_perception_may_say_that_the_face_turned_away() -> None:
    looks = Looks()
    looks.hold(1.0)
    assert looks.hold(1.0, lost=True, turned_away=True).away is True


@pytest.mark.parametrize(("pitch", "away"), [(-15.0, True), (0.0, None)])
def test_lost_face_in_a_profile_of_looks_down(pitch: float, away: bool | None) -> None:
    looks = Looks(down_only=True)
    looks.hold(1.0, 20.0, pitch)
    assert looks.hold(1.0, lost=True).away is away


def test_a_gap_between_frames_is_not_time_away() -> None:
    looks = Looks()
    looks.hold(1.0, 40.0)
    looks.t_s += 10.0
    it = looks.hold(1.0, 40.0)
    assert it.away_s == pytest.approx(0.9 + 0.9, abs=DT + 1e-6)


def test_nothing_counts_behind_a_closed_gate() -> None:
    looks = Looks()
    it = looks.hold(5.0, 40.0, counts=False)
    assert it.away is True
    assert (it.away_s, it.summed_s, it.start_s) == (0.0, 0.0, None)
    assert looks.hold(1.0, 40.0).away_s == pytest.approx(0.9, abs=DT + 1e-6)


@pytest.mark.parametrize(
    ("steering", "yaw", "away"),
    [
        (100.0, 50.0, False), (100.0, 69.0, False), (100.0, 71.0, True), (100.0, -50.0, True),
        (-100.0, -50.0, False), (30.0, 35.0, True), (31.0, 35.0, False), (300.0, 76.0, True),
        (300.0, 75.0, False), (None, 35.0, True),
    ],
)  # fmt: skip
def test_looking_into_a_turn(steering: float | None, yaw: float, away: bool) -> None:
    looks = Looks()
    assert looks.hold(1.0, yaw, vehicle=vehicle(steering_deg=steering)).away is away


@pytest.mark.parametrize(
    ("indicator", "yaw", "seconds", "away"),
    [
        (Indicator.LEFT, 50.0, 2.0, False), (Indicator.LEFT, 50.0, 2.1, True),
        (Indicator.LEFT, -50.0, 0.1, True), (Indicator.RIGHT, -50.0, 2.0, False),
        (Indicator.RIGHT, 50.0, 0.1, True), (Indicator.HAZARD, 50.0, 0.1, True),
        (Indicator.OFF, 50.0, 0.1, True), (None, 50.0, 0.1, True),
        (Indicator.LEFT, 95.0, 2.0, False),
    ],
)  # fmt: skip
def test_mirror_with_the_indicator(
    indicator: Indicator | None, yaw: float, seconds: float, away: bool
) -> None:
    looks = Looks()
    assert looks.hold(seconds, yaw, vehicle=vehicle(indicator=indicator)).away is away


def test_each_look_at_the_mirror_has_its_own_time() -> None:
    looks = Looks()
    for _ in range(4):
        assert looks.hold(1.5, 50.0, vehicle=vehicle(indicator=Indicator.LEFT)).away is False
        looks.hold(0.5)


@pytest.mark.parametrize(
    ("parts", "yaw", "pitch", "free"),
    [
        ({"indicator": Indicator.LEFT}, 26.0, 0.0, True),
        ({"indicator": Indicator.RIGHT}, -26.0, 0.0, True),
        ({"indicator": Indicator.RIGHT}, 26.0, 0.0, False),
        ({"indicator": Indicator.OFF}, 26.0, 0.0, False),
        ({"indicator": Indicator.LEFT}, 26.0, -13.0, False),
        ({"indicator": Indicator.LEFT}, 15.0, -13.0, False),
        ({"steering_deg": 31.0}, 26.0, 0.0, True),
        ({"steering_deg": -31.0}, -26.0, 0.0, True),
        ({"steering_deg": 31.0}, -26.0, 0.0, False),
        ({"steering_deg": 30.0}, 26.0, 0.0, False),
        ({}, 26.0, 0.0, False),
    ],
)
def test_face_lost_over_the_shoulder(
    parts: dict[str, object], yaw: float, pitch: float, free: bool
) -> None:
    """The look is free for a moment to the side of the indicator or the turn, and no longer."""
    context, looks = vehicle(**parts), Looks()
    looks.hold(1.0)
    looks.hold(0.2, yaw, pitch, vehicle=context)
    assert looks.hold(S.mirror_s, lost=True, vehicle=context).away is (None if free else True)
    assert looks.hold(2 * DT, lost=True, vehicle=context).away is True
    assert looks.hold(S.mirror_s, lost=True).away is True


def test_looks_over_the_shoulder_have_their_time_anew() -> None:
    looks, left = Looks(), vehicle(indicator=Indicator.LEFT)
    for _ in range(3):
        looks.hold(1.0, vehicle=left)
        looks.hold(0.2, 26.0, vehicle=left)
        assert looks.hold(1.5, lost=True, vehicle=left).away is None
    assert looks.it.summed_s == 0.0


@pytest.mark.parametrize("parts", [{"indicator": Indicator.LEFT}, {"steering_deg": 40.0}])
def test_a_look_that_counts_is_not_excused_once_the_face_is_lost(parts: dict[str, object]) -> None:
    looks = Looks()
    looks.hold(1.0)
    looks.hold(3.2, 45.0)
    it = looks.hold(2.0, lost=True, vehicle=vehicle(**parts))
    assert (it.away, it.start_s) == (True, pytest.approx(1.0))
    assert it.away_s == pytest.approx(5.1, abs=DT)


def test_an_indicator_set_in_the_middle_of_a_look_excuses_it_no_more() -> None:
    looks = Looks()
    looks.hold(3.2, 45.0)
    assert looks.hold(DT, 45.0, vehicle=vehicle(indicator=Indicator.LEFT)).away is True


def test_a_slumped_head_is_not_excused_by_an_indicator() -> None:
    it, tick = Distraction(S), Ticks()
    left = vehicle(indicator=Indicator.LEFT)
    it.step(tick(0.0), HeadPose(26.0, 0.0, 30.0), left)
    it.step(tick(0.1), None, left)
    assert (it.slumped, it.away) == (True, True)


def test_down_is_not_excused_by_an_indicator() -> None:
    looks = Looks()
    at_phone = looks.hold(0.5, 0.0, -30.0, vehicle=vehicle(indicator=Indicator.LEFT))
    assert at_phone.away is True


@pytest.mark.parametrize("wrong", [{"yaw_back_deg": 30.0}, {"pitch_back_deg": -20.0}])
def test_way_back_must_be_nearer(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="nearer"):
        DistractionSettings(**wrong)


def rolls(looks: Looks, roll: float, pitch: float = 0.0) -> Distraction:
    """One frame with the head tilted."""
    looks.it.step(looks.tick(round(looks.t_s, 6)), HeadPose(0.0, pitch, roll))
    looks.t_s += DT
    return looks.it


@pytest.mark.parametrize("down_only", [False, True])
@pytest.mark.parametrize(
    ("roll", "pitch", "slumped"),
    [
        (35.0, 0.0, False), (35.1, 0.0, True), (-35.1, 0.0, True), (-35.0, 0.0, False),
        (0.0, -40.0, False), (0.0, -40.1, True),
    ],
)  # fmt: skip
def test_where_slumping_begins(down_only: bool, roll: float, pitch: float, slumped: bool) -> None:
    it = rolls(Looks(down_only=down_only), roll, pitch)
    assert it.slumped is slumped
    if slumped:
        assert it.away is True


@pytest.mark.parametrize(("roll", "slumped"), [(27.0, False), (27.1, True), (-27.1, True)])
def test_rising_again_takes_more(roll: float, slumped: bool) -> None:
    looks = Looks()
    rolls(looks, 40.0)
    assert rolls(looks, roll).slumped is slumped
    assert looks.it.away is slumped


def test_a_head_that_slumps_out_of_the_picture_stays_slumped() -> None:
    looks = Looks(down_only=True)
    rolls(looks, 25.1)
    assert looks.it.away is False
    it = looks.hold(3.0, lost=True)
    assert (it.slumped, it.away) == (True, True)
    assert looks.hold(DT).slumped is False


def test_a_tilted_head_that_is_lost_is_only_lost() -> None:
    looks = Looks()
    rolls(looks, 25.0)
    it = looks.hold(1.0, lost=True)
    assert (it.slumped, it.away) == (False, None)


def test_a_tilt_long_before_the_loss_tells_nothing() -> None:
    looks = Looks()
    rolls(looks, 30.0)
    looks.t_s += 1.0
    assert looks.hold(1.0, lost=True).slumped is False


def test_roll_limits_must_leave_a_way_back() -> None:
    with pytest.raises(ValidationError, match="nearer"):
        DistractionSettings(slump_roll_deg=25.0)


def test_a_face_that_was_never_seen_is_not_away() -> None:
    it = Looks().hold(1.0, lost=True)
    assert (it.away, it.slumped, it.away_s) == (None, False, 0.0)


def test_a_glance_is_told_once() -> None:
    looks = Looks()
    looks.hold(1.0, 40.0)
    looks.hold(0.3)
    assert looks.hold(DT, lost=True).glance is None
    assert len(looks.glances) == 1


def test_standing_still_forgets_the_look() -> None:
    looks = Looks()
    looks.hold(2.0, 40.0)
    it = looks.hold(DT, 40.0, counts=False)
    assert (it.start_s, it.away_s, it.summed_s) == (None, 0.0, 0.0)
    assert looks.hold(0.5, 40.0).start_s == pytest.approx(2.1)


def test_between_two_limits_a_look_goes_on_while_it_settles() -> None:
    looks = Looks()
    looks.hold(1.0, 40.0)
    looks.hold(DT)  # back for one frame, which does not end the look
    it = looks.hold(DT, 27.0)
    assert it.away is True
    assert it.away_s == pytest.approx(1.0)  # neither the frame back nor the gap to it counts twice


def test_window_cuts_a_look_at_its_edge() -> None:
    it, tick = Distraction(S, window_s=1.0, reset_s=100.0), Ticks()
    for number in range(4):
        it.step(tick(0.4 * number), HeadPose(40.0 if number < 3 else 0.0, 0.0, 0.0))
    assert it.summed_s == pytest.approx(1.0)


def test_a_moment_without_a_face_does_not_stop_the_way_back() -> None:
    looks = Looks()
    looks.hold(1.0, 40.0)
    looks.hold(DT)
    looks.hold(DT, lost=True)
    assert looks.hold(2 * DT).start_s is None


def test_equal_limits_leave_no_way_back() -> None:
    with pytest.raises(ValidationError, match="nearer"):
        DistractionSettings(slump_roll_back_deg=S.slump_roll_deg)


def test_indicator_excuses_its_own_side_alone() -> None:
    for side, yaw in ((Indicator.LEFT, 40.0), (Indicator.RIGHT, -40.0)):
        assert Looks().hold(DT, yaw, vehicle=vehicle(indicator=side)).away is False
        assert Looks().hold(DT, -yaw, vehicle=vehicle(indicator=side)).away is True


def test_small_steering_to_the_same_side_excuses_by_its_gain() -> None:
    for steering in (31.0, -31.0):
        sign = 1.0 if steering > 0 else -1.0
        free = S.yaw_deg + 31.0 * S.steering_gain
        turn = vehicle(steering_deg=steering)
        assert Looks().hold(DT, sign * (free - 0.1), vehicle=turn).away is False
        assert Looks().hold(DT, sign * (free + 0.1), vehicle=turn).away is True
        assert Looks().hold(DT, -sign * 31.0, vehicle=turn).away is True
