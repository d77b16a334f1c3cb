import resource

import cv2
import numpy as np
import pytest

from dms.errors import ConfigError
from dms.files.video import AnnotatedVideo
from dms.values import Box, DriverObservation, DriverState, Frame, Kind, Level, Moment, Step


def told(t_s, level=Level.NONE, frame=None):
    kind = Kind.SLEEP if level else None
    seen = Moment(DriverObservation(t_s, face=Box(40, 100, 80, 80)))
    return Step(seen, DriverState(t_s, level=level, kind=kind), frame)


def test_every_frame_is_written_with_the_face_in_the_colour_of_the_level(tmp_path):
    path = tmp_path / "out.mp4"
    gray = np.full((240, 320), 30, np.uint8)
    with AnnotatedVideo(path, 30.0) as video:
        for at in range(6):
            video.take(told(at / 30, Level.CRITICAL if at >= 3 else Level.NONE, Frame(gray, 0, at)))
        video.take(told(1.0))  # a moment without a picture adds nothing
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    capture.release()
    assert len(frames) == 6
    edge = np.s_[110:170, 39:42]
    first, last = (frames[at][edge].reshape(-1, 3).mean(axis=0) for at in (0, 5))
    assert first.argmax() == 1  # green
    assert last.argmax() == 2  # red


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    video = AnnotatedVideo(tmp_path / "out.unknown", 30.0)
    with pytest.raises(ConfigError, match="cannot write"):
        video.take(told(0.0, frame=Frame(np.zeros((60, 80), np.uint8), 0, 0)))


def test_a_full_disk_is_told(tmp_path):
    chance = np.random.default_rng(1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    video = AnnotatedVideo(tmp_path / "out.mp4", 30.0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        for at in range(20):
            gray = chance.integers(0, 255, (240, 320), np.uint8)
            video.take(told(at / 30, frame=Frame(gray, 0, at)))
        with pytest.raises(ConfigError, match="free the disk"):
            video.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    video.close()  # a second time does nothing


def test_pictures_of_another_size_are_not_left_out(tmp_path):
    path = tmp_path / "out.mp4"
    with AnnotatedVideo(path, 30.0) as video:
        for at, size in enumerate([(240, 320), (100, 200), (241, 321)]):
            video.take(told(at / 30, frame=Frame(np.full(size, 90, np.uint8), 0, at)))
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) == 3


@pytest.mark.parametrize("ending", ["mpg", "mkv"])
@pytest.mark.parametrize("count", [61, 300])
def test_a_film_whose_reader_estimates_its_length_is_whole(tmp_path, ending, count):
    gray = np.full((120, 160), 30, np.uint8)
    with AnnotatedVideo(tmp_path / f"calm.{ending}", 30.0) as video:
        for at in range(count):
            video.take(told(at / 30, frame=Frame(gray, 0, at)))
