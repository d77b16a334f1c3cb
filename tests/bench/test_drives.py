"""A drive in segments: one recording, one driver, taken up again where a run was cut short."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dms.bench import job
from dms.bench.bench import Result, bench
from dms.bench.drives import load_segments, recordings
from dms.bench.job import Recipe, run_job
from dms.chain import Chain
from dms.cli import main
from dms.config import NetSettings, Settings
from dms.errors import ConfigError, DamagedError
from dms.files.events import load_events
from dms.files.observations import load
from dms.values import Box, DriverObservation, EyeEvidence, HeadPose, Kind

pytestmark = pytest.mark.whole  # tools/test --quick leaves it out

RATE = 10
MINUTES = 5
SLEEPS = ((59.2, 61.5), (130.0, 131.6), (275.0, 276.5))  # of the film; the first over a seam
QUIET = Settings(nets=NetSettings(expression=None, eye_state=None), bridges=())


class Sees:
    """Perception of films in which a bright picture is an open eye."""

    faults = ()

    def __init__(self):
        self.looked = 0

    def reset(self):
        pass

    def observe(self, frame):
        self.looked += 1
        ear = 0.3 if frame.gray.mean() > 120 else 0.1
        eye = EyeEvidence(ear=ear, contrast=0.3)
        pose = HeadPose(0.0, 0.0, 0.0)
        box = Box(20.0, 20.0, 20.0, 20.0)
        return DriverObservation(
            frame.t_s, face=box, right_eye=eye, left_eye=eye, mar=0.05, pose=pose, brightness=90.0
        )


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    """Five minutes in segments of a minute, with a drowsy driver."""
    folder = tmp_path_factory.mktemp("drive")
    noise = np.random.default_rng(3).integers(0, 8, (RATE, 32, 32), np.uint8)
    for minute in range(MINUTES):
        path = str(folder / f"drive_{minute + 1:04}.avi")
        film = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), RATE, (32, 32), False)
        for at in range(60 * RATE):
            t_s = 60 * minute + at / RATE
            shut = any(start_s <= t_s < end_s for start_s, end_s in SLEEPS)
            film.write(noise[at % RATE] + np.uint8(40 if shut else 200))
        film.release()
    return folder


@pytest.fixture
def sees(monkeypatch):
    """One perception that counts, in the chain of every job."""
    seeing = Sees()
    chain = Chain(QUIET, lambda _: seeing)
    monkeypatch.setattr(job, "_chain", lambda *_: chain)
    return seeing


def told(events):
    return [(event.kind, round(event.t_s, 3)) for event in events if event.level]


def test_five_minutes_in_segments_are_one_drive(drive, tmp_path, sees):
    (entry,) = recordings([str(drive / "*.avi")], join=True)
    assert entry.name == "drive_0001+4"
    assert len(entry.parts) == MINUTES
    outcome = run_job(entry, Recipe(str(tmp_path)))
    assert outcome.error is None
    assert outcome.damaged is None
    assert outcome.scored.frames == sees.looked == MINUTES * 60 * RATE
    assert outcome.scored.duration_s == pytest.approx(MINUTES * 60 + 4 * 0.3 - 0.1, abs=0.01)
    folder = tmp_path / entry.name
    sleeps = [e for e in load_events(folder / "events.jsonl") if e.kind is Kind.MICROSLEEP]
    # Due after 1 s; before the one over the seam lies no gap, before the others one or four.
    due = [59.2 + 1.0, 130.0 + 2 * 0.3 + 1.0, 275.0 + 4 * 0.3 + 1.0]
    alerts = [event.t_s for event in sleeps if event.level]
    assert alerts == pytest.approx(due, abs=0.35)
    segments = load_segments(folder)
    assert [one.start_s for one in segments] == pytest.approx([0, 60.3, 120.6, 180.9, 241.2])
    assert not list(folder.glob("part-*"))
    assert run_job(entry, Recipe(str(tmp_path))).kept


def test_a_run_that_was_killed_is_taken_up_where_it_was(drive, tmp_path, sees):
    (entry,) = recordings([str(drive)], join=True)
    whole = tmp_path / "whole"
    run_job(entry, Recipe(str(whole), observations=True))
    expected = (whole / entry.name / "events.jsonl").read_bytes()
    frames = (whole / entry.name / "frames.csv").read_bytes()
    cut_s = [70.0, 200.0]  # killed twice

    def killed(t_s):
        if cut_s and t_s >= cut_s[0]:
            cut_s.pop(0)
            raise KeyboardInterrupt

    out = tmp_path / "out"
    recipe = Recipe(str(out), observations=True)
    part = out / entry.name / "part-observations.jsonl"
    while cut_s:
        with pytest.raises(KeyboardInterrupt):
            run_job(entry, recipe, killed)
        # What a kill leaves ends within a line.
        part.write_bytes(part.read_bytes()[:-20])
    sees.looked = 0
    outcome = run_job(entry, recipe, killed)
    assert outcome.recalled_s == pytest.approx(200, abs=0.3)
    assert sees.looked == pytest.approx((300 - 198) * RATE, abs=20)  # from 2 s before it on
    folder = out / entry.name
    assert (folder / "events.jsonl").read_bytes() == expected
    assert (folder / "frames.csv").read_bytes() == frames
    assert not list(folder.glob("part-*"))
    assert not list(folder.glob("earlier-*"))
    assert sum(1 for _ in load(folder / "observations.jsonl")) == MINUTES * 60 * RATE
    assert json.loads((folder / "result.json").read_text())["recalled_s"] == outcome.recalled_s


def test_one_film_may_be_several_segments(drive, tmp_path, sees):
    for name in ("a_1.avi", "a_2.avi"):
        (tmp_path / name).symlink_to(drive / "drive_0001.avi")
    (entry,) = recordings([str(tmp_path / "a_*.avi")], join=True)
    assert run_job(entry, Recipe(str(tmp_path / "out"))).scored.frames == 120 * RATE


def test_other_settings_or_fresh_take_nothing_up(drive, tmp_path, sees):
    (entry,) = recordings([str(drive)], join=True)

    def killed(t_s):
        if t_s >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(entry, Recipe(str(tmp_path)), killed)
    sees.looked = 0
    with pytest.raises(KeyboardInterrupt):
        run_job(entry, Recipe(str(tmp_path), table=".parquet"), killed)  # another key
    assert sees.looked > 90
    sees.looked = 0
    with pytest.raises(KeyboardInterrupt):
        run_job(entry, Recipe(str(tmp_path), table=".parquet", fresh=True), killed)
    assert sees.looked > 90


def manifest(folder, rows, columns="source,drive,light"):
    path = folder / "m.csv"
    path.write_text("\n".join([columns, *rows]) + "\n")
    return str(path)


@pytest.fixture
def files(tmp_path):
    for name in ("a_1.avi", "a_2.avi", "a_10.avi", "b.avi"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def test_a_manifest_names_the_drives(files):
    rows = ["a_2.avi,monday,day", "b.avi,,night", "a_1.avi,monday,day"]
    first, second = recordings([manifest(files, rows)])
    assert first.name == "monday"
    assert [Path(part).name for part in first.parts] == ["a_2.avi", "a_1.avi"]  # its own order
    assert first.groups == {"light": "day"}
    assert (second.name, second.parts) == ("b", ())


def test_joined_files_come_in_natural_order(files):
    (entry,) = recordings([str(files / "a_*.avi")], join=True)
    assert [Path(part).name for part in entry.parts] == ["a_1.avi", "a_2.avi", "a_10.avi"]


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        (["a_1.avi,x/y,day", "a_2.avi,x/y,day"], "cannot be a folder's name"),
        (["a_1.avi,..,day", "a_2.avi,..,day"], "cannot be a folder's name"),
        (["a_1.avi,report.html,day", "a_2.avi,report.html,day"], "cannot be a folder's name"),
        (["a_1.avi,x,day", "a_2.avi,x,night"], "one and the same"),
        (["a_1.avi,b,day", "b.avi,,day"], "rename the drive"),
    ],
)
def test_what_makes_no_drive_is_told(files, rows, match):
    with pytest.raises(ConfigError, match=match):
        recordings([manifest(files, rows)])


def test_two_cameras_of_one_drive_are_not_joined(files):
    for view in "FR":
        (files / f"20261129_120000_{view}.mp4").write_bytes(b"")
    with pytest.raises(ConfigError, match="two cameras"):
        recordings([str(files / "2026*.mp4")], join=True)


def test_a_run_does_not_write_over_its_own_recording(tmp_path):
    folder = tmp_path / "observations"
    folder.mkdir()
    source = folder / "observations.jsonl"
    source.write_text("kept\n")
    (entry,) = recordings([str(source)])
    assert entry.name == "observations"
    outcome = run_job(entry, Recipe(str(tmp_path), observations=True))
    assert "written over" in str(outcome.error)
    assert source.read_text() == "kept\n"


def test_what_is_damaged_of_a_run_that_was_cut_short_is_looked_at_again(drive, tmp_path, sees):
    (entry,) = recordings([str(drive)], join=True)

    def killed(t_s):
        if t_s >= 100:
            raise KeyboardInterrupt

    recipe = Recipe(str(tmp_path), observations=True)
    with pytest.raises(KeyboardInterrupt):
        run_job(entry, recipe, killed)
    part = tmp_path / entry.name / "part-observations.jsonl"
    lines = part.read_bytes().split(b"\n")
    lines[len(lines) // 2] = bytes(200)
    part.write_bytes(b"\n".join(lines))
    sees.looked = 0
    outcome = run_job(entry, recipe)
    assert outcome.error is None
    assert sees.looked == pytest.approx(250 * RATE, abs=30)


def test_a_single_recording_and_observations_are_not_joined(files):
    with pytest.raises(ConfigError, match="names one recording"):
        recordings([str(files / "b.avi")], join=True)
    (files / "c.jsonl").write_text("")
    with pytest.raises(ConfigError, match=r"is no film.*--keep-observations.*one \.jsonl"):
        recordings([str(files / "c.jsonl"), str(files / "b.avi")], join=True)


def test_labels_beside_segments_are_told_as_unread(files, caplog):
    (files / "a_2.labels.yaml").write_text("events: []\n")
    (entry,) = recordings([str(files / "a_*.avi")], join=True)
    assert entry.read_labels() is None
    assert "labels beside" in caplog.text


def test_segments_from_the_command_line(drive, tmp_path, capsys):
    words = ["-s", "nets.expression=null", "-s", "nets.eye_state=null", "-s", "bridges=[]"]
    segments = [str(drive / f"drive_000{at}.avi") for at in (1, 2)]
    table = tmp_path / "frames.csv"
    assert main(["bench", "--join", *segments, "--frames", str(table), *words]) == 0
    assert f"{120 * RATE} frames, 120.2 s" in capsys.readouterr().out
    with table.open() as file:
        t_s = [float(row["t_s"]) for row in csv.DictReader(file)]
    assert t_s == sorted(t_s)
    assert len(t_s) == 120 * RATE


def test_a_microsleep_behind_a_damaged_part_is_found_at_its_time(drive, tmp_path):
    pytest.importorskip("av", reason="PyAV (extra video) is not installed")
    chain = Chain(QUIET, lambda _: Sees())
    film = drive / f"drive_{MINUTES:04}.avi"
    sound = told(bench(str(film), chain).events)
    assert (Kind.MICROSLEEP, pytest.approx(36.0, abs=0.15)) in sound
    data = bytearray(film.read_bytes())
    data[len(data) // 4 : len(data) // 4 + 12_000] = bytes(12_000)
    broken, result = tmp_path / "broken.avi", Result("")
    broken.write_bytes(data)
    with pytest.raises(DamagedError, match="damaged"):
        bench(str(broken), chain, result=result)
    assert told(result.events) == sound
    assert 10 < result.damages[0].from_s < 20
