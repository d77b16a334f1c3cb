"""Figures and their 95 % intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000


def mean(values: NDArray) -> float:
    """Mean of numbers or of yes and no; not a number where there are none."""
    return float(np.mean(values)) if len(values) else float("nan")


def accuracy(said: NDArray, truth: NDArray) -> float:
    """Share of right answers; not a number where there are none."""
    return mean(said == truth)


def balanced_accuracy(said: NDArray, truth: NDArray) -> float:
    """Mean recall over the classes that occur."""
    classes = np.unique(truth)
    if len(classes) < 2:
        return float("nan")
    return float(np.mean([np.mean(said[truth == one] == one) for one in classes]))


def auroc(score: NDArray, positive: NDArray) -> float:
    """Probability that a positive scores above a negative; ties count half."""
    above, below = score[positive], score[~positive]
    if not len(above) or not len(below):
        return float("nan")
    difference = above[:, None] - below[None, :]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def calibration_error(confidence: NDArray, right: NDArray, bins: int = 15) -> float:
    """Compute the expected calibration error over equal bins of confidence (Guo et al. 2017).

    Not a number where there is nothing to compute it of.
    """
    if not len(right):
        return float("nan")
    at = np.clip((confidence * bins).astype(int), 0, bins - 1)
    total = 0.0
    for one in range(bins):
        inside = at == one
        if inside.any():
            total += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return float(total)


def interval(
    figure: Callable[[NDArray], float], count: int, groups: NDArray | None = None
) -> list[float] | None:
    """95 % bootstrap interval of ``figure(indices)``; draws whole ``groups`` where given.

    None where there is nothing to draw, or no draw has the figure.
    """
    rng = np.random.default_rng(0)
    found: list[float] = []
    if not count:
        return None
    if groups is None:
        for _ in range(DRAWS):
            found.append(figure(rng.integers(0, count, count)))
    else:
        members = [np.flatnonzero(groups == one) for one in np.unique(groups)]
        for _ in range(DRAWS):
            drawn = rng.integers(0, len(members), len(members))
            found.append(figure(np.concatenate([members[one] for one in drawn])))
    known = [value for value in found if not np.isnan(value)]
    if not known:
        return None
    return [round(float(edge), 4) for edge in np.percentile(known, [2.5, 97.5])]


def share(found: int, of: int) -> dict[str, Any]:
    """Return a count with Wilson's 95 % interval of its share."""
    from scipy.stats import binomtest  # noqa: PLC0415 - comes with the extra 'demo' or 'test'

    if not of:
        return {"found": 0, "of": 0, "interval": None}
    low, high = binomtest(found, of).proportion_ci(method="wilson")
    return {"found": found, "of": of, "interval": [round(low, 3), round(high, 3)]}


def rounded(value: float) -> float | None:
    """Four places; None where there was nothing to measure."""
    return None if np.isnan(value) else round(float(value), 4)


def all_rounded(figures: dict[str, float | int | None]) -> dict[str, float | int | None]:
    """Figures rounded as :func:`rounded` does; counts and unknowns stay as they are."""
    return {
        name: rounded(value) if isinstance(value, float) else value
        for name, value in figures.items()
    }
