"""The frames of a long drive that go into a page: all beside alerts, of the rest what is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dms.files.frames import Series

MOST_FRAMES = 108_000  # an hour at 30 frames/s: 7.5 MB with noise on every line
AROUND_S = 10.0  # kept whole on each side of an alert, as the page shows when one is pressed


def thinned(
    frames: Mapping[str, Series], alerts_s: Sequence[float], most: int = MOST_FRAMES
) -> Mapping[str, Series]:
    """Return about ``most`` of the frames at most, all of them where there are no more.

    Around ``alerts_s`` every frame stays; of each stretch elsewhere the two in which the eyes are
    opened least and most, so that a blink is still a dip.
    """
    t_s = frames["t_s"]
    if len(t_s) <= most:
        return frames
    near = _near(t_s, alerts_s, most // 2)
    rest = np.flatnonzero(~near)
    stretch = -(-2 * len(rest) // max(most - int(near.sum()), 2))
    openness = frames.get("openness", t_s)[rest]
    kept = np.union1d(np.flatnonzero(near), rest[_extremes(openness, stretch)])
    return {name: values[kept] for name, values in frames.items()}


def _near(t_s: Series, alerts_s: Sequence[float], most: int) -> NDArray[np.bool_]:
    """Tell which frames lie about an alert, closer where there are too many alerts."""
    around_s = AROUND_S
    while True:
        near = np.zeros(len(t_s) + 1, np.int64)
        for at_s in alerts_s:
            first, last = np.searchsorted(t_s, (at_s - around_s, at_s + around_s))
            near[first] += 1
            near[last] -= 1
        found = np.cumsum(near[:-1]) > 0
        if found.sum() <= most or around_s < 0.1:
            return found if found.sum() <= most else np.zeros(len(t_s), bool)
        around_s /= 2


def _extremes(values: Series, stretch: int) -> NDArray[np.int64]:
    """Return the places of the least and the greatest value of every ``stretch`` values."""
    count = -(-len(values) // stretch)
    whole = np.full(count * stretch, np.nan)
    whole[: len(values)] = values
    rows, first = whole.reshape(count, stretch), np.arange(count) * stretch
    least = first + np.where(np.isnan(rows), np.inf, rows).argmin(axis=1)
    most = first + np.where(np.isnan(rows), -np.inf, rows).argmax(axis=1)
    return np.union1d(least, most).astype(np.int64)
