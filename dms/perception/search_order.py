"""Which part of the picture is searched for a face next, so that no search holds up the stream."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

_FACE_PX = 80  # side of dlib's HOG window: the least face that it finds
_EDGE_PX = 16  # two of its cells around that window
_MOST_PX = (352, 288)  # width and height of a part: 6.5 ms of HOG, 70 ns a pixel
FINEST_AT_ONCE = 4  # parts at the greatest width in a row, between rounds of all the others


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of the picture, in its pixels, and the width the whole would be scaled to."""

    width_px: int
    left: int
    top: int
    right: int
    bottom: int


@lru_cache(maxsize=8)
def search_order(
    widths_px: tuple[int, ...], width: int, height: int, finest_at_once: int = FINEST_AT_ONCE
) -> tuple[Part, ...]:
    """Return the parts of a picture of ``width`` x ``height`` in the order of their searches.

    At the least width the whole is seen. At each greater one it falls into parts that overlap by
    the largest face which the next smaller width misses, so every face is whole in one of them.
    Small faces are rare in a cabin: a few parts at the greatest width follow each round of others.
    """
    least, *greater = sorted(set(widths_px))
    whole = Part(least, 0, 0, width, height)
    cut: list[list[Part]] = []
    below = least
    for target in greater:
        cut.append(_parts(target, below, width, height))
        below = target
    if not cut:
        return (whole,)
    middle = [part for parts in cut[:-1] for part in parts]
    finest, order = cut[-1], []
    for start in range(0, len(finest), finest_at_once):
        order += [whole, *middle, *finest[start : start + finest_at_once]]
    return tuple(order)


def _parts(target: int, below: int, width: int, height: int) -> list[Part]:
    scale = target / width
    overlap = _FACE_PX * target / below + _EDGE_PX
    columns = _spans(target, _MOST_PX[0], overlap)
    rows = _spans(height * scale, _MOST_PX[1], overlap)
    return [
        Part(
            target,
            int(x0 / scale),
            int(y0 / scale),
            min(width, math.ceil(x1 / scale)),
            min(height, math.ceil(y1 / scale)),
        )
        for y0, y1 in rows
        for x0, x1 in columns
    ]


def _spans(side: float, most: float, overlap: float) -> list[tuple[float, float]]:
    """Cut ``side`` into the fewest equal spans of at most about ``most`` that overlap."""
    most = max(most, 2 * overlap)
    count = max(1, math.ceil((side - overlap) / (most - overlap)))
    span = (side + (count - 1) * overlap) / count
    return [(i * (span - overlap), i * (span - overlap) + span) for i in range(count)]
