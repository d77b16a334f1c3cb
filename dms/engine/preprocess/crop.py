"""Aligned crops for the nets: a face or both eyes, cut from a gray picture by the four anchors.

The anchors (eye centres, mouth corners) are all that is used of the landmarks, so another landmark
model needs no new net. The settings belong to a net and stand in its manifest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import ceil, hypot, isfinite

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.errors import EngineError
from dms.settings import setting, settings
from dms.values import Gray

Affine = NDArray[np.float64]
Batch = NDArray[np.float32]
MOST_OVERSAMPLING = 8  # a face 400 px wide on a 48 px crop; beyond that aliasing is not visible


@settings
class FaceCropSettings:
    """Where the anchors come to lie in the face crop, in fractions of its side."""

    size: int = setting(48, unit="px", ge=16, le=256, text="side of the crop")
    eye_x: float = setting(
        0.323, gt=0, lt=0.5, source="mean of FER2013 Training", text="right eye from the left edge"
    )
    eye_y: float = setting(
        0.394, gt=0, lt=1, source="mean of FER2013 Training", text="eyes from the upper edge"
    )
    mouth_x: float = setting(
        0.344, gt=0, lt=0.5, source="mean of FER2013 Training", text="right mouth corner from left"
    )
    mouth_y: float = setting(
        0.773, gt=0, lt=1, source="mean of FER2013 Training", text="mouth corners from above"
    )

    @property
    def template(self) -> NDArray[np.float64]:
        """(4, 2) anchors in pixels of the crop, pixel centres at whole numbers."""
        unit = np.array(
            [
                (self.eye_x, self.eye_y),
                (1 - self.eye_x, self.eye_y),
                (self.mouth_x, self.mouth_y),
                (1 - self.mouth_x, self.mouth_y),
            ]
        )
        return unit * self.size - 0.5


@settings
class EyeCropSettings:
    """How an eye crop is framed: a square around the eye centre, upright in the face's frame."""

    size: int = setting(32, unit="px", ge=16, le=128, text="side of the crop")
    side: float = setting(
        0.8,
        gt=0.2,
        le=2,
        source="matched by eye to the framing of MRL Eye",
        text="side of the square over the distance between the eyes",
    )
    centre_y: float = setting(
        0.53,
        gt=0,
        lt=1,
        source="matched by eye to the framing of MRL Eye",
        text="eye centre from the upper edge of the square",
    )


@dataclass(frozen=True, slots=True)
class Similarity:
    """Turn, uniform scale and shift that takes picture points x + iy to another frame."""

    turn: complex  # its magnitude is the scale, its angle is clockwise on the picture (y down)
    shift: complex

    @property
    def matrix(self) -> Affine:
        """(2, 3) affine matrix as OpenCV takes it."""
        a, b = self.turn.real, self.turn.imag
        return np.array([[a, -b, self.shift.real], [b, a, self.shift.imag]])


class Template:
    """Where points are to lie, (n, 2), made ready for many fits."""

    def __init__(self, points: NDArray[np.floating]) -> None:
        places = [complex(x, y) for x, y in points.tolist()]  # so few that arrays would cost more
        self._middle = sum(places) / len(places)
        self._arms = [place - self._middle for place in places]

    def fit(self, points: NDArray[np.floating]) -> Similarity:
        """Least-squares similarity without reflection from ``points``, (n, 2), to the template.

        Umeyama 1991 in the complex plane. Raises EngineError where the points coincide.
        """
        source = [complex(x, y) for x, y in points.tolist()]
        middle = sum(source) / len(source)
        spread, product = 0.0, 0j
        for point, arm in zip(source, self._arms, strict=True):
            centred = point - middle
            spread += centred.real * centred.real + centred.imag * centred.imag
            product += centred.conjugate() * arm
        if not isfinite(spread) or spread < 1e-9:
            raise EngineError("the face's anchors coincide or are not finite; skip this frame")
        turn = product / spread
        return Similarity(turn, self._middle - turn * middle)


# A generic face with the eyes one unit apart, upright: what the anchors' scale is measured on.
_UNIT_FACE = Template(np.array([(-0.5, 0.0), (0.5, 0.0), (-0.44, 1.07), (0.44, 1.07)]))


def fit_similarity(points: NDArray[np.floating], template: NDArray[np.floating]) -> Similarity:
    """Fit ``points`` to a template of one use, see :meth:`Template.fit`."""
    return Template(template).fit(points)


@cache
def _face_template(framing: FaceCropSettings) -> Template:
    return Template(framing.template)


def oversampled(matrix: Affine) -> tuple[Affine, int]:
    """Return ``matrix`` to a grid finer by a whole factor, and the factor, against aliasing."""
    scale = hypot(matrix[0, 0], matrix[1, 0])
    factor = min(MOST_OVERSAMPLING, max(1, ceil(0.75 / scale))) if scale > 0 else 1
    finer = matrix * factor
    finer[:, 2] += (factor - 1) / 2  # pixel centres: x' = factor x + (factor - 1) / 2
    return finer, factor


def cut(gray: Gray, matrix: Affine, size: int) -> Gray:
    """Cut a (size, size) crop by the (2, 3) ``matrix`` picture -> crop, without aliasing.

    What lies off the picture repeats its border.
    """
    finer, factor = oversampled(matrix)
    crop = cv2.warpAffine(
        gray,
        finer,
        (size * factor, size * factor),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if factor > 1:
        crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(crop, np.uint8)


def face_matrix(anchors: NDArray[np.floating], framing: FaceCropSettings) -> Affine:
    """Where the face crop lies: (2, 3), picture -> crop. ``anchors``: ``Landmarks.anchors``."""
    return _face_template(framing).fit(anchors).matrix


def face_crop(gray: Gray, anchors: NDArray[np.floating], framing: FaceCropSettings) -> Gray:
    """Cut the (size, size) face crop. ``anchors``: (4, 2) of ``Landmarks.anchors``."""
    return cut(gray, face_matrix(anchors, framing), framing.size)


def eye_matrices(anchors: NDArray[np.floating], framing: EyeCropSettings) -> Affine:
    """Where both eye crops lie, before mirroring: (2, 2, 3), picture -> crop.

    The scale comes from all four anchors, so that a turned head, whose eyes seem nearer to each
    other, does not magnify the eyes.
    """
    turn = _UNIT_FACE.fit(anchors).turn * (framing.size / framing.side)
    middle = complex(framing.size / 2, framing.size * framing.centre_y) - complex(0.5, 0.5)
    eyes = [complex(x, y) for x, y in anchors[:2].tolist()]
    return np.array([Similarity(turn, middle - turn * eye).matrix for eye in eyes])


def eye_crops(gray: Gray, anchors: NDArray[np.floating], framing: EyeCropSettings) -> Gray:
    """Cut both eyes, (2, size, size): the driver's right, then the left one, mirrored.

    Mirroring the left eye makes both look alike to the net (inner corner on the right).
    """
    return eyes_at(gray, eye_matrices(anchors, framing), framing.size)


def eyes_at(gray: Gray, matrices: Affine, size: int) -> Gray:
    """Cut both eyes as :func:`eye_crops` does, where :func:`eye_matrices` says."""
    crops = np.empty((2, size, size), np.uint8)
    crops[0] = cut(gray, matrices[0], size)
    crops[1] = cut(gray, matrices[1], size)[:, ::-1]
    return crops


def to_batch(crops: Gray) -> Batch:
    """(h, w) or (n, h, w) uint8 crops to a contiguous (n, 1, h, w) float32 batch, gray 0..1."""
    stack = crops[np.newaxis] if crops.ndim == 2 else crops
    return np.asarray(np.divide(stack[:, np.newaxis], np.float32(255), dtype=np.float32))
