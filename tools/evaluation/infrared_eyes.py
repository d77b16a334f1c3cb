"""Draws photographed eye crops as a lamp beside the camera would show them: a pupil dark or bright.

It shares nothing with tools/drawing, which the nets are trained on.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

PUPIL = 0.1  # radius in eye widths
LOWEST = 0.5  # of the lids' "closed": no pupil is painted where less of the eye is open


def infrared_eyes(
    crops: NDArray[np.uint8],
    points: NDArray[np.float32],
    lids: NDArray[np.float32],
    pupil: str,
    seed: int = 7,
) -> NDArray[np.uint8]:
    """Crops (n, s, s) as infrared ones, ``pupil`` dark or bright, where the net saw the iris.

    ``points``: the net's ``iris`` (n, 7); ``lids`` (n, 3): shut eyes get no pupil. What of the
    pupil the lids cover stays covered: it is painted on what is dark between them.
    """
    rng = np.random.default_rng(seed)
    return np.stack(
        [
            _one(crop, place, float(shut[2]) < LOWEST, pupil == "bright", rng)
            for crop, place, shut in zip(crops, points, lids, strict=True)
        ]
    )


def _one(
    crop: NDArray[np.uint8],
    place: NDArray[np.float32],
    seen: bool,
    bright: bool,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    size = crop.shape[0]
    picture = crop.astype(np.float32)
    skin = cv2.GaussianBlur(picture, (0, 0), size * 0.12)
    detail = picture - skin
    level = rng.uniform(90, 170)
    # Skin is pale and even under infrared, brows and lashes lose some of their colour.
    out = skin + (level - skin) * rng.uniform(0.4, 0.7) + detail * rng.uniform(0.55, 0.85)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    lamp = rng.uniform(0.3, 0.7, 2) * size
    fall = np.exp(-((x - lamp[0]) ** 2 + (y - lamp[1]) ** 2) / (2 * (0.8 * size) ** 2))
    out = out * (fall / fall.mean())
    if seen:
        middle = (place[:2] + 0.5) * size - 0.5
        width = float(np.hypot(*(place[4:6] - place[2:4]))) * size
        far = np.hypot(x - middle[0], y - middle[1]) / max(width, 1.0)
        disc = 1 / (1 + np.exp(np.clip((far - PUPIL) * 60, -30, 30)))
        near = far < 0.3
        dark = picture < np.median(picture[near]) if near.any() else np.zeros_like(picture, bool)
        if bright:
            dark = cv2.GaussianBlur(dark.astype(np.float32), (0, 0), 0.8)
            out = out + (rng.uniform(200, 255) - out) * disc * dark
        else:
            out = out * (1 - 0.7 * disc * dark)
        spot = middle + rng.normal(0, 0.05, 2) * width
        glint = np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / (2 * (0.025 * width) ** 2))
        out = out + (255 - out) * glint
    out = out + rng.normal(0, 3, out.shape)
    return np.clip(np.round(out), 0, 255).astype(np.uint8)
