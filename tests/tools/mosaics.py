"""Small data sets laid out like the measurement data, made of noise, for the tools' tests."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np


def write_tiles(
    folder: Path, tiles: np.ndarray, rows: list[dict[str, object]], a_file: int = 10_000
) -> None:
    """Lossless mosaics of up to ``a_file`` tiles, up to 100 a row, with labels.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    size, across = tiles.shape[1], min(a_file, 100)
    for number, start in enumerate(range(0, len(tiles), a_file)):
        part = tiles[start : start + a_file]
        mosaic = np.zeros((-(-len(part) // across) * size, across * size), np.uint8)
        for index, tile in enumerate(part):
            y, x = divmod(index, across)
            mosaic[y * size : (y + 1) * size, x * size : (x + 1) * size] = tile
        path = folder / f"images-{number}.webp"
        cv2.imwrite(str(path), mosaic, [cv2.IMWRITE_WEBP_QUALITY, 101])
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def fer_rows(n: int, training: int) -> list[dict[str, object]]:
    """``training`` rows of Training, then PublicTest."""
    votes = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
    rows: list[dict[str, object]] = []
    for tile in range(n):
        row: dict[str, object] = {
            "tile": tile,
            "usage": "Training" if tile < training else "PublicTest",
            "fer2013": tile % 7,
        }
        row |= {f"votes_{name}": 0 for name in (*votes, "unknown", "NF")}
        row[f"votes_{votes[tile % 8]}"] = 8
        row["votes_neutral"] = int(row["votes_neutral"]) + 1
        rows.append(row)
    return rows


def mrl_rows(subjects: list[int]) -> list[dict[str, object]]:
    """One row an entry; open and closed alternate, reflections too."""
    return [
        {
            "tile": tile,
            "subject": subject,
            "female": 0,
            "glasses": tile % 2,
            "open": tile % 2,
            "reflections": 2 if tile % 4 < 2 else 0,
            "good_light": 1,
            "sensor": "01",
        }
        for tile, subject in enumerate(subjects)
    ]
