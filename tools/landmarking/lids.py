"""Closing eyes in a picture: the upper lid's skin is drawn down over the eyeball."""

from __future__ import annotations

import cv2
import numpy as np

from dms.values import Gray
from tools.landmarking.label import Array

_REACH, _BAND = 0.42, 0.07  # eye widths above the lid that stretch; lashes that move as they are


def draw_spot(
    gray: Gray,
    centre: Array,
    axes: tuple[float, float],
    angle: float,
    value: float,
    alpha: float,
    soft: float = 0.0,
) -> None:
    """Blend an ellipse into ``gray`` in place; ``soft`` is the blur of its edge in pixels."""
    mask = np.zeros(gray.shape, np.float32)
    at = (int(centre[0] * 8), int(centre[1] * 8))
    size = (max(1, int(axes[0] * 8)), max(1, int(axes[1] * 8)))
    cv2.ellipse(mask, at, size, angle, 0, 360, 1.0, -1, cv2.LINE_AA, 3)
    if soft:
        mask = cv2.GaussianBlur(mask, (0, 0), soft)
    mask *= alpha
    gray[:] = np.clip(gray * (1 - mask) + mask * value, 0, 255).astype(np.uint8)


def close_eye(gray: Gray, eye: Array, share: float) -> None:
    """Lower the upper lid by ``share`` of the opening; picture and contour change in place."""
    width = float(np.linalg.norm(eye[6] - eye[0]))
    along = (eye[6] - eye[0]) / width
    down = np.array([-along[1], along[0]])
    if down[1] < 0:
        down = -down
    local = np.column_stack([(eye - eye[0]) @ along, (eye - eye[0]) @ down]) / width
    weight = [9, 1, 1, 1, 1, 1, 9]
    upper = np.polyfit([0, *local[1:6, 0], 1], [0, *local[1:6, 1], 0], 4, w=weight)
    lower = np.polyfit([1, *local[7:12, 0], 0], [0, *local[7:12, 1], 0], 4, w=weight)
    middle, reach = eye[0] + along * width / 2, 0.95 * width
    x0, y0 = np.maximum(np.floor(middle - reach).astype(int), 0)
    x1, y1 = np.minimum((middle + reach).astype(int) + 1, gray.shape[::-1])
    if x1 - x0 < 4 or y1 - y0 < 4:
        return
    ys, xs = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    across = ((xs - eye[0][0]) * along[0] + (ys - eye[0][1]) * along[1]) / width
    depth = ((xs - eye[0][0]) * down[0] + (ys - eye[0][1]) * down[1]) / width
    inside = np.clip(across, 0, 1)
    top = np.polyval(upper, inside)
    drop = share * np.maximum(np.polyval(lower, inside) - top, 0)
    above, length = top + drop - depth, _REACH + drop
    stretched = _BAND + (above - _BAND) * (_REACH - _BAND) / (length - _BAND)
    moved = (above > 0) & (above < length) & (drop > 1e-4)
    shift = np.where(moved, top - np.where(above < _BAND, above, stretched) - depth, 0) * width
    part = gray[y0:y1, x0:x1].copy()
    map_x = (xs + shift * down[0] - x0).astype(np.float32)
    map_y = (ys + shift * down[1] - y0).astype(np.float32)
    gray[y0:y1, x0:x1] = cv2.remap(
        part, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    gap = np.maximum(np.polyval(lower, np.clip(local[1:6, 0], 0, 1)) - local[1:6, 1], 0)
    eye[1:6] += down * (width * share * gap)[:, None]
