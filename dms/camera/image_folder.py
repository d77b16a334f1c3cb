"""A folder of pictures as a recording, in natural order of their names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
from numpy.typing import NDArray

from dms.camera.recording import RecordedSource
from dms.camera.settings import CameraSettings
from dms.camera.source import Picture
from dms.errors import CameraError, ConfigError
from dms.plainfile import check_name, is_utf8
from dms.table import read_table

TIMESTAMPS = "timestamps.csv"
_SUFFIXES = frozenset((
    ".avif", ".bmp", ".dib", ".exr", ".gif", ".hdr", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm",
    ".pgm", ".pic", ".png", ".pnm", ".ppm", ".pxm", ".ras", ".sr", ".tif", ".tiff", ".webp",
))  # fmt: skip


class ImageFolder(RecordedSource):
    """Pictures of any format OpenCV reads; times from a CSV (``file,t_s``) or a fixed rate."""

    ahead = False

    def __init__(self, settings: CameraSettings) -> None:
        self._folder = Path(settings.source)
        self._rate = settings.fps
        self._csv = Path(settings.timestamps) if settings.timestamps else None
        self._times: dict[str, float] | None = None
        self._paths: list[Path] = []
        self._next = self._good = 0

    def open(self) -> None:
        if not self._folder.is_dir():
            raise CameraError(f"There is no folder {self._folder}; check camera.source.")
        self._next, self._good, self.ended = 0, 0, False
        try:
            self._paths = sorted(filter(_is_picture, self._folder.iterdir()), key=natural)
        except OSError as error:
            raise CameraError(f"{self._folder} cannot be read ({error.strerror}).") from error
        if not self._paths:
            raise CameraError(f"{self._folder} holds no picture that OpenCV can read.")
        for path in self._paths:
            check_name(path.name)
        table = self._csv or self._folder / TIMESTAMPS
        self._times = read_timestamps(table) if self._csv or table.is_file() else None
        if self._times is None and self._rate is None:
            raise CameraError(
                f"{self._folder} has no {TIMESTAMPS} (columns file,t_s): add it, or set camera.fps "
                "to the rate of the recording."
            )
        self.fps = self._rate or 0.0
        if self._times is not None:
            self._paths = self._listed(self._times, table)
            if not self._paths:
                raise CameraError(f"{table} lists no picture; write the pictures' names and times.")

    def _listed(self, times: dict[str, float], table: Path) -> list[Path]:
        missing = sorted(set(times) - {path.name for path in self._paths})
        if missing:
            raise CameraError(f"{table} lists {missing[0]}, which is not in {self._folder}.")
        return [self._folder / name for name in times]

    def grab(self) -> Picture | None:
        while self._next < len(self._paths):
            if (picture := self._read_next()) is not None:
                return picture
        self._end()
        return None

    def _read_next(self) -> Picture | None:
        path = self._paths[self._next]
        # At a fixed rate each file has its place in time, a damaged one as well.
        t_s = self._next / self._rate if self._rate else None
        if self._times is not None:
            t_s = self._times[path.name]
        self._next += 1
        image = read_picture(path, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
        if image is None:
            self.spoilt(f"{path.name} is damaged or no picture")
            return None
        self._good += 1
        return Picture(image, t_s)

    def _end(self) -> None:
        self.ended = True
        if not self._good:
            raise CameraError(f"None of the pictures in {self._folder} can be read; check them.")

    def close(self) -> None:
        self._paths = []


def read_picture(path: Path, flags: int) -> NDArray[Any] | None:
    """Return the picture, None where it is damaged: of some damage OpenCV makes an exception."""
    try:
        return cv2.imread(str(path), flags)
    except cv2.error:  # a size that none has, a format that is switched off
        return None


def read_timestamps(path: Path) -> dict[str, float]:
    """Read ``file,t_s`` rows in rising order of time.

    Raises ConfigError with file and line for a missing column, a bad number or a time that does
    not rise.
    """
    times: dict[str, float] = {}
    before = float("-inf")
    for line, row in read_table(path, ("file", "t_s")):
        t_s = _seconds(row["t_s"], path, line)
        if t_s <= before or row["file"] in times:
            raise ConfigError(
                f"{path}:{line}: times must rise and files stand once, got "
                f"{row['file']} at {t_s} after {before}."
            )
        before = t_s
        times[row["file"]] = t_s
    return times


def _seconds(text: str | None, path: Path, line: int) -> float:
    try:
        value = float(text or "")
    except ValueError:
        raise ConfigError(f"{path}:{line}: expected seconds, got {text!r}.") from None
    if not abs(value) < float("inf"):
        raise ConfigError(f"{path}:{line}: expected seconds, got {text!r}.")
    return value


def _is_picture(path: Path) -> bool:
    if path.name.startswith("."):  # ._frame1.png, which macOS puts beside each picture on a card
        return False
    if not is_utf8(path.name):  # OpenCV would end the process
        return path.suffix.lower() in _SUFFIXES
    # A known suffix counts even if the content is broken: the reader then names the file.
    return path.is_file() and (
        path.suffix.lower() in _SUFFIXES or bool(cv2.haveImageReader(str(path)))
    )


def natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Return a key to sort by: frame2 before frame10."""
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name
