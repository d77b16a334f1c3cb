"""tools/speed/spells.py loses a face, empties the seat, and tells when each was found again."""

import numpy as np
import pytest

pytest.importorskip("skimage", reason="the extra 'demo' is not installed")

from dms.perception.face_search import FaceSettings
from tools.rendering import clip
from tools.speed import spells as spells_module

VACANT_S = 1.0
OVERRIDES = [
    "bridges=[{kind: virtual, channel: spells}]",
    f"perception.face.vacant_after_s={VACANT_S}",
]


@pytest.fixture(scope="module")
def pictures(demonstration):
    """A second of the demonstration."""
    return demonstration[: round(clip.FPS)]


@pytest.mark.whole
def test_a_lost_face_and_an_empty_seat_are_measured(pictures, monkeypatch):
    for name in ("SEEN_S", "LOST_S", "EMPTY_S"):
        monkeypatch.setattr(spells_module, name, 1.0)
    told = spells_module.spells(pictures, OVERRIDES)
    assert told["found_again_s"] < 1.0
    rate_hz = FaceSettings().vacant.most_hz
    assert (
        told["moving_seat_found_s"] <= 4 / rate_hz + 0.1
    )  # of four looks one is at the same whole
    assert told["empty_seat_found_s"] <= 0.1
    assert told["followed_median_ms"] > 0
    assert told["lost_most_ms"] >= told["lost_p99_ms"] > 0
    assert told["lost_p99_over_median"] == pytest.approx(
        told["lost_p99_ms"] / told["followed_median_ms"]
    )
    assert told["moving_seat_share"] > 0
    assert told["empty_seat_share"] > 0


@pytest.mark.whole
def test_a_face_that_does_not_come_back_is_no_figure(pictures, monkeypatch):
    monkeypatch.setattr(spells_module, "SEEN_S", 1.0)
    monkeypatch.setattr(spells_module, "LOST_S", 1.0)
    hidden = [np.full_like(picture, 90) for picture in pictures]
    with pytest.raises(SystemExit, match="no face"):
        spells_module.spells(hidden, OVERRIDES)
