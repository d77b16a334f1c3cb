"""What the programs about recordings reckon: decoders side by side, a drive of hours."""

import pytest

pytest.importorskip("av", reason="PyAV (extra video) is not installed")
pytest.importorskip("skimage", reason="the extra 'demo' is not installed")

from dms.files.observations import load
from tools.rendering.drive import SECONDS
from tools.rendering.formats import FORMATS
from tools.speed.corpus import write_long
from tools.speed.decoders import pictures, race, written


@pytest.mark.parametrize("name", ["Motion JPEG, AVI", "H.264, MP4", "MPEG-4, AVI, interlaced"])
def test_both_decoders_are_judged_by_the_pictures_that_were_written(tmp_path, name):
    made = pictures(12, (320, 240))
    told = race(written(tmp_path, name, FORMATS[name], made), made, rounds=1)
    assert told["PyAV"].frames == told["OpenCV"].frames == 12
    assert told["PyAV"].right
    assert all(one.cpu_ms > 0 for one in told.values())
    other = [255 - picture for picture in made]
    path = written(tmp_path, name, FORMATS[name], other)
    assert not race(path, made, rounds=1)["PyAV"].right


def test_a_long_drive_is_the_short_one_again_and_again(tmp_path):
    path = tmp_path / "long.jsonl"
    assert write_long(path, 0.1, 5) == 3 * SECONDS * 5
    times = [moment.observation.t_s for moment in load(path)]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(3 * SECONDS - 0.2, abs=0.01)
