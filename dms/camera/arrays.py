"""Pictures that the caller hands over, as a recording: (t_s, gray) pairs, as in a notebook."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from dms.camera.camera import Camera
from dms.errors import CameraError
from dms.values import Frame, Gray


class ArrayCamera(Camera):
    """Reads pairs of seconds and a (H, W) uint8 picture; times must rise."""

    live = False

    def __init__(self, pairs: Iterable[tuple[float, Gray]]) -> None:
        self._pairs = pairs
        self._left: Iterator[tuple[float, Gray]] | None = None
        self._count, self._last_s = 0, float("-inf")

    def open(self) -> None:
        self._left = iter(self._pairs)

    def read(self) -> Frame | None:
        pair = next(self._left, None) if self._left is not None else None
        if pair is None:
            return None
        try:
            t_s, gray = float(pair[0]), np.ascontiguousarray(pair[1])
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise CameraError(f"picture {self._count}: give (seconds, picture) pairs") from error
        if gray.dtype != np.uint8 or gray.ndim != 2 or not gray.size:
            raise CameraError(
                f"picture {self._count} is {gray.dtype} of shape {gray.shape}; give gray ones as "
                "uint8 of (height, width), as of cv2.cvtColor(..., cv2.COLOR_BGR2GRAY)"
            )
        if not math.isfinite(t_s):
            raise CameraError(f"picture {self._count} is of {t_s} s; give seconds that rise")
        if not t_s > self._last_s:
            raise CameraError(
                f"picture {self._count} is of {t_s} s, the one before of {self._last_s} s; "
                "give seconds that rise"
            )
        frame = Frame(gray, t_s, self._count)
        self._count, self._last_s = self._count + 1, t_s
        return frame

    def close(self) -> None:
        self._left = None
