import numpy as np
import pytest

from dms.camera.gray import frame_picture, to_eight_bits
from dms.camera.settings import CameraSettings
from dms.camera.source import Picture
from dms.errors import CameraError


def test_the_settings_depth_wins_over_the_formats():
    image = np.full((64, 64), 1023, np.uint16)
    plain = frame_picture(Picture(image, bits=16), CameraSettings())
    declared = frame_picture(Picture(image, bits=16), CameraSettings(bits=10))
    assert (plain[0, 0], declared[0, 0]) == (3, 255)


def test_float_pictures_run_from_zero_to_one():
    image = np.array([[0.0, 0.5, 1.0, 2.0, np.nan, -1.0]], np.float32)
    assert to_eight_bits(image).tolist() == [[0, 128, 255, 255, 0, 0]]


@pytest.mark.parametrize("shape", [(0, 5), (64,), (64, 64, 2), (2, 2, 2, 2)])
def test_odd_shapes_are_refused(shape):
    with pytest.raises(CameraError):
        frame_picture(Picture(np.zeros(shape, np.uint8)), CameraSettings())


def test_odd_types_are_refused():
    with pytest.raises(CameraError, match="int32"):
        frame_picture(Picture(np.zeros((4, 4), np.int32)), CameraSettings())


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_turns_are_clockwise_and_contiguous(turn):
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    turned = frame_picture(Picture(image), CameraSettings(rotate_deg=turn))
    assert np.array_equal(turned, np.rot90(image, -turn // 90))
    assert turned.flags.c_contiguous
