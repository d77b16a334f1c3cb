import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms.engine.preprocess.crop import (
    EyeCropSettings,
    FaceCropSettings,
    cut,
    eye_crops,
    face_crop,
    fit_similarity,
    to_batch,
)
from dms.errors import EngineError

FRAMING = FaceCropSettings()


def picture(height: int = 300, width: int = 400) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return (127 + 100 * np.sin(x / 23) * np.cos(y / 31)).astype(np.uint8)


def placed(scale: float, angle_deg: float, x: float, y: float) -> np.ndarray:
    """The template's anchors, as a face of this size, roll and place would show them."""
    turn = scale * np.exp(1j * np.deg2rad(angle_deg))
    points = turn * (FRAMING.template @ (1, 1j)) + complex(x, y)
    return np.stack([points.real, points.imag], 1)


@given(st.floats(0.3, 10), st.floats(-180, 180), st.floats(-500, 500), st.floats(-500, 500))
def test_similarity_brings_a_moved_template_home(scale, angle, x, y):
    points = placed(scale, angle, x, y)
    matrix = fit_similarity(points, FRAMING.template).matrix
    back = points @ matrix[:, :2].T + matrix[:, 2]
    assert np.allclose(back, FRAMING.template, atol=1e-6)


def test_similarity_never_mirrors():
    mirrored = FRAMING.template * (-1, 1)
    matrix = fit_similarity(mirrored, FRAMING.template).matrix
    assert np.linalg.det(matrix[:, :2]) > 0


@pytest.mark.parametrize("points", [np.zeros((4, 2)), np.full((4, 2), np.nan)])
def test_anchors_without_extent_are_refused(points):
    with pytest.raises(EngineError, match="skip this frame"):
        fit_similarity(points, FRAMING.template)


def test_crop_of_a_face_in_template_place_is_the_picture_itself():
    gray = picture()
    assert np.array_equal(face_crop(gray, FRAMING.template, FRAMING), gray[:48, :48])


def test_turned_face_gives_the_upright_crop():
    gray = picture(700, 900)
    upright = face_crop(gray, placed(1.0, 0, 300, 200), FRAMING)
    centre = np.array([300.0, 200.0])
    angle = np.deg2rad(25)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, centre - turn @ centre])
    turned = cut(gray, matrix, 700)
    crop = face_crop(turned, placed(1.0, 25, 300, 200), FRAMING)
    assert np.abs(crop.astype(int) - upright).mean() < 3


def test_large_faces_are_averaged_not_sampled():
    stripes = np.zeros((1000, 1000), np.uint8)
    stripes[::2] = 200
    crop = face_crop(stripes, placed(12, 0, 100, 100), FRAMING)
    assert abs(int(crop.mean()) - 100) < 3
    assert crop.std() < 25


def test_crop_off_the_picture_repeats_the_border():
    gray = np.full((50, 50), 90, np.uint8)
    assert (face_crop(gray, placed(1, 0, -400, -400), FRAMING) == 90).all()


def test_eyes_are_cut_around_their_centres_and_the_left_is_mirrored():
    gray = np.full((200, 200), 100, np.uint8)
    anchors = placed(3, 0, 20, 20)
    framing = EyeCropSettings()
    for (x, y), outward in zip(anchors[:2], (-1, 1), strict=True):
        gray[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2] = 255
        gray[
            round(y) - 1 : round(y) + 2, round(x + outward * 15) - 1 : round(x + outward * 15) + 2
        ] = 0
    crops = eye_crops(gray, anchors, framing)
    assert crops.shape == (2, 32, 32)
    for crop in crops:
        row, column = np.unravel_index(crop.argmax(), crop.shape)
        assert abs(row - 32 * framing.centre_y + 0.5) <= 1
        assert abs(column - 15.5) <= 1
        assert np.unravel_index(crop.argmin(), crop.shape)[1] < 12  # outer side on the left


def test_batch_is_gray_from_zero_to_one():
    batch = to_batch(np.array([[0, 255], [51, 102]], np.uint8))
    assert batch.shape == (1, 1, 2, 2)
    assert batch.dtype == np.float32
    assert np.allclose(batch.ravel(), [0, 1, 0.2, 0.4])
    assert to_batch(np.zeros((2, 8, 8), np.uint8)).shape == (2, 1, 8, 8)
