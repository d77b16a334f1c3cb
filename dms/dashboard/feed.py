"""Where the page's numbers come from: the service's local socket, or a recording played back."""

from __future__ import annotations

import logging
import threading
import time
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dms.chain import Chain
from dms.errors import DmsError
from dms.files.observations import OBSERVATIONS, load
from dms.monitor import Monitor, VehicleSource, replay
from dms.resource import OpenedResource
from dms.service.notify import Notifier
from dms.service.status import Status
from dms.service.view import ViewError, view_object, watch
from dms.values import Step

_log = logging.getLogger(__name__)
_RETRY_S = 0.5


class Feed(OpenedResource):
    """Holds the newest numbers; a context manager whose thread fetches them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[str, Any] = {"connected": False, "why": "starting"}
        self._count = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dms-feed", daemon=True)

    def newest(self) -> tuple[int, dict[str, Any]]:
        """Return a running number and the newest numbers; the number grows with each."""
        with self._lock:
            return self._count, self._newest

    def _tell(self, thing: dict[str, Any]) -> None:
        with self._lock:
            self._newest = thing
            self._count += 1

    @abstractmethod
    def _run(self) -> None: ...

    def open(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(2.0)


class ServiceFeed(Feed):
    """Reads the running service's socket, and connects again when the service restarts."""

    def __init__(self, socket: Path) -> None:
        super().__init__()
        self._socket = socket

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                for seen in watch(self._socket, patience_s=2.0):
                    self._tell({"connected": True, **seen})
                    if self._stop.is_set():
                        return
                self._tell({"connected": False, "why": "the service has ended"})
            except ViewError as error:
                self._tell({"connected": False, "why": str(error)})
            except (ValueError, KeyError, TypeError):  # cut off within a line
                self._tell({"connected": False, "why": "the service broke off"})
            self._stop.wait(_RETRY_S)


class ReplayFeed(Feed):
    """Plays a video or recorded observations through the chain at the speed it was recorded."""

    def __init__(self, source: str, chain: Chain, speed: float = 1.0) -> None:
        super().__init__()
        self._source, self._chain, self._speed = source, chain, speed
        self._status = Status(Notifier())
        if source.endswith(OBSERVATIONS):  # they come without a camera, landmarks or nets
            self._status.parts = ()
        self._begun_s: float | None = None
        self._first_s = 0.0
        self._end: Callable[[], None] = lambda: None  # of a camera's loop

    def _run(self) -> None:
        try:
            self._chain.reset()
            with self._chain.vehicle(live=False, recording=self._source) as vehicle:
                self._play(vehicle)
            self._tell({"connected": False, "why": "the recording has ended"})
        except DmsError as error:
            self._tell({"connected": False, "why": str(error)})
        except Exception as error:  # noqa: BLE001 (else the page shows its last numbers for ever)
            _log.exception("the replay broke off")
            why = f"the replay broke off: unexpected {type(error).__name__}; please report it"
            self._tell({"connected": False, "why": why})

    def _play(self, vehicle: VehicleSource | None) -> None:
        core = self._chain.core
        if self._source.endswith(OBSERVATIONS):
            moments = (m for m in load(Path(self._source)) if not self._stop.is_set())
            replay(moments, core, sinks=[self], vehicle=vehicle)
            return
        with self._chain.camera(self._source) as camera:
            monitor = Monitor(camera, self._chain.perception, core, (), vehicle, [self])
            self._end = monitor.stop
            monitor.run()

    def take(self, step: Step) -> None:
        """Wait until the moment is due, then show it. A sink of the loop."""
        if self._begun_s is None:
            self._begun_s, self._first_s = time.monotonic(), step.state.t_s
        due_s = self._begun_s + (step.state.t_s - self._first_s) / self._speed
        self._stop.wait(max(0.0, due_s - time.monotonic()))
        self._status.take(step)
        seen = view_object(step.moment, step.state, self._status)
        self._tell({"connected": True, "replay": Path(self._source).name, **seen})
        if self._stop.is_set():
            self._end()
