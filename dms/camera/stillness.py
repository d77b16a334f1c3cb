"""What of a recording's pictures a camera in a vehicle would be told for: frozen, of one value."""

from __future__ import annotations

import logging

import numpy as np

from dms.values import Gray

_log = logging.getLogger(__name__)
_FLAT_S = 1.0  # pictures of one single value for so long are told
_COARSE = 16  # every so many pixels are compared before all are


class Stillness:
    """Watches one recording, picture by picture, in its own time."""

    def __init__(self, name: str, frozen_s: float | None) -> None:
        self._name, self._frozen_s = name, frozen_s
        self._before: Gray | None = None
        self._changed_s = 0.0
        self._flat_s: float | None = None  # since when pictures are of one value
        self._told: set[str] = set()

    def lost(self, gray: Gray, t_s: float) -> str | None:
        """Return why this picture counts as none, as :class:`LiveCamera` would say it.

        A picture of one single value may repeat on a sound camera: perception judges it.
        """
        flat = _flat(gray)
        self._watch_flat(flat, int(gray.flat[0]), t_s)
        before, self._before = self._before, gray
        if flat or before is None or not _same(before, gray):
            self._changed_s = t_s
        elif self._frozen_s is not None and t_s - self._changed_s >= self._frozen_s - 1e-3:
            why = f"The camera's picture is frozen: the very same for {self._frozen_s:g} s."
            self._tell("frozen", f"{why} So it is from {self._changed_s:.2f} s on.")
            return why
        return None

    def _watch_flat(self, flat: bool, value: int, t_s: float) -> None:
        if not flat:
            self._flat_s = None
        elif self._flat_s is None:
            self._flat_s = t_s
        elif t_s - self._flat_s >= _FLAT_S:
            hint = "a covered lens, or a film that this decoder cannot show"
            more = "" if value else "; pip install 'dms-jetson[video]' reads interlaced ones"
            told = f"Pictures of one single value ({value}) from {self._flat_s:.2f} s on: {hint}"
            self._tell("flat", told + more + ".")

    def deep(self, most: int) -> None:
        """Note the brightest value of a 16-bit picture without a declared depth."""
        if 255 < most < 1 << 12:
            bits = 10 if most < 1 << 10 else 12
            self._tell("deep", f"No value above {most} in pictures of 16 bits: camera.bits={bits}?")

    def _tell(self, what: str, words: str) -> None:
        if what not in self._told:
            self._told.add(what)
            _log.warning("%s: %s", self._name, words)


def _flat(gray: Gray) -> bool:
    few = gray[::_COARSE, ::_COARSE]
    return bool(few.min() == few.max() and gray.min() == gray.max())


def _same(one: Gray, other: Gray) -> bool:
    if one.shape != other.shape:
        return False
    few = (slice(None, None, _COARSE), slice(None, None, _COARSE))
    return bool(np.array_equal(one[few], other[few]) and np.array_equal(one, other))
