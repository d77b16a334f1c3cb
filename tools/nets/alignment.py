"""Anchors of the FER2013 faces as our own landmarks see them; crops cut by them for training."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from dms.engine.preprocess.crop import FaceCropSettings, cut, fit_similarity
from dms.perception.landmarks import LandmarkSettings, load_predictor
from dms.values import Box
from tools.nets.tiles import progress

SCALE, MARGIN = 3, 32  # a 48 px face becomes 144 px, with room for dlib's detector window
LEAST_SCORE = -0.6  # of dlib's detector; faces it has seen are framed already
GUESS = (0.08, 0.14, 0.92, 0.98)  # where a face lies in a FER2013 tile that dlib finds none in


def fer_anchors(images: NDArray[np.uint8], cache: Path) -> tuple[NDArray, NDArray]:
    """(n, 4, 2) anchors in pixels of the tile, and the detector's score, -9 where it found none."""
    if cache.is_file():
        stored = np.load(cache)
        if len(stored["anchors"]) == len(images):
            return stored["anchors"], stored["found"]
    detector = dlib.get_frontal_face_detector()
    predictor = load_predictor(LandmarkSettings(model="dms56"))
    anchors = np.zeros((len(images), 4, 2), np.float32)
    found = np.full(len(images), -9.0, np.float32)
    for index in progress(range(len(images)), len(images), "alignment"):
        large = cv2.resize(images[index], None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)
        large = cv2.copyMakeBorder(large, *[MARGIN] * 4, cv2.BORDER_REPLICATE)
        boxes, scores, _ = detector.run(large, 0, LEAST_SCORE)
        if len(boxes):
            seen, found[index] = boxes[0], scores[0]
            box = Box(seen.left(), seen.top(), seen.width(), seen.height())
        else:
            left, top, right, bottom = (MARGIN + part * images.shape[1] * SCALE for part in GUESS)
            box = Box(left, top, right - left, bottom - top)
        marks = predictor.predict(large, box)
        anchors[index] = (marks.anchors - MARGIN + 0.5) / SCALE - 0.5
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, anchors=anchors, found=found)
    print(f"a face was found in {np.mean(found > -9):.1%} of the tiles", file=sys.stderr)
    return anchors, found


def settled(anchors: NDArray, found: NDArray) -> NDArray[np.float32]:
    """Anchors of faces the detector missed, drawn half-way towards the mean of the others."""
    if not (found > 0).any():
        return anchors.astype(np.float32)
    mean = anchors[found > 0].mean(0)
    return np.where((found > -9)[:, None, None], anchors, (anchors + mean) / 2).astype(np.float32)


def plain_crop(
    image: NDArray[np.uint8], anchors: NDArray, framing: FaceCropSettings
) -> NDArray[np.uint8]:
    """Cut the crop as the product cuts it."""
    return cut(image, fit_similarity(anchors, framing.template).matrix, framing.size)


def jittered_crop(
    image: NDArray[np.uint8], anchors: NDArray, framing: FaceCropSettings, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Cut a crop with other landmark errors, turned, shifted, stretched, maybe mirrored."""
    size = framing.size
    moved = anchors + rng.normal(0, rng.choice([0.4, 1.2], p=[0.75, 0.25]), anchors.shape)
    if rng.random() < 0.15:  # framed by a detector's box instead of landmarks
        matrix = np.array([[1.0, 0, 0], [0, 1, 0]]) * (size / image.shape[0])
    else:
        matrix = fit_similarity(moved, framing.template).matrix
    turn = np.deg2rad(rng.normal(0, 7) if rng.random() < 0.8 else rng.uniform(-20, 20))
    zoom = np.exp(rng.normal(0, 0.07))
    stretch = np.exp(rng.normal(0, 0.03))
    a, b = zoom * np.cos(turn), zoom * np.sin(turn)
    spin = np.array([[a * stretch, -b], [b, a / stretch]])
    spin[:, 0] *= -1 if rng.random() < 0.5 else 1
    middle = np.array([(size - 1) / 2, (size - 1) / 2])
    shift = middle - spin @ middle + rng.normal(0, 0.03, 2) * size
    matrix = np.column_stack([spin @ matrix[:, :2], spin @ matrix[:, 2] + shift])
    border = cv2.BORDER_REPLICATE if rng.random() < 0.6 else cv2.BORDER_CONSTANT
    crop = cv2.warpAffine(
        image,
        matrix,
        (size, size),
        flags=cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_LINEAR,
        borderMode=border,
        borderValue=float(rng.uniform(0, 200)),
    )
    return crop.astype(np.float32)
