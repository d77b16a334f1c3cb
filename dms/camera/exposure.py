"""Exposure and gain follow the brightness of the face, slowly, so that the picture never pumps.

The controller is pure; :class:`V4l2Controls` sets what it says on the camera's device file.
"""

from __future__ import annotations

import fcntl
import logging
import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from dms.camera.devices import find_device
from dms.errors import CameraError
from dms.settings import setting, settings
from dms.values import Step

_log = logging.getLogger(__name__)
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


@settings
class ExposureSettings:
    """When and how fast exposure follows the face."""

    enabled: bool = setting(False, text="set the V4L2 camera's exposure and gain from the face")
    target: float = setting(110.0, gt=20, lt=235, unit="gray", text="wanted mean gray of the face")
    band: float = setting(25.0, gt=0, lt=100, unit="gray", text="closer than this nothing changes")
    settle_s: float = setting(
        0.5, gt=0, le=60, unit="s", text="the face must be off for so long before a step"
    )
    step: float = setting(
        1.12, gt=1, le=2, text="largest change of one step, a factor; about one just visible step"
    )
    pause_s: float = setting(0.25, gt=0, le=60, unit="s", text="between two steps")
    longest_share: float = setting(
        0.9, gt=0, le=1, text="exposure may take this share of its range before gain is raised"
    )


_SHORTEST = 0.002  # of the range of exposure; from 0 no factor leads anywhere
_LOWEST_GAIN = 0.05  # of the range of gain; below it is 0


@dataclass(frozen=True, slots=True)
class Light:
    """Exposure and gain, each 0..1 of the camera's range; None where it has no such control."""

    exposure: float | None
    gain: float | None


class ExposureControl:
    """Decides the next step; feed it the mean gray of the face (or picture) and the time."""

    def __init__(self, settings: ExposureSettings, light: Light) -> None:
        self._settings = settings
        self.light = light
        self._off_since_s: float | None = None
        self._next_s = -math.inf

    def step(self, brightness: float | None, t_s: float) -> Light | None:
        """Return the new light if it changes now, else None. Unknown brightness changes nothing."""
        s = self._settings
        if brightness is None or abs(brightness - s.target) <= s.band:
            self._off_since_s = None
            return None
        if self._off_since_s is None or t_s < self._off_since_s:
            self._off_since_s = t_s
        if t_s - self._off_since_s < s.settle_s or t_s < self._next_s:
            return None
        wanted = s.target / max(brightness, 1.0)
        factor = min(max(wanted, 1.0 / s.step), s.step)
        light = self._moved(factor)
        if light == self.light:
            return None
        self._next_s = t_s + s.pause_s
        self.light = light
        return light

    def _moved(self, factor: float) -> Light:
        """Brighter: exposure first, then gain, which adds noise. Darker: the other way round."""
        exposure, gain = self.light.exposure, self.light.gain
        if factor > 1:
            longest = self._settings.longest_share
            if exposure is not None and exposure < longest:
                return Light(min(max(exposure, _SHORTEST) * factor, longest), gain)
            if gain is not None:
                gain = min(max(gain, _LOWEST_GAIN) * factor, 1.0)
        elif gain is not None and gain > 0.0:
            gain = gain * factor if gain * factor > _LOWEST_GAIN else 0.0
        elif exposure is not None and exposure > _SHORTEST:
            exposure = max(exposure * factor, _SHORTEST)
        return Light(exposure, gain)


@dataclass(frozen=True, slots=True)
class Control:
    """One integer control of a device with its range."""

    number: int
    low: int
    high: int


class V4l2Controls:
    """Exposure and gain of one device; it may stream in another handle meanwhile."""

    def __init__(self, path: Path) -> None:
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise CameraError(f"{path} cannot be controlled ({error.strerror}).") from error
        self.exposure = self._find(_EXPOSURE) or self._find(_EXPOSURE_LINES)
        self.gain = next((found for number in _GAINS if (found := self._find(number))), None)
        for automatic, value in ((_EXPOSURE_AUTO, _MANUAL), (_AUTO_GAIN, 0)):
            if self._find(automatic):
                self._set(automatic, value)

    def light(self) -> Light:
        """Return what is set now."""
        return Light(self._share(self.exposure), self._share(self.gain))

    def apply(self, light: Light) -> None:
        """Set exposure and gain. Raises CameraError where the device refuses."""
        for control, share in ((self.exposure, light.exposure), (self.gain, light.gain)):
            if control is not None and share is not None:
                value = round(control.low + share * (control.high - control.low))
                self._set(control.number, value)

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

    def _share(self, control: Control | None) -> float | None:
        if control is None:
            return None
        raw = bytearray(_VALUE.pack(control.number, 0))
        try:
            fcntl.ioctl(self._handle, _G_CTRL, raw)
        except OSError as error:
            raise CameraError(f"The camera does not tell a control ({error.strerror}).") from error
        value = int(_VALUE.unpack(raw)[1])
        return (value - control.low) / (control.high - control.low)

    def _set(self, number: int, value: int) -> None:
        try:
            fcntl.ioctl(self._handle, _S_CTRL, bytearray(_VALUE.pack(number, value)))
        except OSError as error:
            raise CameraError(
                f"The camera refuses control {number:#x} = {value} ({error.strerror}); switch "
                "exposure control off, or use another camera."
            ) from error


class ExposureFollower:
    """A sink of the loop that keeps the face of a V4L2 camera well lit."""

    def __init__(self, source: str, settings: ExposureSettings) -> None:
        self._source = source
        self._settings = settings
        self._controls: V4l2Controls | None = None
        self._control: ExposureControl | None = None
        self._refused = False

    def take(self, step: Step) -> None:
        """Look at one step; a camera that was lost is set up afresh when it is back."""
        if step.frame is None:
            self.close()
            return
        if self._refused:
            return
        try:
            if self._control is None or self._controls is None:
                self._controls = V4l2Controls(find_device(self._source))
                self._control = ExposureControl(self._settings, self._controls.light())
            light = self._control.step(step.moment.observation.brightness, step.state.t_s)
            if light is not None:
                self._controls.apply(light)
        except CameraError as error:
            _log.warning("Exposure stays as it is: %s", error)
            self.close()
            self._refused = True

    def close(self) -> None:
        """Let go of the device and forget what was refused."""
        if self._controls is not None:
            self._controls.close()
        self._controls = self._control = None
        self._refused = False
