"""OpenCV's streams over a fake VideoCapture; tests/system reads a real V4L2 driver through it."""

import cv2
import numpy as np
import pytest

from dms.camera import opencv_stream
from dms.camera.opencv_stream import OpenCvRtsp, OpenCvV4l2
from dms.camera.settings import CameraSettings
from dms.errors import CameraError, CameraLostError


class Capture:
    """Answers as cv2.VideoCapture does; the class says what the next one offers and reads."""

    offers = ("GREY",)
    reads = ()
    answers = {cv2.CAP_PROP_FRAME_WIDTH: 64, cv2.CAP_PROP_FRAME_HEIGHT: 48}
    made = []

    def __init__(self, source, api, asked=()):
        self.asked = dict(zip(asked[::2], asked[1::2], strict=True))
        self.source, self.api, self.released = source, api, False
        self.left = list(self.reads)
        Capture.made.append(self)

    def isOpened(self):  # noqa: N802  (OpenCV's name)
        return bool(self.offers)

    def get(self, what):
        if what != cv2.CAP_PROP_FOURCC:
            return self.answers.get(what, 0)
        wanted = int(self.asked[what]).to_bytes(4, "little").decode().strip()
        form = wanted if wanted in self.offers else self.offers[0]
        return int.from_bytes(form.ljust(4).encode(), "little")

    def read(self):
        image = self.left.pop(0) if self.left else None
        return image is not None, image

    def release(self):
        self.released = True


@pytest.fixture
def capture(monkeypatch):
    chosen = type("Chosen", (Capture,), {})
    Capture.made = []
    monkeypatch.setattr(opencv_stream.cv2, "VideoCapture", chosen)
    return chosen


@pytest.fixture
def device(tmp_path):
    path = tmp_path / "video0"
    path.write_bytes(b"")
    return path


def opened(device, **settings):
    source = OpenCvV4l2(CameraSettings(source=str(device), **settings))
    source.open()
    return source


def test_the_best_gray_on_offer_is_taken_as_the_sensor_sent_it(capture, device):
    capture.offers = ("YUYV", "Y10")
    words = np.full((48, 64), 1000, np.uint16)
    capture.reads = [words.view(np.uint8)]
    capture.answers = {**Capture.answers, cv2.CAP_PROP_POS_MSEC: 12_500.0}
    source = opened(device, width=64, height=80, fps=30)
    seen = source.grab()
    assert (seen.bits, seen.t_s, int(seen.image.max())) == (10, 12.5, 1000)
    refused, kept = Capture.made
    assert (refused.released, kept.released) == (True, False)
    assert kept.asked[cv2.CAP_PROP_CONVERT_RGB] == 0
    assert (kept.asked[cv2.CAP_PROP_FRAME_WIDTH], kept.asked[cv2.CAP_PROP_FPS]) == (64, 30)
    source.close()
    source.close()
    assert kept.released
    assert source.grab() is None


def test_a_read_that_goes_on_saying_true_after_the_unplug_is_a_lost_camera(capture, device):
    capture.reads = [np.zeros((48, 64), np.uint8)] * 3
    source = opened(device)
    assert source.grab().t_s is None  # this driver gives no stamp
    device.unlink()
    with pytest.raises(CameraLostError, match="is gone"):
        source.grab()


def test_one_bad_read_is_passed_over_three_in_a_row_are_a_lost_camera(capture, device):
    good = np.zeros((48, 64), np.uint8)
    capture.reads = [None, None, good, None, None, None]
    source = opened(device)
    assert source.grab() is None
    assert source.grab() is None
    assert source.grab() is not None
    assert source.grab() is None
    assert source.grab() is None
    with pytest.raises(CameraLostError, match="gives no pictures"):
        source.grab()


@pytest.mark.parametrize(("asked", "words"), [(None, "GREY, Y10"), ("Y12", "Y12")])
def test_a_device_without_the_wanted_format_says_so(capture, device, asked, words):
    capture.offers = ("H264",)
    with pytest.raises(CameraError, match=f"offers none of {words}"):
        opened(device, pixel_format=asked)
    assert all(one.released for one in Capture.made)


def test_rtsp_has_the_settings_patience_and_a_refusal_is_one_sentence(capture):
    settings = CameraSettings(source="rtsp://10.0.0.9/cabin", first_frame_s=7, silent_s=3)
    capture.offers = ()
    with pytest.raises(CameraError, match="cannot be opened"):
        OpenCvRtsp(settings).open()
    (one,) = Capture.made
    assert one.asked == {
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: 7000, cv2.CAP_PROP_READ_TIMEOUT_MSEC: 3000,
    }  # fmt: skip
    assert one.released
