"""Runs: the stretches of a series in which something holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def runs(holds: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the stretches in which ``holds``, (n,), is true, as (first, last), both inclusive."""
    edges = np.diff(np.concatenate([[0], holds.astype(np.int8), [0]]))
    firsts, lasts = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]
