"""Small pictures of the driver at each alert of a bench run, only where they are asked for.

They show a person: whoever makes them is answerable for them. The vehicle never writes one.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2

from dms.errors import ConfigError
from dms.values import Level, Step

FOLDER = "thumbnails"
WIDTH_PX = 320
_QUALITY = 80  # JPEG, 0..100
MOST = 60  # of one recording; a report stays small


class Thumbnails:
    """A sink of the loop that keeps the frame of each alert as a small JPEG below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._count = 0
        forget(folder)

    def take(self, step: Step) -> None:
        """Keep a picture where an alert was raised. Raises ConfigError where it cannot be kept."""
        for event in step.state.events:
            if step.frame is None or event.level is Level.NONE or self._count >= MOST:
                continue
            height, width = step.frame.gray.shape
            size = (WIDTH_PX, round(height * WIDTH_PX / width))
            small = cv2.resize(step.frame.gray, size, interpolation=cv2.INTER_AREA)
            made, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            name = f"{self._count:03}_{event.t_s:.3f}_{event.kind.value}.jpg"
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                (self._folder / name).write_bytes(jpeg.tobytes() if made else b"")
            except OSError as error:
                raise ConfigError(f"cannot write {self._folder}: {error.strerror}") from error
            self._count += 1


def forget(folder: Path) -> None:
    """Erase the pictures of an earlier run, so that none stays that was not asked for."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def load_thumbnails(folder: Path) -> list[tuple[float, str, bytes]]:
    """Return (time in seconds, kind of alert, JPEG) of the pictures that a run kept."""
    kept = []
    for path in sorted((folder / FOLDER).glob("*.jpg")):
        _, t_s, kind = path.stem.split("_", 2)
        kept.append((float(t_s), kind, path.read_bytes()))
    return kept
