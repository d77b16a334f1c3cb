"""Event clips: a few seconds of pictures around an alert, only if the owner has switched them on.

The ring before the alert lives in memory; nothing is written unless an alert comes, and then only
encrypted to the owner's public key.
"""

from __future__ import annotations

import io
import logging
import re
import tarfile
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import cv2

from dms.camera.image_folder import TIMESTAMPS
from dms.errors import ConfigError
from dms.resource import OpenedResource
from dms.settings import setting, settings
from dms.store.sealing import RECIPIENT, Seal, unseal
from dms.values import Gray, Step

_log = logging.getLogger(__name__)
_ENDING = ".tar.age"
_PLAIN_NAME = re.compile(r"[\w-]+\.(jpg|csv)")
_PRUNE_EVERY_S = 600.0


@settings
class ClipSettings:
    """Whether and which clips are kept. Off: no picture ever touches the disk."""

    enabled: bool = setting(False, text="store pictures around alerts; the driver must have agreed")
    recipient: str = setting(
        "", pattern=RECIPIENT, text="the owner's public key (age1...), made by: dms clips key"
    )
    before_s: float = setting(4.0, gt=0, le=30, unit="s", text="kept before the alert")
    after_s: float = setting(2.0, ge=0, le=30, unit="s", text="kept after it")
    lowest_level: int = setting(2, ge=1, le=3, text="alerts below this level make no clip")
    width: int = setting(320, ge=64, le=1920, unit="px", text="pictures are reduced to this width")
    quality: int = setting(80, ge=10, le=100, text="JPEG quality")
    most: int = setting(50, ge=1, le=10_000, text="clips kept; the oldest goes first")
    oldest_days: float = setting(7.0, gt=0, unit="d", text="older clips are removed")

    def __post_init__(self) -> None:
        if self.enabled and not self.recipient:
            raise ValueError("clips need a recipient, the owner's public key; see: dms clips key")


def clips_folder(store: Path) -> Path:
    """Return where clips are kept: beside the event store."""
    return store.parent / "clips"


def stored_clips(folder: Path) -> list[Path]:
    """Return the clips that are kept, oldest first."""
    return sorted(folder.glob(f"*{_ENDING}"))


def open_clip(clip: Path, identity: Path, output: Path) -> int:
    """Decrypt ``clip`` into a new folder that ``dms bench`` replays; return how many files.

    Raises ConfigError where clip, key or folder cannot be used.
    """
    data = unseal(clip, identity)
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            files = [(one, archive.extractfile(one)) for one in archive.getmembers()]
            output.mkdir(mode=0o700, parents=True, exist_ok=False)
            for one, content in files:
                if content is None or not _PLAIN_NAME.fullmatch(one.name):
                    raise ConfigError(f"{clip} holds {one.name!r}, which is no part of a clip.")
                (output / one.name).write_bytes(content.read())
    except (tarfile.TarError, OSError) as error:
        raise ConfigError(f"{clip} cannot be unpacked into {output}: {error}") from error
    return len(files)


@dataclass
class _Clip:
    name: str
    until_s: float
    pictures: list[tuple[float, bytes]] = field(default_factory=list)


class ClipKeeper(OpenedResource):
    """A sink of the loop; encodes as frames come and writes from a thread of its own."""

    def __init__(
        self, folder: Path, settings: ClipSettings, now: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._seal = Seal(settings.recipient)
        self._now = now
        self._ring: deque[tuple[float, bytes]] = deque()
        self._clip: _Clip | None = None
        self._ready: deque[_Clip] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="dms-clips", daemon=True)

    def take(self, step: Step) -> None:
        """Keep the picture for a while; begin a clip at an alert, hand it over when it is full."""
        if step.frame is not None:
            shot = (step.frame.t_s, self._encode(step.frame.gray))
            self._ring.append(shot)
            while self._ring[0][0] < step.frame.t_s - self._settings.before_s:
                self._ring.popleft()
            if self._clip is not None:
                self._clip.pictures.append(shot)
        for event in step.state.events:
            if event.level >= self._settings.lowest_level and self._clip is None:
                at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now()))
                name = f"{at}-{event.kind.value}"
                until_s = step.state.t_s + self._settings.after_s
                self._clip = _Clip(name, until_s, list(self._ring))
        if self._clip is not None and step.state.t_s >= self._clip.until_s:
            self._hand_over()

    def open(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._hand_over()
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(1.0)

    def prune(self) -> None:
        """Remove clips that are too old, and the oldest beyond the number that is kept."""
        clips = stored_clips(self._folder)
        oldest = self._now() - self._settings.oldest_days * 86400
        for number, path in enumerate(clips):
            excess = number < len(clips) - self._settings.most
            if excess or path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)

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
            self._try(self.prune)
            with self._wake:
                self._wake.wait_for(lambda: self._ready or self._stopping, _PRUNE_EVERY_S)
                clip = self._ready.popleft() if self._ready else None
                if clip is None and self._stopping:
                    return
            if clip is not None:
                self._try(partial(self._write, clip))

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  (a thread that ended would keep no clip again)
            _log.error("Clips are not kept as asked (%s); free some disk space.", error)

    def _write(self, clip: _Clip) -> None:
        """Write one file, whole or not at all: an encrypted archive of a folder of pictures."""
        rows = ["file,t_s"]
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w") as archive:
            for number, (t_s, data) in enumerate(clip.pictures):
                rows.append(f"{number:05}.jpg,{t_s:.6f}")
                _add(archive, f"{number:05}.jpg", data)
            _add(archive, TIMESTAMPS, ("\n".join(rows) + "\n").encode())
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / f"{clip.name}.new"
        try:
            fresh.touch(mode=0o600)
            fresh.write_bytes(self._seal.close(plain.getvalue()))
            fresh.replace(self._folder / f"{clip.name}{_ENDING}")
        finally:
            fresh.unlink(missing_ok=True)
        _log.info("Kept a clip of %d pictures: %s", len(clip.pictures), clip.name)


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))
