"""The cabin's twin: a rendered driver before a live camera that can fail in every way."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.camera.source import Picture, Source
from dms.errors import CameraError
from tools.rendering.clip import FPS as FILM_FPS
from tools.rendering.clip import Sensor, frames, tell_story
from tools.rendering.portrait import Portrait, Puppet

Image = NDArray[np.uint8]
Effect = Callable[[Image, int], "Picture | None"]
FPS = 15.0
_AWAKE_S = 6.0  # of film, with two blinks, repeated
_ASLEEP = 12  # pictures of shut eyes that differ by the sensor's noise


class Cabin:
    """What the camera sees; ``asleep`` shuts the driver's eyes, ``effect`` spoils each picture.

    ``unplugged`` refuses to open.
    """

    def __init__(self, seed: int) -> None:
        story = tell_story(seed, _AWAKE_S)
        step = round(FILM_FPS / FPS)
        self._awake = [gray for _, _, gray in frames(story, seed, _AWAKE_S)][::step]
        portrait, sensor = Portrait(), Sensor(seed)
        shut = portrait.picture(Puppet(lid=1.0))
        self._asleep = [sensor.expose(shut) for _ in range(_ASLEEP)]
        self.asleep = False  # the driver's eyes are shut
        self.effect: Effect | None = None
        self.unplugged = False

    def source(self) -> Source:
        """Return a camera that looks into this cabin."""
        return _CabinSource(self)

    def image(self, number: int) -> Image:
        """Return what is to be seen now."""
        if self.asleep:
            return self._asleep[number % _ASLEEP]
        return self._awake[number % len(self._awake)]


class _CabinSource(Source):
    def __init__(self, cabin: Cabin) -> None:
        self._cabin = cabin
        self._numbers = itertools.count()
        self._due_s = time.monotonic()

    def open(self) -> None:
        if self._cabin.unplugged:
            raise CameraError("No camera is connected.")

    def grab(self) -> Picture | None:
        self._due_s = max(self._due_s + 1.0 / FPS, time.monotonic())
        time.sleep(max(0.0, self._due_s - time.monotonic()))
        number = next(self._numbers)
        if self._cabin.unplugged:
            raise OSError(19, "No such device")
        image = self._cabin.image(number)
        effect = self._cabin.effect
        return effect(image, number) if effect else Picture(image, time.monotonic())

    def close(self) -> None:
        pass


def frozen(image: Image, number: int) -> Picture | None:
    """Give the very same picture again and again."""
    del image, number
    still = np.full((480, 640), 90, np.uint8)
    still[::2] = 120
    return Picture(still, time.monotonic())


def silent(image: Image, number: int) -> Picture | None:
    """Give nothing."""
    del image, number
    time.sleep(0.05)


def noise(image: Image, number: int) -> Picture | None:
    """Give nothing but noise."""
    random = np.random.default_rng(number)
    return Picture(random.integers(0, 255, image.shape, np.uint8), time.monotonic())


def overexposed(image: Image, number: int) -> Picture | None:
    """Give white."""
    del number
    return Picture(np.full_like(image, 255), time.monotonic())


def black(image: Image, number: int) -> Picture | None:
    """Give black."""
    del number
    return Picture(np.zeros_like(image), time.monotonic())


def smaller(image: Image, number: int) -> Picture | None:
    """Give another size than was agreed."""
    del number
    small = cv2.resize(image, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    return Picture(np.asarray(small, np.uint8), time.monotonic())


def half(image: Image, number: int) -> Picture | None:
    """Give pictures whose upper half never arrived."""
    del number
    torn = image.copy()
    torn[: image.shape[0] * 11 // 20] = 16
    return Picture(torn, time.monotonic())


def empty(image: Image, number: int) -> Picture | None:
    """Give pictures without a pixel."""
    del number
    return Picture(image[:0], time.monotonic())


def twice(image: Image, number: int) -> Picture | None:
    """Give every picture twice with one stamp."""
    stamp_s = time.monotonic() if number % 2 else time.monotonic() - 1.0 / FPS
    return Picture(image, stamp_s)


def dropping(image: Image, number: int) -> Picture | None:
    """Lose every other picture."""
    return Picture(image, time.monotonic()) if number % 2 else None


def stamps_back(image: Image, number: int) -> Picture | None:
    """Stamp three seconds early, as after a step of the driver's clock."""
    del number
    return Picture(image, time.monotonic() - 3.0)


def stamps_forward(image: Image, number: int) -> Picture | None:
    """Stamp a minute late."""
    del number
    return Picture(image, time.monotonic() + 60.0)
