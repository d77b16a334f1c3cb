"""How often an empty seat is searched: seldom while nothing moves, at once where something does.

What searches may cost is saved up while nothing moves and bounded however much does.
"""

from __future__ import annotations

import cv2
import numpy as np

from dms.settings import setting, settings
from dms.values import Frame, Gray

_STEP = 8  # every eighth pixel of each row and column is looked at
_BLOCK = 5  # of these a side are one block, whose mean hardly knows a sensor's noise
_MOVED = 5.0  # gray levels of a block
_LEAST_BLOCKS = 2
_SAVED = 16.0  # looks: so many at once where something moves


@settings
class VacancySettings:
    """What the search of an empty seat may cost; a look takes about 2.5 ms of one core."""

    still_s: float = setting(
        0.16, unit="s", ge=0, text="while nothing moves in the picture, so long between searches"
    )
    most_hz: float = setting(
        12.0, unit="1/s", gt=0, text="searches a second at most, on average, whatever moves"
    )
    stirred_s: float = setting(
        0.5, unit="s", ge=0,
        text="after a movement, for so long, at the full rate as far as searches were saved up",
    )  # fmt: skip


class Vacancy:
    """Ask it of every frame of an empty seat, in time order; by the frames' own timestamps."""

    def __init__(self, settings: VacancySettings) -> None:
        self._settings = settings
        self.end()

    def end(self) -> None:
        """Begin again with the next frame: there has been a sign of a face."""
        self._before: Gray | None = None  # the picture, in blocks, at the last movement
        self._saved = _SAVED
        self._last_s: float | None = None
        self._searched_s = self._stirred_s = float("-inf")
        self._wakes = False
        self.woken = False  # this search is the first since something moved that was still before

    def due(self, frame: Frame, full_period_s: float) -> bool:
        """Tell whether to search ``frame``; ``full_period_s`` is the time between two at most."""
        s, t_s = self._settings, frame.t_s
        if self._last_s is not None and t_s < self._last_s:
            self.end()  # the clock was set back
        since_s = 0.0 if self._last_s is None else t_s - self._last_s
        self._saved, self._last_s = min(self._saved + since_s * s.most_hz, _SAVED), t_s
        stirred = self._stirs(frame.gray)
        if stirred:
            self._wakes = self._wakes or t_s - self._stirred_s > s.stirred_s
            self._stirred_s = t_s
        period_s = full_period_s if t_s - self._stirred_s <= s.stirred_s else s.still_s
        if t_s - self._searched_s < period_s - 1e-6 or self._saved < 1.0:
            return False
        self._saved, self._searched_s = self._saved - 1.0, t_s
        self.woken, self._wakes = self._wakes, False
        return True

    def _stirs(self, gray: Gray) -> bool:
        """Tell whether something has moved since the last movement."""
        sample = np.ascontiguousarray(gray[::_STEP, ::_STEP])
        size = (max(sample.shape[1] // _BLOCK, 1), max(sample.shape[0] // _BLOCK, 1))
        now = cv2.resize(sample, size, interpolation=cv2.INTER_AREA)
        before = self._before
        if before is None or before.shape != now.shape:
            self._before = np.asarray(now, np.uint8)
            return False
        if np.count_nonzero(cv2.absdiff(now, before) > _MOVED) < _LEAST_BLOCKS:
            return False
        self._before = np.asarray(now, np.uint8)
        return True
