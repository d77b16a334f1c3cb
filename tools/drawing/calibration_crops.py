"""Crops to calibrate INT8 ranges on: from the measurement data's training part, or one's own."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from dms.engine.manifest import Manifest
from dms.engine.preprocess.crop import EyeCropSettings, FaceCropSettings, cut, eye_crops, face_crop
from dms.perception.dlib68 import dlib68_file, shape_points
from dms.perception.landmarks import Landmarks
from dms.perception.schemes import DLIB68
from tools.drawing.eyes import SPAN, draw_eyes
from tools.drawing.people import CROP_SPAN, draw_people
from tools.nets.infrared import infrared
from tools.nets.tiles import progress, read_tiles

COUNT = 1024
Crops = NDArray[np.uint8]


def from_data(manifest: Manifest, data: Path, seed: int = 3) -> Crops:
    """:data:`COUNT` crops of FER2013 Training under infrared effects, or of MRL's trained eyes."""
    rng = np.random.default_rng(seed)
    if manifest.name == "eye_state":
        return _eyes(manifest, data, rng)
    images, rows = read_tiles(data / "fer2013", 48)
    training = [i for i, row in enumerate(rows) if row["usage"] == "Training"]
    framing = manifest.framing(FaceCropSettings)
    chosen = rng.choice(training, COUNT, replace=False)
    crops = []
    for index in progress(chosen, COUNT, "faces"):
        # A FER2013 tile is framed as the crop is, so it needs no landmarks here.
        crop = cv2.resize(images[index], (framing.size, framing.size)).astype(np.float32)
        crops.append(np.clip(np.round(infrared(crop, rng)), 0, 255).astype(np.uint8))
    return np.stack(crops)


def _eyes(manifest: Manifest, data: Path, rng: np.random.Generator) -> Crops:
    """MRL eyes of trained people, and a quarter of drawn eyes for lids and light they lack."""
    images, rows = read_tiles(data / "mrl_eyes_64", 64)
    trained = set(np.ravel(manifest.decision["trained_subjects"]).astype(int).tolist())
    usable = [i for i, row in enumerate(rows) if int(row["subject"]) in trained]
    size = manifest.framing(EyeCropSettings).size
    drawn = draw_eyes(draw_people(COUNT // 4, rng), rng)
    tiles = [*images[rng.choice(usable, COUNT - len(drawn), False)], *map(middle, drawn)]
    crops = [resized(tile, size) for tile in tiles]
    return np.stack([crops[i] for i in rng.permutation(COUNT)])


def middle(drawn: Crops) -> Crops:
    """The part of a drawn picture that the product's crop would show."""
    edge = round(len(drawn) * (1 - CROP_SPAN / SPAN) / 2)
    return drawn[edge : len(drawn) - edge, edge : len(drawn) - edge]


def resized(tile: Crops, size: int) -> Crops:
    """A square tile at another size, as the product's own cut makes it."""
    scale = size / len(tile)
    matrix = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]])
    return cut(np.ascontiguousarray(tile), matrix, size)


def from_frames(manifest: Manifest, folder: Path) -> Crops:
    """Crops of every face that dlib finds in the pictures of ``folder``."""
    detector = dlib.get_frontal_face_detector()
    model = dlib.shape_predictor(str(dlib68_file()))
    crops: list[Crops] = []
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    for path in progress(paths, len(paths), "frames"):
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if gray is None:
            print(f"{path} is no picture; passed over", file=sys.stderr)
            continue
        for box in detector(gray, 0):
            anchors = Landmarks(shape_points(model, gray, box), DLIB68).anchors
            if manifest.name == "eye_state":
                crops += list(eye_crops(gray, anchors, manifest.framing(EyeCropSettings)))
            else:
                crops.append(face_crop(gray, anchors, manifest.framing(FaceCropSettings)))
    if not crops:
        sys.exit(f"no face was found in {folder}; record frames with a face towards the camera")
    order = np.random.default_rng(3).permutation(len(crops))[:COUNT]
    return np.stack([crops[i] for i in order])
