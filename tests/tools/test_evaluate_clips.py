from pathlib import Path

import numpy as np
import pytest

from dms.scoring.match import Tally
from tools.evaluation import blinks, yawns


def test_blinks_are_summed_over_clips_and_split_by_glasses():
    counts = [Tally(found=3, missed=1, false=0), Tally(found=1, missed=0, false=1), Tally(found=2)]
    said = blinks.figures(counts, [True, False, None])
    assert (said["found"], said["missed"], said["false"]) == (6, 1, 1)
    assert said["f1"] == pytest.approx(12 / 14, abs=1e-4)
    assert said["precision"] == pytest.approx(6 / 7, abs=1e-4)
    assert said["f1_glasses"] == pytest.approx(6 / 7, abs=1e-4)
    assert said["f1_no_glasses"] == pytest.approx(2 / 3, abs=1e-4)
    low, high = said["f1_interval"]
    assert low <= said["f1"] <= high


def test_a_group_without_clips_is_unknown_not_zero():
    assert blinks.figures([Tally(found=1)], [True])["f1_no_glasses"] is None


def test_recall_at_five_percent_sets_the_limit_by_the_others():
    score = np.array([0.9, 0.8, 0.2, 0.85, *[0.1] * 19])
    yawn = np.array([True, True, True, *[False] * 20])
    assert yawns.found_at_five_percent(score, yawn) == 1.0  # the one of 20 others above may pass
    assert yawns.found_at_five_percent(score, yawn[::-1]) < 1.0


def test_without_others_there_is_no_recall_at_their_five_percent():
    assert np.isnan(yawns.found_at_five_percent(np.array([0.9]), np.array([True])))


def test_glasses_are_known_only_where_the_table_tells(tmp_path):
    table = tmp_path / "blinks.csv"
    table.write_bytes(b"\xef\xbb\xbfclip,glasses\r\na,1\r\nb,0\r\nc,\r\n")
    assert blinks.wearing_glasses(table) == {"a": True, "b": False}
    table.write_text("clip,start_frame0\na,1\n")
    assert blinks.wearing_glasses(table) == {}


def test_worst_clips_come_first():
    paths = [Path("a.mp4"), Path("b.mp4"), Path("c.mp4")]
    counts = [Tally(found=1), Tally(missed=2), Tally(false=1)]
    assert list(blinks.worst_clips(paths, counts)) == ["b", "c"]


def test_a_clip_that_cannot_be_read_is_told(tmp_path):
    from dms.errors import ConfigError

    (tmp_path / "x.mp4").write_bytes(b"no film")
    with pytest.raises(ConfigError, match="frame rate"):
        blinks.rate_of(tmp_path / "x.mp4")


@pytest.mark.data
@pytest.mark.slow
def test_blinks_of_three_people_are_found(data):
    import argparse

    args = argparse.Namespace(data=data / "zju_blink", set=[], people=[3, 8, 17])
    assert blinks.measure(args)["f1"] > 0.95
