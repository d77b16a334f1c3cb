import cv2
import numpy as np
import pytest

from dms.camera.aim import AimSettings, as_picture, as_text, judge
from dms.cli import main
from dms.values import Box, DriverObservation, HeadPose, Unseen

SETTINGS = AimSettings()
GOOD = Box(240, 150, 160, 160)


def picture(level=120):
    return np.full((480, 640), level, np.uint8)


def advice(face=GOOD, level=120, pose=None):
    seen = DriverObservation(0.0, face=face, pose=pose)
    return " ".join(judge(picture(level), seen, SETTINGS).advice)


def test_a_well_placed_face_needs_nothing():
    assert advice() == ""
    assert advice(pose=HeadPose(10, -10, 0)) == ""


@pytest.mark.parametrize(
    ("face", "words"),
    [
        (Box(280, 200, 80, 80), "80 px wide, at least 110"),
        (Box(100, 10, 420, 420), "fills the picture"),
        (Box(5, 150, 160, 160), "left edge"),
        (Box(475, 150, 160, 160), "right edge"),
        (Box(240, 2, 160, 160), "top edge"),
        (Box(240, 318, 160, 160), "bottom edge"),
    ],
)
def test_size_and_place_are_told(face, words):
    assert words in advice(face)


@pytest.mark.parametrize(("level", "words"), [(30, "too dark"), (215, "too bright"), (255, "100%")])
def test_light_is_told(level, words):
    assert words in advice(level=level)


def test_a_steep_view_is_told():
    assert "yaw -40" in advice(pose=HeadPose(-40, 0, 0))


def test_no_face_says_why():
    seen = DriverObservation(0.0, unseen=Unseen.DARK)
    (told,) = judge(picture(3), seen, SETTINGS).advice
    assert "dark" in told
    assert "mean is 3" in told


def test_the_text_picture_shows_shades_and_the_box():
    gray = np.zeros((480, 640), np.uint8)
    gray[:, 320:] = 255
    lines = as_text(gray, Box(160, 120, 320, 240), 64).splitlines()
    assert {len(line) for line in lines} == {64}
    assert (lines[0][0], lines[0][-1]) == (" ", "@")
    corners = [line for line in lines if line.count("+") == 2]
    assert len(corners) == 2
    assert corners[0].index("+") == 16


def test_a_face_half_off_the_picture_is_drawn_and_judged():
    face = Box(-50, -50, 900, 700)
    aim = judge(picture(), DriverObservation(0.0, face=face), SETTINGS)
    assert not aim.good
    assert as_text(picture(), face).count("+") == 4
    assert as_picture(picture(), aim).shape == (480, 640)


def test_a_picture_of_one_single_value_is_told_as_none():
    blank = np.full((480, 640), 7, np.uint8)
    seen = DriverObservation(0.0, unseen=Unseen.DARK)
    (told,) = judge(blank, seen, AimSettings()).advice
    assert told.startswith("No face (dark")
    assert "Every pixel is 7: a covered lens" in told
    picture = np.arange(480 * 640).astype(np.uint8).reshape(480, 640)
    assert "Every pixel" not in judge(picture, seen, AimSettings()).advice[0]


def test_the_same_advice_is_printed_once_not_at_every_frame(tmp_path, capsys):
    noise = np.random.default_rng(1)
    for number in range(12):
        level = 100 + noise.integers(0, 9, (240, 320), np.uint8)
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), level)
    assert main(["aim", "--source", str(tmp_path), "-s", "camera.fps=10"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "face" in lines[0]
    assert len(lines) < 4
