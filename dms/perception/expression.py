"""The expression net: an aligned face crop in, :class:`ExpressionScores` out.

One trunk with two heads (FER+'s eight classes, FER2013's seven); which of them counts, and against
which prior, is a setting. What is normal for this driver is learned elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dms.engine.engine import Engine
from dms.engine.manifest import Manifest
from dms.engine.preprocess.crop import Affine, FaceCropSettings, face_crop, face_matrix, to_batch
from dms.errors import EngineError
from dms.settings import setting, settings
from dms.values import AROUSAL, EXPRESSIONS, VALENCE, Embedding, ExpressionScores, Gray

# FER2013's own order (Goodfellow et al. 2013).
FER2013 = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_FER2013_AT = [EXPRESSIONS.index(name) for name in FER2013]
_CONTEMPT = EXPRESSIONS.index("contempt")
_ANGRY = [EXPRESSIONS.index("anger"), EXPRESSIONS.index("disgust")]
_VALENCE = np.array(VALENCE, np.float32)
_AROUSAL = np.array(AROUSAL, np.float32)


@settings
class ExpressionSettings:
    """How the two heads become one set of scores, and when it is believed."""

    ferplus_weight: float = setting(
        0.5, ge=0, le=1, text="share of the FER+ head; the rest is the FER2013 head's"
    )
    prior_power: float = setting(
        0.5,
        ge=0,
        le=1,
        source="Menon et al. 2021 (logit adjustment)",
        text="how far the training set's class frequencies are divided out; 1 is all of it",
    )
    sure_above: float = setting(
        0.5, ge=0, le=1, text="calibrated confidence from which the scores are believed"
    )


class ExpressionNet:
    """Scores the expression of one face. Takes its crop's framing from the net's manifest."""

    def __init__(
        self, engine: Engine, manifest: Manifest, how: ExpressionSettings | None = None
    ) -> None:
        self._engine = engine
        self._how = how or ExpressionSettings()
        self._framing = manifest.framing(FaceCropSettings)
        self._ferplus_prior = _prior(manifest, "ferplus_prior", len(EXPRESSIONS))
        self._fer2013_prior = _prior(manifest, "fer2013_prior", len(FER2013))
        for output, names in (("ferplus", EXPRESSIONS), ("fer2013", FER2013)):
            if tuple(manifest.classes.get(output, ())) != names:
                raise EngineError(
                    f"the manifest of {manifest.name} must list the classes of {output} as "
                    f"{', '.join(names)}; use engines/ of the same version as dms"
                )

    def read(self, gray: Gray, anchors: NDArray[np.floating]) -> ExpressionScores:
        """Score the face with these (4, 2) anchors. Raises EngineError."""
        return self.told(self._engine.infer(to_batch(face_crop(gray, anchors, self._framing))))

    def told(self, out: Mapping[str, NDArray[np.floating]]) -> ExpressionScores:
        """Return what the net's outputs for one face say; not every net has an embedding."""
        embedding = Embedding(out["embedding"][0]) if "embedding" in out else None
        scores = self.scores(out["ferplus"][0], out["fer2013"][0])
        return replace(scores, embedding=embedding) if embedding else scores

    def matrix(self, anchors: NDArray[np.floating]) -> Affine:
        """Where the crop lies, (2, 3)."""
        return face_matrix(anchors, self._framing)

    def scores(
        self, ferplus: NDArray[np.floating], fer2013: NDArray[np.floating]
    ) -> ExpressionScores:
        """Both heads' calibrated probabilities, (8,) and (7,), as one set of scores."""
        eight = self._balanced(ferplus, self._ferplus_prior)
        seven = self._balanced(fer2013, self._fer2013_prior)
        spread = np.zeros(len(EXPRESSIONS))
        spread[_FER2013_AT] = seven * (1 - eight[_CONTEMPT])
        spread[_CONTEMPT] = eight[_CONTEMPT]  # FER2013 has no contempt of its own
        both = self._how.ferplus_weight * eight + (1 - self._how.ferplus_weight) * spread
        confidence = float(both.max())
        # Anger and disgust are one thing to what follows: torn between the two is sure enough.
        angry = float(both[_ANGRY].sum())
        return ExpressionScores(
            probabilities=tuple(round(float(p), 6) for p in both),
            sure=max(confidence, angry) >= self._how.sure_above,
            confidence=round(confidence, 6),
            valence=round(float(both @ _VALENCE), 6),
            arousal=round(float(both @ _AROUSAL), 6),
        )

    def _balanced(
        self, probabilities: NDArray[np.floating], prior: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        adjusted = np.asarray(probabilities, np.float64) / prior**self._how.prior_power
        return np.asarray(adjusted / max(float(adjusted.sum()), 1e-12))


def _prior(manifest: Manifest, name: str, length: int) -> NDArray[np.float64]:
    prior = np.asarray(manifest.decision.get(name, ()), np.float64)
    if prior.shape != (length,) or not (prior > 0).all():
        raise EngineError(
            f"the manifest of {manifest.name} must give {length} positive numbers as "
            f"decision.{name}; use engines/ of the same version as dms"
        )
    return prior
