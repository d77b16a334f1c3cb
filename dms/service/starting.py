"""The service while it starts: nets load, the camera opens, and every bus is served meanwhile.

The same turn as the loop's: commands are taken and carried out, faults are reported, nothing that a
bridge raises ends the service. The bus hears "starting".
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from dms.camera.keeper import Keeper
from dms.errors import DmsError
from dms.monitor import Turn, unseen
from dms.service.loading import Loading
from dms.service.notify import Notifier
from dms.service.parts import Parts
from dms.service.status import Status
from dms.service.watchdog import Liveness
from dms.values import Fault, Part, Unseen

_log = logging.getLogger(__name__)
_TICK_S = 0.1  # the cyclic messages' period


class Starting:
    """One start, of the service or after a reload, up to the first picture or a dead line."""

    def __init__(
        self,
        parts: Parts,
        turn: Turn,
        status: Status,
        liveness: Liveness,
        notifier: Notifier,
        interrupted: Callable[[], bool],
    ) -> None:
        self._parts, self._turn, self._status = parts, turn, status
        self._liveness, self._notifier, self._interrupted = liveness, notifier, interrupted
        self._settings = parts.chain.settings.service
        self._keeper = Keeper(parts.camera)
        self._begun_s = time.monotonic()

    def run(self) -> None:
        """Load and open; ends early where it is interrupted."""
        if not self._parts.chain.loaded:
            # Loading may hold Python's lock, so that nobody can feed the watchdog meanwhile.
            with self._notifier.allowing(self._settings.liveness.load_s):
                self._load()
        while self._parts.camera_is_new and "camera" in self._status.missing:
            if self._interrupted():
                break
            self._liveness.enter("camera")
            self.look_at_camera()
            if self._late:
                break  # the loop waits for it, and tells it as lost
            self._tell()
        self._status.ready()

    @property
    def _late(self) -> bool:
        return time.monotonic() - self._begun_s > self._settings.start.ready_s

    def look_at_camera(self) -> None:
        """Open the camera, or close it while privacy is wanted; what is missing is reported."""
        self._keeper.opened(time.monotonic(), private=self._parts.private)
        if self._keeper.refused is None:
            self._status.missing.pop("camera", None)
        else:
            self._status.missing["camera"] = self._keeper.refused

    def _load(self) -> None:
        """Load landmarks and nets, again and again; settings read meanwhile end it, too."""
        self._status.missing["nets"] = "still loading"
        loading: Loading | None = self._begin_loading()
        retry_s = 0.0
        while not self._interrupted():
            if loading is not None and loading.wait(0.0):
                if self._has_loaded(loading):
                    break
                loading, retry_s = None, time.monotonic() + self._settings.start.load_retry_s
            if loading is None:
                self._liveness.enter("camera")
                if time.monotonic() >= retry_s:
                    loading = self._begin_loading()
            self.look_at_camera()
            if self._late:
                self._status.ready()
            self._tell()
        if loading is not None and not self._parts.chain.loaded:
            loading.abandon()
        for part in ("nets", "engine"):
            self._status.missing.pop(part, None)

    def _begin_loading(self) -> Loading:
        """Load in a thread; its deadline counts from here, however often the bus is served."""
        self._liveness.enter("load")
        return Loading(self._parts.chain)

    def _has_loaded(self, loading: Loading) -> bool:
        """Take what became of the loading; a failure is reported until a later try succeeds."""
        missing = self._status.missing
        missing.pop("nets", None)
        try:
            loading.result()
        except DmsError as error:
            if missing.get("engine") != str(error):
                _log.error("%s", error)
            missing["engine"] = str(error)
            return False
        return True

    def _tell(self) -> None:
        """Take one turn without a picture, and wait for the next to be due."""
        if self._parts.camera.live:  # a recording has a time of its own
            why = Unseen.CAMERA if self._parts.private else Unseen.STARTING
            engine = self._status.missing.get("engine")
            faults = [Fault(Part.ENGINE, engine)] if engine else []
            self._turn.live(unseen(time.monotonic(), why), None, faults)
        time.sleep(_TICK_S)
