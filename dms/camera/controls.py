"""Exposure, gain and frame rate of a V4L2 device by its controls, NVIDIA's own ones included."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from dms.errors import CameraError

# linux/v4l2-controls.h and videodev2.h
_EXPOSURE_AUTO, _EXPOSURE = 0x009A0901, 0x009A0902
_EXPOSURE_LINES = 0x00980911  # V4L2_CID_EXPOSURE, for sensors that have no absolute one
_GAINS = (0x00980913, 0x009E0903)  # V4L2_CID_GAIN, V4L2_CID_ANALOGUE_GAIN
_AUTO_GAIN = 0x00980912
_MANUAL = 1
_QUERYCTRL, _G_CTRL, _S_CTRL = 0xC0445624, 0xC008561B, 0xC008561C
_QUERY = struct.Struct("=II32siiiiIII")
_VALUE = struct.Struct("=Ii")
_DISABLED = 0x0001
# NVIDIA's CSI drivers for Jetson know neither of the above but their own, in 64 bits
# (tegra-v4l2-camera.h of L4T R32 and later: TEGRA_CAMERA_CID_BASE + 9 to 11).
_TEGRA_GAIN, _TEGRA_EXPOSURE, _TEGRA_RATE = 0x009A2009, 0x009A200A, 0x009A200B
_TEGRA_RATE_UNIT = 1_000_000  # the usual framerate_factor of the sensors' device trees
_INTEGER64 = 5  # V4L2_CTRL_TYPE_INTEGER64
_QUERY_EXT_CTRL, _G_EXT_CTRLS, _S_EXT_CTRLS = 0xC0E85667, 0xC0205647, 0xC0205648
_QUERY_EXT = struct.Struct("=II32sqqQqII8x16x128x")  # struct v4l2_query_ext_ctrl
_EXT_CONTROL = struct.Struct("=IIIq")  # struct v4l2_ext_control
_EXT_CONTROLS = struct.Struct("=IIIiI4xQ")  # struct v4l2_ext_controls


@dataclass(frozen=True, slots=True)
class Light:
    """Exposure and gain, each 0..1 of the camera's range; None where it has no such control."""

    exposure: float | None
    gain: float | None


@dataclass(frozen=True, slots=True)
class Control:
    """One integer control of a device with its range."""

    number: int
    low: int
    high: int
    wide: bool = False  # 64 bits, which only the extended calls carry


class V4l2Controls:
    """Exposure and gain of one device; it may stream in another handle meanwhile.

    The standard controls, or those of NVIDIA's CSI drivers where these are missing. ``manual``
    switches the camera's own automatics off, which would work against what is set.
    """

    def __init__(self, path: Path, *, manual: bool = True) -> None:
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise CameraError(f"{path} cannot be controlled ({error.strerror}).") from error
        self.exposure = (
            self._find(_EXPOSURE) or self._find(_EXPOSURE_LINES) or self._find_wide(_TEGRA_EXPOSURE)
        )
        standard = next((found for number in _GAINS if (found := self._find(number))), None)
        self.gain = standard or self._find_wide(_TEGRA_GAIN)
        for automatic, value in ((_EXPOSURE_AUTO, _MANUAL), (_AUTO_GAIN, 0)):
            if manual and self._find(automatic):
                self._set(automatic, value)

    def light(self) -> Light:
        """Return what is set now."""
        return Light(self._share(self.exposure), self._share(self.gain))

    def apply(self, light: Light) -> None:
        """Set exposure and gain. Raises CameraError where the device refuses."""
        for control, share in ((self.exposure, light.exposure), (self.gain, light.gain)):
            if control is not None and share is not None:
                value = round(control.low + share * (control.high - control.low))
                self._set(control.number, value, wide=control.wide)

    def set_rate(self, fps: float) -> None:
        """Set the frame rate of one of NVIDIA's CSI drivers, which have no VIDIOC_S_PARM.

        Raises CameraError where the device has no such control or the rate lies beyond its range.
        """
        control, value = self._find_wide(_TEGRA_RATE), round(fps * _TEGRA_RATE_UNIT)
        if control is None or not control.low <= value <= control.high:
            raise CameraError(f"The camera's frame rate cannot be set to {fps:g}.")
        self._set(_TEGRA_RATE, value, wide=True)

    def close(self) -> None:
        """Let go of the device."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _find(self, number: int) -> Control | None:
        raw = bytearray(_QUERY.pack(number, 0, b"", 0, 0, 0, 0, 0, 0, 0))
        try:
            fcntl.ioctl(self._handle, _QUERYCTRL, raw)
        except OSError:
            return None
        _, _, _, low, high, _, _, flags, _, _ = _QUERY.unpack(raw)
        return None if flags & _DISABLED or high <= low else Control(number, low, high)

    def _find_wide(self, number: int) -> Control | None:
        raw = bytearray(_QUERY_EXT.pack(number, 0, b"", 0, 0, 0, 0, 0, 0))
        try:
            fcntl.ioctl(self._handle, _QUERY_EXT_CTRL, raw)
        except OSError:
            return None
        _, kind, _, low, high, _, _, flags, _ = _QUERY_EXT.unpack(raw)
        if kind != _INTEGER64 or flags & _DISABLED or high <= low:
            return None
        return Control(number, low, high, wide=True)

    def _wide(self, call: int, number: int, value: int = 0) -> int:
        """Ask or set one 64-bit control and return its value."""
        one = ctypes.create_string_buffer(_EXT_CONTROL.pack(number, 0, 0, value), _EXT_CONTROL.size)
        asked = bytearray(_EXT_CONTROLS.pack(0, 1, 0, 0, 0, ctypes.addressof(one)))
        fcntl.ioctl(self._handle, call, asked)
        return int(_EXT_CONTROL.unpack(one.raw)[3])

    def _share(self, control: Control | None) -> float | None:
        if control is None:
            return None
        raw = bytearray(_VALUE.pack(control.number, 0))
        try:
            if control.wide:
                value = self._wide(_G_EXT_CTRLS, control.number)
            else:
                fcntl.ioctl(self._handle, _G_CTRL, raw)
                value = int(_VALUE.unpack(raw)[1])
        except OSError as error:
            raise CameraError(f"The camera does not tell a control ({error.strerror}).") from error
        return (value - control.low) / (control.high - control.low)

    def _set(self, number: int, value: int, *, wide: bool = False) -> None:
        try:
            if wide:
                self._wide(_S_EXT_CTRLS, number, value)
                return
            fcntl.ioctl(self._handle, _S_CTRL, bytearray(_VALUE.pack(number, value)))
        except OSError as error:
            raise CameraError(
                f"The camera refuses control {number:#x} = {value} ({error.strerror}); switch "
                "exposure control off, or use another camera."
            ) from error
