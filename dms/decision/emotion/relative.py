"""What a face says against the same person's resting face: a linear head on a pair of embeddings.

The weights come with the net, through the chain. Pure: NumPy on some hundred numbers, ten times a
second, which costs less than asking an engine would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dms.values import EXPRESSIONS

SEVEN = tuple(name for name in EXPRESSIONS if name != "contempt")
_SEVEN_AT = [EXPRESSIONS.index(name) for name in SEVEN]
_CONTEMPT = EXPRESSIONS.index("contempt")
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RelativeHead:
    """Weights on ``[e, e - rest]``, two embeddings of E numbers; 7 is the order of :data:`SEVEN`.

    ``rage_*`` give the log odds of anger + disgust, ``classes_*`` what is added to
    ``classes_absolute`` times the log of the seven absolute scores. ``population``: the mean
    resting embedding of people; ``population_sd``: how far that of one person lies from it towards
    anger, as one standard deviation in log odds.
    """

    rage_embedding: Numbers = field(repr=False)  # (E,)
    rage_change: Numbers = field(repr=False)  # (E,)
    rage_bias: float
    classes_embedding: Numbers = field(repr=False)  # (7, E)
    classes_change: Numbers = field(repr=False)  # (7, E)
    classes_bias: Numbers = field(repr=False)  # (7,)
    classes_absolute: float
    population: Numbers = field(repr=False)  # (E,)
    population_sd: float

    @classmethod
    def of(cls, weights: Mapping[str, Numbers]) -> RelativeHead:
        """Make it of named arrays as :mod:`dms.engine.relative` reads them."""
        arrays = {name: weights[name] for name in weights if weights[name].ndim}
        one = {name: float(weights[name]) for name in weights if not weights[name].ndim}
        return cls(**arrays, **one)  # type: ignore[arg-type]

    def same(self, other: RelativeHead | None) -> bool:
        """Whether ``other`` reads the same net's embeddings."""
        return other is not None and all(
            np.array_equal(mine, yours)
            for mine, yours in (
                (self.rage_change, other.rage_change), (self.population, other.population)
            )
        )  # fmt: skip

    @property
    def size(self) -> int:
        """Numbers of an embedding."""
        return len(self.population)

    @property
    def people_sd(self) -> float:
        """How far people's resting faces read apart in :meth:`log_odds` against one and the same.

        ``population_sd`` is that of the change alone; what is read in the face itself goes along.
        """
        length = float(self.rage_change @ self.rage_change)
        along = float(self.rage_embedding @ self.rage_change) / length if length else 0.0
        return self.population_sd * (1.0 + max(along, 0.0))

    def log_odds(self, face: Numbers, rest: Numbers) -> float:
        """Return the log odds of anger + disgust in a face, (E,), given its rest, (E,)."""
        there, moved = self.rage_embedding @ face, self.rage_change @ (face - rest)
        return float(there + moved + self.rage_bias)

    def scores(self, face: Numbers, rest: Numbers, absolute: tuple[float, ...]) -> Numbers:
        """Return the scores against rest, (8,) as EXPRESSIONS; contempt stays as it was."""
        before = np.asarray(absolute, np.float64)
        shift = self.classes_embedding @ face + self.classes_change @ (face - rest)
        odds = self.classes_absolute * np.log(np.maximum(before[_SEVEN_AT], 1e-6))
        odds = odds + shift + self.classes_bias
        seven = np.exp(odds - odds.max())
        after = np.empty(len(EXPRESSIONS))
        after[_CONTEMPT] = before[_CONTEMPT]
        after[_SEVEN_AT] = seven / seven.sum() * (1.0 - before[_CONTEMPT])
        return after

    def bounded(self, rest: Numbers, sds: float) -> Numbers:
        """Return ``rest`` no further towards or from anger than people's resting faces lie.

        What counts is how much it takes off, or adds to, later log odds: it is moved back along
        that direction alone, so that all else of the driver's own stays.
        """
        lies = float(self.rage_change @ (rest - self.population))
        most = sds * self.population_sd
        beyond = lies - min(max(lies, -most), most)
        length = float(self.rage_change @ self.rage_change)
        return rest - self.rage_change * (beyond / length) if length else rest
