"""Packs MRL Eye (pictures of single eyes) into mosaics for ``tools/evaluate.py eyes``.

Its pictures hold no face, so ``dms bench`` cannot run them; they judge the eye net alone. A name
says all: ``s0001_00042_0_1_0_2_1_03.png`` is subject, number, female, glasses, open, reflections,
good light, sensor.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.nets.tiles import ACROSS, LEAST_PX, progress

_NAME = re.compile(
    r"s(?P<subject>\d{4})_(?P<number>\d+)_(?P<female>[01])_(?P<glasses>[01])_(?P<open>[01])_"
    r"(?P<reflections>[012])_(?P<good_light>[01])_(?P<sensor>\d\d)"
)
_COLUMNS = ("subject", "female", "glasses", "open", "reflections", "good_light", "sensor")
A_FILE = 10_000  # tiles


def pack(folder: Path, out: Path, size: int) -> int:
    """Write the mosaics and labels.csv; return how many eyes there are."""
    named = [(path, _NAME.fullmatch(path.stem)) for path in sorted(folder.rglob("*.png"))]
    eyes = [(path, name) for path, name in named if name is not None]
    if not eyes:
        sys.exit(f"{folder} has no picture named like s0001_00042_0_1_0_2_1_03.png")
    out.mkdir(parents=True, exist_ok=True)
    with (out / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["tile", *_COLUMNS, "width", "height"])
        tiles: list[NDArray[np.uint8]] = []
        for tile, (path, name) in enumerate(progress(eyes, len(eyes), "eyes")):
            picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if picture is None:
                sys.exit(f"{path} cannot be decoded; unpack the data set again")
            height, width = picture.shape
            told = [int(name[column]) for column in _COLUMNS[:-1]]
            rows.writerow([tile, *told, name["sensor"], width, height])
            tiles.append(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA))
            if len(tiles) == A_FILE or tile + 1 == len(eyes):
                _write(tiles, out / f"images-{tile // A_FILE}.webp")
                tiles = []
    return len(eyes)


def _write(tiles: Sequence[NDArray[np.uint8]], path: Path) -> None:
    size = tiles[0].shape[0]
    mosaic = np.zeros((-(-len(tiles) // ACROSS) * size, ACROSS * size), np.uint8)
    for at, tile in enumerate(tiles):
        y, x = divmod(at, ACROSS)
        mosaic[y * size : (y + 1) * size, x * size : (x + 1) * size] = tile
    cv2.imwrite(str(path), mosaic, [cv2.IMWRITE_WEBP_QUALITY, 101])  # lossless


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="mrlEyes_2018_01, unpacked")
    parser.add_argument("out", type=Path, help="folder for the mosaics and labels.csv")
    parser.add_argument("--size", type=int, default=64, help="side of a tile in px (default 64)")
    arguments = parser.parse_args()
    if not LEAST_PX <= arguments.size <= 160:  # webp ends at 16383 px
        parser.error(f"--size is {arguments.size}; expected {LEAST_PX} to 160")
    print(f"{pack(arguments.folder, arguments.out, arguments.size)} eyes")


if __name__ == "__main__":
    main()
