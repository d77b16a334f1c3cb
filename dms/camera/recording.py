"""A recording as a camera: every frame counts, time is the recording's own."""

from __future__ import annotations

import logging

import numpy as np

from dms.camera.camera import Camera, Damage
from dms.camera.clock import RecordingClock
from dms.camera.gray import frame_picture
from dms.camera.settings import CameraSettings
from dms.camera.source import Source
from dms.camera.stillness import Stillness
from dms.errors import CameraError, DamagedError
from dms.values import Frame

_JUMP = 1.5  # longer than so many periods is a gap
_AHEAD_S = 2.0  # a decoder that works in threads is no further ahead than this
_log = logging.getLogger(__name__)


class RecordedSource(Source):
    """A source with an end; ``fps`` is what it declares, 0 if it does not."""

    fps = 0.0
    ahead = True  # whether it works some pictures ahead of what it gives, and tells damage early
    damage: str | None = None  # what could not be decoded since the last picture, in words
    short = False  # told at the end: it declares more after its last picture
    lacking: str | None = None  # told at the end: what is missing, where is not known

    def spoilt(self, words: str) -> None:
        """Note that something could not be decoded; reading goes on."""
        self.damage = self.damage or words


class Recording(Camera):
    """Reads a :class:`RecordedSource` frame by frame; ``t_s`` counts from its first frame."""

    live = False

    def __init__(self, source: RecordedSource, settings: CameraSettings) -> None:
        self._source = source
        self._settings = settings
        self._clock: RecordingClock | None = None
        self._sequence = 0
        self._last_s = 0.0
        self._period_s = 0.0  # between pictures, as the source declares; 0 where it does not
        self._suspect: tuple[float, str] | None = None  # damage whose gaps are not all reached
        self._told_gap = False  # one of them was
        self._damages: list[Damage] = []
        self._stillness = Stillness(settings.source, settings.frozen_s)

    @property
    def damages(self) -> tuple[Damage, ...]:
        return tuple(self._damages)

    def open(self) -> None:
        self._source.open()
        fps = self._settings.fps or self._source.fps
        self._clock = RecordingClock(fps, self._settings.largest_gap_s, self._settings.time_scale)
        self._sequence, self._last_s, self._suspect = 0, 0.0, None
        self._period_s = self._settings.time_scale / fps if fps > 0 else 0.0
        self._damages.clear()
        self._source.damage = self._source.lacking = None
        self._stillness = Stillness(self._settings.source, self._settings.frozen_s)

    def read(self) -> Frame | None:
        if self._clock is None:
            raise CameraError("The recording is not open; use it in a with statement.")
        picture = self._source.grab()
        t_s = None if picture is None else self._clock.stamp(picture.t_s)
        if self._source.damage is not None:
            if self._suspect is None or self._told_gap:
                self._suspect, self._told_gap = (self._last_s, self._source.damage), False
            self._source.damage = None
        if self._suspect is not None:
            self._place(*self._suspect, t_s)
        if picture is None or t_s is None:
            if self._source.lacking is not None:
                self._tell(Damage(None, None, self._source.lacking))
                self._source.lacking = None
            return None
        if picture.image.dtype == np.uint16 and not (self._settings.bits or picture.bits):
            self._stillness.deep(int(picture.image.max()))
        gray = frame_picture(picture, self._settings)
        lost = self._stillness.lost(gray, t_s)
        frame = Frame(gray=gray, t_s=t_s, sequence=self._sequence, lost=lost)
        self._sequence += 1
        self._last_s = t_s
        return frame

    def _place(self, since_s: float, words: str, t_s: float | None) -> None:
        """Tell a damage once its gaps are reached: a decoder works some pictures ahead."""
        if not self._source.ahead:
            self._suspect = None
            self._tell(Damage(since_s, t_s, words))
        elif t_s is None:
            self._suspect = None
            if self._source.short:
                self._tell(Damage(self._last_s, None, words))
            elif not self._told_gap:
                self._tell(Damage(since_s, None, words))
        elif t_s - self._last_s > _JUMP * (self._period_s or t_s):
            self._told_gap = True
            self._tell(Damage(self._last_s, t_s, words))
        elif t_s - since_s > _AHEAD_S:
            self._suspect = None
            if not self._told_gap:  # shorter than the film's own unevenness
                self._tell(Damage(since_s, t_s, words))

    def _tell(self, damage: Damage) -> None:
        self._damages.append(damage)
        if self._settings.strict:
            raise DamagedError(f"{self._settings.source}: {damage}; record or copy it again.")
        _log.warning("%s: %s.", self._settings.source, damage)

    def close(self) -> None:
        self._clock = None
        self._source.close()
