"""A live camera: a reader thread, the newest frame wins, and a lost camera is reported as lost.

OpenCV's ``read()`` may say true after an unplug, repeat the last picture or block for ever, so all
reading happens in a thread of its own, and what it delivers is watched from here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
from numpy.typing import NDArray

from dms.camera.argus import ADVICE, ask_for_restart, behind_argus
from dms.camera.camera import Camera
from dms.camera.frozen import Frozen, same
from dms.camera.gray import frame_picture
from dms.camera.settings import CameraSettings
from dms.camera.source import Picture, Source
from dms.errors import CameraError, CameraLostError
from dms.values import Frame

_log = logging.getLogger(__name__)
_OLDEST_STAMP_S = 5.0  # a driver stamp further off than this is not the monotonic clock
_JOIN_S = 1.0
_LOOK_S = 0.2  # how soon a waiting read notices an interruption
_OPENING = "No picture has come from the camera yet; check cable and power if it stays so."
_MOST_STUCK = 3  # readers that never came back; each keeps a thread and perhaps the device


def capture_time(driver_s: float | None, now_s: float) -> float:
    """Return the driver's stamp if it plausibly is the monotonic clock, else the arrival time."""
    if driver_s is None or not now_s - _OLDEST_STAMP_S <= driver_s <= now_s:
        return now_s
    return driver_s


class _Reader:
    """One run of a source in a thread of its own: opens, reads and closes it there."""

    def __init__(
        self, source: Source, frozen_s: float | None, stale: NDArray[Any] | None = None
    ) -> None:
        self._source = source
        self.stale = stale  # the frozen picture: until another one comes, nothing has come
        self._condition = threading.Condition()
        self._stopping = threading.Event()
        self._newest: tuple[int, Picture] | None = None
        self._error: CameraError | None = None
        self.finished = False
        self._interrupted = self._delivered = False
        self._count = 0
        self._arrived_s = time.monotonic()
        self._frozen = Frozen(frozen_s, self._arrived_s)
        self._stamp_s = float("-inf")
        self._thread = threading.Thread(target=self._run, name="dms-camera", daemon=True)
        self._thread.start()

    def take(self, settings: CameraSettings, wait: bool = True) -> tuple[int, Picture] | None:
        """Return a picture not taken before; None at the end, if interrupted or not to ``wait``."""
        with self._condition:
            while self._newest is None:
                if self._error is not None:
                    raise self._error
                if self.finished:
                    return None
                if wait and self._interrupted:
                    self._interrupted = False
                    return None
                patience_s = settings.silent_s if self._count else settings.first_frame_s
                left_s = self._arrived_s + patience_s - time.monotonic()
                if left_s <= 0:
                    raise self._silent(patience_s)
                if not wait:
                    return None
                self._condition.wait(min(left_s, _LOOK_S))
            taken, self._newest, self._delivered = self._newest, None, True
            return taken

    @property
    def delivered(self) -> bool:
        """Whether a picture was taken; what becomes of the next is told by :meth:`take`."""
        return self._delivered

    def interrupt(self, again: bool = False) -> None:
        """Let the waiting :meth:`take` return; only sets a flag, as a signal handler may.

        ``again``: forget an interruption that met nobody waiting.
        """
        self._interrupted = not again

    def stop(self) -> bool:
        """Ask the thread to end; False if it is stuck in the driver and was left behind."""
        self._stopping.set()
        self._thread.join(_JOIN_S)
        return not self._thread.is_alive()

    def _silent(self, patience_s: float) -> CameraLostError:
        what = "no new picture" if self._count else "no first picture"
        if self.stale is not None:
            what = "nothing but the frozen picture"
        return CameraLostError(
            f"The camera is silent: {what} within {patience_s:g} s; check cable and power. It is "
            "opened again."
        )

    def _run(self) -> None:
        error: CameraError | None = CameraLostError(
            "The camera's reader thread ended by a defect; see the traceback in the log."
        )
        try:
            self._read_all()
            error = None
        except CameraError as failure:
            error = failure
        except (OSError, cv2.error) as failure:
            error = CameraLostError(f"The camera failed while reading ({failure}); check it.")
        finally:
            with self._condition:
                self._error, self.finished = error, True
                self._condition.notify_all()
            self._source.close()

    def _read_all(self) -> None:
        self._source.open()
        while not self._stopping.is_set() and not self._source.ended:
            picture = self._source.grab()
            if picture is not None:
                self._put(picture)

    def _put(self, picture: Picture) -> None:
        now_s = time.monotonic()
        if picture.image.size == 0:
            raise CameraLostError("The camera gives empty pictures; check its cable and driver.")
        if self.stale is not None and same(picture.image, self.stale):
            return
        self.stale = None
        self._watch_frozen(picture.image, now_s)
        stamp_s = capture_time(picture.t_s, now_s)
        if stamp_s <= self._stamp_s:  # the driver's clock was set back: time must go on
            stamp_s = max(now_s, self._stamp_s)
        self._stamp_s = stamp_s
        with self._condition:
            stamped = replace(picture, t_s=stamp_s)
            self._newest = (self._count, stamped)
            self._count += 1
            self._arrived_s = now_s
            self._condition.notify_all()

    def _watch_frozen(self, image: NDArray[Any], now_s: float) -> None:
        """Raise CameraLostError where the very same picture comes again and again."""
        why = self._frozen.why(image, now_s)
        if why is not None:
            self.stale = image
            raise CameraLostError(
                f"{why} It is opened again; if this repeats, replug the camera or look at its "
                "driver."
            )


class LiveCamera(Camera):
    """Newest frame of a live source; ``sequence`` counts captured frames, so gaps are drops.

    After a CameraLostError, :meth:`close` and :meth:`open` start afresh with a new source; one
    that was frozen is back only with another picture. A
    ``patient`` camera never waits in :meth:`open`: each call looks whether the first picture has
    come, and raises CameraLostError until then, so that the caller can tell others meanwhile.
    """

    live = True

    def __init__(
        self,
        make_source: Callable[[], Source],
        settings: CameraSettings,
        patient: bool = False,
    ) -> None:
        self._make_source = make_source
        self._settings = settings
        self._patient = patient
        self._reader: _Reader | None = None
        self._first: tuple[int, Picture] | None = None
        self._stuck = 0
        self._why = _OPENING  # then: what kept it from opening
        self._stale: NDArray[Any] | None = None
        self._last_s = float("-inf")
        self._size: tuple[int, ...] | None = None

    def open(self) -> None:
        """Open the source and wait for its first picture, at most ``first_frame_s``."""
        if self._patient and self._reader is not None:
            self._reader.interrupt(again=True)
            self._look()
            return
        if self.given_up:
            raise CameraError(
                f"{self._stuck} reads never came back from the camera's driver; restart dms, and "
                "replug the camera or restart the machine if this repeats."
            )
        self.close()
        self._reader = _Reader(self._make_source(), self._settings.frozen_s, self._stale)
        self._look()

    @property
    def opening(self) -> bool:
        """Whether a patient camera was opened and its first picture has not come yet."""
        waits = self._patient and self._reader is not None and not self._reader.delivered
        return waits and self._first is None

    @property
    def given_up(self) -> bool:
        """True once a few reads have never come back."""
        return self._stuck >= _MOST_STUCK

    def read(self) -> Frame | None:
        taken, self._first = self._first, None
        if taken is None:
            taken = self._take()
        if taken is None:
            return None
        sequence, picture = taken
        self._check_size(picture.image)
        try:
            gray = frame_picture(picture, self._settings)
        except CameraError as error:  # one odd picture is no reason to end the service
            raise CameraLostError(str(error)) from error
        self._last_s = max(picture.t_s or 0.0, self._last_s + 1e-6)  # time never stands still
        return Frame(gray=gray, t_s=self._last_s, sequence=sequence)

    def interrupt(self) -> None:
        reader = self._reader
        if reader is not None:
            reader.interrupt()

    def close(self) -> None:
        reader, self._reader, self._first = self._reader, None, None
        if reader is None:
            return
        self._stale = reader.stale
        if not reader.stop():
            self._stuck += 1
            _log.warning("A read is stuck in the camera's driver; it was left behind.")

    def _look(self) -> None:
        """Fetch the first picture, waiting for it unless patient."""
        if self._first is not None or (self._reader is not None and self._reader.delivered):
            return
        try:
            self._first = self._take(wait=not self._patient)
        except CameraError as error:
            self._why = str(error)
            self.close()
            raise
        if self._first is None and self._patient and self._reader and not self._reader.finished:
            raise CameraLostError(self._why)
        self._why = _OPENING

    def _take(self, wait: bool = True) -> tuple[int, Picture] | None:
        if self._reader is None:
            if self._patient:
                raise CameraLostError(self._why)
            raise CameraError("The camera is not open; use it in a with statement.")
        try:
            return self._reader.take(self._settings, wait)
        except (
            CameraError
        ) as error:  # silent where the daemon is stuck, not opened where it is dead
            if not behind_argus(self._settings.source):
                raise
            ask_for_restart()
            raise type(error)(f"{error} {ADVICE}.") from error

    def _check_size(self, image: NDArray[Any]) -> None:
        size = image.shape[:2]
        if size == self._size:
            return
        asked = (self._settings.height, self._settings.width)
        if self._size is not None:
            _log.warning("The camera's picture changed from %s to %s.", self._size, size)
        elif any(want not in (None, have) for want, have in zip(asked, size, strict=True)):
            _log.warning(
                "The camera gives %d x %d instead of the %s x %s asked for; list its sizes with "
                "v4l2-ctl --list-formats-ext.",
                size[1],
                size[0],
                self._settings.width,
                self._settings.height,
            )
        self._size = size
