"""What a caller hands over is checked before perception sees it: pictures, times, own cameras."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dms.camera.camera import Camera, Damage
from dms.errors import CameraError
from dms.values import Frame


class RisingPictures:
    """Counts the pictures of one source; each must be gray, uint8, and later than the last.

    ``live``: a time may repeat or step back, as clocks do; the decision passes such frames over.
    """

    def __init__(self, *, live: bool = False) -> None:
        self.count, self._last_s, self._live = 0, float("-inf"), live

    def check(self, gray: Any, t_s: float) -> None:
        """Raise CameraError that says what to give in place of ``gray`` or ``t_s``."""
        if not isinstance(gray, np.ndarray):
            raise CameraError(f"picture {self.count} is {type(gray).__name__}; give a numpy array")
        if gray.dtype != np.uint8 or gray.ndim != 2 or not gray.size:
            raise CameraError(
                f"picture {self.count} is {gray.dtype} of shape {gray.shape}; give gray ones as "
                "uint8 of (height, width), as of cv2.cvtColor(..., cv2.COLOR_BGR2GRAY)"
            )
        if not math.isfinite(t_s):
            raise CameraError(f"picture {self.count} is of {t_s} s; give seconds that rise")
        if not (t_s > self._last_s or self._live):
            raise CameraError(
                f"picture {self.count} is of {t_s} s, the one before of {self._last_s} s; "
                "give seconds that rise"
            )
        self.count, self._last_s = self.count + 1, t_s


class CheckedCamera(Camera):
    """A camera of the caller's own; what its frames hold is checked."""

    def __init__(self, camera: Camera) -> None:
        if not isinstance(getattr(camera, "live", None), bool | np.bool_):
            raise CameraError(
                f"{type(camera).__name__} says not whether it is live; set its live = False for a "
                "recording, True for what cannot wait"
            )
        self.live = bool(camera.live)
        self._camera, self._pictures = camera, RisingPictures(live=self.live)

    def open(self) -> None:
        self._camera.open()

    def read(self) -> Frame | None:
        frame = self._camera.read()
        if frame is None:
            return None
        if not isinstance(frame, Frame):
            raise CameraError(
                f"{type(self._camera).__name__}.read gave {type(frame).__name__}; give "
                "dms.Frame(gray, t_s, sequence), or None at the end"
            )
        self._pictures.check(frame.gray, frame.t_s)
        return frame

    def close(self) -> None:
        self._camera.close()

    @property
    def opening(self) -> bool:
        return self._camera.opening

    @property
    def given_up(self) -> bool:
        return self._camera.given_up

    @property
    def damages(self) -> tuple[Damage, ...]:
        return self._camera.damages

    def interrupt(self) -> None:
        self._camera.interrupt()
