import json
import shutil

import pytest

pytest.importorskip("skimage", reason="the extra 'demo' is not installed")
pytest.importorskip("plotly", reason="the extra 'bench' is not installed")

import cv2
import numpy as np

from dms.cli import main
from tools.rendering import drive as make_demo_drive

pytestmark = pytest.mark.whole  # tools/test --quick leaves it out

QUIET = ["-s", "bridges=[]", "-s", "nets.expression=null", "-s", "nets.eye_state=null"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    drive = make_demo_drive.make(folder, seed=1)
    shutil.copy(drive, folder / "other.jsonl")
    shutil.copy(folder / "drive.labels.yaml", folder / "other.labels.yaml")
    (folder / "m.csv").write_text("source,light\ndrive.jsonl,day\nother.jsonl,night\n")
    return folder


def test_a_run_is_kept_compared_and_swept(corpus, tmp_path, capsys):
    run, manifest = tmp_path / "a", str(corpus / "m.csv")
    words = ["bench", manifest, "--out", str(run), "--group", "light", "--keep-observations"]
    assert main([*words, *QUIET]) == 0
    assert "road_rage" in capsys.readouterr().out
    summary = json.loads((run / "summary.json").read_text())
    assert summary["all"]["kinds"]["road_rage"]["found"] == 2
    assert set(summary["groups"]["light"]) == {"day", "night"}
    assert (run / "report.html").stat().st_size > 1e6

    assert main([*words, *QUIET]) == 0
    assert "2 done before" in capsys.readouterr().out

    other = tmp_path / "b"
    stricter = ["-s", "core.rage.excess=9"]
    assert main(["bench", manifest, "--out", str(other), *QUIET, *stricter]) == 0
    assert main(["bench", "compare", str(run), str(run)]) == 0
    assert main(["bench", "compare", str(run), str(other)]) == 1
    assert "road_rage level 1 went" in capsys.readouterr().out

    over = ["--over", "core.rage.excess=2,9", "--kind", "road_rage"]
    assert main(["bench", "sweep", manifest, "--out", str(run), *over, *QUIET]) == 0
    assert (run / "sweep-core.rage.excess.html").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["bench", "compare", "a"], "takes two folders"),
        (["bench", "compare", "a", "b", "--within", "nan"], "--within is nan"),
        (["bench", "sweep", "a"], "--keep-observations"),
        (["bench", "M", "--out", "O", "--group", "hair"], "no recording has a column 'hair'"),
        (["bench", "M", "--out", "O", "--workers", "0"], "--workers is 0"),
    ],
)
def test_what_is_asked_wrongly_is_told(corpus, tmp_path, capsys, words, told):
    names = {"M": str(corpus / "m.csv"), "O": str(tmp_path / "o")}
    assert main([names.get(word, word) for word in words]) == 2
    assert told in capsys.readouterr().err


def test_a_missing_library_is_told_before_the_work_not_after_it(
    corpus, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(
        "dms.commands.bench_folder.find_spec", lambda name: None if name == "asammdf" else True
    )
    words = ["bench", str(corpus / "m.csv"), "--out", str(tmp_path / "o"), "--mdf4", *QUIET]
    assert main(words) == 2
    assert "dms-jetson[mf4]" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_without_labels_every_alert_is_printed_with_its_time(corpus, tmp_path, capsys):
    drives = tmp_path / "drives"
    drives.mkdir()
    shutil.copy(corpus / "drive.jsonl", drives / "monday.jsonl")
    assert main(["bench", str(drives), "--out", str(tmp_path / "o"), *QUIET]) == 0
    out = capsys.readouterr().out
    assert "monday" in out
    assert "road_rage     level 1" in out
    assert " s  road_rage" in out


def test_a_damaged_recording_is_scored_and_has_its_own_exit_code(tmp_path, capsys):
    folder = tmp_path / "cabin"
    folder.mkdir()
    for number in range(6):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((240, 320), 40 * number, np.uint8))
    (folder / "3.png").write_bytes(b"no picture")
    words = ["bench", str(folder), "-s", "camera.fps=10", *QUIET]
    assert main([*words, "--events", str(tmp_path / "e.jsonl")]) == 7
    told = capsys.readouterr()
    assert "no picture from 0.20 s to 0.40 s (3.png is damaged or no picture)" in told.err
    assert "5 frames, 0.5 s" in told.out
    assert "ms a frame" in told.out
    assert main([*words, "--strict", "--quiet"]) == 7
    manifest = tmp_path / "m.csv"
    manifest.write_text("source\ncabin\n")
    out = ["--out", str(tmp_path / "o")]
    assert main(["bench", str(manifest), *out, "-s", "camera.fps=10", *QUIET]) == 7
    (one,) = json.loads((tmp_path / "o/summary.json").read_text())["recordings"]
    assert one["error"] is None
    assert one["scored"]["frames"] == 5
    assert "3.png is damaged" in one["damaged"]
    assert "not whole" in (tmp_path / "o/report.html").read_text()


def test_a_film_that_was_cut_off_is_scored_as_far_as_it_goes(tmp_path, capsys):
    """The last one of a dash camera always is: its power went."""
    path = tmp_path / "last.avi"
    film = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (320, 240), False)
    noise = np.random.default_rng(1).integers(0, 255, (240, 320), np.uint8)
    for number in range(60):
        film.write(np.roll(noise, number))
    film.release()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert main(["bench", str(path), *QUIET]) == 3
    capsys.readouterr()
    assert main(["bench", str(path), "--out", str(tmp_path / "o"), *QUIET]) == 7
    (one,) = json.loads((tmp_path / "o/summary.json").read_text())["recordings"]
    assert one["error"] is None
    assert 20 < one["scored"]["frames"] < 40
    assert "is truncated or damaged" in one["damaged"]
    assert "is truncated or damaged" in capsys.readouterr().err
