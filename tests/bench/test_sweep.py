import json
import re
import shutil

import pytest

pytest.importorskip("skimage", reason="the extra 'demo' is not installed")

from dms.bench.sweep import sweep, write_curve
from dms.errors import ConfigError
from dms.files import observations
from dms.scoring.corpus import find
from dms.values import Kind
from tools.rendering import drive as make_demo_drive


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run that kept its observations: (entries, folder)."""
    folder = tmp_path_factory.mktemp("run")
    drive = make_demo_drive.make(folder / "in", seed=1)
    (folder / "drive").mkdir()
    shutil.copy(drive, folder / "drive" / "observations.jsonl")
    return find([str(drive)]), folder


def test_a_stricter_threshold_finds_less(kept):
    points = sweep(*kept, "core.rage.excess", ["2", "9"])
    recalls = [point.quality.kinds[Kind.ROAD_RAGE].recall.value for point in points]
    assert recalls == [1.0, 0.0]


def test_a_recording_is_read_once_for_all_values(kept, monkeypatch):
    read, load = [], observations.load
    monkeypatch.setattr(observations, "load", lambda path: read.append(path) or load(path))
    assert len(sweep(*kept, "core.rage.excess", ["2", "4", "9"])) == 3
    assert len(read) == 1


def test_a_recording_too_long_to_hold_is_read_for_each_value(kept, monkeypatch):
    held = sweep(*kept, "core.rage.excess", ["2", "9"])
    monkeypatch.setattr("dms.bench.sweep._HELD", 100)
    assert sweep(*kept, "core.rage.excess", ["2", "9"]) == held


def test_the_curve_is_one_offline_page_with_a_dot_for_each_value(kept, tmp_path):
    graph = pytest.importorskip("plotly.graph_objects", reason="the extra 'bench' is missing")
    points, place = sweep(*kept, "core.rage.excess", ["2", "9"]), tmp_path / "curve.html"
    write_curve(points, "core.rage.excess", Kind.ROAD_RAGE, place)
    page = place.read_text(encoding="utf-8")
    assert 'src="http' not in page
    made = json.loads(re.search(r'id="figure-0">(.*?)</script>', page)[1])
    [line] = graph.Figure(json.loads(re.sub(r"@\w+", "red", json.dumps(made)))).data
    assert line.text == ("<b>2</b>", "<b>9</b>")
    assert line.y == (1.0, 0.0)


def test_a_kind_without_labels_is_told_on_the_page(kept, tmp_path):
    pytest.importorskip("plotly", reason="the extra 'bench' is not installed")
    points = sweep(*kept, "core.rage.excess", ["2"])
    write_curve(points, "core.rage.excess", Kind.NOD, tmp_path / "curve.html")
    assert "Nothing was labelled as nod" in (tmp_path / "curve.html").read_text(encoding="utf-8")


def test_what_cannot_be_swept_is_told(kept, tmp_path):
    entries, run = kept
    with pytest.raises(ConfigError, match="varies core"):
        sweep(entries, run, "camera.fps", ["15"])
    with pytest.raises(ConfigError, match="keep-observations"):
        sweep(entries, tmp_path, "core.rage.excess", ["2"])
