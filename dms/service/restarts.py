"""The restart budget: a service that dies again and again waits longer each time, but never stops.

systemd starts it at once and without limit; the waiting is here, in one place, so that old systemd
versions (no RestartSteps before 254) behave the same.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

from dms.settings import setting, settings

_log = logging.getLogger(__name__)


@settings
class RestartSettings:
    """When restarts are slowed down."""

    free: int = setting(5, ge=1, text="starts within the window that are not slowed")
    window_s: float = setting(60.0, gt=0, unit="s", text="length of the window")
    longest_s: float = setting(30.0, gt=0, unit="s", text="longest wait before a start")
    sound_s: float = setting(
        120.0, gt=0, unit="s", text="after running for so long earlier restarts are forgotten"
    )


class Restarts:
    """Remembers recent starts in a file that outlives the process but not the boot."""

    def __init__(
        self,
        path: Path | None,
        settings: RestartSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._settings = settings
        self._clock = clock

    def next_wait_s(self) -> float:
        """Note this start and return how long it must wait: 0, then 1, 2, 4 ... seconds."""
        now = self._clock()
        window_s = self._settings.window_s + self._settings.longest_s * self._settings.free
        starts = [start for start in self._load() if now - window_s < start <= now]
        recent = [start for start in starts if now - self._settings.window_s < start]
        excess = max(len(recent), len(starts) - self._settings.free) - self._settings.free
        self._save([*starts, now])
        if excess < 0:
            return 0.0
        return min(2.0 ** min(excess, 10), self._settings.longest_s)

    def forget(self) -> None:
        """Start counting again: the service has run long enough to be called sound."""
        self._save([])

    def _load(self) -> list[float]:
        try:
            kept = json.loads(self._path.read_text()) if self._path else []
            return [float(start) for start in kept]
        except (OSError, ValueError, TypeError):
            return []  # none yet, or half written when the power went

    def _save(self, starts: list[float]) -> None:
        if self._path is None:
            return
        try:
            self._path.write_text(json.dumps(starts))
        except OSError as error:
            _log.warning("Restarts cannot be counted in %s (%s).", self._path, error)
