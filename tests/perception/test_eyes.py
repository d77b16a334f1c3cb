import numpy as np
import pytest

from dms.perception.eyes import EyeSettings, aspect_ratio, eye_region, joint_scores, observe_eye
from dms.perception.landmarks import Landmarks
from dms.perception.schemes import DLIB68
from dms.values import HeadPose, Unseen

OPEN = np.array([(0, 0), (10, -4), (20, -4), (30, 0), (20, 4), (10, 4)], np.float32)


def marks(right: np.ndarray, left: np.ndarray) -> Landmarks:
    points = np.zeros((68, 2), np.float32)
    points[list(DLIB68.right_eye)] = right
    points[list(DLIB68.left_eye)] = left
    return Landmarks(points, DLIB68)


def test_the_six_point_ratio_is_soukupovas():
    assert aspect_ratio(OPEN) == pytest.approx(16 / 60)


def test_more_lid_points_keep_the_same_meaning():
    eight = np.array(
        [(0, 0), (8, -4), (16, -4), (24, -4), (32, 0), (24, 4), (16, 4), (8, 4)], np.float32
    )
    assert aspect_ratio(eight) == pytest.approx(8 / 32)


def test_the_ratio_does_not_depend_on_size_or_roll():
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    turned = (3 * OPEN @ turn.T).astype(np.float32)
    assert aspect_ratio(turned) == pytest.approx(aspect_ratio(OPEN), rel=1e-5)


def test_an_eye_without_width_is_not_a_division_by_zero():
    assert aspect_ratio(np.zeros((6, 2), np.float32)) == 0.0


def test_a_region_off_the_picture_is_empty():
    assert eye_region(np.zeros((20, 20), np.uint8), OPEN + 500).size == 0


@pytest.mark.parametrize(("level", "reason"), [(0, Unseen.DARK), (255, Unseen.GLARE), (120, None)])
def test_dark_and_glare_are_named(level, reason):
    gray = np.full((80, 120), level, np.uint8)
    eye = observe_eye(gray, marks(OPEN + 40, OPEN + 80), False, None, EyeSettings())
    assert eye.unseen == reason
    assert eye.ear == pytest.approx(16 / 60)


def test_a_small_eye_is_too_small():
    gray = np.full((80, 120), 120, np.uint8)
    eye = observe_eye(gray, marks(OPEN / 4 + 40, OPEN), False, None, EyeSettings())
    assert eye.unseen == Unseen.TOO_SMALL


@pytest.mark.parametrize(("yaw_deg", "hidden"), [(70, "left"), (-70, "right")])
def test_the_far_eye_of_a_turned_head_is_hidden_and_the_near_one_is_not(yaw_deg, hidden):
    gray = np.full((80, 120), 120, np.uint8)
    both = marks(OPEN + 40, OPEN + 80)
    pose = HeadPose(yaw_deg, 0, 0)
    seen = {
        name: observe_eye(gray, both, name == "left", pose, EyeSettings()).unseen
        for name in ("left", "right")
    }
    assert seen.pop(hidden) == Unseen.TURNED_AWAY
    assert list(seen.values()) == [None]


def test_an_eye_off_the_picture_is_unknown_not_closed():
    gray = np.full((80, 120), 120, np.uint8)
    eye = observe_eye(gray, marks(OPEN + 500, OPEN), False, None, EyeSettings())
    assert eye.ear is None
    assert eye.unseen == Unseen.NO_FACE


def test_one_net_alone_has_the_word():
    assert joint_scores([(0.7, 0.4)]) == (0.7, 0.4)


def test_nets_that_agree_give_their_own_answer():
    opened, visible = joint_scores([(0.9, 0.98), (0.9, 0.97)])
    assert opened == pytest.approx(0.9, abs=1e-6)
    assert visible == 0.97


def test_two_nets_meet_in_the_middle_of_their_log_odds():
    assert joint_scores([(0.02, 0.9), (0.98, 0.9)])[0] == pytest.approx(0.5, abs=1e-6)


def test_one_net_that_sees_no_eye_is_enough():
    assert joint_scores([(0.9, 0.99), (0.9, 0.5)])[1] == 0.5


def test_certain_nets_are_no_infinity():
    assert 0.98 < joint_scores([(1.0, 1.0), (1.0, 1.0)])[0] < 1.0


def test_an_eyes_shade_is_against_the_face():
    gray = np.full((60, 80), 100, np.uint8)
    gray[:40] = 40
    seen = observe_eye(gray, marks(OPEN + 20, OPEN + 20), False, None, EyeSettings(), 100.0)
    assert seen.shade == pytest.approx(0.4)
    assert observe_eye(gray, marks(OPEN + 20, OPEN + 20), False, None, EyeSettings()).shade is None
