"""A run that was cut short is taken up again: what it had seen is recalled, not looked at again.

While a recording is run, its observations are kept in a part file with the key of the run. A run
with the same key replays them through the decision and looks for itself from there on. The
driver's resting face is in no file, so that it is learned again from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dms.errors import ConfigError
from dms.files.observations import load, parse
from dms.monitor import Observer
from dms.values import DriverObservation, Fault, Frame, Moment

_WARM_S = 2.0  # before the end of what is recalled the face is followed already
_SAME_S = 1e-6
_KEY, _SEEN, _EARLIER = "part-key", "part-observations.jsonl", "earlier-observations.jsonl"
_TAIL = 1 << 16  # bytes that hold the last lines of a file


class PartRun:
    """The part files of one recording in its folder of results."""

    def __init__(self, folder: Path, key: str, *, fresh: bool) -> None:
        self._folder = folder
        self.seen = folder / _SEEN
        self._earlier = folder / _EARLIER
        mark = folder / _KEY
        if fresh or not mark.is_file() or mark.read_text(encoding="utf-8") != key:
            self.forget()
        elif _size(self.seen) > _size(self._earlier):  # it may have been cut short twice
            self.seen.replace(self._earlier)
        mark.write_text(key, encoding="utf-8")

    @property
    def earlier(self) -> Path | None:
        """The observations of the run that was cut short, None where there was none."""
        return self._earlier if last_s(self._earlier) is not None else None

    def done(self, keep: Path | None) -> None:
        """Leave nothing, or the observations as ``keep``."""
        if keep is not None:
            self.seen.replace(keep)
        self.forget()

    def forget(self) -> None:
        """Delete the part files."""
        for name in (_KEY, _SEEN, _EARLIER):
            (self._folder / name).unlink(missing_ok=True)


class Recalling:
    """Stands before perception: gives what ``earlier`` holds, and after its end looks."""

    def __init__(self, looking: Observer, earlier: Path) -> None:
        self._looking = looking
        self.until_s = last_s(earlier) or 0.0
        self._moments = _whole(earlier)
        self._next = next(self._moments, None)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What has failed of the nets that look; of what is recalled nothing is said again."""
        return self._looking.faults

    def reset(self) -> None:
        """Forget the face, as between two recordings."""
        self._looking.reset()

    def observe(self, frame: Frame) -> DriverObservation:
        """Return what is known or seen of ``frame``."""
        while self._next is not None and self._next.observation.t_s < frame.t_s - _SAME_S:
            self._next = next(self._moments, None)
        known = self._next
        if known is None or known.observation.t_s > frame.t_s + _SAME_S:
            return self._looking.observe(frame)
        if frame.t_s >= self.until_s - _WARM_S:
            self._looking.observe(frame)
        return known.observation


def last_s(earlier: Path) -> float | None:
    """Return the time of the last whole observation of a part file, None where there is none."""
    try:
        with earlier.open("rb") as file:
            file.seek(max(0, _size(earlier) - _TAIL))
            lines = file.read().split(b"\n")
    except OSError:
        return None
    if len(lines) < 2:  # what follows the last line end was cut off
        return None
    line = lines[-2].decode("utf-8", "replace")
    try:
        return parse(earlier, 0, line).observation.t_s
    except ConfigError:  # damaged, as after a power cut
        return None


def _whole(earlier: Path) -> Iterator[Moment]:
    """Yield the moments up to the first line that is damaged or was cut off."""
    with suppress(ConfigError):
        yield from load(earlier)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
