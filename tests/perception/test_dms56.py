"""The landmark nets' patches and maps, with nets that answer by rule instead of by weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from dms.engine.engine import Engine, Tensor
from dms.errors import EngineError
from dms.perception.dms56 import Dms56, EyeFraming, FaceFraming, cut, eye_matrix, face_matrix
from dms.perception.eyes import aspect_ratio
from dms.perception.landmarks import Landmarks, LandmarkSettings, Predictor, load_predictor
from dms.values import Box, Gray
from tools.landmarking.blinks import eye_ratios
from tools.landmarking.lids import close_eye

SIZE = (48, 32)


class Ruled(Engine):
    """Puts every point into the middle of the patch, so that the maps alone place them."""

    def __init__(self, path: Path, _data: bytes) -> None:
        self._face = "face" in path.name
        self.input_shape = (1, 80, 80) if self._face else (2, 32, 48)

    def _infer(self, batch: Tensor) -> dict[str, Tensor]:
        n = len(batch)
        if self._face:
            points = np.zeros((n, 36, 2), np.float32)
            points[:, :4] = [[-0.25, -0.1], [-0.1, -0.1], [0.25, -0.1], [0.1, -0.1]]
            return {"points": points.reshape(n, 72), "fit": np.full((n, 1), 0.75, np.float32)}
        half = np.array([[[0.25], [0.75]]], np.float32)
        return {"points": np.zeros((n, 2, 24), np.float32), "open": half, "visible": 1 - half}

    def close(self) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, framing, shape in (
        ("landmarks_face", {"side_px": 80.0, "span": 1.3}, [1, 80, 80]),
        ("landmarks_eye", {"width_px": 48.0, "height_px": 32.0, "eye_px": 30.0}, [2, 32, 48]),
    ):
        (tmp_path / f"{name}.onnx").write_bytes(name.encode())
        digest = hashlib.sha256(name.encode()).hexdigest()
        content = {
            "name": name,
            "files": {"fp32": {"file": f"{name}.onnx", "sha256": digest}},
            "input": {"shape": shape, "range": [0.0, 1.0], "alignment": framing},
            "outputs": {"points": 1}, "classes": {}, "decision": {}, "figures": {},
            "revision": "test",
        }  # fmt: skip
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


def test_points_land_where_the_patches_lie(folder: Path) -> None:
    box = Box(100, 50, 100, 100)
    found = Dms56(folder, engine=Ruled).predict(np.full((300, 300), 90, np.uint8), box)
    assert found.points[24:] == pytest.approx(np.tile([149.5, 99.5], (32, 1)), abs=0.01)
    # Corners at -0.25 and -0.1 of a patch of 130 px: the eye's middle is 22.75 px from the face's.
    assert found.right_eye == pytest.approx(np.tile([149.5 - 22.75, 86.5], (12, 1)), abs=0.01)
    assert found.left_eye == pytest.approx(np.tile([149.5 + 22.75, 86.5], (12, 1)), abs=0.01)


def test_fit_and_eyes_come_from_the_nets(folder: Path) -> None:
    found = Dms56(folder, engine=Ruled).predict(np.zeros((300, 300), np.uint8), Box(9, 9, 99, 99))
    assert found.fit == 0.75
    assert found.eyes == ((0.25, 0.75), (0.75, 0.25))


def test_box_beyond_the_picture_still_gives_points(folder: Path) -> None:
    gray = np.zeros((60, 60), np.uint8)
    found = Dms56(folder, engine=Ruled).predict(gray, Box(-400, 500, 300, 300))
    assert np.isfinite(found.points).all()


def test_altered_file_is_refused(folder: Path) -> None:
    (folder / "landmarks_eye.onnx").write_bytes(b"other")
    with pytest.raises(EngineError, match=r"landmarks_eye\.onnx"):
        Dms56(folder, engine=Ruled)


@pytest.mark.parametrize("width", [40.0, 80.0, 203.0, 410.0])
def test_cut_keeps_places_at_every_scale(width: float) -> None:
    ys, xs = np.mgrid[0:500, 0:500]
    gray = (xs / 4 + ys / 8).astype(np.uint8)  # a ramp: every value tells its place
    matrix = face_matrix(Box(150, 160, width / 1.3, width / 1.3), FaceFraming())
    patch = cut(gray, matrix, (80, 80)).astype(float)
    for x, y in ((5, 5), (40, 40), (70, 20)):
        px, py = matrix[:, :2] @ (x, y) + matrix[:, 2]
        assert patch[y, x] == pytest.approx(px / 4 + py / 8 - 0.5, abs=1.1)


def test_cut_averages_noise_away() -> None:
    gray = np.random.default_rng(1).integers(0, 255, (400, 400)).astype(np.uint8)
    matrix = face_matrix(Box(50, 50, 240, 240), FaceFraming())
    assert cut(gray, matrix, (80, 80)).std() < 0.4 * gray.std()


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("roll_deg", [-30.0, 0.0, 25.0])
def test_eye_patch_has_outer_corner_left_and_cheek_below(mirrored: bool, roll_deg: float) -> None:
    turn = np.deg2rad(roll_deg)
    right = np.array([np.cos(turn), np.sin(turn)])
    inner, outer = np.array([100.0, 90.0]), np.array([100.0, 90.0]) - 40 * right
    if mirrored:
        outer = inner + 40 * right
    matrix = eye_matrix(outer, inner, mirrored, EyeFraming())
    back = np.linalg.inv(matrix[:, :2])
    assert back @ (outer - matrix[:, 2]) == pytest.approx([8.5, 15.5])
    assert back @ (inner - matrix[:, 2]) == pytest.approx([38.5, 15.5])
    below = (inner + outer) / 2 + 10 * np.array([-np.sin(turn), np.cos(turn)])
    assert (back @ (below - matrix[:, 2]))[1] == pytest.approx(15.5 + 7.5)


@pytest.fixture(scope="module")
def shipped() -> Predictor:
    return load_predictor(LandmarkSettings(model="dms56"))


def test_shipped_model_finds_the_face(
    shipped: Predictor, portrait: Gray, portrait_box: Box
) -> None:
    found = shipped.predict(portrait, portrait_box)
    right, left, mouth_right, mouth_left = found.anchors
    assert right == pytest.approx([203, 103], abs=5)
    assert left == pytest.approx([242, 103], abs=5)
    assert (mouth_right + mouth_left) / 2 == pytest.approx([221, 144], abs=6)
    assert found.fit is not None
    assert found.fit > 0.9


def test_shipped_model_agrees_with_the_reference(
    shipped: Predictor, portrait: Gray, portrait_box: Box, portrait_marks: Landmarks
) -> None:
    found = shipped.predict(portrait, portrait_box)
    apart = np.linalg.norm(found.anchors - portrait_marks.anchors, axis=1)
    assert apart.max() < 0.15 * np.linalg.norm(
        portrait_marks.anchors[1] - portrait_marks.anchors[0]
    )


def test_track_stays_on_the_face(shipped: Predictor, portrait: Gray, portrait_box: Box) -> None:
    box, boxes = portrait_box, []
    for _ in range(10):
        box = shipped.predict(portrait, box).box
        boxes.append(box)
    assert boxes[-1].x == pytest.approx(boxes[4].x, abs=3)
    assert boxes[-1].width == pytest.approx(portrait_box.width, rel=0.2)


@pytest.mark.parametrize("place", [Box(330, 330, 105, 105), Box(20, 200, 105, 105)])
def test_fit_is_low_beside_the_face(shipped: Predictor, portrait: Gray, place: Box) -> None:
    fit = shipped.predict(portrait, place).fit
    assert fit is not None
    assert fit < 0.5


def test_int8_files_place_the_points_as_fp32_does(
    shipped: Predictor, portrait: Gray, portrait_box: Box
) -> None:
    """Within twice of what a sensor's noise of 4 gray moves them by, 0.003 of the eyes."""
    coarse = load_predictor(LandmarkSettings(precision="int8"))
    found, wanted = (
        one.predict(portrait, one.predict(portrait, portrait_box).box) for one in (coarse, shipped)
    )
    size = np.linalg.norm(wanted.anchors[1] - wanted.anchors[0])
    apart = np.linalg.norm(found.points - wanted.points, axis=1)
    assert 0 < apart.mean() < 0.006 * size
    for one, other in ((found.right_eye, wanted.right_eye), (found.left_eye, wanted.left_eye)):
        assert aspect_ratio(one) == pytest.approx(aspect_ratio(other), rel=0.03)
    assert found.fit == pytest.approx(wanted.fit, abs=0.003)


def test_nets_as_they_come_from_training_are_read_in_fp32(folder: Path) -> None:
    read = []

    def engine(path: Path, data: bytes) -> Engine:
        read.append(path.name)
        return Ruled(path, data)

    Dms56(folder, engine=engine, precision="int8")
    Dms56(engine=engine, precision="int8")
    Dms56(engine=engine)
    assert read == [
        "landmarks_face.onnx", "landmarks_eye.onnx",
        "landmarks_face-int8.onnx", "landmarks_eye-int8.onnx",
        "landmarks_face.onnx", "landmarks_eye.onnx",
    ]  # fmt: skip


@pytest.mark.parametrize("gain", [0.25, 1.8])
def test_light_hardly_moves_the_points(
    shipped: Predictor, portrait: Gray, portrait_box: Box, gain: float
) -> None:
    before = shipped.predict(portrait, portrait_box)
    lit = np.clip(portrait * gain, 0, 255).astype(np.uint8)
    after = shipped.predict(lit, portrait_box)
    size = np.linalg.norm(before.anchors[1] - before.anchors[0])
    assert np.linalg.norm(after.points - before.points, axis=1).mean() < 0.06 * size


def test_closing_lids_close_the_measured_eyes(
    shipped: Predictor, portrait: Gray, portrait_box: Box
) -> None:
    """Lids drawn over the eyes, as in training, and each step further closes the EAR."""
    opened = shipped.predict(portrait, portrait_box)
    ratios = [aspect_ratio(opened.right_eye) + aspect_ratio(opened.left_eye)]
    for share in (0.5, 1.0):
        picture = portrait.copy()
        for eye in (opened.right_eye, opened.left_eye):
            close_eye(picture, eye.astype(float), share)
        found = shipped.predict(picture, portrait_box)
        ratios.append(aspect_ratio(found.right_eye) + aspect_ratio(found.left_eye))
    assert ratios[1] < 0.85 * ratios[0]
    assert ratios[2] < 0.45 * ratios[0]


@pytest.mark.data
def test_held_closure_of_a_clip_never_trained_on_is_deep(shipped: Predictor, data: Path) -> None:
    ratios, _ = eye_ratios(shipped, data / "clips" / "microsleep_desk.mp4")
    mean = np.nanmean(ratios, axis=1)
    opened = np.nanmedian(np.r_[mean[21:38], mean[48:62], mean[69:86]])
    assert np.nanmedian(mean[92:175]) < 0.35 * opened  # the target


@pytest.mark.data
def test_every_infrared_face_keeps_its_fit(shipped: Predictor, data: Path) -> None:
    detector = pytest.importorskip("dlib").get_frontal_face_detector()
    for path in sorted((data / "nir_faces").glob("*.jpg"))[::8]:
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        scale = min(1.0, 640 / gray.shape[1])
        gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        place = detector(gray, 0)[0]
        found = shipped.predict(gray, Box(place.left(), place.top(), place.width(), place.height()))
        assert found.fit is not None
        assert found.fit > 0.8, path.name
