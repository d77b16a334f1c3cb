"""A recording's frozen, flat and shallow pictures, told as on the vehicle."""

import logging

import cv2
import numpy as np
import pytest

from dms.camera.backends import open_camera
from dms.camera.settings import CameraSettings

RNG = np.random.default_rng(1)


def folder(tmp_path, pictures):
    for number, picture in enumerate(pictures):
        assert cv2.imwrite(str(tmp_path / f"{number:04}.png"), picture)
    return tmp_path


def noise(number=0):
    return np.random.default_rng(number).integers(0, 255, (64, 64), np.uint8)


def read(path, **settings):
    with open_camera(CameraSettings(source=str(path), fps=10, **settings)) as camera:
        return list(camera)


def test_the_very_same_picture_for_longer_than_frozen_s_is_none(tmp_path, caplog):
    pictures = [noise(n) for n in range(5)] + [noise(99)] * 40 + [noise(n) for n in range(5)]
    frames = read(folder(tmp_path, pictures))
    lost = [frame.t_s for frame in frames if frame.lost]
    assert lost[0] == pytest.approx(0.5 + 3.0)  # frozen_s
    assert lost[-1] == pytest.approx(4.4)
    assert "frozen: the very same for 3 s" in frames[40].lost
    assert caplog.text.count("frozen") == 1
    assert not any(frame.lost for frame in read(tmp_path, frozen_s=None))


@pytest.mark.parametrize("value", [0, 255])
def test_a_picture_of_one_value_is_no_frozen_one_but_is_told(tmp_path, caplog, value):
    pictures = [np.full((64, 64), value, np.uint8)] * 50
    with caplog.at_level(logging.WARNING):
        frames = read(folder(tmp_path, pictures))
    assert not any(frame.lost for frame in frames)
    assert caplog.text.count(f"one single value ({value})") == 1
    assert "a covered lens" in caplog.text  # what more is said, see the last test


@pytest.mark.parametrize(("most", "told"), [(900, "camera.bits=10"), (3000, "camera.bits=12")])
def test_few_bits_in_sixteen_are_hinted_at(tmp_path, caplog, most, told):
    pictures = [RNG.integers(0, most, (64, 64)).astype(np.uint16) for _ in range(3)]
    read(folder(tmp_path, pictures))
    assert told in caplog.text
    caplog.clear()
    read(tmp_path, bits=10)
    read(folder(tmp_path, [p * 20 for p in pictures]))
    assert "camera.bits" not in caplog.text


def test_the_hint_on_black_pictures_is_not_what_is_done_already(tmp_path, caplog, monkeypatch):
    path = folder(tmp_path, [np.zeros((64, 64), np.uint8)] * 15)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    read(path)
    assert "pip install 'dms-jetson[video]' reads interlaced ones" in caplog.text
    caplog.clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    read(path)
    assert "one single value (0) from 0.00 s on" in caplog.text
    assert "pip install" not in caplog.text
