"""Live streams through OpenCV: V4L2 without linuxpy, GStreamer where built in, RTSP by FFmpeg."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.camera.alignment import Alignment
from dms.camera.devices import find_device
from dms.camera.pipelines import pipeline
from dms.camera.raw_formats import decode_buffer
from dms.camera.settings import CameraSettings, PixelFormat
from dms.camera.source import Picture, Source
from dms.errors import CameraError, CameraLostError

_MOST_FAILURES = 3  # reads in a row that say false; a single one may be a broken JPEG


class OpenCvStream(Source):
    """What the OpenCV streams share; a sub-class says how to open and what a read gives."""

    _asked = "that it is plugged in, not used by another program and that this user may read it"

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings
        self._capture: cv2.VideoCapture | None = None
        self._failures = 0

    def _connect(self) -> cv2.VideoCapture:
        raise NotImplementedError

    def _picture(self, capture: cv2.VideoCapture, image: NDArray[Any]) -> Picture:
        del capture  # its POS_MSEC is stream time, not the monotonic clock
        return Picture(image)

    def open(self) -> None:
        capture = self._connect()
        if not capture.isOpened():
            capture.release()
            raise CameraError(
                f"The camera {self._settings.source} cannot be opened; check {self._asked}."
            )
        self._capture, self._failures = capture, 0

    def grab(self) -> Picture | None:
        if self._capture is None:
            return None
        got, image = self._capture.read()
        if not got or image is None:
            self._failures += 1
            if self._failures >= _MOST_FAILURES:
                raise CameraLostError(
                    f"The camera {self._settings.source} gives no pictures; plug it in again."
                )
            return None
        self._failures = 0
        return self._picture(self._capture, image)

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None


class OpenCvV4l2(OpenCvStream):
    """CAP_V4L2 with conversion off, so that GREY, Y10 and Y16 come as the sensor sent them."""

    def __init__(self, settings: CameraSettings) -> None:
        super().__init__(settings)
        self._path = Path()
        self._form = PixelFormat.GREY
        self._alignment = Alignment(self._form.value, self._form.bits)

    def _connect(self) -> cv2.VideoCapture:
        self._path = find_device(self._settings.source)
        asked = self._settings.pixel_format
        for form in [asked] if asked else PixelFormat:
            capture = cv2.VideoCapture(str(self._path.resolve()), cv2.CAP_V4L2, self._ask(form))
            given = int(capture.get(cv2.CAP_PROP_FOURCC)) if capture.isOpened() else 0
            if given == _fourcc(form):
                self._form = form
                self._alignment = Alignment(form.value, form.bits, asked=self._settings.bits)
                return capture
            capture.release()
        wanted = asked.value if asked else ", ".join(form.value for form in PixelFormat)
        raise CameraError(
            f"{self._path} does not open or offers none of {wanted}; see v4l2-ctl --list-formats."
        )

    def _ask(self, form: PixelFormat) -> list[int]:
        ask = [cv2.CAP_PROP_FOURCC, _fourcc(form), cv2.CAP_PROP_CONVERT_RGB, 0]
        for key, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, self._settings.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, self._settings.height),
            (cv2.CAP_PROP_FPS, None if self._settings.fps is None else round(self._settings.fps)),
        ):
            if value is not None:
                ask += [key, value]
        return ask

    def _picture(self, capture: cv2.VideoCapture, image: NDArray[Any]) -> Picture:
        # A read may go on saying true after the unplug, with the last picture again.
        if not self._path.exists():
            raise CameraLostError(f"{self._path} is gone; plug the camera in again.")
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        data = np.ascontiguousarray(image).view(np.uint8)
        gray = decode_buffer(data, self._form, width, height)
        stamp_s = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000.0  # of the driver's buffer
        return Picture(gray, stamp_s or None, self._alignment.bits_of(gray))


class OpenCvGStreamer(OpenCvStream):
    """A pipeline through an OpenCV that was built with GStreamer, as JetPack's is."""

    def _connect(self) -> cv2.VideoCapture:
        return cv2.VideoCapture(pipeline(self._settings), cv2.CAP_GSTREAMER)


class OpenCvRtsp(OpenCvStream):
    """RTSP by OpenCV's own FFmpeg, for machines without GStreamer."""

    _asked = (
        "its address, network and password, and that the service's unit lets the address through"
    )

    def _connect(self) -> cv2.VideoCapture:
        first_ms = round(self._settings.first_frame_s * 1000)
        silent_ms = round(self._settings.silent_s * 1000)
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, first_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC]
        return cv2.VideoCapture(self._settings.source, cv2.CAP_FFMPEG, [*limits, silent_ms])


def _fourcc(form: PixelFormat) -> int:
    return int.from_bytes(form.value.ljust(4).encode("ascii"), "little")
