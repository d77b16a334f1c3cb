"""The eye-state net: whether the eyes are open, and whether they can be seen at all.

It is trained on infrared eyes with glasses and reflections, and has the word on whether the eye
aspect ratio may be believed: dlib draws an average eye where it sees none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dms.crop import EyeCropSettings, eye_crops, to_batch
from dms.engine.engine import Engine
from dms.engine.manifest import Manifest
from dms.errors import EngineError
from dms.values import Gray


@dataclass(frozen=True, slots=True)
class EyeScores:
    """What the net says of one eye; probabilities 0..1, the openness given that it is visible."""

    open_probability: float
    visible_probability: float
    contrast: float  # standard deviation of the crop over its mean


class EyeStateNet:
    """Scores both eyes in one batch. Takes its crops' framing from the net's manifest."""

    def __init__(self, engine: Engine, manifest: Manifest) -> None:
        self._engine = engine
        self._framing = manifest.framing(EyeCropSettings)
        missing = {"open", "visible"} - manifest.outputs.keys()
        if missing:
            raise EngineError(
                f"the manifest of {manifest.name} lacks the outputs {', '.join(sorted(missing))}; "
                "use engines/ of the same version as dms"
            )

    def read(self, gray: Gray, anchors: NDArray[np.floating]) -> tuple[EyeScores, EyeScores]:
        """Score the driver's right and left eye, given the (4, 2) anchors. Raises EngineError."""
        crops = eye_crops(gray, anchors, self._framing)
        out = self._engine.infer(to_batch(crops))
        right, left = (
            EyeScores(
                open_probability=round(float(opened), 6),
                visible_probability=round(float(visible), 6),
                contrast=round(float(crop.std() / max(crop.mean(), 1.0)), 6),
            )
            for opened, visible, crop in zip(
                out["open"].ravel(), out["visible"].ravel(), crops, strict=True
            )
        )
        return right, left
