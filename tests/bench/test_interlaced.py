"""Blinks of an interlaced film are those of the progressive one."""

import pytest

pytest.importorskip("av", reason="PyAV (extra video) is not installed")
pytest.importorskip("skimage", reason="the extra 'demo' is not installed")

from dms.bench.bench import bench
from dms.chain import Chain
from dms.config import load
from dms.values import Kind
from tools.rendering.clip import Sensor, tell_story
from tools.rendering.formats import FORMATS, write_film
from tools.rendering.portrait import Portrait

pytestmark = pytest.mark.whole  # tools/test --quick leaves it out

FPS = 15  # pictures a second, two fields each where interlaced


@pytest.fixture(scope="module")
def drive():
    """Seven seconds of two blinks, a picture a field."""
    story, portrait, sensor = tell_story(1, 7.0), Portrait(), Sensor(1)
    shown = [story.puppet(n / (2 * FPS)) for n in range(7 * 2 * FPS)]
    assert sum(one["kind"] == "blink" for one in story.labels) == 2
    return [sensor.expose(portrait.picture(one)) for one in shown]


def test_blinks_of_an_interlaced_film_are_those_of_the_progressive_one(drive, tmp_path):
    chain = Chain(load(None, ("nets.expression=null", "bridges=[]")))

    def blinks(name, pictures):
        path = write_film(tmp_path / f"film{FORMATS[name].suffix}", FORMATS[name], pictures, FPS)
        result = bench(str(path), chain)
        assert result.frames == 7 * FPS
        told = [one for one in result.events if one.kind is Kind.BLINK]
        return [(one.start_s, one.values["duration_s"]) for one in told]

    progressive = blinks("H.264, Matroska", drive[::2])
    assert len(progressive) == 2
    for name in ("H.264, interlaced", "MPEG-2, interlaced", "MPEG-4, AVI, interlaced"):
        for seen, true in zip(blinks(name, drive), progressive, strict=True):
            assert seen == pytest.approx(true, abs=1 / FPS), name
