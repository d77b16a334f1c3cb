"""Which look is taken at the picture next, so that no search for a face holds up the stream.

A look is a rectangle of the picture at one size, or at a few. It costs what it has of pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, count, cycle, pairwise, takewhile

from dms.values import Box

_FACE_PX = 80  # side of dlib's HOG window: the least face that it finds
_EDGE_PX = 16  # two of its cells around that window
_BOX_PX = 73  # side of what it draws around that face
_STEP = 6 / 5  # between the sizes of dlib's pyramid
_SAME = 1.02  # sizes nearer to each other than this count as one
_MOST_PX = 185_000  # of a look at one size: 14 ns of HOG a pixel
_MOST_PYRAMID_PX = 150_000  # of a look at several sizes, which has to make them: 18 ns a pixel
_FINEST_AT_ONCE = 3  # looks at the greatest widths in a row, between rounds of all the others
_FINEST_WHILE_VACANT = 2
ALL = 0  # sizes: as many as a face can have


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of the picture, in its pixels, and the width the whole would be scaled to.

    ``sizes``: at how many sizes it is looked at, each 5/6 of the one before; all for 0.
    """

    width_px: float
    left: int
    top: int
    right: int
    bottom: int
    sizes: int = ALL


@lru_cache(maxsize=8)
def search_order(
    widths_px: tuple[int, ...], width: int, height: int, *, vacant: bool = False
) -> tuple[Part, ...]:
    """Return the looks at a picture of ``width`` x ``height`` in the order of their turns.

    From the least width down the whole is seen at every size, in two looks or more. From each
    greater width on there is one size after the other until the next smaller width is reached;
    where one is too large it falls into parts that overlap by its largest face, so every face is
    whole in one. Small faces are rare in a cabin: a few looks from the greatest width follow each
    round of others. Between them the whole is seen, in every third look, or at a ``vacant`` seat,
    where looks are few, in every second.
    """
    least, *greater = _apart(sorted({min(one, 2 * width) for one in widths_px}))
    if not greater:
        return (Part(least, 0, 0, width, height),)
    whole = _pyramid(least, width, height)
    *middle, finest = [
        _parts(_ladder(high, low), low, width, height) for low, high in pairwise([least, *greater])
    ]
    nearer = [part for parts in middle for part in parts]
    at_once = _FINEST_WHILE_VACANT if vacant else _FINEST_AT_ONCE
    order: list[Part] = []
    for start in range(0, len(finest), at_once):
        others = [*nearer, *finest[start : start + at_once]]
        order += _between(others, whole, 1 if vacant else 2)
    return tuple(order)


def _apart(widths: list[int]) -> list[float]:
    """Leave out widths that show hardly another size than the one before them."""
    kept: list[float] = []
    for one in widths:
        if not kept or one > _SAME * kept[-1]:
            kept.append(one)
    return kept


def _between(others: list[Part], whole: tuple[Part, ...], at_once: int) -> list[Part]:
    """Return ``others``, so many at once, with a look at the whole before each of them."""
    turns = zip(range(0, len(others), at_once), cycle(whole), strict=False)
    return [part for start, one in turns for part in (one, *others[start : start + at_once])]


def _ladder(high: float, low: float) -> list[float]:
    """Return the widths from ``high`` down that are above ``low``, the least first."""
    widths = takewhile(lambda one: one > _SAME * low, (high / _STEP**step for step in count()))
    return list(widths)[::-1]


def _pyramid(least: float, width: int, height: int) -> tuple[Part, ...]:
    """Return the looks at the whole picture from ``least`` down, each at as many sizes as it may.

    The last one has all that are left.
    """
    looks: list[Part] = []
    area, all_sizes = least * least * height / width, 1 / (1 - _STEP**-2)
    while area * all_sizes > _MOST_PYRAMID_PX and area > _FACE_PX**2:
        total = accumulate(area * _STEP ** (-2 * step) for step in count())
        sizes = max(1, sum(1 for _ in takewhile(lambda one: one <= _MOST_PYRAMID_PX, total)))
        looks.append(Part(least, 0, 0, width, height, sizes))
        least, area = least / _STEP**sizes, area / _STEP ** (2 * sizes)
    return (*looks, Part(least, 0, 0, width, height))


def _parts(widths: list[float], below: float, width: int, height: int) -> list[Part]:
    """Return the looks at one size each, the largest faces first."""
    return [
        part
        for lower, target in pairwise([below, *widths])
        for part in _tiles(target, _FACE_PX * target / lower + _EDGE_PX, width, height)
    ]


def _tiles(target: float, overlap: float, width: int, height: int) -> list[Part]:
    """Cut the picture at one size into the fewest overlapping rectangles that are small enough."""
    scale = target / width
    across, down = target, height * scale
    shapes = ((n // rows, rows) for n in count(1) for rows in range(n, 0, -1) if n % rows == 0)
    columns, rows = next(
        (c, r) for c, r in shapes if _span(across, c, overlap) * _span(down, r, overlap) <= _MOST_PX
    )
    return [
        Part(
            target,
            int(x0 / scale),
            int(y0 / scale),
            min(width, math.ceil(x1 / scale)),
            min(height, math.ceil(y1 / scale)),
            1,
        )
        for y0, y1 in _spans(down, rows, overlap)
        for x0, x1 in _spans(across, columns, overlap)
    ]


def _span(side: float, count: int, overlap: float) -> float:
    return (side + (count - 1) * overlap) / count


def _spans(side: float, count: int, overlap: float) -> list[tuple[float, float]]:
    """Cut ``side`` into ``count`` equal spans that overlap."""
    span = _span(side, count, overlap)
    return [(i * (span - overlap), i * (span - overlap) + span) for i in range(count)]


def in_two(part: Part) -> tuple[Part, ...]:
    """Return a look at several sizes as two that cost about the same; one at one size as it is."""
    if part.sizes == 1:
        return (part,)
    first, left = (1, part.sizes - 1) if part.sizes else (2, ALL)
    return replace(part, sizes=first), replace(
        part, width_px=part.width_px / _STEP**first, sizes=left
    )


def look_at(order: tuple[Part, ...], width: int, box: Box) -> Part:
    """Return the look of ``order`` that shows a face like the one in ``box`` best."""

    def unlike(part: Part) -> tuple[float, float]:
        sizes = [_BOX_PX * _STEP**step * width / part.width_px for step in range(part.sizes or 9)]
        x, y = (part.left + part.right) / 2, (part.top + part.bottom) / 2
        aside = max(abs(box.x + box.width / 2 - x), abs(box.y + box.height / 2 - y))
        return min(round(abs(math.log(size / box.width)), 3) for size in sizes), aside

    return min(order, key=unlike)
