"""Facial landmarks behind one interface: what follows asks for parts by name, never by index.

A predictor of another point scheme can replace dlib's 68 points without any net being retrained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dms.values import Points


@dataclass(frozen=True, slots=True)
class Scheme:
    """Where the parts stand in a predictor's points.

    Eyes: outer corner, upper lid outer to inner, inner corner, lower lid inner to outer, with as
    many points on the upper as on the lower lid, so that upper[i] faces lower[-1 - i].
    Mouth: (right corner, left corner) of the outer lips; ``lips``: pairs (upper, lower) of the
    inner lips. ``pose``: index -> 3D model point in mm (x to the driver's left, y up, z forward
    out of the face).
    """

    name: str
    count: int
    right_eye: tuple[int, ...]
    left_eye: tuple[int, ...]
    mouth_corners: tuple[int, int]
    inner_corners: tuple[int, int]
    lips: tuple[tuple[int, int], ...]
    pose: Mapping[int, tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Points of one face, (scheme.count, 2) float32 in pixels, and how well they fit."""

    points: Points
    scheme: Scheme
    fit: float | None = None  # 0..1, None where the predictor gives none

    @property
    def right_eye(self) -> Points:
        """Contour of the driver's right eye, ordered as :class:`Scheme` says."""
        return self.points[list(self.scheme.right_eye)]

    @property
    def left_eye(self) -> Points:
        """Contour of the driver's left eye, ordered as :class:`Scheme` says."""
        return self.points[list(self.scheme.left_eye)]

    @property
    def anchors(self) -> NDArray[np.float32]:
        """(4, 2): centre of the right eye, of the left eye, right and left mouth corner.

        Eye centres are midways between the corners, so that they do not move as the lids close.
        Crops for the nets depend on these four points only.
        """
        right, left = self.right_eye, self.left_eye
        half = right.shape[0] // 2
        corners = self.points[list(self.scheme.mouth_corners)]
        return np.stack([(right[0] + right[half]) / 2, (left[0] + left[half]) / 2, *corners])


# iBUG 68 points (Sagonas et al. 2013), 0-based. The 3D points are the widely used generic head.
DLIB68 = Scheme(
    name="dlib68",
    count=68,
    right_eye=(36, 37, 38, 39, 40, 41),
    left_eye=(45, 44, 43, 42, 47, 46),
    mouth_corners=(48, 54),
    inner_corners=(60, 64),
    lips=((61, 67), (62, 66), (63, 65)),
    pose={
        30: (0.0, 0.0, 0.0),
        8: (0.0, -63.6, -12.5),
        36: (-43.3, 32.7, -26.0),
        45: (43.3, 32.7, -26.0),
        48: (-28.9, -28.9, -24.1),
        54: (28.9, -28.9, -24.1),
    },
)
