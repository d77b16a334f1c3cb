"""Event clips: a few seconds of pictures around an alert, only if the owner has switched them on.

The ring before the alert lives in memory; nothing is written unless an alert comes.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import cast

import cv2
from typing_extensions import Self

from dms.camera.image_folder import TIMESTAMPS
from dms.recording import Moment
from dms.settings import setting, settings
from dms.values import DriverState, Frame, Gray

_log = logging.getLogger(__name__)


@settings
class ClipSettings:
    """Whether and which clips are kept. Off: no picture ever touches the disk."""

    enabled: bool = setting(False, text="store pictures around alerts; the driver must have agreed")
    before_s: float = setting(4.0, gt=0, le=30, unit="s", text="kept before the alert")
    after_s: float = setting(2.0, ge=0, le=30, unit="s", text="kept after it")
    lowest_level: int = setting(2, ge=1, le=3, text="alerts below this level make no clip")
    width: int = setting(320, ge=64, le=1920, unit="px", text="pictures are reduced to this width")
    quality: int = setting(80, ge=10, le=100, text="JPEG quality")
    most: int = setting(50, ge=1, le=10_000, text="clips kept; the oldest goes first")
    oldest_days: float = setting(7.0, gt=0, unit="d", text="older clips are removed")


@dataclass
class _Clip:
    name: str
    until_s: float
    pictures: list[tuple[float, bytes]] = field(default_factory=list)


class ClipKeeper:
    """A sink of the loop; encodes as frames come and writes from a thread of its own."""

    def __init__(
        self, folder: Path, settings: ClipSettings, now: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._now = now
        self._ring: deque[tuple[float, bytes]] = deque()
        self._clip: _Clip | None = None
        self._ready: deque[_Clip] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="dms-clips", daemon=True)

    def take(self, moment: Moment, state: DriverState, frame: Frame | None) -> None:
        """Keep the picture for a while; begin a clip at an alert, hand it over when it is full."""
        del moment
        if frame is not None:
            shot = (frame.t_s, self._encode(frame.gray))
            self._ring.append(shot)
            while self._ring[0][0] < frame.t_s - self._settings.before_s:
                self._ring.popleft()
            if self._clip is not None:
                self._clip.pictures.append(shot)
        for event in state.events:
            if event.level >= self._settings.lowest_level and self._clip is None:
                at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now()))
                name = f"{at}-{event.kind.value}"
                until_s = state.t_s + self._settings.after_s
                self._clip = _Clip(name, until_s, list(self._ring))
        if self._clip is not None and state.t_s >= self._clip.until_s:
            self._hand_over()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._hand_over()
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(1.0)

    def prune(self) -> None:
        """Remove clips that are too old, and the oldest beyond the number that is kept."""
        clips = sorted(path for path in self._folder.glob("*-*") if path.is_dir())
        oldest = self._now() - self._settings.oldest_days * 86400
        for number, path in enumerate(clips):
            excess = number < len(clips) - self._settings.most
            if excess or path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)

    def _encode(self, gray: Gray) -> bytes:
        height, width = gray.shape
        if width > self._settings.width:
            size = (self._settings.width, round(height * self._settings.width / width))
            gray = cast("Gray", cv2.resize(gray, size, interpolation=cv2.INTER_AREA))
        return bytes(
            cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, self._settings.quality])[1]
        )

    def _hand_over(self) -> None:
        clip, self._clip = self._clip, None
        if clip is not None and clip.pictures:
            with self._wake:
                self._ready.append(clip)
                self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._ready or self._stopping)
                if not self._ready:
                    return
                clip = self._ready.popleft()
            try:
                self._write(clip)
                self.prune()
            except OSError as error:
                _log.error("The clip %s is not kept (%s); free some disk space.", clip.name, error)
                shutil.rmtree(self._folder / clip.name, ignore_errors=True)

    def _write(self, clip: _Clip) -> None:
        """Write a folder that ``dms bench`` replays."""
        folder = self._folder / clip.name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        rows = ["file,t_s"]
        for number, (t_s, data) in enumerate(clip.pictures):
            (folder / f"{number:05}.jpg").write_bytes(data)
            rows.append(f"{number:05}.jpg,{t_s:.6f}")
        (folder / TIMESTAMPS).write_text("\n".join(rows) + "\n", encoding="utf-8")
        _log.info("Kept a clip of %d pictures: %s", len(clip.pictures), clip.name)
