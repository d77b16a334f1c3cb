"""Whose eye is drawn, and what it does: the dice behind each picture, one array entry an eye.

Lengths are in eye widths (from corner to corner, about 29 mm), x towards the nose, y down, from the
middle between the corners. Angles are in degrees, pitch up positive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
OPEN, DROOPING, SQUINTING, LOWERED, CLOSED, ROLLED = range(6)
# How often each is drawn. ROLLED: a sleeper with a slit left open and the eye rolled up.
SHARES = (0.42, 0.10, 0.05, 0.23, 0.17, 0.03)
LOWERED_FROM, LOWERED_ALL = 12.0, 24.0  # degrees down between which lids come to count as lowered
CROP_SPAN = 1.9  # eye widths across the product's crop of an eye seen from the front
TILE_SPAN = 2.2  # and across a labelled tile of the measurement data
FOLDS = 4  # of the labelled tiles' people, by their number
SHUT, WIDE = 0.15, 0.65  # share of the own opening that is closed, and that is open


@dataclass(frozen=True)
class Eyes:
    """Geometry of n eyes, each field (n,), and what the lids are (n, 3): open, lowered, closed."""

    what: NDArray[np.int64]
    infrared: NDArray[np.bool_]
    full: Array  # own opening with the gaze ahead
    gap: Array  # opening now, at the middle
    upper: Array  # y of the lids at the middle
    lower: Array
    upper_open: Array  # y of the upper lid with the gaze ahead: the crease stays near it
    iris_x: Array
    iris_y: Array
    yaw: Array
    pitch: Array
    radius: Array  # of the iris
    lids: Array

    @property
    def openness(self) -> Array:
        """0..1: closed below :data:`SHUT` of the own opening, open above :data:`WIDE`.

        An open eye that looks down a little is no less open.
        """
        share = np.clip((self.gap / self.full - SHUT) / (WIDE - SHUT), 0, 1)
        return np.where(self.what == OPEN, 1, share).astype(np.float32)


def draw_people(n: int, rng: np.random.Generator) -> Eyes:
    """Throw the dice for ``n`` eyes."""

    def uniform(low: float, high: float) -> Array:
        return rng.uniform(low, high, n).astype(np.float32)

    def normal(mean: float, spread: float) -> Array:
        return rng.normal(mean, spread, n).astype(np.float32)

    what = rng.choice(6, n, p=SHARES)
    narrow = rng.random(n) < 0.3
    full = np.where(narrow, uniform(0.11, 0.24), np.clip(normal(0.33, 0.05), 0.2, 0.48))
    radius = uniform(0.18, 0.235)
    arm = uniform(0.31, 0.40)  # from the eye's centre of rotation to the iris
    pitch = np.clip(normal(0, 9), -20, 26)
    pitch = np.where(what == DROOPING, normal(0, 6), pitch)
    pitch = np.where(what == LOWERED, uniform(-50, -20), pitch)
    pitch = np.where((what == CLOSED) | (what == ROLLED), uniform(-30, 30), pitch)
    yaw = np.where(rng.random(n) < 0.5, uniform(-38, 38), normal(0, 9))
    kappa = normal(-4.5, 2.0)  # the eye's own axis lies to the outside of where it looks
    out = np.sin(np.radians(yaw + kappa))
    iris_x = normal(0, 0.035) + arm * out * np.cos(np.radians(pitch))
    base = normal(-0.055, 0.035)  # a camera above or below moves it too
    sink = -arm * np.sin(np.radians(pitch))
    iris_y = base + sink
    # The lids rest on the iris: about half of the opening above its centre.
    above = full * uniform(0.42, 0.58) + 0.01
    upper_open = base - above
    upper = upper_open + uniform(0.8, 1.05) * sink
    lower = base - above + full + uniform(0.2, 0.5) * sink
    flat = uniform(0.55, 1.0)  # a head that falls too is seen from above: all heights shrink
    falls = (what == LOWERED) & (rng.random(n) < 0.6)
    scale = np.where(falls, flat, 1.0)
    lower, upper, iris_y = lower * scale, upper * scale, iris_y * scale
    gap = np.maximum(lower - upper, 0.02)
    share = np.ones(n, np.float32)
    share = np.where(what == OPEN, np.clip(normal(0.98, 0.1), 0.68, 1.15), share)
    share = np.where(what == DROOPING, uniform(0.06, 0.68), share)
    share = np.where(what == SQUINTING, uniform(0.3, 0.7), share)
    gap = gap * share
    gap = np.where(what == LOWERED, np.minimum(gap, uniform(0.035, 0.2)), gap)
    gap = np.where(what == CLOSED, np.where(rng.random(n) < 0.8, 0.0, uniform(0.0, 0.018)), gap)
    gap = np.where(what == ROLLED, uniform(0.015, 0.045), gap)
    iris_y = np.where(what == ROLLED, upper - uniform(0.1, 0.3), iris_y)
    # Shut lids meet low; squinting ones come together.
    lower = np.where(what == CLOSED, lower * 0.4 + uniform(0.0, 0.1), lower)
    lower = np.where(what == ROLLED, lower * 0.5 + uniform(0.0, 0.08), lower)
    lower = np.where(what == SQUINTING, (lower + upper) / 2 + gap * uniform(0.4, 0.7), lower)
    upper = lower - gap
    found = Eyes(
        what,
        rng.random(n) < 0.5,
        *(
            np.asarray(one, np.float32)
            for one in (full, gap, upper, lower, upper_open, iris_x, iris_y, yaw, pitch, radius)
        ),
        lids=np.zeros((n, 3), np.float32),
    )
    found.lids[:] = _lids(found)
    return found


def _lids(eyes: Eyes) -> Array:
    """Soft truth: lowered by how far down the gaze is, closed by how little is left open."""
    down = np.clip((-eyes.pitch - LOWERED_FROM) / (LOWERED_ALL - LOWERED_FROM), 0, 1)
    asleep = (eyes.what == CLOSED) | (eyes.what == ROLLED)
    down = np.where(asleep | (eyes.what == DROOPING), 0, down)
    # A lowered eye is shut when next to nothing of it is left, whatever its normal is.
    shut = np.where(asleep, 1.0, (1 - eyes.openness) * (1 - down))
    shut = np.where(eyes.what == SQUINTING, 0.5 * shut, shut)
    return np.stack([(1 - shut) * (1 - down), (1 - shut) * down, shut], 1).astype(np.float32)
