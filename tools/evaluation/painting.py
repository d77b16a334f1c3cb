"""Paints what may hide a driver's eyes over a picture of a face: not the painter of any training.

Shapes are set by the face's own points (centres of the eyes, corners of the mouth), so that every
cover sits where it would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.values import Gray

Points = NDArray[np.floating]
_FINE = 8  # parts of a pixel in which OpenCV is told places


class Canvas:
    """One face: its picture, and a frame with the eyes one unit apart and upright."""

    def __init__(self, gray: Gray, anchors: Points, rng: np.random.Generator) -> None:
        self.gray, self.rng = gray.copy(), rng
        right, left, *mouth = np.asarray(anchors, float)
        self._middle = (right + left) / 2
        self._across = left - right
        self._down = np.array([-self._across[1], self._across[0]])
        self.unit = float(np.hypot(*self._across))
        self.mouth_y = float(((mouth[0] + mouth[1]) / 2 - self._middle) @ self._down / self.unit**2)
        cheeks = [self.at(side * 0.55, 0.55) for side in (-1, 1)]
        self.skin = float(np.median([self._patch(place) for place in cheeks]))

    def at(self, x: float, y: float) -> Points:
        """A place in pixels: ``x`` to the right of the picture, ``y`` down, in eye distances."""
        return np.asarray(self._middle + x * self._across + y * self._down)

    def shape(self, corners: list[tuple[float, float]], shade: float, blur: float = 0.02) -> None:
        """Fill a polygon, its edge softened by ``blur`` eye distances."""
        places = np.array([self.at(x, y) for x, y in corners])
        mask = np.zeros(self.gray.shape, np.uint8)
        whole = np.round(places * _FINE).astype(np.int32)
        cv2.fillPoly(mask, [whole], 255, cv2.LINE_AA, 3)
        self.blend(mask, shade, blur)

    def oval(
        self, x: float, y: float, size: tuple[float, float], shade: float, blur: float
    ) -> None:
        """Fill an ellipse of half axes ``size``."""
        turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        corners = [(x + size[0] * np.cos(a), y + size[1] * np.sin(a)) for a in turn]
        self.shape(corners, shade, blur)

    def blend(self, mask: Gray, shade: float, blur: float) -> None:
        """Lay ``shade`` with a little texture over the picture where ``mask`` says."""
        sigma = max(blur * self.unit, 0.5)
        soft = cv2.GaussianBlur(mask, (0, 0), sigma).astype(np.float32) / 255
        grain = cv2.GaussianBlur(self.rng.normal(0, 1, mask.shape).astype(np.float32), (0, 0), 2)
        paint = shade + 6.0 * grain
        self.gray = cv2.convertScaleAbs(np.clip(self.gray * (1 - soft) + paint * soft, 0, 255))

    def _patch(self, place: Points) -> float:
        x, y = (int(v) for v in place)
        reach = max(2, int(0.08 * self.unit))
        patch = self.gray[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach]
        return float(patch.mean()) if patch.size else float(self.gray.mean())


def sunglasses(canvas: Canvas) -> None:
    """Two dark lenses, wide or round, with a bridge and sometimes a reflection."""
    rng, shade = canvas.rng, canvas.rng.uniform(5, 45)
    wide, high = rng.uniform(0.36, 0.46), rng.uniform(0.26, 0.36)
    for side in (-0.5, 0.5):
        if rng.random() < 0.5:
            canvas.oval(side, 0.05, (wide, high), shade, 0.01)
        else:
            corners = [(-wide, -high), (wide, -high), (0.8 * wide, high), (-0.8 * wide, high)]
            canvas.shape([(side + x, 0.05 + y) for x, y in corners], shade, 0.01)
    canvas.shape([(-0.2, -0.06), (0.2, -0.06), (0.2, 0.02), (-0.2, 0.02)], shade, 0.01)
    if rng.random() < 0.5:
        for side in (-0.5, 0.5):
            x = side + rng.uniform(-0.2, 0.2)
            canvas.shape(
                [(x, -0.15), (x + 0.06, -0.15), (x + 0.14, 0.2), (x + 0.05, 0.2)], shade + 40, 0.02
            )


def hand(canvas: Canvas) -> None:
    """Four fingers across both eyes, as a driver rubs them or shades them."""
    shade = canvas.skin * canvas.rng.uniform(0.75, 1.1)
    slope = canvas.rng.uniform(-0.1, 0.1)
    for finger in range(4):
        y = -0.45 + 0.26 * finger
        corners = [(-1.3, y - 1.3 * slope), (1.1, y + 1.1 * slope)]
        lower = [(1.1, y + 0.25 + 1.1 * slope), (-1.3, y + 0.25 - 1.3 * slope)]
        canvas.shape(corners + lower, shade * canvas.rng.uniform(0.94, 1.06), 0.02)
        edge = y + 0.25
        line = [(-1.3, edge - 1.3 * slope), (1.1, edge + 1.1 * slope)]
        canvas.shape(
            [*line, (1.1, edge + 0.02 + 1.1 * slope), (-1.3, edge + 0.02 - 1.3 * slope)],
            shade * 0.6,
            0.02,
        )


def glare(canvas: Canvas) -> None:
    """A lamp's or the sun's reflection on both lenses of a pair of glasses."""
    rng = canvas.rng
    for side in (-0.5, 0.5):
        size = (rng.uniform(0.28, 0.38), rng.uniform(0.2, 0.3))
        canvas.oval(side + rng.normal(0, 0.03), rng.normal(0, 0.03), size, 255.0, 0.04)


def brim(canvas: Canvas) -> None:
    """The brim of a hat and its shade, down over the eyes."""
    dark = canvas.rng.uniform(8, 30)
    canvas.shape([(-1.4, -1.2), (1.4, -1.2), (1.25, 0.3), (-1.25, 0.3)], dark, 0.03)


def mask(canvas: Canvas) -> None:
    """A surgical mask from the nose to the chin; the eyes stay free."""
    rng, low = canvas.rng, canvas.mouth_y + 0.75
    shade = rng.uniform(120, 220)
    outline = [(-0.75, 0.35), (0.0, 0.2), (0.75, 0.35), (0.7, low - 0.2), (0.25, low), (-0.25, low)]
    canvas.shape([*outline, (-0.7, low - 0.2)], shade, 0.02)
    for pleat in (0.55, 0.8, 1.05):
        canvas.shape(
            [(-0.65, pleat), (0.65, pleat), (0.65, pleat + 0.03), (-0.65, pleat + 0.03)],
            shade * 0.8,
            0.01,
        )


Painter = Callable[[Canvas], None]
COVERS: Mapping[str, Painter] = {
    "sunglasses": sunglasses,
    "hand": hand,
    "glare": glare,
    "brim": brim,
    "mask": mask,
}
EYES_FREE = frozenset({"mask"})  # here the eyes can be seen, and open is the truth


def paint(cover: str, gray: Gray, anchors: Points, seed: int) -> Gray:
    """Return ``gray`` with the named cover over the face that has these (4, 2) anchors."""
    canvas = Canvas(gray, anchors, np.random.default_rng(seed))
    COVERS[cover](canvas)
    return canvas.gray
