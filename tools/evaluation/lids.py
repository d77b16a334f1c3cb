"""Lids open, lowered or closed on labelled eye tiles: the eye net alone, one frame at a time.

A person that the net was trained on flatters it: ``--folds`` takes nets trained without the people
of each fold (their number modulo four) and judges everybody by the one that has not seen them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.engine.manifest import Manifest, load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.preprocess.crop import EyeCropSettings, cut
from tools.drawing.people import CROP_SPAN, FOLDS, TILE_SPAN
from tools.evaluation.figures import auroc, interval, rounded
from tools.evaluation.infrared_eyes import infrared_eyes
from tools.nets.shipped import outputs
from tools.nets.tiles import read_rows, read_tiles

TOLD = {"lowered": "iris", "closed": "sight"}  # how a label must have been told to count
SMALLEST = (10, 14, 16, 20, 24, 28)  # pixels of eye that --sizes shrinks the tiles to


class Frames(NamedTuple):
    """Eyes of labelled frames: crops (n, s, s), which frame and person, and what the lids are."""

    crops: NDArray[np.uint8]
    frame: NDArray[np.str_]
    person: NDArray[np.int64]
    lids: NDArray[np.str_]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folds", type=Path, help="holds 0/ to 3/, each with an eye_state.yaml")
    parser.add_argument("--precision", default="int8", choices=("int8", "int8-qdq", "fp32"))
    parser.add_argument("--sizes", action="store_true", help="also with the eyes shrunk")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    pictures, rows = read_eyes(_tiles_in(args.data))
    manifest = load_manifest("eye_state", args.engines)
    if "lids" not in manifest.outputs:
        sys.exit(f"the net {manifest.name} of {args.engines} tells no lids; use one that does")
    nets = {None: manifest}
    if args.folds:
        nets = {k: load_manifest("eye_state", args.folds / str(k)) for k in range(FOLDS)}
    size = manifest.framing(EyeCropSettings).size
    frames = frames_of(pictures, rows, size)
    said = judged(nets, frames, args.precision)
    result = figures(said, frames)
    result["frames_of_people"] = sorted(set(frames.person.tolist()))
    seen = manifest.decision.get("trained_tile_people", [])
    result["people_seen_in_training"] = [] if args.folds else sorted(
        set(result["frames_of_people"]) & {int(one) for one in np.ravel(seen)}
    )  # fmt: skip
    points = all_outputs(nets, frames, args.precision)["iris"]
    for pupil in ("dark", "bright"):
        drawn = frames._replace(crops=infrared_eyes(frames.crops, points, said, pupil))
        result[f"infrared_{pupil}_pupil"] = figures(judged(nets, drawn, args.precision), drawn)
    if args.sizes:
        for px in SMALLEST:
            small = frames._replace(crops=shrunk(frames.crops, px))
            result[f"eye_{px}_px"] = figures(judged(nets, small, args.precision), small)
    result["net"] = manifest.name
    return result


def _tiles_in(folder: Path) -> Path:
    """The tiles' folder: that given, its eyes/, or that of its lowered/."""
    places = (folder / "lowered" / "eyes", folder / "eyes")
    return next((place for place in places if place.is_dir()), folder)


def read_eyes(folder: Path) -> tuple[list[NDArray[np.uint8]], list[dict[str, str]]]:
    """The tiles of a folder, one file each or as mosaics, left eyes mirrored; and their rows."""
    rows = read_rows(folder, "clip", "frame", "eye", "lids", "by", "person")
    if "file" in rows[0] and (folder / rows[0]["file"]).is_file():
        tiles = []
        for row in rows:
            tile = cv2.imread(str(folder / row["file"]), cv2.IMREAD_GRAYSCALE)
            if tile is None:
                sys.exit(f"{folder / row['file']} cannot be read; copy the folder again")
            tiles.append(np.asarray(tile, np.uint8))
    else:
        tiles = list(read_tiles(folder, 64)[0])
    pairs = zip(tiles, rows, strict=True)
    return [tile[:, ::-1] if row["eye"] == "left" else tile for tile, row in pairs], rows


def frames_of(pictures: list[NDArray[np.uint8]], rows: list[dict[str, str]], size: int) -> Frames:
    """Crops as the product frames them, of the frames whose label may be believed."""
    kept, crops = [], []
    for picture, row in zip(pictures, rows, strict=True):
        if row["lids"] == "open" or TOLD.get(row["lids"]) == row["by"]:
            kept.append(row)
            crops.append(framed(picture, size))
    if not kept:
        sys.exit("no tile is labelled open, lowered (iris) or closed (sight); nothing to measure")
    return Frames(
        np.stack(crops),
        np.array([f"{row['clip']} {row['frame']}" for row in kept]),
        np.array([int(row["person"].lstrip("P")) for row in kept]),
        np.array([row["lids"] for row in kept]),
    )


def framed(tile: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The part of a tile that the product's crop would show."""
    side = tile.shape[0]
    scale = size / (side * CROP_SPAN / TILE_SPAN)
    middle, aim = (side - 1) / 2, (size - 1) / 2
    matrix = np.array([[scale, 0, aim - scale * middle], [0, scale, aim - scale * middle]])
    matrix[1, 2] += 0.03 * size  # the product's crop has the eye's middle below its own
    return cut(np.ascontiguousarray(tile), matrix, size)


def shrunk(crops: NDArray[np.uint8], eye_px: int) -> NDArray[np.uint8]:
    """Crops as of an eye that is ``eye_px`` wide in the camera."""
    side = crops.shape[-1]
    small = max(4, round(eye_px * CROP_SPAN))
    return np.stack(
        [
            cv2.resize(
                cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA),
                (side, side),
                interpolation=cv2.INTER_LINEAR,
            )
            for crop in crops
        ]
    )


def all_outputs(
    nets: dict[int | None, Manifest], frames: Frames, precision: str
) -> dict[str, NDArray[np.float32]]:
    """Outputs of each person's own net."""
    found: dict[str, NDArray[np.float32]] = {}
    for fold, manifest in nets.items():
        use = np.ones(len(frames.person), bool) if fold is None else frames.person % FOLDS == fold
        if not use.any():
            continue
        with OnnxEngine(manifest.path(precision), optimise=precision != "int8-qdq") as engine:
            for name, values in outputs(engine, frames.crops[use]).items():
                whole = found.setdefault(name, np.zeros((len(use), values.shape[1]), np.float32))
                whole[use] = values
    return found


def judged(nets: dict[int | None, Manifest], frames: Frames, precision: str) -> NDArray[np.float32]:
    """Probabilities (n, 3) of each eye: open, lowered, closed."""
    return all_outputs(nets, frames, precision)["lids"]


def figures(said: NDArray[np.float32], frames: Frames) -> dict[str, Any]:
    """What the lids of a frame are called, by the mean of its eyes; people weigh the same."""
    name, first = np.unique(frames.frame, return_index=True)
    mean = np.stack([said[frames.frame == one].mean(0) for one in name])
    lids, person = frames.lids[first], frames.person[first]
    called = mean.argmax(1)
    result: dict[str, Any] = {}
    for kind in ("lowered", "closed", "open"):
        of = lids == kind
        for k, other in enumerate(("open", "lowered", "closed")):
            result[f"{kind}_called_{other}"] = rounded(_of_people(called[of] == k, person[of]))
        result[f"{kind}_called_closed_95"] = interval(
            lambda i, of=of: _of_people((called == 2)[i][of[i]], person[i][of[i]]),
            len(lids), person,
        )  # fmt: skip
        result[f"{kind}_frames"], result[f"{kind}_people"] = int(of.sum()), len(set(person[of]))
        mine = {who: called[of & (person == who)] == 2 for who in np.unique(person[of])}
        result[f"{kind}_by_person"] = {
            f"P{who:02}": [int(closed.sum()), len(closed)] for who, closed in mine.items()
        }
    hard = np.isin(lids, ("lowered", "closed"))
    score = np.log(mean[:, 2] + 1e-6) - np.log(mean[:, 1] + mean[:, 0] + 1e-6)
    result["auroc"] = rounded(auroc(score[hard], lids[hard] == "closed"))
    result["auroc_95"] = interval(
        lambda i: auroc(score[i][hard[i]], lids[i][hard[i]] == "closed"), len(lids), person
    )
    return result


def _of_people(yes: NDArray[np.bool_], person: NDArray[np.int64]) -> float:
    """Share of yes, each person weighing the same; not a number where there is none."""
    shares = [yes[person == who].mean() for who in np.unique(person)]
    return float(np.mean(shares)) if shares else float("nan")
