"""What tools/evaluate.py gaze says: whose corners the iris lies between, and how much was read."""

from __future__ import annotations

import numpy as np
import pytest

from dms.engine.backends import open_engine
from dms.engine.manifest import load_manifest
from dms.engine.preprocess.crop import EyeCropSettings, eye_matrices
from dms.perception.eye_net import EyeStateNet
from dms.perception.face import FaceSettings, FaceTracker
from dms.perception.landmarks import Landmarks, LandmarkSettings, load_predictor
from dms.perception.schemes import DMS56
from dms.values import Frame
from tools.evaluation import gaze

WIDTH, EYE = 120.0, 30.0  # px between the eyes, and of an eye


def face() -> Landmarks:
    points = np.zeros((DMS56.count, 2), np.float32)
    for contour, x, way in ((DMS56.right_eye, 100.0, 1.0), (DMS56.left_eye, 100.0 + WIDTH, -1.0)):
        across = np.concatenate([np.linspace(-0.5, 0.5, 7), np.linspace(0.5, -0.5, 7)[1:-1]])
        points[list(contour)] = np.stack([x + way * EYE * across, np.full(12, 90.0)], 1)
    right, left = DMS56.mouth_corners
    points[right], points[left] = (115.0, 210.0), (205.0, 210.0)
    return Landmarks(points, DMS56)


def test_the_landmarks_corners_lie_level_and_alike_in_both_crops() -> None:
    marks, framing = face(), EyeCropSettings()
    found = gaze.corners(marks, eye_matrices(marks.anchors, framing), framing.size)
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    left_x, left_y, right_x, right_y = found[0]
    assert left_x == pytest.approx(-right_x)
    assert left_y == pytest.approx(right_y)
    assert right_x - left_x == pytest.approx(EYE / WIDTH / framing.side, rel=0.1)


def test_product_measures_the_iris_between_corners_at_the_mean_of_both_heights(portrait) -> None:
    tracker = FaceTracker(load_predictor(LandmarkSettings()), FaceSettings())
    marks = tracker.find(Frame(portrait, 0.0, 0)).marks
    manifest = load_manifest("eye_state")
    with open_engine(manifest) as engine:
        own = EyeStateNet(engine, manifest).read(portrait, marks.anchors, marks.eye_corners)
        mean = gaze.IrisNet(engine, manifest, "heights").look(portrait, marks)
        net = gaze.IrisNet(engine, manifest, "net").look(portrait, marks)
    for one, other, alone in zip(own, mean, net, strict=True):
        assert (one.iris.x, one.iris.y) == pytest.approx((other.iris.x, other.iris.y), abs=1e-4)
        assert one.iris.y != pytest.approx(alone.iris.y, abs=1e-4)


def test_unread_glances_are_not_read_away_and_infrared_ones_have_an_interval() -> None:
    looks = [gaze.Look(20.0 * way, 0.0, 0.0, 0.0, 3.0 * way, 0.0) for way in (1, -1)]
    said = gaze._read_away("infrared", [*looks, None, None], 0.0, np.array(["a", "b", "a", "b"]))
    assert said["glances_read_infrared"] == 0.5
    assert len(said["glances_read_infrared_95"]) == 2
    assert said["glances_read_infrared_unread"] == 2
