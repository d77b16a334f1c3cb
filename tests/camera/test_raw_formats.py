"""Recorded buffer layouts; the real drivers deliver theirs in tests/system."""

import cv2
import numpy as np
import pytest

from dms.camera.raw_formats import decode_buffer
from dms.camera.settings import PixelFormat
from dms.errors import CameraLostError

WIDTH, HEIGHT = 6, 4
GRAY = np.arange(WIDTH * HEIGHT, dtype=np.uint8).reshape(HEIGHT, WIDTH)


def padded(lines, stride):
    raw = lines.reshape(HEIGHT, -1).view(np.uint8)
    return np.pad(raw, ((0, 0), (0, stride - raw.shape[1])), constant_values=99).tobytes()


@pytest.mark.parametrize("stride", [0, WIDTH, 16])
def test_grey_with_and_without_line_padding(stride):
    data = padded(GRAY, stride or WIDTH)
    assert np.array_equal(decode_buffer(data, PixelFormat.GREY, WIDTH, HEIGHT, stride), GRAY)


@pytest.mark.parametrize("form", [PixelFormat.Y10, PixelFormat.Y12, PixelFormat.Y16])
def test_deep_gray_is_little_endian_words(form):
    words = (GRAY.astype("<u2") * 40).astype("<u2")
    image = decode_buffer(padded(words, 32), form, WIDTH, HEIGHT, 32)
    assert image.dtype == np.uint16
    assert np.array_equal(image, words)


def test_yuyv_keeps_the_luminance():
    pairs = np.stack([GRAY, np.full_like(GRAY, 128)], axis=2)
    assert np.array_equal(
        decode_buffer(pairs.tobytes(), PixelFormat.YUYV, WIDTH, HEIGHT, 2 * WIDTH), GRAY
    )


def test_mjpg_is_decoded_to_gray():
    smooth = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    data = cv2.imencode(".jpg", smooth)[1].tobytes()
    image = decode_buffer(data, PixelFormat.MJPG, 64, 48)
    assert np.abs(image.astype(int) - smooth).max() < 10


@pytest.mark.parametrize("form", list(PixelFormat))
@pytest.mark.parametrize("data", [b"", b"\x00" * 5])
def test_a_cut_off_buffer_is_a_lost_camera_not_a_crash(form, data):
    with pytest.raises(CameraLostError):
        decode_buffer(data, form, WIDTH, HEIGHT)


def test_the_last_line_may_lack_its_padding():
    data = padded(GRAY, 16)[: 3 * 16 + WIDTH]
    assert np.array_equal(decode_buffer(data, PixelFormat.GREY, WIDTH, HEIGHT, 16), GRAY)
