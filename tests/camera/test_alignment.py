"""Words as NVIDIA's VI writes them: 10 or 12 bits at the top, repeated below or not."""

import logging

import numpy as np
import pytest

from dms.camera.alignment import Alignment, top_aligned
from dms.camera.gray import frame_picture
from dms.camera.settings import CameraSettings
from dms.camera.source import Picture

RNG = np.random.default_rng(3)


def scene(bits, mean):
    """A (48, 64) picture of noise about ``mean`` of 255, in ``bits`` significant bits."""
    top = (1 << bits) - 1
    values = RNG.normal(mean / 255 * top, top / 40, (48, 64))
    return np.clip(values, 0, top).astype(np.uint16)


def at_top(image, bits, *, repeated):
    low = image >> max(2 * bits - 16, 0) if repeated else 0
    return ((image << (16 - bits)) | low).astype(np.uint16)


def mean_of(image, bits):
    return frame_picture(Picture(image, 0.0, bits), CameraSettings()).mean()


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("mean", [2, 82, 250])
def test_words_filled_from_the_top_are_read_as_bright_as_they_are(bits, repeated, mean, caplog):
    image = scene(bits, mean)
    given = at_top(image, bits, repeated=repeated)
    alignment = Alignment(f"Y{bits}", bits)
    with caplog.at_level(logging.WARNING):
        read = [alignment.bits_of(given) for _ in range(3)]
    assert read == [16, 16, 16]
    assert mean_of(given, 16) == pytest.approx(mean_of(image, bits), abs=1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]  # once
    assert "camera.bits: 16" in caplog.text


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("mean", [1, 2, 82, 250, 255])
def test_words_as_v4l2_defines_them_stay_as_declared(bits, mean, caplog):
    alignment = Alignment(f"Y{bits}", bits)
    assert {alignment.bits_of(scene(bits, mean)) for _ in range(400)} == {bits}
    assert not caplog.records


def test_black_and_flat_pictures_decide_nothing():
    alignment = Alignment("Y10", 10)
    for level in (0, 64, 640, 1023):
        assert alignment.bits_of(np.full((4, 4), level, np.uint16)) == 10
    assert alignment.bits_of(at_top(scene(10, 82), 10, repeated=True)) == 16


def test_what_was_seen_for_long_at_the_bottom_is_looked_at_no_more():
    alignment = Alignment("Y12", 12)
    for _ in range(300):
        alignment.bits_of(scene(12, 60))
    assert alignment.bits_of(at_top(scene(12, 82), 12, repeated=False)) == 12


@pytest.mark.parametrize("bits", [8, 16])
def test_depths_without_a_choice_are_never_looked_at(bits):
    assert Alignment("x", bits).bits_of(np.full((4, 4), 65535, np.uint16)) == bits
    assert top_aligned(np.array([[1, 2000]], np.uint16), 10)


def test_what_the_owner_set_is_not_doubted(caplog):
    alignment = Alignment("Y10", 10, asked=10)
    assert alignment.bits_of(at_top(scene(10, 82), 10, repeated=True)) == 10
    assert not caplog.records
