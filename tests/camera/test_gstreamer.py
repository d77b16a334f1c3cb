"""Real pipelines through PyGObject, where the machine has it; else skipped by name."""

import time

import numpy as np
import pytest

from dms.camera.backends import open_camera, presences
from dms.camera.settings import CameraSettings
from dms.errors import CameraError, CameraLostError

pytestmark = pytest.mark.skipif(
    not any(item.present for item in presences() if item.name.startswith("gstreamer")),
    reason="needs PyGObject with GStreamer, or an OpenCV built with it",
)


def open_pipeline(text, **settings):
    return open_camera(CameraSettings(source=text, **settings))


def test_padded_lines_are_cut_and_stamps_are_on_the_monotonic_clock():
    with open_pipeline("videotestsrc is-live=true pattern=ball ! video/x-raw,width=322") as camera:
        frames = [camera.read() for _ in range(5)]
    assert frames[0].gray.shape[1] == 322
    assert all(np.diff([frame.t_s for frame in frames]) > 0)
    assert abs(frames[-1].t_s - time.monotonic()) < 60


def test_a_finite_pipeline_ends():
    with open_pipeline("videotestsrc num-buffers=5 ! video/x-raw,width=320") as camera:
        assert 1 <= len(list(camera)) <= 5


def test_a_pipeline_that_fails_on_the_way_is_a_lost_camera():
    text = "videotestsrc is-live=true pattern=snow ! identity error-after=10"
    with open_pipeline(text) as camera, pytest.raises(CameraLostError, match="GStreamer"):
        list(camera)


@pytest.mark.parametrize("text", ["nosuchsrc ! queue", "filesrc location=/nope ! decodebin"])
def test_a_pipeline_that_cannot_start_says_so(text):
    with pytest.raises(CameraError, match="GStreamer"):
        open_pipeline(text, first_frame_s=60).open()


def test_a_format_that_is_not_gray_or_colour_is_told():
    text = "videotestsrc num-buffers=3 ! video/x-raw,format=AYUV,width=320 ! appsink"
    with pytest.raises(CameraError, match="gives AYUV; end it in one of GRAY8"):
        open_pipeline(text, first_frame_s=60).open()
