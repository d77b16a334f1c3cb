"""Lower faces for training: who a picture shows, and jaws that drop."""

import numpy as np
import pytest

from dms.perception.schemes import DMS56
from tools.landmarking.jaws import open_mouth, opening
from tools.landmarking.mouths import PEOPLE, person_of


def test_nobody_stands_in_two_groups():
    pictures = [picture for group in PEOPLE for picture in group]
    assert len(pictures) == len(set(pictures))
    assert person_of(51) == person_of(0) == 0
    assert person_of(6) == -7  # a person of his own


def test_a_dropped_jaw_opens_the_mouth():
    points = np.zeros((DMS56.count, 2))
    for number, x in zip((43, 44, 45, 46, 47), (80, 90, 100, 110, 120), strict=True):
        points[number] = (x, 140)
    for number, x in zip((50, 49, 48), (90, 100, 110), strict=True):
        points[number] = (x, 142)
    points[35:39] = [(78, 140), (90, 134), (100, 133), (110, 134)]
    points[39:43] = [(122, 140), (110, 148), (100, 150), (90, 148)]
    points[51:56] = [(60, 100), (70, 150), (100, 175), (130, 150), (140, 100)]
    gray = np.full((260, 200), 150, np.uint8)
    before = opening(points)
    open_mouth(gray, points, 0.9, np.random.default_rng(1))
    assert opening(points) > before + 0.5
    assert gray[150:170, 95:105].mean() < 110  # the cavity is dark
    assert points[53, 1] > 175


def test_training_cuts_crops_of_the_nets_size():
    torch = pytest.importorskip("torch", reason="torch (extra train) is missing")
    from tools.train.mouth import SIZE, jittered

    crops = jittered(torch.rand(3, 1, 64, 64), torch.Generator().manual_seed(1))
    assert crops.shape == (3, 1, SIZE, SIZE)
    assert 0 <= float(crops.min()) < float(crops.max()) <= 1
