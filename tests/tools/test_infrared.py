import numpy as np
import pytest

from tools.nets.infrared import EFFECTS, infrared


def face(seed=0):
    return np.random.default_rng(seed).uniform(20, 235, (48, 48)).astype(np.float32)


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_changes_the_crop_and_stays_finite(name):
    crop = face()
    for seed in range(20):
        out = EFFECTS[name][1](crop.copy(), np.random.default_rng(seed))
        assert out.shape == crop.shape
        assert np.isfinite(out).all()
    assert np.abs(out - crop).max() > 1


def test_the_same_seed_gives_the_same_crop():
    one, other = (infrared(face(), np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(one, other)


def test_an_effect_left_out_never_happens():
    everything = frozenset(EFFECTS)
    assert np.array_equal(infrared(face(), np.random.default_rng(1), everything), face())


def test_surround_darkens_or_lightens_the_rim_and_spares_the_middle():
    crop = np.full((48, 48), 128, np.float32)
    out = EFFECTS["surround"][1](crop, np.random.default_rng(2))
    assert abs(out[26, 24] - 128) < 8
    assert abs(out[0, 0] - 128) > 20
