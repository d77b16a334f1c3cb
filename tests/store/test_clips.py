import os

import numpy as np
import pytest

from dms.camera.backends import open_camera
from dms.camera.settings import CameraSettings
from dms.cli import main
from dms.config import load
from dms.errors import ConfigError
from dms.store.clips import ClipKeeper, ClipSettings, open_clip
from dms.store.sealing import new_identity
from dms.values import DriverObservation, DriverState, Event, Frame, Kind, Level, Moment, Step

pytest.importorskip("pyrage", reason="the extra 'clips' is not installed")

PRIVATE, PUBLIC = new_identity()
SETTINGS = ClipSettings(enabled=True, recipient=PUBLIC, before_s=2.0, after_s=1.0)
MOMENT = Moment(DriverObservation(0.0))


@pytest.fixture
def key(tmp_path_factory):
    file = tmp_path_factory.mktemp("owner") / "key.txt"
    file.write_text(PRIVATE)
    return file


def drive(keeper, alerts=(), seconds=10.0, level=Level.WARNING, fps=10):
    """Feed frames whose gray level is the time; alerts at the given seconds."""
    for number in range(int(seconds * fps)):
        t_s = 50.0 + number / fps
        gray = np.full((480, 640), number % 250, np.uint8)
        due = [a for a in alerts if abs(a - number / fps) < 0.5 / fps]
        events = tuple(Event(t_s, Kind.SLEEP, level, "") for _ in due)
        keeper.take(Step(MOMENT, DriverState(t_s, events=events), Frame(gray, t_s, number)))


def clips(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_nothing_is_written_without_an_alert_of_the_level(tmp_path):
    with ClipKeeper(tmp_path / "clips", SETTINGS) as keeper:
        drive(keeper)
        drive(keeper, [5.0], level=Level.ADVISORY)
    assert clips(tmp_path / "clips") == []


def test_a_clip_holds_the_seconds_around_the_alert_and_can_be_replayed(tmp_path, key):
    with ClipKeeper(tmp_path, SETTINGS, lambda: 0.0) as keeper:
        drive(keeper, [5.0])
    (name,) = clips(tmp_path)
    assert name == "19700101T000000Z-sleep.tar.age"
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    folder = tmp_path / "opened"
    assert open_clip(tmp_path / name, key, folder) == 32
    with open_camera(CameraSettings(source=str(folder))) as camera:
        frames = list(camera)
    assert frames[0].gray.shape == (240, 320)
    assert abs(int(frames[0].gray[0, 0]) - 30) <= 1  # 2 s before
    assert abs(int(frames[-1].gray[0, 0]) - 60) <= 1  # 1 s after
    assert frames[-1].t_s == pytest.approx(3.0, abs=0.11)


def test_what_is_on_the_disk_is_encrypted_and_opens_with_no_other_key(tmp_path, key):
    with ClipKeeper(tmp_path, SETTINGS) as keeper:
        drive(keeper, [5.0])
    (clip,) = tmp_path.iterdir()
    data = clip.read_bytes()
    assert data.startswith(b"age-encryption.org/v1")
    assert b"JFIF" not in data
    assert b"file,t_s" not in data
    key.write_text(new_identity()[0])
    with pytest.raises(ConfigError, match="cannot be opened"):
        open_clip(clip, key, tmp_path / "opened")
    clip.write_bytes(data[:-40])
    key.write_text(PRIVATE)
    with pytest.raises(ConfigError, match="cannot be opened"):
        open_clip(clip, key, tmp_path / "opened")


def test_clips_without_an_owner_are_refused():
    with pytest.raises(ConfigError, match="recipient"):
        load(None, ["service.clips.enabled=true"])
    with pytest.raises(ConfigError, match="recipient"):
        load(None, ["service.clips.recipient=age1nonsense"])
    broken = "q" if PUBLIC[-1] != "q" else "p"
    with pytest.raises(ConfigError, match="public key"):
        ClipKeeper(None, ClipSettings(enabled=True, recipient=PUBLIC[:-1] + broken))


def test_alerts_within_a_clip_make_no_second_one(tmp_path):
    with ClipKeeper(tmp_path, SETTINGS) as keeper:
        drive(keeper, [5.0, 5.3, 5.8])
    assert len(clips(tmp_path)) == 1


def test_a_clip_under_way_at_the_end_is_kept(tmp_path):
    with ClipKeeper(tmp_path, SETTINGS) as keeper:
        drive(keeper, [9.8])
    assert len(clips(tmp_path)) == 1


def test_number_and_age_are_bounded_oldest_first_also_without_a_new_clip(tmp_path):
    settings = ClipSettings(enabled=True, recipient=PUBLIC, most=3, oldest_days=1)
    for day in (1, 9.5, 9.6, 9.7, 9.8):
        file = tmp_path / f"2026{day:05.1f}-sleep.tar.age"
        file.touch()
        os.utime(file, (day * 86400, day * 86400))
    with ClipKeeper(tmp_path, settings, lambda: 10 * 86400.0):
        pass  # a start is enough
    kept = ("2026009.6-sleep", "2026009.7-sleep", "2026009.8-sleep")
    assert clips(tmp_path) == [f"{name}.tar.age" for name in kept]


def test_a_disk_that_refuses_is_told_and_survived(tmp_path, caplog):
    (tmp_path / "clips").write_text("in the way")
    with ClipKeeper(tmp_path / "clips", SETTINGS) as keeper:
        drive(keeper, [3.0, 7.0])
    assert "not kept" in caplog.text


def test_keys_listing_opening_and_erasing_by_command(tmp_path, capsys, monkeypatch):
    key, folder = tmp_path / "owner.key", tmp_path / "clips"
    assert main(["clips", "key", "--identity", str(key)]) == 0
    assert key.stat().st_mode & 0o777 == 0o600
    assert main(["clips", "key", "--identity", str(key)]) == 2  # never written over
    public = capsys.readouterr().out.split("recipient: ")[1].split("}")[0]
    settings = ClipSettings(enabled=True, recipient=public, before_s=1.0, after_s=0.5)
    with ClipKeeper(folder, settings) as keeper:
        drive(keeper, [5.0])
    assert main(["clips", "list", "--folder", str(folder)]) == 0
    name = capsys.readouterr().out.split()[0]
    words = ["clips", "open", name, "--identity", str(key), "--output", str(tmp_path / "opened")]
    assert main(words) == 0
    assert len(list((tmp_path / "opened").glob("*.jpg"))) == 16
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115, PTH123
    assert main(["clips", "erase", "--folder", str(folder)]) == 2
    assert main(["clips", "erase", "--folder", str(folder), "--yes"]) == 0
    assert clips(folder) == []
