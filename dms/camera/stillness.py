"""What of a recording's pictures a camera in a vehicle would be told for: frozen, of one value."""

from __future__ import annotations

import importlib.util
import logging

from dms.camera.frozen import Frozen, flat
from dms.values import Gray

_log = logging.getLogger(__name__)
_FLAT_S = 1.0  # pictures of one single value for so long are reported


class Stillness:
    """Watches one recording, picture by picture, in its own time."""

    def __init__(self, name: str, frozen_s: float | None) -> None:
        self._name = name
        self._frozen = Frozen(frozen_s)
        self._flat_s: float | None = None  # since when pictures are of one value
        self._told: set[str] = set()

    def lost(self, gray: Gray, t_s: float) -> str | None:
        """Return why this picture counts as none, as :class:`LiveCamera` would say it.

        A picture of one single value may repeat on a sound camera: perception judges it.
        """
        self._watch_flat(flat_value(gray), t_s)
        why = self._frozen.why(gray, t_s)
        if why is not None:
            self._tell("frozen", f"{why} So it is from {self._frozen.since_s:.2f} s on.")
        return why

    def _watch_flat(self, value: int | None, t_s: float) -> None:
        if value is None:
            self._flat_s = None
        elif self._flat_s is None:
            self._flat_s = t_s
        elif t_s - self._flat_s >= _FLAT_S:
            since = f"from {self._flat_s:.2f} s on"
            self._tell(
                "flat", f"Pictures of one single value ({value}) {since}: {flat_hint(value)}."
            )

    def deep(self, most: int) -> None:
        """Note the brightest value of a 16-bit picture without a declared depth."""
        if 255 < most < 1 << 12:
            bits = 10 if most < 1 << 10 else 12
            self._tell("deep", f"No value above {most} in pictures of 16 bits: camera.bits={bits}?")

    def _tell(self, what: str, words: str) -> None:
        if what not in self._told:
            self._told.add(what)
            _log.warning("%s: %s", self._name, words)


def flat_value(gray: Gray) -> int | None:
    """Return the one value that all pixels have, None where they differ."""
    return int(gray.flat[0]) if flat(gray) else None


def flat_hint(value: int) -> str:
    """Return what pictures of one single ``value`` may come from, and what to do."""
    if value or importlib.util.find_spec("av") is not None:  # PyAV shows interlaced films
        return "a covered lens, a camera without light or signal, or a film that was recorded so"
    return (
        "a covered lens, or a film that OpenCV cannot show: pip install 'dms-jetson[video]' reads "
        "interlaced ones"
    )
