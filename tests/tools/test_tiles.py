import cv2
import numpy as np
import pytest

from tests.tools.mosaics import fer_rows, write_tiles
from tools.nets.tiles import Fer, read_rows, read_tiles


@pytest.fixture
def folder(tmp_path):
    tiles = np.random.default_rng(6).integers(0, 256, (130, 48, 48), np.uint8)
    tiles[100] = tiles[0]
    write_tiles(tmp_path, tiles, fer_rows(130, 100))
    return tmp_path, tiles


def test_tiles_come_back_in_row_major_order(folder):
    path, tiles = folder
    images, rows = read_tiles(path, 48)
    assert np.array_equal(images, tiles)
    assert len(rows) == 130


def test_tiles_of_many_small_mosaics_stand_in_the_order_of_their_numbers(tmp_path):
    tiles = np.random.default_rng(7).integers(0, 256, (230, 48, 48), np.uint8)
    write_tiles(tmp_path, tiles, fer_rows(230, 100), a_file=20)  # images-10 comes after images-9
    assert np.array_equal(read_tiles(tmp_path, 48)[0], tiles)


def test_a_row_names_its_tile_where_rows_are_left_out_and_else_stands_at_it(tmp_path):
    tiles = np.random.default_rng(7).integers(0, 256, (20, 48, 48), np.uint8)
    write_tiles(tmp_path, tiles, fer_rows(20, 3)[::-2])
    assert np.array_equal(read_tiles(tmp_path, 48)[0], tiles[::-2])
    rows = fer_rows(20, 3)
    write_tiles(tmp_path, tiles, [{**row, "tile": 32_298 + n} for n, row in enumerate(rows)])
    assert np.array_equal(read_tiles(tmp_path, 48)[0], tiles)


def test_labels_of_a_spreadsheet_without_votes_and_with_columns_of_its_own(folder):
    path = folder[0] / "labels.csv"
    kept = [",".join([*line.split(",")[:3], "x"]) for line in path.read_text().splitlines()]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(kept).encode())
    fer = Fer(folder[0])
    assert fer.label[:8].tolist() == [0, 1, 2, 3, 4, 5, 6, 0]
    assert not fer.has_votes.any()
    assert fer.leak.sum() == 1


@pytest.mark.parametrize(
    ("text", "size", "said"),
    [
        ("usage,fer2013\n", 48, "no row"),
        ("tile,usage\n0,Training\n", 48, "no column fer2013"),
        ("usage,fer2013\nTraining,angry\n", 48, "row 1: fer2013 must be a whole number"),
        ("usage,fer2013\nTraining,7\n", 48, "0 to 6"),
        ("usage,fer2013\nTraining\n", 48, "got ''"),
        ("usage,fer2013\n" + "Training,1\n" * 201, 48, "201 rows but only 200 tiles"),
        ("usage,fer2013\nCaf\xe9,1\n", 48, "no CSV in UTF-8"),
    ],
)
def test_a_folder_that_cannot_be_used_ends_with_a_sentence(tmp_path, text, size, said):
    write_tiles(tmp_path, np.zeros((130, size, size), np.uint8), fer_rows(130, 100))
    (tmp_path / "labels.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(SystemExit, match=said):
        Fer(tmp_path)


def test_a_missing_mosaic_is_named(folder):
    (folder[0] / "images-0.webp").unlink()
    with pytest.raises(SystemExit, match=r"images-0\.webp is missing"):
        read_tiles(folder[0], 48)


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


def test_a_mosaic_of_no_whole_tiles_ends_with_a_sentence(tmp_path):
    (tmp_path / "labels.csv").write_text("usage,fer2013\nTraining,1\n")
    assert cv2.imwrite(str(tmp_path / "images-0.webp"), np.zeros((50, 130), np.uint8))
    with pytest.raises(SystemExit, match="no tiles of 48 x 48"):
        read_tiles(tmp_path, 48)
