"""Pictures that the caller hands over, as a recording: (t_s, gray) pairs, as in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from dms.camera.camera import Camera
from dms.camera.checked import RisingPictures
from dms.errors import CameraError
from dms.values import Frame, Gray


class ArrayCamera(Camera):
    """Reads pairs of seconds and a (H, W) uint8 picture; times must rise.

    Pictures are copied: the caller may fill one and the same array again and again.
    """

    live = False

    def __init__(self, pairs: Iterable[tuple[float, Gray]]) -> None:
        self._pairs = pairs
        self._left: Iterator[tuple[float, Gray]] | None = None
        self._pictures = RisingPictures()

    def open(self) -> None:
        self._left = iter(self._pairs)

    def read(self) -> Frame | None:
        pair = next(self._left, None) if self._left is not None else None
        if pair is None:
            return None
        count = self._pictures.count
        try:
            t_s, gray = float(pair[0]), np.array(pair[1], order="C")
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise CameraError(f"picture {count}: give (seconds, picture) pairs") from error
        self._pictures.check(gray, t_s)
        return Frame(gray, t_s, count)

    def close(self) -> None:
        self._left = None
