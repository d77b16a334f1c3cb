"""V4L2 cameras through linuxpy: the sensor's own gray formats with the driver's time stamps."""

from __future__ import annotations

import contextlib
import logging
import select
from pathlib import Path

from linuxpy.video.device import (
    BufferType,
    Device,
    VideoCapture,
    get_raw_format,
    human_pixel_format,
    iter_read,
)
from linuxpy.video.raw import IOC, v4l2_fmtdesc

from dms.camera.alignment import Alignment
from dms.camera.controls import V4l2Controls
from dms.camera.devices import find_device, why_refused
from dms.camera.raw_formats import decode_buffer
from dms.camera.settings import CameraSettings, PixelFormat
from dms.camera.source import Picture, Source
from dms.errors import CameraError, CameraLostError

_log = logging.getLogger(__name__)
_WAIT_S = 0.5
_BUFFERS = 3
_CLOCK_MASK, _CLOCK_MONOTONIC = 0xE000, 0x2000  # V4L2_BUF_FLAG_TIMESTAMP_*
_BAD_BUFFER = 0x40  # V4L2_BUF_FLAG_ERROR: the frame may be corrupt, streaming goes on
_FOURCC = {form: form.value.ljust(4) for form in PixelFormat}


class V4l2Device(Source):
    """One capture device, memory-mapped, never blocking longer than half a second."""

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings
        self._device: Device | None = None
        self._capture: VideoCapture | None = None
        self._form = PixelFormat.GREY
        self._stride = 0
        self._alignment = Alignment(self._form.value, self._form.bits)

    def open(self) -> None:
        path = find_device(self._settings.source)
        self._device = Device(path)
        try:
            self._device.open()
            self._start(self._device, str(path))
        except OSError as error:
            self.close()
            raise CameraError(
                f"{path} cannot be used ({error.strerror or error}); {why_refused(error)}"
            ) from error

    def _start(self, device: Device, path: str) -> None:
        offered = _offered(device)
        wanted = [self._settings.pixel_format] if self._settings.pixel_format else PixelFormat
        form = next((item for item in wanted if _FOURCC[item] in offered), None)
        if form is None:
            raise CameraError(
                f"{path} offers {', '.join(offered) or 'no format'}, not "
                f"{' or '.join(item.value for item in wanted)}; set camera.pixel_format."
            )
        self._form = form
        self._alignment = Alignment(form.value, form.bits, asked=self._settings.bits)
        capture = VideoCapture(device, size=_BUFFERS)
        now = get_raw_format(device, BufferType.VIDEO_CAPTURE).fmt.pix
        width, height = self._settings.width or now.width, self._settings.height or now.height
        capture.set_format(width, height, _FOURCC[form])
        given = get_raw_format(device, BufferType.VIDEO_CAPTURE).fmt.pix
        if human_pixel_format(given.pixelformat) != _FOURCC[form]:
            raise CameraError(
                f"{path} gave {human_pixel_format(given.pixelformat)} where {form.value} was asked "
                "for; set camera.pixel_format to what it gives."
            )
        self._stride = int(given.bytesperline)
        if self._settings.fps is not None:
            try:
                capture.set_fps(self._settings.fps)
            except OSError:
                _set_tegra_rate(Path(path), self._settings.fps)
        capture.open()
        self._capture = capture

    def grab(self) -> Picture | None:
        if self._capture is None or self._device is None:
            return None
        try:
            ready, _, _ = select.select([self._device.fileno()], [], [], _WAIT_S)
            if not ready:
                return None
            frame = self._capture.buffer.raw_read()
        except OSError as error:
            raise CameraLostError(
                f"The camera is gone ({error.strerror or error}); plug it in again."
            ) from error
        if frame.buff.flags & _BAD_BUFFER:
            return None
        form = self._capture.buffer.format
        image = decode_buffer(frame.data, self._form, form.width, form.height, self._stride)
        monotonic = frame.buff.flags & _CLOCK_MASK == _CLOCK_MONOTONIC
        bits = self._alignment.bits_of(image)
        return Picture(image, frame.timestamp if monotonic else None, bits)

    def close(self) -> None:
        capture, device, self._capture, self._device = self._capture, self._device, None, None
        with contextlib.suppress(OSError):  # the device may be gone by now
            if capture is not None:
                capture.close()
        with contextlib.suppress(OSError):
            if device is not None:
                device.close()


def _set_tegra_rate(path: Path, fps: float) -> None:
    """Set the rate by the control of NVIDIA's CSI drivers, which have no other way."""
    try:
        controls = V4l2Controls(path, manual=False)
    except CameraError as error:
        _log.warning("%s", error)
        return
    try:
        controls.set_rate(fps)
    except CameraError as error:
        _log.warning("%s: %s", path, error)
    finally:
        controls.close()


def _offered(device: Device) -> list[str]:
    """Four-character codes of what the device captures, unknown ones too."""
    form = v4l2_fmtdesc()
    form.type = BufferType.VIDEO_CAPTURE
    return [human_pixel_format(item.pixelformat) for item in iter_read(device, IOC.ENUM_FMT, form)]
