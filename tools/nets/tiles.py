"""Reads the measurement data: lossless tile mosaics with a labels.csv beside them."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Rows = list[dict[str, str]]
# FER+ vote columns in the order of dms.values.EXPRESSIONS, then the two that are no expression.
VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
EYE_PX = 40  # side of MRL Eye's tiles
# Of MRL Eye, never trained on; between them every stratum: glasses, reflections, both lights.
TEST_SUBJECTS = (8, 16, 18, 22, 25, 32)


def read_rows(folder: Path) -> Rows:
    """Rows of ``folder/labels.csv``; ends the program with a sentence where it is missing."""
    path = folder / "labels.csv"
    if not path.is_file():
        sys.exit(f"{path} is missing; --data takes a folder laid out as its namesake in the data")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_tiles(folder: Path, size: int) -> tuple[NDArray[np.uint8], Rows]:
    """All tiles of a mosaic set, (n, size, size), and their rows."""
    rows = read_rows(folder)
    tiles = []
    for path in sorted(folder.glob("images-*.webp")):
        mosaic = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if mosaic is None:
            sys.exit(f"{path} cannot be decoded; copy it again")
        height, width = mosaic.shape
        grid = mosaic.reshape(height // size, size, width // size, size)
        tiles.append(grid.swapaxes(1, 2).reshape(-1, size, size))
    return np.concatenate(tiles)[: len(rows)], rows


class Fer:
    """FER2013 with FER+ votes: images (n, 48, 48), labels, vote shares, which split, leaks."""

    def __init__(self, folder: Path) -> None:
        self.images, rows = read_tiles(folder, 48)
        self.training = np.array([row["usage"] == "Training" for row in rows])
        self.label = np.array([int(row["fer2013"]) for row in rows])
        votes = np.array([[int(row[f"votes_{name}"]) for name in VOTES] for row in rows], float)
        others = np.array([[int(row["votes_unknown"]), int(row["votes_NF"])] for row in rows])
        ranked = votes.max(1)
        # A face counts for FER+ where an expression has more votes than "unknown" or "not a face"
        # (Barsoum et al. 2016); single votes are outliers there and are dropped from the target.
        self.has_votes = (ranked > others.max(1)) & (ranked > 1)
        kept = np.where(votes > 1, votes, 0.0)
        kept = np.where(kept.sum(1, keepdims=True) > 0, kept, votes)
        self.share = (kept / np.maximum(kept.sum(1, keepdims=True), 1)).astype(np.float32)
        self.majority = votes.argmax(1)
        self.clear = self.has_votes & ((votes == ranked[:, None]).sum(1) == 1)
        group = np.array([int(row["dup_group"]) for row in rows])
        leaked = set(group[self.training & (group >= 0)])
        self.leak = ~self.training & np.isin(group, sorted(leaked))

    @property
    def ferplus_prior(self) -> NDArray[np.float64]:
        """(8,) class frequencies of FER+ on Training."""
        share = self.share[self.training & self.has_votes]
        return np.asarray(share.astype(float).mean(0))


class Mrl:
    """MRL Eye: tiles (n, 40, 40), whether open, and every stratum as a column of integers."""

    def __init__(self, folder: Path) -> None:
        self.images, rows = read_tiles(folder, EYE_PX)
        self.open = np.array([int(row["open"]) for row in rows])
        names = ("subject", "female", "glasses", "reflections", "good_light", "sensor")
        self.strata = {name: np.array([int(row[name]) for row in rows]) for name in names}
        self.subject = self.strata["subject"]


def progress(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield ``items`` and show on stderr how far it is."""
    step = max(1, total // 50)
    for done, item in enumerate(items, 1):
        yield item
        if done % step == 0 or done == total:
            end = "\n" if done == total else "\r"
            print(f"{what}: {done}/{total}", end=end, file=sys.stderr, flush=True)
