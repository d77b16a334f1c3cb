import numpy as np
import pytest

from tests.tools.mosaics import fer_rows, write_tiles
from tools.nets.tiles import Fer, read_rows, read_tiles


@pytest.fixture
def folder(tmp_path):
    tiles = np.random.default_rng(6).integers(0, 256, (130, 48, 48), np.uint8)
    write_tiles(tmp_path, tiles, fer_rows(130, 100))
    return tmp_path, tiles


def test_tiles_come_back_in_row_major_order(folder):
    path, tiles = folder
    images, rows = read_tiles(path, 48)
    assert np.array_equal(images, tiles)
    assert len(rows) == 130


def test_missing_labels_end_with_a_sentence(tmp_path):
    with pytest.raises(SystemExit, match=r"labels\.csv is missing"):
        read_rows(tmp_path)


def test_leaks_are_the_test_tiles_that_also_stand_in_training(folder):
    fer = Fer(folder[0])
    assert fer.training.sum() == 100
    assert np.flatnonzero(fer.leak).tolist() == [100]


def test_single_votes_are_no_target(folder):
    fer = Fer(folder[0])
    assert fer.share[3].tolist() == [0, 0, 0, 1, 0, 0, 0, 0]  # 8 sadness, 1 neutral
    assert fer.majority[3] == 3
    assert fer.clear.all()
