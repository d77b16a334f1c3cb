import numpy as np
import pytest

from tools.nets.lids import aspect_ratio, close

RIM = np.array([(20, 40), (35, 28), (55, 28), (70, 40), (55, 50), (35, 50)], float)


def eye():
    """A pale patch, an eye's dark opening between the lids, a darker upper rim."""
    y, x = np.mgrid[:90, :90]
    opening = ((x - 45) / 25) ** 2 + ((y - 39) / 11) ** 2 < 1
    return np.where(opening, 60, 180).astype(np.uint8)


def dark(patch):
    return int((patch < 120).sum())


def test_ratio_of_the_contour():
    assert aspect_ratio(RIM) == pytest.approx(44 / 100)


def test_open_eye_stays_as_it_is():
    assert np.abs(close(eye(), RIM, 0.0).astype(int) - eye()).mean() < 1


def test_the_opening_shrinks_as_the_lid_comes_down():
    areas = [dark(close(eye(), RIM, closed)) for closed in (0.0, 0.3, 0.6, 0.9)]
    assert areas == sorted(areas, reverse=True)
    assert areas[-1] < 0.45 * areas[0]


def test_what_lies_below_the_eye_and_beside_it_does_not_move():
    patch = np.random.default_rng(1).integers(0, 256, (90, 90), np.uint8)
    shut = close(patch, RIM, 1.0)
    assert np.array_equal(shut[58:], patch[58:])
    assert np.array_equal(shut[:, :18], patch[:, :18])
    assert np.array_equal(shut[:, 73:], patch[:, 73:])
