"""Converters of public data sets, on made files of their form."""

import sys

import cv2
import numpy as np
import pytest

from dms.bench.drives import recordings
from dms.scoring.match import ScoringSettings, Verdict, match
from dms.values import Event, Kind, Level
from tools.data_sets import mrl, uta_rldd, yawdd
from tools.nets.tiles import Mrl


def film(path, seconds=2):
    path.parent.mkdir(parents=True, exist_ok=True)
    out = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (32, 32), False)
    for at in range(seconds * 10):
        out.write(np.full((32, 32), at, np.uint8))
    out.release()


def run(module, monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, words)])
    module.main()


def verdicts(entry, *events):
    labels = entry.read_labels()
    return {one.verdict for one in match(events, labels, {}, ScoringSettings())}


def test_uta_rldd_says_drowsy_of_whole_films(tmp_path, monkeypatch, capsys):
    data = tmp_path / "data"
    for state in (0, 5, 10):
        film(data / "Fold1_part1" / "01" / f"{state}.mp4")
    film(data / "Fold5_part2" / "60" / "10.mov")
    film(data / "Fold5_part2" / "60" / "trailer.mp4")
    run(uta_rldd, monkeypatch, data, tmp_path / "out" / "uta.csv")
    assert "4 films of 2 subjects; 1 other films left out" in capsys.readouterr().out
    alert, drowsy, low, other = recordings([str(tmp_path / "out" / "uta.csv")])
    assert alert.groups == {"subject": "01", "fold": "1", "state": "alert"}
    assert other.groups == {"subject": "60", "fold": "5", "state": "drowsy"}
    told = Event(1.0, Kind.DROWSY, Level.WARNING, "drowsy", 0.0)
    assert verdicts(alert, told) == {Verdict.FALSE}
    assert verdicts(alert) == set()
    assert alert.read_labels().kinds == {Kind.DROWSY}  # so that its hours count
    assert verdicts(drowsy, told) == {Verdict.FOUND}
    assert verdicts(drowsy) == {Verdict.MISSED}
    assert verdicts(low) == {Verdict.OPTIONAL}
    assert Verdict.FALSE not in verdicts(low, told)
    assert drowsy.read_labels().events[0].end_s == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("1-FemaleNoGlasses-Normal.avi", ("female1", "no", "normal", "mirror")),
        ("27-FemaleSunGlasses-Yawning.avi", ("female27", "sun", "yawning", "mirror")),
        ("20-MaleGlasses-Talking&yawning.avi", ("male20", "yes", "talking+yawning", "mirror")),
        ("2-MaleGlassesBeard-Talking.avi", ("male2", "yes", "talking", "mirror")),
        ("8-MaleNoGlasses.avi", ("male8", "no", "all", "dash")),
        ("13-MaleNoGlasses .avi", ("male13", "no", "all", "dash")),
        ("9-FemaleGlasses.avi.avi", ("female9", "yes", "all", "dash")),
        ("notes.avi", None),
    ],
)
def test_yawdd_is_read_from_its_names(tmp_path, name, groups):
    found = yawdd.film_of(tmp_path / name)
    if groups is None:
        assert found is None
    else:
        assert tuple(found.groups[key] for key in ("subject", "glasses", "action", "camera")) == (
            groups
        )


def test_yawdd_scores_only_what_is_known(tmp_path, monkeypatch, capsys):
    data = tmp_path / "YawDD dataset"
    for name in (
        "Mirror/Female_mirror/1-FemaleNoGlasses-Normal.avi",
        "Mirror/Female_mirror/1-FemaleNoGlasses-Yawning.avi",
        "Dash/Male/8-MaleNoGlasses.avi",
    ):
        film(data / name)
    run(yawdd, monkeypatch, data, tmp_path / "y.csv")
    assert "3 films, 1 without a yawn" in capsys.readouterr().out
    dash, normal, yawning = recordings([str(tmp_path / "y.csv")])
    assert dash.read_labels() is None
    assert yawning.read_labels() is None
    yawn = Event(1.5, Kind.YAWN, Level.NONE, "a yawn", 0.5, 1.5)
    assert verdicts(normal, yawn) == {Verdict.FALSE}


def test_mrl_becomes_mosaics_that_the_evaluation_reads(tmp_path, monkeypatch, capsys):
    data = tmp_path / "mrlEyes_2018_01"
    for subject, opened, sensor, value in ((1, 0, "01", 40), (1, 1, "01", 90), (37, 1, "03", 200)):
        folder = data / f"s{subject:04}"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"s{subject:04}_{value:05}_0_1_{opened}_2_1_{sensor}.png"
        cv2.imwrite(str(folder / name), np.full((80, 84), value, np.uint8))
    cv2.imwrite(str(data / "annotation.png"), np.zeros((8, 8), np.uint8))
    run(mrl, monkeypatch, data, tmp_path / "mosaics", "--size", "40")
    assert "3 eyes" in capsys.readouterr().out
    read = Mrl(tmp_path / "mosaics")
    assert read.images.shape == (3, 40, 40)
    assert read.images.mean(axis=(1, 2)).tolist() == [40, 90, 200]
    assert read.open.tolist() == [0, 1, 1]
    assert read.subject.tolist() == [1, 1, 37]
    assert read.strong.all()
    assert read.strata["sensor"].tolist() == [1, 1, 3]


@pytest.mark.parametrize("module", [uta_rldd, yawdd, mrl])
def test_another_folder_is_told(module, tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match=r"holds no film|has no picture"):
        run(module, monkeypatch, tmp_path, tmp_path / "out.csv")
    film(tmp_path / "holiday.mp4")
    with pytest.raises(SystemExit, match="has no"):
        run(module, monkeypatch, tmp_path, tmp_path / "out.csv")
