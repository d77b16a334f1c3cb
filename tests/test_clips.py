import os

import numpy as np
import pytest

from dms.camera.backends import open_camera
from dms.camera.settings import CameraSettings
from dms.clips import ClipKeeper, ClipSettings
from dms.recording import Moment
from dms.values import DriverObservation, DriverState, Event, Frame, Kind, Level

SETTINGS = ClipSettings(enabled=True, before_s=2.0, after_s=1.0)
MOMENT = Moment(DriverObservation(0.0))


def drive(keeper, alerts=(), seconds=10.0, level=Level.WARNING, fps=10):
    """Feed frames whose gray level is the time; alerts at the given seconds."""
    for number in range(int(seconds * fps)):
        t_s = 50.0 + number / fps
        gray = np.full((480, 640), number % 250, np.uint8)
        due = [a for a in alerts if abs(a - number / fps) < 0.5 / fps]
        events = tuple(Event(t_s, Kind.SLEEP, level, "") for _ in due)
        keeper.take(MOMENT, DriverState(t_s, events=events), Frame(gray, t_s, number))


def clips(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_nothing_is_written_without_an_alert_of_the_level(tmp_path):
    with ClipKeeper(tmp_path / "clips", SETTINGS) as keeper:
        drive(keeper)
        drive(keeper, [5.0], level=Level.ADVISORY)
    assert clips(tmp_path / "clips") == []


def test_a_clip_holds_the_seconds_around_the_alert_and_can_be_replayed(tmp_path):
    with ClipKeeper(tmp_path, SETTINGS, lambda: 0.0) as keeper:
        drive(keeper, [5.0])
    (name,) = clips(tmp_path)
    assert name == "19700101T000000Z-sleep"
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o700
    with open_camera(CameraSettings(source=str(tmp_path / name))) as camera:
        frames = list(camera)
    assert frames[0].gray.shape == (240, 320)
    assert abs(int(frames[0].gray[0, 0]) - 30) <= 1  # 2 s before
    assert abs(int(frames[-1].gray[0, 0]) - 60) <= 1  # 1 s after
    assert frames[-1].t_s == pytest.approx(3.0, abs=0.11)


def test_alerts_within_a_clip_make_no_second_one(tmp_path):
    with ClipKeeper(tmp_path, SETTINGS) as keeper:
        drive(keeper, [5.0, 5.3, 5.8])
    assert len(clips(tmp_path)) == 1


def test_a_clip_under_way_at_the_end_is_kept(tmp_path):
    with ClipKeeper(tmp_path, SETTINGS) as keeper:
        drive(keeper, [9.8])
    assert len(clips(tmp_path)) == 1


def test_number_and_age_are_bounded_oldest_first(tmp_path):
    keeper = ClipKeeper(tmp_path, ClipSettings(most=3, oldest_days=1), lambda: 10 * 86400.0)
    for day in (1, 9.5, 9.6, 9.7, 9.8):
        folder = tmp_path / f"2026{day:05.1f}-sleep"
        folder.mkdir()
        os.utime(folder, (day * 86400, day * 86400))
    keeper.prune()
    assert clips(tmp_path) == ["2026009.6-sleep", "2026009.7-sleep", "2026009.8-sleep"]
    assert "2026001.0-sleep" not in clips(tmp_path)


def test_a_disk_that_refuses_is_told_and_survived(tmp_path, caplog):
    (tmp_path / "clips").write_text("in the way")
    with ClipKeeper(tmp_path / "clips", SETTINGS) as keeper:
        drive(keeper, [3.0, 7.0])
    assert "not kept" in caplog.text
