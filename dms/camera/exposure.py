"""Exposure and gain follow the brightness of the face, slowly, so that the picture never pumps.

The controller is pure; :mod:`dms.camera.controls` sets what it says on the camera's device file.
"""

from __future__ import annotations

import logging
import math

from dms.camera.controls import Light, V4l2Controls
from dms.camera.devices import find_device
from dms.errors import CameraError
from dms.settings import setting, settings
from dms.values import Step

_log = logging.getLogger(__name__)


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
                if self._control.light == Light(None, None):
                    raise CameraError(
                        "the camera has no exposure and no gain to set (v4l2-ctl -l lists what it "
                        "has); switch service.exposure off, or use another camera."
                    )
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
