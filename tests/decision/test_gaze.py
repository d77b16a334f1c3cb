"""From iris and head to an angle: signs, weights, smoothing, blinks, and when there is none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms.decision.baseline import Baseline
from dms.decision.gaze import Gazer, GazeSettings, Look, Pair, Sight, sight
from dms.decision.learning import BaselineSettings
from dms.values import DriverObservation, EyeEvidence, EyeObservation, HeadPose, Iris, Lids
from tests.decision.ticks import Ticks

S = GazeSettings(
    iris_rest=0.0, iris_yaw_deg=150.0, iris_pitch_deg=240.0, head_yaw=0.75, head_pitch=0.3
)
AHEAD = HeadPose(0.0, 0.0, 0.0)
OPEN = EyeObservation(1.0, 0.9, None)
small = st.floats(-0.2, 0.2)
angle = st.floats(-40.0, 40.0)


class Eyes:
    """Steps a Gazer at 30 Hz."""

    def __init__(self, settings: GazeSettings = S) -> None:
        self.it = Gazer(settings)
        self.tick = Ticks()
        self.base = Baseline(BaselineSettings())
        self.t_s = 0.0

    def see(
        self,
        right: Iris | None,
        left: Iris | None = None,
        *,
        seconds: float = 1 / 30,
        pose: HeadPose | None = AHEAD,
        openness: float | None = 1.0,
        lids: Lids | None = None,
        step_s: float = 1 / 30,
    ) -> Look | None:
        look = None
        for _ in range(round(seconds / step_s)):
            seen = DriverObservation(
                self.t_s,
                right_eye=EyeEvidence(iris=right, lids=lids),
                left_eye=EyeEvidence(iris=left, lids=lids),
                pose=pose,
            )
            eye = EyeObservation(openness, 0.9, None)
            look = self.it.step(self.tick(self.t_s), seen, (eye, eye), self.base)
            self.t_s = round(self.t_s + step_s, 6)
        return look


def known(look: Look | None) -> Look:
    assert look is not None
    return look


def test_signs_are_those_of_vss() -> None:
    """The picture's right is the driver's left; y grows downwards."""
    assert sight(Iris(0.1, 0.0, 0.01), AHEAD, 0.0, S).yaw_deg == pytest.approx(15.0)
    assert sight(Iris(0.0, 0.1, 0.01), AHEAD, 0.0, S).pitch_deg == pytest.approx(-24.0)
    turned = sight(Iris(0.0, 0.0, 0.01), HeadPose(20.0, 10.0, 0.0), 0.0, S)
    assert (turned.yaw_deg, turned.pitch_deg) == pytest.approx((15.0, 3.0))


def test_a_head_on_its_side_turns_the_eyes_frame() -> None:
    """On the right shoulder, eyes to the driver's left look up."""
    seen = sight(Iris(0.1, 0.0, 0.01), AHEAD, 90.0, S)
    assert (seen.yaw_deg, seen.pitch_deg) == pytest.approx((0.0, 15.0))


@given(small, small, angle, angle)
def test_an_iris_further_left_is_never_a_look_further_right(
    x: float, y: float, yaw: float, pitch: float
) -> None:
    pose = HeadPose(yaw, pitch, 0.0)
    nearer, further = (
        sight(Iris(x, y, 0.01), pose, 0, S),
        sight(Iris(x + 0.01, y, 0.01), pose, 0, S),
    )
    assert further.yaw_deg > nearer.yaw_deg
    lower = sight(Iris(x, y + 0.01, 0.01), pose, 0, S)
    assert lower.pitch_deg < nearer.pitch_deg


@given(st.floats(0.1, 20), st.floats(0.1, 20), angle, angle)
def test_two_eyes_lie_between_and_are_no_less_sure(
    sd: float, other: float, yaw: float, second: float
) -> None:
    right, left = Sight(yaw, 0.0, sd, sd), Sight(second, 0.0, other, other)
    got = Pair(S).join(right, left, 0.0)
    assert got is not None
    assert min(yaw, second) - 1e-6 <= got.yaw_deg <= max(yaw, second) + 1e-6
    assert min(sd, other) * 0.8 <= got.yaw_sd_deg <= max(sd, other) + 1e-9
    nearer = right if sd < other else left
    assert abs(got.yaw_deg - nearer.yaw_deg) <= abs(yaw - second) / 2 + 1e-6


def test_a_squint_is_learned_so_that_one_eye_may_speak_for_both() -> None:
    eyes = Eyes()
    eyes.see(Iris(-0.04, 0.0, 0.01), Iris(0.04, 0.0, 0.01), seconds=60)
    look = known(eyes.see(None, Iris(0.04, 0.0, 0.01), seconds=0.5))
    assert look.yaw_deg == pytest.approx(0.0, abs=0.5)


@pytest.mark.parametrize("step_s", [1 / 60, 1 / 30, 1 / 15, 0.1])
def test_smoothed_over_its_time_at_any_frame_rate(step_s: float) -> None:
    eyes = Eyes()
    eyes.see(Iris(0.0, 0.0, 0.01), seconds=1, step_s=step_s)
    first = known(eyes.see(Iris(0.2, 0.0, 0.01), seconds=step_s, step_s=step_s))
    assert 0.0 < first.yaw_deg < 25.0
    later = known(eyes.see(Iris(0.2, 0.0, 0.01), seconds=0.3, step_s=step_s))
    assert later.yaw_deg == pytest.approx(30.0)


def test_a_blink_holds_the_look_and_no_longer() -> None:
    eyes = Eyes()
    eyes.see(Iris(0.1, 0.0, 0.01), seconds=1)
    assert known(
        eyes.see(Iris(0.1, 0.2, 0.01), seconds=0.25, openness=0.1)
    ).yaw_deg == pytest.approx(15)
    assert eyes.see(Iris(0.1, 0.2, 0.01), seconds=0.1, openness=0.1) is None


def test_a_lost_face_is_not_held() -> None:
    eyes = Eyes()
    eyes.see(Iris(0.1, 0.0, 0.01), seconds=1)
    assert eyes.see(None, pose=None) is None


@pytest.mark.parametrize(
    "parts",
    [
        {"openness": 0.4},  # half closed
        {"openness": None},  # a hand, dark glasses
        {"lids": Lids(0.1, 0.2, 0.7)},
        {"lids": Lids(0.3, 0.6, 0.1)},  # the lids follow a gaze that they hide
        {"pose": None},
    ],
)
def test_hidden_and_half_shut_eyes_give_no_gaze(parts: dict[str, object]) -> None:
    assert Eyes().see(Iris(0.1, 0.0, 0.01), seconds=1, **parts) is None  # type: ignore[arg-type]


def test_an_unsure_iris_gives_no_gaze() -> None:
    assert Eyes().see(Iris(0.1, 0.0, 0.1), seconds=1) is None
    assert Eyes().see(None, seconds=1) is None


def test_the_surer_eye_alone_is_enough() -> None:
    look = known(Eyes().see(Iris(0.1, 0.0, 0.01), Iris(-0.2, 0.0, 0.5), seconds=1))
    assert look.sd_deg() < 3.0


def test_far_down_the_lids_hide_the_iris() -> None:
    look = known(Eyes().see(Iris(0.0, 0.12, 0.01), seconds=1))
    assert look.hidden
    assert look.gaze() is None


def test_the_iris_rests_above_the_corners() -> None:
    resting = GazeSettings()
    assert sight(Iris(0.0, resting.iris_rest, 0.01), AHEAD, 0.0, resting).pitch_deg == 0.0
    assert resting.iris_rest < 0.0


def test_switched_off() -> None:
    assert Eyes(GazeSettings(enabled=False)).see(Iris(0.1, 0.0, 0.01), seconds=1) is None


def test_a_tremble_of_the_iris_is_no_tremble_of_the_gaze() -> None:
    """Frame to frame a still person's gaze moves by less than half a degree."""
    eyes = Eyes()
    last, worst = None, 0.0
    for number in range(300):
        wave = 0.006 * math.sin(number * 2.1)  # about a degree
        look = known(eyes.see(Iris(wave, wave / 2, 0.012), Iris(wave, -wave / 2, 0.012)))
        if last is not None and number > 10:
            worst = max(worst, abs(look.yaw_deg - last.yaw_deg))
        last = look
    assert worst <= 0.5
