"""The expression net: an aligned face crop in, :class:`ExpressionScores` out.

One trunk with two heads (FER+'s eight classes, FER2013's seven); which of them counts, and against
which prior, is a setting. What is normal for this driver is learned elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import mul

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
_VALENCE: list[float] = np.array(VALENCE, np.float32).tolist()
_AROUSAL: list[float] = np.array(AROUSAL, np.float32).tolist()


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
        ferplus = _prior(manifest, "ferplus_prior", len(EXPRESSIONS))
        fer2013 = _prior(manifest, "fer2013_prior", len(FER2013))
        self._ferplus_usual: list[float] = (ferplus**self._how.prior_power).tolist()
        self._fer2013_usual: list[float] = (fer2013**self._how.prior_power).tolist()
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
        return self.scores(out["ferplus"][0], out["fer2013"][0], embedding)

    def matrix(self, anchors: NDArray[np.floating]) -> Affine:
        """Where the crop lies, (2, 3)."""
        return face_matrix(anchors, self._framing)

    def scores(
        self,
        ferplus: NDArray[np.floating],
        fer2013: NDArray[np.floating],
        embedding: Embedding | None = None,
    ) -> ExpressionScores:
        """Both heads' calibrated probabilities, (8,) and (7,), as one set of scores."""
        eight = _balanced(ferplus.tolist(), self._ferplus_usual)  # so few: arrays would cost more
        seven = _balanced(fer2013.tolist(), self._fer2013_usual)
        spread = [eight[_CONTEMPT]] * len(EXPRESSIONS)  # FER2013 has no contempt of its own
        for place, share in zip(_FER2013_AT, seven, strict=True):
            spread[place] = share * (1.0 - eight[_CONTEMPT])
        own, other = self._how.ferplus_weight, 1.0 - self._how.ferplus_weight
        both = [own * one + other * two for one, two in zip(eight, spread, strict=True)]
        confidence = max(both)
        # Anger and disgust are one thing to what follows: torn between the two is sure enough.
        angry = sum([both[place] for place in _ANGRY])
        return ExpressionScores(
            probabilities=tuple([round(share, 6) for share in both]),
            sure=max(confidence, angry) >= self._how.sure_above,
            confidence=round(confidence, 6),
            valence=round(sum(map(mul, both, _VALENCE)), 6),
            arousal=round(sum(map(mul, both, _AROUSAL)), 6),
            embedding=embedding,
        )


def _balanced(probabilities: list[float], usual: list[float]) -> list[float]:
    """Return what is left of ``probabilities`` once how usual each is has been divided out."""
    adjusted = [one / by for one, by in zip(probabilities, usual, strict=True)]
    total = max(sum(adjusted), 1e-12)
    return [one / total for one in adjusted]


def _prior(manifest: Manifest, name: str, length: int) -> NDArray[np.float64]:
    prior = np.asarray(manifest.decision.get(name, ()), np.float64)
    if prior.shape != (length,) or not (prior > 0).all():
        raise EngineError(
            f"the manifest of {manifest.name} must give {length} positive numbers as "
            f"decision.{name}; use engines/ of the same version as dms"
        )
    return prior
