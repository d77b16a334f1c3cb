"""Gains of the gaze: what a net shows of drawn eyes is brought back to the eyes' own angles."""

from __future__ import annotations

import numpy as np
import pytest

from tools.drawing.people import draw_people
from tools.train.fit_gaze import fit


@pytest.mark.parametrize(("across", "down"), [(1.0, 1.0), (0.8, 0.5)])
def test_what_the_net_shows_too_small_is_made_up_for(across: float, down: float) -> None:
    eyes = draw_people(3000, np.random.default_rng(1))
    sd = np.full(3000, 0.02)
    seen = np.stack([across * eyes.iris_x, down * eyes.iris_y, sd], 1)
    got = fit(eyes, seen)
    assert got["yaw"]["shown"] == pytest.approx(across, abs=0.01)
    assert got["pitch"]["shown"] == pytest.approx(down, abs=0.01)
    for name, share in (("yaw", across), ("pitch", down)):
        assert 140 < got[name]["iris_deg"] < 200  # 161 by an eye's usual size
        assert got[name]["gain_deg"] == pytest.approx(got[name]["iris_deg"] / share, rel=0.02)


def test_a_deviation_is_judged_by_the_errors() -> None:
    eyes = draw_people(3000, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    error = rng.normal(0, 0.03, (3000, 2))
    seen = np.column_stack([eyes.iris_x, eyes.iris_y]) + error
    got = fit(eyes, np.column_stack([seen, np.full(3000, 0.03)]))
    assert got["yaw"]["error_over_deviation"] == pytest.approx(1.0, abs=0.1)
