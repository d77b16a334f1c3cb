"""Closes photographed eyes by moving the upper lid down, for eyes of many people at every openness.

MRL Eye has few people; a net trained on them alone takes the lashes of others for open eyes.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST_EAR = 0.2  # an eye that the landmarks see narrower than this is left alone


def aspect_ratio(rim: NDArray) -> float:
    """Eye aspect ratio of the (6, 2) contour, corner to corner as ``Scheme`` orders it."""
    height = np.linalg.norm(rim[1] - rim[5]) + np.linalg.norm(rim[2] - rim[4])
    return float(height / (2 * max(np.linalg.norm(rim[0] - rim[3]), 1e-6)))


def close(patch: NDArray[np.uint8], rim: NDArray, closed: float) -> NDArray[np.uint8]:
    """Bring the upper lid of the eye with this (6, 2) contour down by ``closed`` 0..1.

    The skin above is stretched, the lashes travel with the rim and keep their height.
    """
    points = rim[np.argsort(rim[:, 0])]
    left, right = points[0], points[-1]
    upper = np.array([left, *sorted((rim[1], rim[2]), key=lambda p: p[0]), right])
    lower = np.array([left, *sorted((rim[4], rim[5]), key=lambda p: p[0]), right])
    height, width = patch.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    u, low = _curve(upper, x[0]), _curve(lower, x[0])
    opening = np.maximum(low - u, 0)
    lashes = np.minimum(0.09 * (right[0] - left[0]), 0.6 * opening)
    top = u - lashes - np.maximum(0.9 * opening, 1)
    moved = u + closed * opening
    stretched = top + (y - top) * (u - lashes - top) / np.maximum(moved - lashes - top, 1e-3)
    read = np.where(y < moved - lashes, stretched, u + (y - moved))
    inside = (y > top) & (y < moved + 0.5 * lashes) & (opening > 0)
    read = np.where(inside, read, y).astype(np.float32)
    return cv2.remap(patch, x, read, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _curve(points: NDArray, x: NDArray) -> NDArray[np.float32]:
    """Smooth curve through four points, flat beyond the corners."""
    fitted = np.polyval(np.polyfit(points[:, 0], points[:, 1], 3), x)
    straight = np.interp(x, points[:, 0], points[:, 1])
    between = (x > points[0, 0]) & (x < points[-1, 0])
    return np.where(between, fitted, straight).astype(np.float32)
