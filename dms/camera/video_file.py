"""Video files through OpenCV's FFmpeg, with the frames' own presentation times."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

import cv2
from numpy.typing import NDArray

from dms.camera.recording import RecordedSource
from dms.camera.settings import CameraSettings
from dms.camera.source import Picture
from dms.errors import CameraError

_log = logging.getLogger(__name__)
_MOST_FRAMES = 1e9  # containers without a count give nonsense such as -9e15
_MOST_FAILURES = 500  # reads in a row without a picture, after which the rest is lost
_SHORT_S = 0.5  # less than this missing at the end is rounding of the declared length ...
_SHORT_SHARE = 0.02  # ... and so is less than this share of it


class VideoFile(RecordedSource):
    """One video file. Its rotation tag is obeyed; ``settings.fps`` overrides its stamps."""

    def __init__(self, settings: CameraSettings) -> None:
        self._path = Path(settings.source)
        self._ignore_stamps = settings.fps is not None
        self._capture: cv2.VideoCapture | None = None
        self._declared = 0
        self._count = 0
        self._first_s = self._last_s = 0.0

    def open(self) -> None:
        self.close()
        check_readable(self._path)
        capture = cv2.VideoCapture(ffmpeg_name(self._path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            capture.release()
            raise CameraError(
                f"{self._path} is not a video that can be read, or was cut off before its index "
                "was written; check it with ffprobe, or record it again."
            )
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        self._capture, self.ended, self._count = capture, False, 0
        self.fps = float(capture.get(cv2.CAP_PROP_FPS))
        frames = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._declared = int(frames) if 0 < frames < _MOST_FRAMES else 0

    def grab(self) -> Picture | None:
        if self._capture is None or self.ended:
            return None
        image = self._next(self._capture)
        if image is None:
            self.ended = True
            self._check_complete()
            return None
        # A first frame at 0 is given its decode time by OpenCV, negative where frames reorder.
        raw_s = max(float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000.0, 0.0)
        if self._count == 0:
            self._first_s = raw_s
        self._count += 1
        self._last_s = max(self._last_s, raw_s) if self._count > 1 else raw_s
        return Picture(image, None if self._ignore_stamps else raw_s)

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _next(self, capture: cv2.VideoCapture) -> NDArray[Any] | None:
        """Return the next picture that can be decoded; None at the end.

        OpenCV says the same of the end and of what cannot be decoded: more tries tell them apart.
        """
        for failed in range(_MOST_FAILURES):
            got, image = capture.read()
            if got and image is not None:
                if failed:
                    self.spoilt("it cannot be decoded")
                return cast("NDArray[Any]", image)
            if self._declared and self._count + failed >= self._declared:
                break
        return None

    def _check_complete(self) -> None:
        if self._count == 0:
            raise CameraError(f"{self._path} holds no picture that can be decoded; check the file.")
        if not self._declared or self.fps <= 0 or self._count >= self._declared:
            return
        declared_s = self._declared / self.fps
        got_s = max(self._last_s - self._first_s + 1.0 / self.fps, self._count / self.fps)
        pts = getattr(cv2, "CAP_PROP_PTS", None)  # from OpenCV 4.11 on
        if self._capture is not None and pts is not None:
            # Matroska declares where it ends, also for what was cut out of a longer recording with
            # its stamps kept; OpenCV counts those in frames.
            got_s = max(got_s, (self._capture.get(pts) + 1.0) / self.fps)
        if incomplete(declared_s, got_s):
            raise CameraError(
                f"{self._path} is truncated or damaged: it declares {declared_s:.2f} s "
                f"({self._declared} frames) but ends after {got_s:.2f} s ({self._count} frames); "
                "what came before was used, record or copy the file again for the rest."
            )
        # Uneven frame times look the same as frames that cannot be decoded.
        _log.info("%s: %d frames came, about %d declared.", self._path, self._count, self._declared)


def incomplete(declared_s: float, got_s: float) -> bool:
    """Whether so much is missing of what a file declares that it was cut off."""
    return declared_s - got_s > max(_SHORT_S, _SHORT_SHARE * declared_s)


def check_readable(path: Path) -> None:
    """Raise CameraError unless ``path`` is a file with something in it."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        raise CameraError(f"There is no recording {path}; check camera.source.") from None
    except OSError as error:
        raise CameraError(f"{path} cannot be read ({error.strerror}); check it.") from error
    if size == 0:
        raise CameraError(f"{path} is empty; record or copy it again.")


def ffmpeg_name(path: Path) -> str:
    """Return a name that FFmpeg takes for a file: a colon in it would name a protocol."""
    return f"file:{path}" if ":" in str(path) else str(path)
