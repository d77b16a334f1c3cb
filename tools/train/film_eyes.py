"""Eyes that the product's own landmarks cut from labelled clips: real shut eyes, visible light."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.engine.preprocess.crop import EyeCropSettings, eye_crops
from dms.perception.face import FaceSettings, FaceTracker
from dms.perception.landmarks import LandmarkSettings, load_predictor
from dms.values import Frame
from tools.landmarking.labels import TRAINED_PEOPLE
from tools.nets.tiles import progress

ROOM = 1.5  # sides of the pictures over the product's crop: room to place the crop in
PICTURE = EyeCropSettings(size=96, side=0.8 * ROOM, centre_y=0.5)
FAR = 10  # frames from any blink at which an eye is certainly open
EVERY = 12  # of the open frames so many are passed over for one that is taken


class FilmEyes(NamedTuple):
    """Eyes (n, 96, 96), whether open (n,), and whose (n,)."""

    eyes: NDArray[np.uint8]
    open: NDArray[np.float32]
    person: NDArray[np.int64]


def film_eyes(folder: Path, cache: Path) -> FilmEyes:
    """ZJU's people that may be trained on, in the middle of blinks and far from any."""
    if cache.is_file():
        stored = np.load(cache)
        return FilmEyes(*(stored[name] for name in FilmEyes._fields))
    with (folder / "blinks.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    paths = [p for p in sorted(folder.glob("*.mp4")) if int(p.stem[:6]) in TRAINED_PEOPLE]
    predictor = load_predictor(LandmarkSettings())
    found: list[tuple[NDArray[np.uint8], float, int]] = []
    for path in progress(paths, len(paths), "clips"):
        blinks = [row for row in rows if row["clip"] == path.stem]
        tracker, number = FaceTracker(predictor, FaceSettings()), -1
        capture = cv2.VideoCapture(str(path))
        while True:
            good, picture = capture.read()
            if not good:
                break
            number += 1
            gray = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
            face = tracker.find(Frame(gray, number / 30, number))
            state = _state(number, blinks)
            if face is None or state is None or (state and number % EVERY):
                continue
            pair = eye_crops(gray, face.marks.anchors, PICTURE)
            found += [(eye, float(state), int(path.stem[:6])) for eye in pair]
        capture.release()
    eyes, opened, person = zip(*found, strict=True)
    cut = FilmEyes(np.stack(eyes), np.array(opened, np.float32), np.array(person))
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, **cut._asdict())
    return cut


def _state(number: int, blinks: list[dict[str, str]]) -> bool | None:
    """Open, closed, or unknown: on the way, or near a blink."""
    for row in blinks:
        first, last = int(row["start_frame0"]), int(row["end_frame0"])
        if first - FAR <= number <= last + FAR:
            exact = row["align"] != "linear" and row["fully_closed_seen"] == "1"
            return False if exact and abs(number - (first + last) / 2) <= 1 else None
    return True
