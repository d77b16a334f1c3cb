"""What a face that is lost costs, and a seat that stays empty: the search's share of the chain."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle, islice

import numpy as np

from dms.config import load
from tools.speed.contestants import Step, chain_of

FPS = 30.0
SEEN_S, LOST_S = 4.0, 4.0
EMPTY_S, FOUND_S = 4.0, 3.0  # measured of the empty seat; patience until the face is found again


def spells(pictures: Sequence[np.ndarray], overrides: list[str]) -> dict[str, float]:
    """Follow the face of ``pictures``, lose it, find it again, then leave the seat empty for long.

    A face is taken away by turning its picture upside down, which leaves all texture to be
    searched. All times are CPU of the process, in ms a frame or as the share of one core.
    Raises SystemExit where the pictures show no face that can be found again.
    """
    vacant_s = load(None, overrides).perception.face.vacant_after_s
    upright = cycle(pictures)
    turned = cycle([np.flipud(picture).copy() for picture in pictures])
    with ExitStack() as stack:
        run = _Run(chain_of(overrides, stack)[1])
        followed = run.take(islice(upright, round(SEEN_S * FPS)))[1:]
        lost = run.take(islice(turned, round(LOST_S * FPS)))
        again = run.take(islice(upright, round(SEEN_S * FPS)))
        back = run.first_seen(round((SEEN_S + LOST_S) * FPS))
        run.take(islice(turned, round(vacant_s * FPS)))
        empty = run.take(islice(turned, round(EMPTY_S * FPS)))
        left = len(run.seen)
        run.take(islice(upright, round(FOUND_S * FPS)))
        found = run.first_seen(left)
    spell = lost + again[:30]
    median = float(np.median(followed))
    return {
        "followed_median_ms": median,
        "lost_p99_ms": float(np.percentile(spell, 99)),
        "lost_most_ms": max(spell),
        "lost_p99_over_median": float(np.percentile(spell, 99)) / median,
        "found_again_s": (back - round((SEEN_S + LOST_S) * FPS)) / FPS,
        "empty_seat_share": float(np.mean(empty)) * 1e-3 * FPS,
        "empty_seat_found_s": (found - left) / FPS,
    }


class _Run:
    """Takes pictures through the chain at 30 frames/s of their own time."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self.seen: list[bool] = []

    def take(self, pictures: Iterator[np.ndarray]) -> list[float]:
        """Return what each picture cost, in ms."""
        spent = []
        for picture in pictures:
            began = time.process_time()
            state = self._step(picture, len(self.seen) / FPS, len(self.seen))
            spent.append(1e3 * (time.process_time() - began))
            self.seen.append(state.face_seen)
        return spent

    def first_seen(self, start: int) -> int:
        """Return the first frame from ``start`` on in which there was a face."""
        try:
            return self.seen.index(True, start)
        except ValueError:
            raise SystemExit("no face was found again; give a clip that begins with one") from None
