"""The rule for a frozen picture, of a live camera and of a recording alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_COARSE = 16  # every so many rows are compared before all are
_ROUNDED_S = 1e-3  # recordings' times are rounded


class Frozen:
    """Watches one source, picture by picture; ``limit_s`` None: nothing is ever frozen."""

    def __init__(self, limit_s: float | None, since_s: float = 0.0) -> None:
        self._limit_s = limit_s
        self._before: NDArray[Any] | None = None
        self.since_s = since_s  # when the present picture first came

    def why(self, image: NDArray[Any], t_s: float) -> str | None:
        """Return why ``image`` of ``t_s`` counts as none: the very same came again and again.

        A picture of one single value (lens covered, all white) may repeat on a sound camera: what
        it shows is judged by perception, not here.
        """
        before, self._before = self._before, image
        if before is None or not same(before, image) or flat(image):
            self.since_s = t_s
        elif self._limit_s is not None and t_s - self.since_s >= self._limit_s - _ROUNDED_S:
            return f"The camera's picture is frozen: the very same for {self._limit_s:g} s."
        return None


def flat(image: NDArray[Any]) -> bool:
    """Whether all pixels have one value."""
    few = image[::_COARSE]
    return bool(few.min() == few.max() and image.min() == image.max())


def same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two pictures are equal to the last pixel."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(np.array_equal(one[::_COARSE], other[::_COARSE]) and np.array_equal(one, other))
