"""A made-up net's embeddings of eight numbers: two tell anger and joy, six whose face it is."""

from __future__ import annotations

import math

import numpy as np

from dms.decision.emotion.relative import SEVEN, RelativeHead

SIZE = 8
ANGER, JOY, OTHER = 0, 1, 2
PEOPLE_SD = 0.5  # how angry resting faces look, from person to person


def head(**changes: object) -> RelativeHead:
    """Weights under which a face reads -2 at rest, and 1.5 log odds more for each of anger."""
    zeros, classes = np.zeros(SIZE), np.zeros((7, SIZE))
    change = zeros.copy()
    change[ANGER] = 1.2
    embedding = zeros.copy()
    embedding[ANGER] = 0.3
    classes[SEVEN.index("anger"), ANGER] = 2.0
    classes[SEVEN.index("happiness"), JOY] = 3.0
    parts: dict[str, object] = {
        "rage_embedding": embedding, "rage_change": change, "rage_bias": -2.0,
        "classes_embedding": np.zeros((7, SIZE)), "classes_change": classes,
        "classes_bias": np.zeros(7), "classes_absolute": 0.5,
        "population": zeros, "population_sd": 1.2 * PEOPLE_SD,
    }  # fmt: skip
    return RelativeHead(**{**parts, **changes})  # type: ignore[arg-type]


def shipped_like() -> RelativeHead:
    """Weights in the proportions of the shipped head.

    What is read in the face itself goes with the change (cosine 0.95), is 1.22 times as long, and
    people's resting faces lie 0.3 log odds apart in the change.
    """
    change, embedding = np.zeros(SIZE), np.zeros(SIZE)
    change[ANGER] = 1.2
    embedding[[ANGER, OTHER]] = 1.22 * 1.2 * np.asarray([0.95, math.sqrt(1 - 0.95**2)])
    parts = {"rage_embedding": embedding, "rage_change": change, "rage_bias": -3.0}
    return head(**parts, population_sd=0.3)


class Face:
    """One person's embeddings from frame to frame; ``stern``: how angry the resting face looks."""

    def __init__(self, person: int = 1, stern: float = 0.0, noise: float = 0.1) -> None:
        self._random = np.random.default_rng(person)
        self._own = self._random.normal(0.0, 1.0, SIZE)
        self._own[[ANGER, JOY]] = stern, 0.0
        self._noise = noise

    def shows(self, anger: float = 0.0, joy: float = 0.0) -> np.ndarray:
        """Return the embedding of one frame, (SIZE,) float32."""
        numbers = self._own + self._random.normal(0.0, self._noise, SIZE)
        numbers[[ANGER, JOY]] += anger, joy
        return numbers.astype(np.float32)
