import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("skimage", reason="the extra 'demo' is not installed")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

import make_demo_drive

from dms.corpus import find
from dms.errors import ConfigError
from dms.sweep import curve, sweep
from dms.values import Kind


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


def test_the_curve_is_one_offline_page(kept):
    pytest.importorskip("plotly", reason="the extra 'bench' is not installed")
    page = curve(sweep(*kept, "core.rage.excess", ["2"]), "core.rage.excess", Kind.ROAD_RAGE)
    assert "false alarms an hour" in page
    assert 'src="http' not in page


def test_what_cannot_be_swept_is_told(kept, tmp_path):
    entries, run = kept
    with pytest.raises(ConfigError, match="varies core"):
        sweep(entries, run, "camera.fps", ["15"])
    with pytest.raises(ConfigError, match="keep-observations"):
        sweep(entries, tmp_path, "core.rage.excess", ["2"])
