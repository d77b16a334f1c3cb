"""The look of a cabin camera: lamp, gamma, blur, few pixels, sensor noise and compression."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.values import Gray

Shades = NDArray[np.float32]


class Light:
    """Draws the light and the sensor of one picture after another."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._noise = rng.normal(0, 1, (1024, 1024)).astype(np.float32)

    def shine(self, gray: Gray) -> Gray:
        """Return ``gray`` (square) as another camera in other light would have seen it."""
        rng, size = self._rng, gray.shape[0]
        shades = gray.astype(np.float32)
        if rng.random() < 0.5:  # a lamp beside the camera's axis
            ys, xs = np.mgrid[0:size, 0:size].astype(np.float32)
            x, y = rng.normal(size / 2, size * 0.25, 2)
            wide = size * rng.uniform(0.3, 0.9)
            shades *= 0.35 + 0.9 * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * wide * wide))
        if rng.random() < 0.15:  # sun from the side
            shades *= np.linspace(*rng.uniform(0.3, 1.6, 2), size, dtype=np.float32)[None]
        shades = 255 * (np.clip(shades, 0, 255) / 255) ** np.exp(rng.normal(0, 0.35))
        mean = float(shades.mean())
        levels = [rng.uniform(60, 160), rng.uniform(12, 60), rng.uniform(150, 215)]
        shades = (shades - mean) * np.exp(rng.normal(0, 0.3)) + mean
        shades = self._blur(shades * (rng.choice(levels, p=[0.6, 0.28, 0.12]) / max(mean, 1)))
        if rng.random() > 0.35:
            return self._sensor(shades)
        few = max(40, int(size * rng.uniform(0.35, 0.95)))
        small = self._sensor(cv2.resize(shades, (few, few), interpolation=cv2.INTER_AREA))
        return np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)

    def _blur(self, shades: Shades) -> Shades:
        rng, drawn = self._rng, self._rng.random()
        if drawn < 0.2:
            return np.asarray(cv2.GaussianBlur(shades, (0, 0), rng.uniform(0.5, 2.2)), np.float32)
        if drawn > 0.33:
            return shades
        length, angle = int(rng.integers(3, 10)), rng.uniform(0, np.pi)
        kernel = np.zeros((length, length), np.float32)
        way = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        ends = [tuple(np.round(length / 2 - 0.5 + s * way).astype(int).tolist()) for s in (-1, 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0)
        return np.asarray(cv2.filter2D(shades, -1, kernel / kernel.sum()), np.float32)

    def _sensor(self, shades: Shades) -> Gray:
        rng, size = self._rng, shades.shape[0]
        y, x = rng.integers(0, 1024 - size, 2)
        strength = abs(rng.normal(0, 4)) if rng.random() < 0.85 else rng.uniform(6, 16)
        noisy = shades + self._noise[y : y + size, x : x + size] * np.float32(strength)
        gray = np.clip(noisy, 0, 255).astype(np.uint8)
        if rng.random() < 0.15:
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(30, 80))]
            gray = cv2.imdecode(cv2.imencode(".jpg", gray, quality)[1], cv2.IMREAD_GRAYSCALE)
        return gray
