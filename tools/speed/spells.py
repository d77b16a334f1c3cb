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
SAVED_S = 2.0  # after which the searches are spent that were saved up
NOISE = 2.0  # gray levels of a camera's picture in which nothing moves


def spells(pictures: Sequence[np.ndarray], overrides: list[str]) -> dict[str, float]:
    """Follow the face of ``pictures``, lose it, find it again, then leave the seat empty for long.

    A face is taken away by turning its picture upside down, which leaves all texture to be
    searched; the empty seat is measured with that moving as the face did, and with one picture of
    it held, under a sensor's noise. All times are CPU of the process, in ms a frame or as the share
    of one core.
    Raises SystemExit where the pictures show no face that can be found again.
    """
    vacant_s = load(None, overrides).perception.face.vacant_after_s
    upright = cycle(pictures)
    turned = cycle([np.flipud(picture).copy() for picture in pictures])
    still = cycle(_noisy(np.flipud(pictures[0])))
    with ExitStack() as stack:
        run = _Run(chain_of(overrides, stack)[1])
        followed = run.take(islice(upright, round(SEEN_S * FPS)))[1:]
        lost = run.take(islice(turned, round(LOST_S * FPS)))
        again = run.take(islice(upright, round(SEEN_S * FPS)))
        back = run.first_seen(round((SEEN_S + LOST_S) * FPS))
        run.take(islice(turned, round((vacant_s + SAVED_S) * FPS)))
        moving = run.take(islice(turned, round(EMPTY_S * FPS)))
        came_s = run.until_seen(upright)
        run.take(islice(still, round((vacant_s + SAVED_S) * FPS)))
        empty = run.take(islice(still, round(EMPTY_S * FPS)))
        sat_s = run.until_seen(upright)
    spell = lost + again[:30]
    median = float(np.median(followed))
    return {
        "followed_median_ms": median,
        "lost_p99_ms": float(np.percentile(spell, 99)),
        "lost_most_ms": max(spell),
        "lost_p99_over_median": float(np.percentile(spell, 99)) / median,
        "found_again_s": (back - round((SEEN_S + LOST_S) * FPS)) / FPS,
        "moving_seat_share": float(np.mean(moving)) * 1e-3 * FPS,
        "moving_seat_found_s": came_s,
        "empty_seat_share": float(np.mean(empty)) * 1e-3 * FPS,
        "empty_seat_found_s": sat_s,
    }


def _noisy(picture: np.ndarray) -> list[np.ndarray]:
    """Return ``picture`` several times, each with noise of its own."""
    rng = np.random.default_rng(0)
    noise = (rng.normal(0.0, NOISE, picture.shape) for _ in range(8))
    return [np.clip(picture + one, 0, 255).astype(np.uint8) for one in noise]


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

    def until_seen(self, pictures: Iterator[np.ndarray]) -> float:
        """Return after how many seconds of ``pictures`` there is a face."""
        left = len(self.seen)
        self.take(islice(pictures, round(FOUND_S * FPS)))
        return (self.first_seen(left) - left) / FPS

    def first_seen(self, start: int) -> int:
        """Return the first frame from ``start`` on in which there was a face."""
        try:
            return self.seen.index(True, start)
        except ValueError:
            raise SystemExit("no face was found again; give a clip that begins with one") from None
