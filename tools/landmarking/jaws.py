"""Opening a mouth in an upright picture: the jaw drops and a dark cavity shows between the lips."""

from __future__ import annotations

import cv2
import numpy as np

from dms.values import Gray
from tools.landmarking.label import Array

_INNER_UP, _INNER_LOW = (43, 44, 45, 46, 47), (43, 50, 49, 48, 47)
_BELOW = (40, 41, 42, 48, 49, 50)  # the lower lip's points
_JAW = {52: 0.35, 53: 1.0, 54: 0.35}  # how much of the drop the jaw's points take


def opening(points: Array) -> float:
    """Mouth aspect ratio of the inner lips."""
    gaps = np.linalg.norm(points[[44, 45, 46]] - points[[50, 49, 48]], axis=1)
    return float(gaps.mean() / max(float(np.linalg.norm(points[47] - points[43])), 1e-6))


def open_mouth(gray: Gray, points: Array, share: float, rng: np.random.Generator) -> None:
    """Open the mouth of an upright face by ``share`` of its width; both change in place."""
    right, left = points[43], points[47]
    width, middle = float(left[0] - right[0]), float(right[0] + left[0]) / 2
    chin = float(points[53, 1])
    if width < 8 or chin - float(points[41, 1]) < 4:
        return
    drop = share * width
    x0, x1 = max(0, int(middle - 1.3 * width)), min(gray.shape[1], int(middle + 1.3 * width))
    y0 = max(0, int(points[36:39, 1].min()) - 2)
    neck = min(gray.shape[0] - 2.0, chin + 2.0 * drop + 0.6 * width)
    y1 = int(neck) + 1
    if x1 - x0 < 8 or y1 - y0 < 8:
        return
    ys, xs = np.mgrid[y0:y1, x0:x1].astype(np.float64)
    inward = 1 + 0.35 * share * np.exp(-(((ys - points[45, 1] - drop / 2) / (0.5 * width)) ** 2))
    inward = 1 + (inward - 1) * np.exp(-(((xs - middle) / (0.9 * width)) ** 2))
    across = middle + (xs - middle) * inward
    rise, low, side = _lips(points, across, middle, width)
    lip, end = low + drop * rise, chin + 0.9 * drop * side
    read = np.where(ys < lip, np.minimum(ys, low), low + (ys - lip) * (chin - low) / (end - lip))
    below = chin + (ys - end) * (neck - chin) / np.maximum(neck - end, 1)
    read = np.where(ys < end, read, below)
    part = cv2.remap(
        gray, across.astype(np.float32), read.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    upper = np.interp(across, *_edge(points, _INNER_UP))
    _cavity(part, ys, upper, lip, rise, rng)
    gray[y0:y1, x0:x1] = part
    _move(points, drop, middle, width, chin, share)


def _edge(points: Array, numbers: tuple[int, ...]) -> tuple[Array, Array]:
    at = points[list(numbers)]
    order = np.argsort(at[:, 0])
    return at[order, 0], at[order, 1]


def _lips(points: Array, x: Array, middle: float, width: float) -> tuple[Array, Array, Array]:
    """How far the lip drops (0..1), its inner edge before, and how far the chin drops, at ``x``."""
    off = (x - middle) / (0.5 * width)
    rise = np.sqrt(np.clip(1 - off**2, 0, 1))
    side = np.exp(-((np.abs(off) / 2.2) ** 4))
    return rise, np.interp(x, *_edge(points, _INNER_LOW)), side


def _cavity(
    part: Gray, ys: Array, upper: Array, lip: Array, rise: Array, rng: np.random.Generator
) -> None:
    """Darken what lies between the lips; teeth above and a tongue below may show."""
    skin = float(part.mean())
    deep = np.maximum(lip - upper, 1)
    place = (ys - upper) / deep
    shade = np.full(ys.shape, skin * rng.uniform(0.05, 0.4))
    if rng.random() < 0.5:
        shade += skin * rng.uniform(0.1, 0.45) * np.clip((place - 0.5) * 2.5, 0, 1)
    if rng.random() < 0.5:
        shade = np.where(place < rng.uniform(0.1, 0.3), skin * rng.uniform(0.8, 1.5), shade)
    inside = (np.clip(ys - upper, 0, 1.5) * np.clip(lip - ys, 0, 1.5) / 2.25) * (rise > 0)
    part[:] = np.clip(part + (shade - part) * inside, 0, 255).astype(np.uint8)


def _move(
    points: Array, drop: float, middle: float, width: float, chin: float, share: float
) -> None:
    """Move lips, corners and jaw as the picture did."""
    rise, low, _ = _lips(points, points[:, 0], middle, width)
    line = points[45, 1] + drop / 2
    for number in _BELOW:
        x, y = points[number]
        lip, end = low[number] + drop * rise[number], chin + 0.9 * drop
        span = max(chin - low[number], 1.0)
        points[number] = (x, lip + max(y - low[number], 0.0) * (end - lip) / span)
    for number, part in _JAW.items():
        points[number, 1] += 0.9 * drop * part
    for number in range(35, 51):
        x, y = points[number]
        pull = 1 + 0.35 * share * np.exp(-(((y - line) / (0.5 * width)) ** 2))
        pull = 1 + (pull - 1) * np.exp(-(((x - middle) / (0.9 * width)) ** 2))
        points[number, 0] = middle + (x - middle) / pull
