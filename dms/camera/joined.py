"""Segments as dash cameras write them, as one recording: one clock, one driver, gaps in between."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from dms.camera.camera import Camera, Damage
from dms.errors import CameraError, DamagedError
from dms.values import Frame

_log = logging.getLogger(__name__)
_NAMED = re.compile(
    r"(?<!\d)(20\d\d)[-_.]?([01]\d)[-_.]?([0-3]\d)[-_. T]?([0-2]\d)[-_.:]?([0-5]\d)[-_.:]?([0-5]\d)"
)
_NAME_S = 1.0  # a name tells its segment's start to the second, cut off or rounded
_OVERLAP_S = 2.0  # a start so long before the end of the segment before is reported
_USUAL_PERIOD_S = 1 / 30  # of a segment of one single picture


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of a joined recording; its first picture at ``start_s`` of the whole."""

    source: str
    start_s: float
    end_s: float
    frames: int


class JoinedRecording(Camera):
    """Reads one segment after the other; ``t_s`` counts from the first picture of all.

    A segment begins ``gap_s`` after the end of the one before, unless date and time in its name say
    that it came later. One that cannot be read, or ends early, is a gap that is reported.
    """

    live = False

    def __init__(
        self,
        sources: Sequence[str],
        make: Callable[[str], Camera],
        gap_s: float,
        *,
        strict: bool = False,
    ) -> None:
        self._sources, self._make, self._gap_s = tuple(sources), make, gap_s
        self._strict = strict
        self._rewind()

    def _rewind(self) -> None:
        self._camera: Camera | None = None
        self._next = 0  # the segment to open next
        self._start_s = self._end_s = 0.0  # of the segment that is read, of what came so far
        self._own_s = 0.0  # newest time within the segment
        self._frames = self._sequence = 0  # of the segment, of all
        self._lost: str | None = None  # why there is nothing since the newest picture
        self._damages: list[Damage] = []
        self._segments: list[Segment] = []

    @property
    def damages(self) -> tuple[Damage, ...]:
        """What could not be decoded so far, on the clock of the whole."""
        open_ = self._camera.damages if self._camera else ()
        return (*self._damages, *(self._moved(one) for one in open_))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments that were read to their end."""
        return tuple(self._segments)

    def open(self) -> None:
        self.close()
        self._rewind()

    def read(self) -> Frame | None:
        while self._camera is not None or self._opened():
            frame = self._picture()
            if frame is not None:
                return frame
            self._end_segment()
        if not self._sequence:
            raise CameraError(
                f"None of the {len(self._sources)} segments can be read: {self._lost}"
            )
        if self._lost is not None:
            self._damages.append(Damage(self._end_s, None, self._lost))
            self._lost = None
        return None

    def close(self) -> None:
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def interrupt(self) -> None:
        if self._camera is not None:
            self._camera.interrupt()

    def _opened(self) -> bool:
        """Open the next segment that can be opened; False where there is none."""
        while self._next < len(self._sources):
            source = self._sources[self._next]
            self._next += 1
            camera = self._make(source)
            try:
                camera.open()
            except CameraError as error:
                camera.close()
                self._lose(error)
                continue
            self._camera, self._frames, self._own_s = camera, 0, 0.0
            self._start_s = self._begin_s(self._next - 1)
            return True
        return False

    def _picture(self) -> Frame | None:
        camera = self._camera
        try:
            frame = camera.read() if camera else None
        except DamagedError:  # asked for by the settings
            raise
        except CameraError as error:
            self._lose(error)
            return None
        if frame is None:
            return None
        self._frames += 1
        self._own_s = frame.t_s
        t_s = self._start_s + frame.t_s
        if self._lost is not None:
            self._damages.append(Damage(self._end_s, t_s, self._lost))
            self._lost = None
        sequence = self._sequence
        self._sequence += 1
        return replace(frame, t_s=t_s, sequence=sequence)

    def _end_segment(self) -> None:
        """Close what is read; time has then come to its end, a period after its last picture."""
        if self._camera is None:
            return
        for damage in self._camera.damages:
            if damage.from_s is not None and damage.to_s is None:  # to the next one's first picture
                self._lost = self._lost or self._moved(damage).words
            else:
                self._damages.append(self._moved(damage))
        self.close()
        source = self._sources[self._next - 1]
        if self._frames:
            more = self._frames - 1
            period_s = self._own_s / more if more else _USUAL_PERIOD_S
            self._end_s = self._start_s + self._own_s + period_s
            self._segments.append(Segment(source, self._start_s, self._end_s, self._frames))
        elif self._lost is None:
            self._lose(CameraError(f"{source} holds no picture."))

    def _lose(self, error: CameraError) -> None:
        if self._strict:
            raise DamagedError(str(error)) from error
        _log.warning("%s It is passed over.", error)
        self._lost = self._lost or str(error).rstrip(".")

    def _moved(self, damage: Damage) -> Damage:
        to_s = None if damage.to_s is None else damage.to_s + self._start_s
        words = f"{Path(self._sources[self._next - 1]).name}: {damage.words}"
        from_s = None if damage.from_s is None else damage.from_s + self._start_s
        return Damage(from_s, to_s, words)

    def _begin_s(self, at: int) -> float:
        """Return when a segment begins: what its name allows, never before what came."""
        if at == 0:
            return 0.0
        begin_s = self._end_s + self._gap_s
        first_s, own_s = named_s(self._sources[0]), named_s(self._sources[at])
        if first_s is None or own_s is None:
            return begin_s
        since_s = own_s - first_s
        if self._end_s - since_s > _OVERLAP_S:
            _log.warning(
                "%s begins %.0f s before the segment before it ends, as its name says; it is taken "
                "to follow it.", self._sources[at], self._end_s - since_s,
            )  # fmt: skip
        return max(self._end_s, min(max(begin_s, since_s), since_s + _NAME_S))


def named_s(source: str) -> float | None:
    """Return the date and time in a file's name in seconds, None without one."""
    found = _NAMED.search(Path(source).name)
    if found is None:
        return None
    try:
        told = datetime(*map(int, found.groups()), tzinfo=timezone.utc)  # type: ignore[arg-type,misc]
    except ValueError:  # digits that are no date
        return None
    return told.timestamp()
