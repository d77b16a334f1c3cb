"""The eye-state net: whether the eyes are open, and whether they can be seen at all.

It is trained on infrared eyes with glasses and reflections, and has the word on whether the eye
aspect ratio may be believed: dlib draws an average eye where it sees none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dms.engine.engine import Engine
from dms.engine.manifest import Manifest
from dms.engine.preprocess.crop import Affine, EyeCropSettings, eye_crops, eye_matrices, to_batch
from dms.errors import EngineError
from dms.perception.eyes import mean_and_spread
from dms.values import Gray, Iris, Lids


@dataclass(frozen=True, slots=True)
class EyeScores:
    """What the net says of one eye; probabilities 0..1, the openness given that it is visible."""

    open_probability: float
    visible_probability: float
    contrast: float | None  # standard deviation of the crop over its mean; None: crop on the GPU
    lids: Lids | None = None  # None: the net does not tell them
    iris: Iris | None = None


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
        right, left = self.scores(self._engine.infer(to_batch(crops)))
        return (
            replace(right, contrast=_contrast(crops[0])),
            replace(left, contrast=_contrast(crops[1])),
        )

    def scores(self, out: Mapping[str, NDArray[np.float32]]) -> tuple[EyeScores, EyeScores]:
        """Both eyes from the net's outputs, each (2, 1)."""
        opened, visible = out["open"].ravel(), out["visible"].ravel()
        return _scores(opened[0], visible[0]), _scores(opened[1], visible[1])

    def matrices(self, anchors: NDArray[np.floating]) -> Affine:
        """Where both crops lie, (2, 2, 3); the left eye's is to be mirrored after cutting."""
        return eye_matrices(anchors, self._framing)


def _scores(opened: np.float32, visible: np.float32) -> EyeScores:
    return EyeScores(round(float(opened), 6), round(float(visible), 6), None)


def _contrast(crop: Gray) -> float:
    mean, spread = mean_and_spread(crop)
    return round(spread / max(mean, 1.0), 6)
