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
EYE_PX = 40  # side of MRL Eye's tiles in a mosaic that is narrower than others
ACROSS, LEAST_PX = 100, 16  # tiles in a mosaic's row, and their least side
# Of MRL Eye, never trained on; between them every stratum: glasses, reflections, both lights.
TEST_SUBJECTS = (8, 16, 18, 22, 25, 32)


def read_rows(folder: Path, *needed: str) -> Rows:
    """Rows of ``folder/labels.csv``; ends the program with a sentence where they cannot be used."""
    path = folder / "labels.csv"
    if not path.is_file():
        sys.exit(f"{path} is missing; --data takes a folder laid out as its namesake in the data")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        sys.exit(f"{path} is no CSV in UTF-8 ({error}); save it as such")
    missing = [name for name in needed if name not in (reader.fieldnames or ())]
    if missing:
        sys.exit(f"{path} has no column {', '.join(missing)}; it must be laid out as its namesake")
    if not rows:
        sys.exit(f"{path} has no row; give a folder with something to measure")
    return rows


def integers(rows: Rows, name: str) -> NDArray[np.int64]:
    """One column as numbers; ends the program with a sentence where one is none."""
    for number, row in enumerate(rows, 1):
        try:
            int(row[name])
        except ValueError:
            sys.exit(f"labels.csv, row {number}: {name} must be a whole number, got {row[name]!r}")
    return np.array([int(row[name]) for row in rows])


def read_tiles(folder: Path, size: int, *needed: str) -> tuple[NDArray[np.uint8], Rows]:
    """The square tiles of a mosaic set's rows, and the rows.

    A mosaic of :data:`ACROSS` tiles a row says itself how large they are; ``size`` is of others.
    """
    rows = read_rows(folder, *needed)
    paths = list(folder.glob("images-*.webp"))
    parts = []
    for path in (folder / f"images-{number}.webp" for number in range(max(len(paths), 1))):
        mosaic = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
        if mosaic is None:
            sys.exit(f"{path} {'cannot be decoded' if path.is_file() else 'is missing'}; copy it")
        height, width = mosaic.shape
        if width % ACROSS == 0 and width // ACROSS >= LEAST_PX and not height % (width // ACROSS):
            size = width // ACROSS
        if height % size or width % size:
            sys.exit(f"{path} has {width} x {height} pixels, which are no tiles of {size} x {size}")
        grid = mosaic.reshape(height // size, size, width // size, size)
        parts.append(grid.swapaxes(1, 2).reshape(-1, size, size))
    tiles = np.concatenate(parts)
    at = np.arange(len(rows))
    named = integers(rows, "tile") if "tile" in rows[0] else at
    if named.min() >= 0 and named.max() < len(tiles):  # else they count in a larger set
        at = named
    if len(rows) > len(tiles):
        sys.exit(f"{folder} has {len(rows)} rows but only {len(tiles)} tiles; copy it again")
    return tiles[at], rows


class Fer:
    """FER2013 with FER+ votes: images (n, 48, 48), labels, vote shares, which split, leaks.

    Without columns of votes nothing is known of FER+, and :attr:`has_votes` is false everywhere.
    """

    def __init__(self, folder: Path) -> None:
        self.images, rows = read_tiles(folder, 48, "usage", "fer2013")
        self.training = np.array([row["usage"] == "Training" for row in rows])
        self.label = integers(rows, "fer2013")
        if not np.isin(self.label, range(7)).all():
            sys.exit(f"{folder}/labels.csv: fer2013 must be 0 to 6, got {self.label.max()}")
        columns = [f"votes_{name}" for name in (*VOTES, "unknown", "NF")]
        counted = [integers(rows, name) for name in columns if name in rows[0]]
        every = np.stack(counted if len(counted) == len(columns) else [0 * self.label] * 10, 1)
        votes, others = every[:, : len(VOTES)].astype(float), every[:, len(VOTES) :]
        ranked = votes.max(1)
        # A face counts for FER+ where an expression has more votes than "unknown" or "not a face"
        # (Barsoum et al. 2016); single votes are outliers there and are dropped from the target.
        self.has_votes = (ranked > others.max(1)) & (ranked > 1)
        kept = np.where(votes > 1, votes, 0.0)
        kept = np.where(kept.sum(1, keepdims=True) > 0, kept, votes)
        self.share = (kept / np.maximum(kept.sum(1, keepdims=True), 1)).astype(np.float32)
        self.majority = votes.argmax(1)
        self.clear = self.has_votes & ((votes == ranked[:, None]).sum(1) == 1)
        learned = {image.tobytes() for image in self.images[self.training]}
        same = np.array([image.tobytes() in learned for image in self.images])
        self.leak = ~self.training & same  # the very same picture also stands in Training

    @property
    def ferplus_prior(self) -> NDArray[np.float64]:
        """(8,) class frequencies of FER+ on Training."""
        share = self.share[self.training & self.has_votes]
        return np.asarray(share.astype(float).mean(0))


class Mrl:
    """MRL Eye: tiles (n, s, s), whether open, and every stratum that is known as integers."""

    def __init__(self, folder: Path) -> None:
        self.images, rows = read_tiles(folder, EYE_PX, "subject", "open")
        self.open = integers(rows, "open")
        if not np.isin(self.open, (0, 1)).all():
            sys.exit(f"{folder}/labels.csv: open must be 0 or 1, got {self.open.max()}")
        names = ("subject", "female", "glasses", "reflections", "good_light", "sensor")
        self.strata = {name: integers(rows, name) for name in names if name in rows[0]}
        self.subject = self.strata["subject"]
        unknown = np.full(len(rows), -1)
        self.strong = self.strata.get("reflections", unknown) == 2  # reflections in the eye


def progress(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield ``items`` and show on stderr how far it is."""
    step = max(1, total // 50)
    for done, item in enumerate(items, 1):
        yield item
        if done % step == 0 or done == total:
            end = "\n" if done == total else "\r"
            print(f"{what}: {done}/{total}", end=end, file=sys.stderr, flush=True)
