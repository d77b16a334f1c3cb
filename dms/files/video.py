"""A copy of a recording with what was seen and reported drawn over it, for the bench only.

The copy shows a person: whoever makes it is answerable for it. The vehicle never writes one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.errors import ConfigError
from dms.resource import Resource
from dms.values import EXPRESSIONS, DriverState, Level, Moment, Step

_COLOURS = {  # blue, green, red
    Level.NONE: (120, 200, 60), Level.ADVISORY: (0, 170, 230), Level.WARNING: (0, 90, 230),
    Level.CRITICAL: (50, 20, 200),
}  # fmt: skip
_WHITE = (235, 235, 235)
_WHOLE = 0.95  # of the pictures, and all but two; what a full disk cuts off lacks its index or more
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class AnnotatedVideo(Resource):
    """A sink of the loop that writes an MP4; a context manager."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._fps = path, fps
        self._writer: Any = None
        self._size = (0, 0)  # width and height of the first
        self._frames = 0
        self._mood = ""

    def take(self, step: Step) -> None:
        """Add one frame. Raises ConfigError where the video cannot be written."""
        if step.frame is None:
            return
        picture = cv2.cvtColor(step.frame.gray, cv2.COLOR_GRAY2BGR)
        self._draw(picture, step.moment, step.state)
        if self._writer is None:
            self._writer = self._open(picture)
            self._size = picture.shape[1], picture.shape[0]
        if (picture.shape[1], picture.shape[0]) != self._size:  # the writer would leave it out
            picture = cv2.resize(picture, self._size)
        self._writer.write(picture)
        self._frames += 1

    def close(self) -> None:
        """Finish the file; a second call does nothing. Raises ConfigError where it is not whole."""
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        written = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)  # the writer tells no failure
        told = written.get(cv2.CAP_PROP_FRAME_COUNT)  # estimated where the file has no index: MPEG
        whole = told >= _WHOLE * self._frames - 2
        written.release()
        if not whole:
            raise ConfigError(f"{self._path} could not be written to its end; free the disk")

    def _open(self, picture: NDArray[Any]) -> Any:
        height, width = picture.shape[:2]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        code = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(self._path), cv2.CAP_FFMPEG, code, self._fps, (width, height))
        if not writer.isOpened():
            raise ConfigError(f"cannot write {self._path}; name an .mp4 in a folder you may write")
        return writer

    def _draw(self, picture: NDArray[Any], moment: Moment, state: DriverState) -> None:
        seen, colour = moment.observation, _COLOURS[state.level]
        if seen.face is not None:
            box = seen.face
            corner = (round(box.x), round(box.y))
            end = (round(box.x + box.width), round(box.y + box.height))
            cv2.rectangle(picture, corner, end, colour, 2)
        if seen.expression is not None:
            scores = seen.expression.relative or seen.expression.probabilities
            best, by = int(np.argmax(scores)), "rest" if seen.expression.relative else "abs."
            self._mood = f"{EXPRESSIONS[best]} {scores[best]:.2f} ({by})"
        alert = f"{state.kind.value} ({state.level.name.lower()})" if state.kind else "no alert"
        right, left = _number(state.right_eye.openness), _number(state.left_eye.openness)
        lines = [
            f"{state.t_s:7.2f} s  {alert}",
            f"eyes {state.eyes.value}  right {right} left {left}",
            f"PERCLOS {_number(state.perclos)}  drowsiness {state.drowsiness or '-'}",
            f"yaw {_number(seen.pose.yaw_deg if seen.pose else None, 0)}  {self._mood}",
        ]
        for at, line in enumerate(lines):
            place = (8, 20 + 19 * at)
            cv2.putText(picture, line, place, _FONT, 0.5, (0, 0, 0), 3, cv2.LINE_AA)
            shade = colour if at == 0 else _WHITE
            cv2.putText(picture, line, place, _FONT, 0.5, shade, 1, cv2.LINE_AA)


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
