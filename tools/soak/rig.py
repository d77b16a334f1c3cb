"""The service as it runs in a vehicle, around a rendered cabin, with every way out attached."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from dms.bridge import BridgeSettings
from dms.bridge.settings import MqttSettings
from dms.camera.live import LiveCamera
from dms.config import Settings
from dms.errors import DmsError
from dms.resource import OpenedResource
from dms.service.notify import Notifier
from dms.service.service import Service, patient_bridges
from dms.service.status import StartSettings, Status
from dms.service.watchdog import Liveness, LivenessSettings
from dms.store.events import EventStore, StoreSettings
from dms.store.writer import StoreWriter
from tests.bridge.broker import PLACE, Broker, Listener
from tests.bridge.lawicel import Lawicel
from tools.soak.cabin import Cabin
from tools.soak.ears import HeadUnit, Journal

SILENT_S, FROZEN_S, DEGRADED_S, CHECK_S = 1.0, 1.0, 2.0, 2.0
_MOST_STRETCH = 5.0


class FillingStore(EventStore):
    """A store on a disk that can be full: SQLite itself then refuses to grow the file."""

    full = False

    def _writing(self):  # type: ignore[no-untyped-def]
        if self._base is not None:
            pages = "(SELECT page_count FROM pragma_page_count)" if self.full else "1073741823"
            value = self._base.execute(f"SELECT {pages}").fetchone()[0]
            self._base.execute(f"PRAGMA max_page_count = {value}")
            if self.full:
                self._base.execute("PRAGMA cache_spill = OFF")
        return super()._writing()


class Rig(OpenedResource):
    """A context manager around one running service; ``patience`` stretches its own deadlines.

    Up to five times only: a thread rests for seconds on a loaded machine, not for minutes.
    """

    def __init__(self, folder: Path, seed: int, patience: float = 1.0) -> None:
        self.folder = folder
        self.cabin = Cabin(seed)
        self.adapter = Lawicel(folder / "usb-adapter")
        kept = f"allow_anonymous true\npersistence true\npersistence_location {folder}/"
        self.broker = Broker(folder, kept) if PLACE else None
        self.listener: Listener | None = None
        self.journal = Journal()
        self.head = HeadUnit(f"soak-{seed}")
        self.store = FillingStore(folder / "events.db", StoreSettings(lowest_level=1))
        self.writer = StoreWriter(self.store, 1, CHECK_S)
        self.clock_off_s = 0.0
        self.fresh: Settings | DmsError = self._settings(seed, min(patience, _MOST_STRETCH))
        notifier = Notifier({})
        self.status = Status(notifier)
        liveness = Liveness(LivenessSettings(), notifier)
        self.service = Service(
            self._read, notifier, liveness, self.status, [self.writer],
            make_camera=lambda chosen: LiveCamera(self.cabin.source, chosen, patient=True),
        )  # fmt: skip
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="soak-service")
        self._stack = ExitStack()

    def _settings(self, seed: int, stretch: float) -> Settings:
        usual = Settings()
        bridges = [
            BridgeSettings(kind="virtual", channel=f"soak-{seed}"),
            BridgeSettings(kind="slcan", channel=str(self.adapter.link), retry_s=0.2),
        ]
        if self.broker is not None:
            mqtt = MqttSettings(port=self.broker.port, retry_s=0.2)
            bridges.append(BridgeSettings(kind="mqtt", mqtt=mqtt))
        policy = replace(usual.core.policy, degraded_s=DEGRADED_S * stretch)
        camera = replace(usual.camera, silent_s=SILENT_S * stretch, frozen_s=FROZEN_S * stretch)
        service = replace(usual.service, start=StartSettings(ready_s=2.0, load_retry_s=0.5))
        whole = replace(
            usual, bridges=tuple(bridges), core=replace(usual.core, policy=policy),
            camera=camera, service=service,
        )  # fmt: skip
        return patient_bridges(whole)

    def _read(self) -> Settings:
        if isinstance(self.fresh, DmsError):
            raise self.fresh
        return self.fresh

    def _run(self) -> None:
        try:
            self.service.run(self._read())
        except BaseException as error:  # noqa: BLE001  (told by whoever waits)
            self.failure = error

    def open(self) -> None:
        """Start the service and whoever listens to it."""
        logging.getLogger("dms").addHandler(self.journal)
        logging.getLogger("dms").setLevel(logging.INFO)
        self._stack.callback(logging.getLogger("dms").removeHandler, self.journal)
        self._stack.callback(self.head.close)
        self._stack.callback(self.adapter.unplug)
        if self.broker is not None:
            self._stack.enter_context(self.broker)
            self.listener = Listener(self.broker.port, session="soak-head-unit")
            self._stack.callback(self.listener.close)
        self._stack.enter_context(self.writer)
        self._thread.start()
        self._stack.callback(self._end)

    def close(self) -> None:
        """End the service, then the listeners."""
        self._stack.close()

    def _end(self) -> None:
        self.service.stop()
        self._thread.join(30.0)

    def wait(self, true: Callable[[], object], patience_s: float) -> float | None:
        """Return after how long ``true()`` held, None where it never did."""
        begun_s = time.monotonic()
        while not true():
            if time.monotonic() - begun_s > patience_s or self.failure is not None:
                return None
            time.sleep(0.02)
        return time.monotonic() - begun_s

    def well(self) -> bool:
        """Tell whether a driver with open eyes is seen and nothing is wrong."""
        state = self.head.state
        fresh = time.monotonic() - self.head.state_s < 1.0
        return fresh and state.get("Health") == "Ok" and state.get("Eyes") == "Open"

    def stored(self, kind: str) -> int:
        """Return how many events of a kind the store's file holds."""
        try:
            with sqlite3.connect(f"file:{self.folder / 'events.db'}?mode=ro", uri=True) as base:
                rows = base.execute("SELECT COUNT(*) FROM events WHERE kind = ?", (kind,))
                return int(rows.fetchone()[0])
        except sqlite3.Error:
            return 0
