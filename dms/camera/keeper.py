"""Keeps a camera open: opens it again with back-off, and closes it while privacy is wanted."""

from __future__ import annotations

import logging

from dms.camera.camera import Camera
from dms.errors import CameraError

_log = logging.getLogger(__name__)


class Keeper:
    """Knows why a camera gives no picture. It owns no clock: every call is told the time.

    ``lost``: why a camera that is still being opened gives none, None where privacy closed it. Who
    wakes after privacy may take ``wake_s`` before that is a fault, and wakes once in ``rest_s`` at
    most, however often somebody pauses and resumes. Without pauses each call tries.
    """

    def __init__(
        self,
        camera: Camera,
        *,
        first_retry_s: float = 0.0,
        longest_retry_s: float = 0.0,
        wake_s: float = 0.0,
        rest_s: float = 0.0,
        lost: str | None = None,
    ) -> None:
        self.camera = camera
        self._first_s, self._longest_s, self._wake_s = first_retry_s, longest_retry_s, wake_s
        self.lost = lost  # why it is lost, None while it is not
        self.refused: str | None = None  # why it did not open when last tried
        self._pause_s = self._due_s = self._asleep_s = 0.0
        self._rest_s, self._woken_s = rest_s, float("-inf")
        self._is_asleep = False  # closed for privacy, and not woken since

    def lose(self, now_s: float, why: str | None) -> None:
        """Begin to wait: the camera is lost for ``why``, or privacy closes it (None)."""
        if not self.camera.opening:
            self.camera.close()
            self._is_asleep = why is None
        self.lost, self._pause_s = why, self._first_s
        self._due_s = self._asleep_s = now_s

    def opened(self, now_s: float, *, private: bool) -> bool:
        """Open the camera if that is due, or close it for privacy; whether it can be read."""
        if private:
            self.camera.close()
            self.lost = self.refused = None
            self._asleep_s = self._due_s = now_s
            self._is_asleep = True
            return False
        if self._is_asleep and now_s < self._woken_s + self._rest_s:
            self._asleep_s = now_s
            return False
        if now_s < self._due_s:
            return False
        if self._is_asleep:
            self._is_asleep, self._woken_s = False, now_s
        try:
            self.camera.open()
        except CameraError as error:
            _log.debug("camera not there: %s", error)
            self.refused = str(error)
            if now_s - self._asleep_s > self._wake_s:
                self.lost = self.lost or str(error)
            self._pause_s = min(2 * self._pause_s, self._longest_s)
            self._due_s = now_s + self._pause_s
            return False
        self.refused = None
        return True
