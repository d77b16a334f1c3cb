from dataclasses import replace

import cv2
import numpy as np
import pytest

from dms.perception.landmarks import Landmarks
from dms.perception.pose import PoseEstimator, PoseSettings, camera_matrix, nearest_row
from dms.perception.schemes import DLIB68

SIZE = (640, 480)
LENS = PoseSettings(intrinsics=(640, 640, 320, 240), intrinsics_size=SIZE)
FACING = np.diag([1.0, -1.0, -1.0])


def seen(yaw_deg: float, pitch_deg: float, roll_deg: float, shift_mm: float = 0.0) -> Landmarks:
    """Project the model head, turned as named, into a camera 600 mm away."""
    y, p, r = np.radians([yaw_deg, -pitch_deg, roll_deg])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    rotation = cv2.Rodrigues(FACING @ about_y @ about_x @ about_z)[0]
    model = np.array(list(DLIB68.pose.values()))
    camera = camera_matrix(PoseSettings(), *SIZE)
    flat, _ = cv2.projectPoints(
        model, rotation, np.array([shift_mm, 0.0, 600.0]), camera, np.zeros(4)
    )
    points = np.zeros((68, 2), np.float32)
    points[list(DLIB68.pose)] = flat[:, 0]
    return Landmarks(points, DLIB68)


@pytest.mark.parametrize(
    "turned",
    [(0, 0, 0), (30, 0, 0), (-45, 0, 0), (0, 20, 0), (0, -25, 0), (0, 0, 15), (20, -10, 5)],
)
def test_a_projected_head_gets_its_angles_back(turned):
    pose = PoseEstimator(LENS, *SIZE).estimate(seen(*turned))
    assert (pose.yaw_deg, pose.pitch_deg, pose.roll_deg) == pytest.approx(turned, abs=1.0)
    guessed = PoseEstimator(PoseSettings(), *SIZE).estimate(seen(*turned))
    assert (guessed.yaw_deg, guessed.pitch_deg) == pytest.approx(turned[:2], abs=3.0)


def test_a_face_at_the_side_that_looks_ahead_reads_ahead():
    aside = seen(0, 0, 0, shift_mm=180.0)
    for settings in (LENS, PoseSettings()):
        pose = PoseEstimator(settings, *SIZE).estimate(aside)
        assert pose.yaw_deg == pytest.approx(0, abs=2.5)


def test_an_open_mouth_does_not_turn_the_head(portrait, portrait_marks):
    yawning = portrait_marks.points.copy()
    yawning[[8, 57, 58, 56, 65, 66, 67]] += (4.0, 30.0)  # chin and lower lips
    estimator = PoseEstimator(PoseSettings(), *portrait.shape[::-1])
    assert estimator.estimate(Landmarks(yawning, DLIB68)) == estimator.estimate(portrait_marks)


def test_signs_are_those_of_vss():
    """Turned to the driver's left, the nose points to the right of the picture."""
    nose, eyes = seen(20, 0, 0).points[30], seen(20, 0, 0).points[[36, 45]].mean(axis=0)
    assert nose[0] > eyes[0]
    raised = seen(0, 20, 0).points
    assert raised[30][1] < seen(0, 0, 0).points[30][1] + (
        raised[36][1] - seen(0, 0, 0).points[36][1]
    )
    leaning = seen(0, 0, 15).points  # right ear down: the right eye is lower in the picture
    assert leaning[36][1] > leaning[45][1]


def test_points_in_one_place_have_no_pose():
    flat = Landmarks(np.zeros((68, 2), np.float32), DLIB68)
    assert PoseEstimator(PoseSettings(), *SIZE).estimate(flat) is None


def test_points_on_a_line_that_leans_or_are_unknown_raise_nothing():
    for points in (np.arange(136).reshape(68, 2) * [1.0, 0.5], np.full((68, 2), np.nan)):
        marks = Landmarks(points.astype(np.float32), DLIB68)
        for settings in (LENS, PoseSettings()):
            pose = PoseEstimator(settings, *SIZE).estimate(marks)
            assert pose is None or np.isfinite(pose.yaw_deg)


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_nearest_rotation_is_that_of_the_singular_values(mirrored):
    rng = np.random.default_rng(4)
    for matrix in rng.normal(size=(200, 3, 3)):
        matrix[2] *= -1.0 if (np.linalg.det(matrix) < 0) != mirrored else 1.0
        left, sizes, right = np.linalg.svd(matrix)
        sign = np.linalg.det(left @ right)
        total, row = nearest_row(*matrix.tolist())
        assert total == pytest.approx(sizes[0] + sizes[1] + sign * sizes[2])
        assert row == pytest.approx((left * [1.0, 1.0, sign] @ right)[2], abs=1e-6)


def test_intrinsics_scale_with_the_picture():
    calibrated = PoseSettings(intrinsics=(1000, 1010, 640, 360), intrinsics_size=(1280, 720))
    matrix = camera_matrix(calibrated, 640, 360)
    assert matrix[0, 0] == pytest.approx(500)
    assert matrix[:2, 2] == pytest.approx([320, 180])


def test_unusable_intrinsics_are_told():
    with pytest.raises(ValueError, match="fx, fy, cx, cy"):
        PoseSettings(intrinsics=(1000, 1000))
    with pytest.raises(ValueError, match="greater than 0"):
        PoseSettings(intrinsics=(0, 0, 0, 0), intrinsics_size=(640, 480))
    with pytest.raises(ValueError, match="distortion"):
        PoseSettings(distortion=(0.1,))


def test_the_portrait_looks_nearly_ahead(portrait, portrait_marks):
    pose = PoseEstimator(PoseSettings(), *portrait.shape[::-1]).estimate(portrait_marks)
    assert abs(pose.yaw_deg) < 20
    assert abs(pose.roll_deg) < 15


def test_a_model_head_that_is_flat_has_a_pose_still():
    """Raised by nothing, though its depth tells nothing."""
    flat = {row: (x, y, 0.0) for row, (x, y, _) in DLIB68.pose.items()}
    marks = Landmarks(seen(0.0, 0.0, 0.0).points, replace(DLIB68, name="flat", pose=flat))
    pose = PoseEstimator(PoseSettings(), *SIZE).estimate(marks)
    assert pose is None or np.isfinite(pose.yaw_deg)
