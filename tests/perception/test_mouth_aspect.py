import numpy as np
import pytest

from dms.perception.landmarks import Landmarks
from dms.perception.mouth import mouth_aspect_ratio
from dms.perception.schemes import DLIB68


def mouth(gap: float, width: float) -> Landmarks:
    points = np.zeros((68, 2), np.float32)
    points[64] = (width, 0)
    for x, (upper, lower) in zip((0.25, 0.5, 0.75), DLIB68.lips, strict=True):
        points[upper] = (x * width, -gap / 2)
        points[lower] = (x * width, gap / 2)
    return Landmarks(points, DLIB68)


@pytest.mark.parametrize(("gap", "ratio"), [(0, 0), (10, 0.25), (40, 1.0)])
def test_the_ratio_is_the_lips_gap_over_their_width(gap, ratio):
    assert mouth_aspect_ratio(mouth(gap, 40)) == pytest.approx(ratio)


def test_a_mouth_without_width_is_unknown():
    assert mouth_aspect_ratio(mouth(10, 0)) is None


def test_a_smiling_portrait_is_no_yawn(portrait_marks):
    assert 0 <= mouth_aspect_ratio(portrait_marks) < 0.3
