"""Our own landmark model: a net for the face, then one for both eyes' lids, on the CPU.

It also says how much the points look like a face, and each eye like an open one or one at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.engine.engine import Engine
from dms.engine.manifest import load_manifest
from dms.engine.onnx import OnnxEngine
from dms.perception.landmarks import Landmarks, Predictor
from dms.perception.schemes import DMS56
from dms.settings import setting, settings
from dms.values import Box, Gray, Points

_Matrix = NDArray[np.float64]
_WHITE = np.float32(255)


@settings
class FaceFraming:
    """The square that the face net sees."""

    side_px: float = setting(80.0, unit="px", gt=0, text="side of the patch")
    span: float = setting(1.3, unit="boxes", gt=0, text="side of the square over the face box's")


@settings
class EyeFraming:
    """The rectangle that the eye net sees, turned along the corners; left eyes are mirrored."""

    width_px: float = setting(48.0, unit="px", gt=0, text="width of the patch")
    height_px: float = setting(32.0, unit="px", gt=0, text="height of the patch")
    eye_px: float = setting(30.0, unit="px", gt=0, text="distance of the eye's corners in it")


class Dms56(Predictor):
    """Two small nets: 36 points of the face, then 12 lid points of both eyes together.

    Nets without a file of ``precision``, as they come from training, are read in FP32.
    """

    scheme = DMS56

    def __init__(
        self,
        path: Path | None = None,
        *,
        engine: Callable[[Path, bytes], Engine] = OnnxEngine,
        precision: str = "fp32",
    ) -> None:
        folder = {} if path is None else {"folder": path}
        face = load_manifest("landmarks_face", **folder)
        eye = load_manifest("landmarks_eye", **folder)
        self._face, self._eye = (
            engine(*net.read(precision if precision in net.files else "fp32"))
            for net in (face, eye)
        )
        self._face_framing = face.framing(FaceFraming)
        self._eye_framing = eye.framing(EyeFraming)
        sides = (self._eye_framing.width_px, self._eye_framing.height_px)
        self._eye_middle = np.array([(side - 1) / 2 for side in sides], np.float32)

    def predict(self, gray: Gray, box: Box) -> Landmarks:
        """See :meth:`Predictor.predict`; ``fit`` and ``eyes`` come with the points."""
        matrix = face_matrix(box, self._face_framing)
        side = int(self._face_framing.side_px)
        patch = cut(gray, matrix, (side, side))[np.newaxis, np.newaxis]
        found = self._face.infer(np.divide(patch, _WHITE, dtype=np.float32))
        rough = _to_picture(found["points"].reshape(-1, 2) * side + (side - 1) / 2, matrix)
        points = np.empty((self.scheme.count, 2), np.float32)
        points[24:] = rough[4:]
        eyes = self._refine(gray, rough[:4], points)
        return Landmarks(points, self.scheme, fit=float(found["fit"][0, 0]), eyes=eyes)

    def _refine(
        self, gray: Gray, corners: Points, points: Points
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """Place both eyes' contours in ``points``; return (open, visible) of right and left."""
        framing = self._eye_framing
        size = (int(framing.width_px), int(framing.height_px))
        matrices = [eye_matrix(corners[2 * i], corners[2 * i + 1], i == 1, framing) for i in (0, 1)]
        pair = np.empty((1, 2, size[1], size[0]), np.float32)
        for i, matrix in enumerate(matrices):
            np.divide(cut(gray, matrix, size), _WHITE, out=pair[0, i])
        found = self._eye.infer(pair)
        for i, matrix in enumerate(matrices):
            local = found["points"][0, i].reshape(-1, 2) * np.float32(framing.eye_px)
            points[12 * i : 12 * i + 12] = _to_picture(local + self._eye_middle, matrix)
        opened, visible = found["open"][0, :, 0].tolist(), found["visible"][0, :, 0].tolist()
        return (opened[0], visible[0]), (opened[1], visible[1])


def face_matrix(box: Box, framing: FaceFraming) -> _Matrix:
    """Return the (2, 3) map from the face patch's pixels to the picture's."""
    step = framing.span * box.width / framing.side_px
    first = 0.5 * (step - 1 - framing.span * box.width)
    x, y = box.x + box.width / 2 + first, box.y + box.height / 2 + first
    return np.array([[step, 0.0, x], [0.0, step, y]])


def eye_matrix(outer: Points, inner: Points, mirrored: bool, framing: EyeFraming) -> _Matrix:
    """Return the (2, 3) map from an eye patch's pixels to the picture's.

    The outer corner lies at the left of the patch, the lower lid at its bottom.
    """
    x, y = (inner - outer).tolist()
    a, c = x / framing.eye_px, y / framing.eye_px
    b, d = (c, -a) if mirrored else (-c, a)
    u, v = (framing.width_px - 1) / 2, (framing.height_px - 1) / 2
    middle_x, middle_y = ((outer + inner) / 2).tolist()
    return np.array([[a, b, middle_x - (a * u + b * v)], [c, d, middle_y - (c * u + d * v)]])


def cut(gray: Gray, matrix: _Matrix, size: tuple[int, int]) -> Gray:
    """Return the patch of ``size`` (width, height) that ``matrix`` maps into ``gray``.

    Where the picture is finer than the patch it is first averaged by a power of two, which OpenCV
    does many pixels at a time, so that neither noise nor fine texture aliases; beyond the picture's
    edge its border is repeated.
    """
    (a, b, _), (c, d, _) = matrix.tolist()
    step = math.sqrt(abs(a * d - b * c))
    factor = 1 << max(int(step + 0.5).bit_length() - 1, 0)
    if factor >= 2:
        gray, matrix = _shrunk(gray, matrix, size, factor)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(gray, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(patch, np.uint8)


def _shrunk(
    gray: Gray, matrix: _Matrix, size: tuple[int, int], factor: int
) -> tuple[Gray, _Matrix]:
    """Average the part that the patch covers by ``factor``; unchanged where nothing is left."""
    (a, b, x), (c, d, y) = matrix.tolist()
    corners = [(u, v) for u in (0.0, float(size[0])) for v in (0.0, float(size[1]))]
    across, down = [a * u + b * v + x for u, v in corners], [c * u + d * v + y for u, v in corners]
    x0, y0 = max(0, int(min(across) - factor)), max(0, int(min(down) - factor))
    part = gray[y0 : int(max(down) + 2 * factor), x0 : int(max(across) + 2 * factor)]
    rows, columns = part.shape[0] // factor, part.shape[1] // factor
    if rows == 0 or columns == 0:
        return gray, matrix
    part = part[: rows * factor, : columns * factor]
    small = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    x, y = x - x0 - (factor - 1) / 2, y - y0 - (factor - 1) / 2
    return np.asarray(small, np.uint8), np.array([[a, b, x], [c, d, y]]) / factor


def _to_picture(points: Points, matrix: _Matrix) -> Points:
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)
