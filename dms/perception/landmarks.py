"""Facial landmarks behind one interface: what follows asks for parts by name, never by index.

A predictor of another point scheme can replace dlib's 68 points without any net being retrained.
"""

from __future__ import annotations

import importlib
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import numpy as np

from dms.errors import EngineError
from dms.fast_init import fast_init
from dms.perception.schemes import DLIB68, DMS56, Scheme
from dms.settings import setting, settings
from dms.values import Box, Gray, Points


@fast_init
@dataclass(frozen=True, slots=True)
class Landmarks:
    """Points of one face, (scheme.count, 2) float32 in pixels, and how well they fit.

    ``anchors``, (4, 2): centre of the right eye, of the left eye, right and left mouth corner. Eye
    centres are midways between the corners, so that they do not move as the lids close. Crops for
    the nets depend on these four points only. ``box``: what dlib's detector would draw around this
    face, for the next frame's search; its centre and size were fitted to 250 faces that the
    detector found (scatter 5 % and 9 %).
    """

    points: Points
    scheme: Scheme
    fit: float | None = None  # 0..1, None where the predictor gives none
    # (open, visible) probability of the right and the left eye, where the predictor gives them
    eyes: tuple[tuple[float, float], tuple[float, float]] | None = None
    anchors: Points = field(init=False)
    box: Box = field(init=False)

    def __post_init__(self) -> None:
        pairs = self.points.take(self.scheme.anchor_rows, axis=0)
        anchors = (pairs[:4] + pairs[4:]) * np.float32(0.5)
        (rx, ry), (lx, ly), (ax, ay), (bx, by) = anchors.tolist()
        eyes, mouth = ((rx + lx) / 2, (ry + ly) / 2), ((ax + bx) / 2, (ay + by) / 2)
        side = 1.65 * math.hypot(lx - rx, ly - ry, mouth[0] - eyes[0], mouth[1] - eyes[1])
        x, y = (eyes[0] + mouth[0] - side) / 2, (eyes[1] + mouth[1] - side) / 2
        object.__setattr__(self, "anchors", anchors)
        object.__setattr__(self, "box", Box(x, y, side, side))

    @property
    def eye_corners(self) -> Points:
        """(2, 2, 2): both corners of the driver's right and left eye, in pixels."""
        s = self.scheme
        ends = [eye[at] for eye in (s.right_eye, s.left_eye) for at in (0, len(eye) // 2)]
        return self.points.take(ends, axis=0).reshape(2, 2, 2)

    @property
    def right_eye(self) -> Points:
        """Contour of the driver's right eye, ordered as its scheme says."""
        return self.points.take(self.scheme.right_eye, axis=0)

    @property
    def left_eye(self) -> Points:
        """Contour of the driver's left eye, ordered as its scheme says."""
        return self.points.take(self.scheme.left_eye, axis=0)


@settings
class LandmarkSettings:
    """Which model finds the points of the face."""

    model: str = setting(
        "dms56", text="dms56: the project's own; dlib68: dlib's 68 points (extra dlib68)"
    )
    path: str | None = setting(
        None, text="dms56: another folder of its nets; dlib68: another file instead of the wheel's"
    )
    precision: Literal["int8", "fp32"] = setting(
        "fp32",
        text="dms56: which files of its nets; int8 costs half and misreads narrow eyes",
    )  # fmt: skip


class Predictor(ABC):
    """One loaded landmark model; used from one thread."""

    scheme: Scheme

    @abstractmethod
    def predict(self, gray: Gray, box: Box) -> Landmarks:
        """Points of the face in ``box`` (as dlib's detector or :attr:`Landmarks.box` gives it).

        ``gray``: (H, W) uint8. There are always points: only ``fit`` tells whether a face is there.
        """


def face_shape(marks: Landmarks) -> tuple[float, ...] | None:
    """Return 14 places in distances between the eyes' centres, None if degenerate.

    Origin between the eyes, x along them to the driver's left, y down the face: six brow points'
    y, both wings' y, both lip rims' y, both mouth corners' x and y. The lids are left out: they
    blink.
    """
    scheme = marks.scheme
    right, left = marks.anchors[:2].astype(np.float64)
    across = left - right
    square = float(across @ across)
    if square <= 1.0:
        return None
    down = np.array([-across[1], across[0]])
    points = (marks.points.astype(np.float64) - (right + left) / 2) @ np.stack([across, down]).T
    points /= square
    heights = points[[*scheme.brows, *scheme.wings, *scheme.lip_rims], 1]
    corners = points[list(scheme.mouth_corners)].ravel()
    return tuple(round(float(value), 5) for value in (*heights, *corners))


PREDICTORS = {"dms56": "dms.perception.dms56:Dms56", "dlib68": "dms.perception.dlib68:Dlib68"}


def scheme_of(chosen: LandmarkSettings) -> Scheme:
    """Return how the points of the chosen model are numbered; EngineError where it is unknown."""
    for scheme in (DMS56, DLIB68):
        if scheme.name == chosen.model:
            return scheme
    raise EngineError(
        f"landmarks.model is {chosen.model!r}; set it to one of {', '.join(PREDICTORS)}"
    )


def load_predictor(chosen: LandmarkSettings) -> Predictor:
    """Load the landmark model that the settings name; EngineError says what is missing."""
    scheme_of(chosen)
    module, name = PREDICTORS[chosen.model].split(":")
    found = getattr(importlib.import_module(module), name)
    path = Path(chosen.path) if chosen.path else None
    named = {"precision": chosen.precision} if chosen.model == DMS56.name else {}
    return cast("Predictor", found(path, **named))
