"""Paints glances into photographs: each iris cut out, the white filled in, the iris set elsewhere.

It shares nothing with tools/drawing, which the nets are trained on: no eye is drawn here.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

WIDE, EYE = 160, 80  # pixels of a patch's side, and of the eye in it
DEGREE = 1 / 161  # eye widths that the iris moves for a degree: 29 mm of eye, 10.3 mm of radius
IRIS = 0.205  # radius in eye widths
Picture = NDArray[np.uint8]
Points = NDArray[np.floating]


def glancing(
    gray: Picture, contours: tuple[Points, Points], yaw_deg: float, infrared: str | None,
    rng: np.random.Generator,
) -> Picture:  # fmt: skip
    """``gray`` with both eyes turned by ``yaw_deg`` towards the picture's right.

    ``contours``: lids of the right and the left eye, corners first and in the middle.
    ``infrared``: a pupil "dark" or "bright" and an infrared camera's tones; None: as it is.
    """
    out = gray.astype(np.float32)
    for contour in contours:
        out = _turned(out, np.asarray(contour, float), yaw_deg * DEGREE, infrared, rng)
    if infrared:
        out = _night(out, rng)
    return np.clip(np.round(out), 0, 255).astype(np.uint8)


def _turned(
    picture: NDArray[np.float32], contour: Points, by: float, infrared: str | None,
    rng: np.random.Generator,
) -> NDArray[np.float32]:  # fmt: skip
    half = len(contour) // 2
    first, second = sorted((contour[0], contour[half]), key=lambda point: float(point[0]))
    across = second - first
    width = float(np.hypot(*across))
    cos, sin = across / width * (EYE / width)
    turn = np.array([[cos, sin], [-sin, cos]])
    matrix = np.column_stack([turn, np.full(2, (WIDE - 1) / 2) - turn @ ((first + second) / 2)])
    patch = cv2.warpAffine(
        picture, matrix, (WIDE, WIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    hole = np.zeros((WIDE, WIDE), np.float32)
    rim = contour @ turn.T + matrix[:, 2]
    cv2.fillPoly(hole, [np.round(rim * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    y, x = np.mgrid[:WIDE, :WIDE].astype(np.float32)
    x, y = (x - (WIDE - 1) / 2) / EYE, (y - (WIDE - 1) / 2) / EYE
    at = _iris(patch, hole, x, y)
    painted = _paint(patch, hole, x, y, at, by, infrared, rng)
    soft = cv2.GaussianBlur(hole, (0, 0), 1.5)
    inverse = cv2.invertAffineTransform(matrix)
    size = picture.shape[::-1]
    change = cv2.warpAffine((painted - patch) * soft, inverse, size, flags=cv2.INTER_AREA)
    return picture + change


def _iris(patch: NDArray, hole: NDArray, x: NDArray, y: NDArray) -> tuple[float, float]:
    """The darkest disc between the lids; one near the middle where several are as dark."""
    light = cv2.GaussianBlur(patch, (0, 0), 2)
    inside = hole > 0.5
    if not inside.any():
        return 0.0, -0.05
    best, found = np.inf, (0.0, -0.05)
    for cx in np.arange(-0.22, 0.23, 0.02):
        for cy in np.arange(-0.16, 0.1, 0.03):
            disc = inside & ((x - cx) ** 2 + (y - cy) ** 2 < (0.85 * IRIS) ** 2)
            if disc.sum() > 40:
                score = float(light[disc].mean()) + 60 * cx * cx + 120 * (cy + 0.05) ** 2
                if score < best:
                    best, found = score, (float(cx), float(cy))
    return found


def _paint(
    patch: NDArray, hole: NDArray, x: NDArray, y: NDArray, at: tuple[float, float], by: float,
    infrared: str | None, rng: np.random.Generator,
) -> NDArray[np.float32]:  # fmt: skip
    far = np.hypot(x - at[0], y - at[1])
    white = (hole > 0.5) & (far > 1.1 * IRIS)
    iris = (hole > 0.5) & (far < 0.8 * IRIS)
    dark = float(np.median(patch[iris])) if iris.any() else 40.0
    level = max(float(np.percentile(patch[white], 75)) if white.sum() > 20 else 0.0, dark + 45)
    ball = level * (1 - 0.3 * np.minimum(np.abs(2 * x), 1) ** 2)
    top = np.where(hole > 0.5, y, np.inf).min(axis=0)
    ball = ball * (1 - 0.35 * np.exp(-np.maximum(y - top[None], 0) / 0.05))
    ball = ball + cv2.GaussianBlur(rng.normal(0, 6, patch.shape).astype(np.float32), (0, 0), 2)
    moved = cv2.warpAffine(
        patch, np.array([[1, 0, by * EYE], [0, 1, 0]], float), (WIDE, WIDE),
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    had = cv2.warpAffine(hole, np.array([[1, 0, by * EYE], [0, 1, 0]], float), (WIDE, WIDE))
    content = np.where(had > 0.5, moved, dark)
    squeeze = np.cos(np.radians(by / DEGREE))
    ring = np.hypot((x - at[0] - by) / squeeze, y - at[1])
    if infrared:
        content = dark + (0.55 * level - dark) * 0.6 + 0.4 * (content - dark)
        pupil = 1 / (1 + np.exp(np.clip((ring - 0.095) * 90, -30, 30)))
        lit = rng.uniform(1.15, 1.6) * level if infrared == "bright" else 0.2 * dark
        content = content + (lit - content) * pupil
        spot = np.hypot(x - at[0] - by - rng.normal(0, 0.04), y - at[1] - rng.normal(0, 0.04))
        content = content + (250 - content) * np.exp(-((spot / 0.03) ** 2))
    share = 1 / (1 + np.exp(np.clip((ring - IRIS) * 70, -30, 30)))
    return np.asarray(ball + (content - ball) * share, np.float32)


def _night(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Skin pale and even, light from one lamp, some grain."""
    side = max(picture.shape)
    smooth = cv2.GaussianBlur(picture, (0, 0), side * 0.05)
    out = smooth + (rng.uniform(100, 160) - smooth) * 0.45 + 0.8 * (picture - smooth)
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32) / side
    fall = np.exp(-((x - rng.uniform(0.35, 0.65)) ** 2 + (y - 0.5) ** 2) / 0.5)
    return np.asarray(out * fall / fall.mean() + rng.normal(0, 2.5, picture.shape), np.float32)
