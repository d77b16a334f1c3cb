"""A bridge that is kept up: whatever it raises, nobody else notices more than a told fault.

The service holds its bridges so: one whose certificate is missing, whose adapter will not open or
whose class has a defect is tried again with back-off, while the loop and the other bridges go on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from dms.bridge.backends import bridge_class, open_bridge
from dms.bridge.bridge import Bridge, asked, fault_of, told_by
from dms.bridge.settings import BridgeSettings
from dms.bus.shared import Heard, SharedBus
from dms.errors import DmsError
from dms.masking import told
from dms.values import Command, DriverState

_log = logging.getLogger(__name__)
_PATIENT_S = 2.0  # opening is waited for so long, then goes on beside the loop
_RETRY_S = (1.0, 30.0)  # first and longest pause before what did not open is tried again
_CLOSE_S = 2.0


class KeptBridge(Bridge):
    """Makes, opens and guards the bridge of ``settings``. No method of it raises or waits long.

    Opening runs in a thread of its own: a file on a network that hangs holds up nobody.
    """

    def __init__(
        self,
        settings: BridgeSettings,
        make: Callable[[BridgeSettings], Bridge] = open_bridge,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = settings.kind
        self.settings, self._make, self._clock = settings, make, clock
        self._lock = threading.Lock()
        self._bridge: Bridge | None = None  # while it is open
        self._trying: threading.Thread | None = None
        self._closed = False
        self._fault: str | None = None  # why it is not open
        self._defects: dict[str, str] = {}  # what its methods raised when last called
        self._due_s, self._pause_s = 0.0, _RETRY_S[0]

    @property
    def stale(self) -> bool:
        bridge = self._bridge
        try:
            return bridge is not None and bridge.stale
        except Exception:  # noqa: BLE001 (as below)
            return True

    def open(self) -> None:
        self._closed = False
        self._begin()
        trying = self._trying
        if trying is not None:
            trying.join(_PATIENT_S)
        with self._lock:
            if self._bridge is None and self._fault is None:
                self._fault = f"{self.name}: still being opened"

    def publish(self, state: DriverState) -> None:
        bridge = self._bridge
        if bridge is None:
            if self._trying is None and self._clock() >= self._due_s:
                self._begin()
            return
        try:
            bridge.publish(state)
        except Exception as error:  # noqa: BLE001 (it may be the user's own class)
            self._note("publish", error)
        else:
            self._defects.pop("publish", None)

    def commands(self) -> tuple[Command, ...]:
        bridge = self._bridge
        if bridge is None:
            return ()
        try:
            taken = asked(bridge)
        except Exception as error:  # noqa: BLE001 (as above)
            self._note("commands", error)
            return ()
        self._defects.pop("commands", None)
        return taken

    def witnessed(self) -> tuple[str, ...]:
        bridge = self._bridge
        try:
            return () if bridge is None else told_by(bridge)
        except Exception as error:  # noqa: BLE001 (as above)
            self._note("witnessed", error)
            return ()

    @property
    def fault(self) -> str | None:
        bridge = self._bridge
        if bridge is None:
            return self._fault
        try:
            fault = fault_of(bridge)
        except Exception as error:  # noqa: BLE001 (as above)
            self._note("fault", error)
            fault = None
        else:
            self._defects.pop("fault", None)
        return fault or next(iter(self._defects.values()), None)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            bridge, self._bridge = self._bridge, None
        if bridge is None:
            return
        closing = threading.Thread(target=_close, args=(bridge,), name="dms-close", daemon=True)
        try:
            closing.start()
        except RuntimeError:
            _close(bridge)
        else:
            closing.join(_CLOSE_S)

    def _begin(self) -> None:
        self._trying = threading.Thread(target=self._try, name="dms-open", daemon=True)
        try:
            self._trying.start()
        except RuntimeError as error:  # no thread to be had: later
            self._failed(error, None)

    def _try(self) -> None:
        bridge: Bridge | None = None
        try:
            bridge = self._make(self.settings)
            self.name = bridge.name
            bridge.open()
        except Exception as error:  # noqa: BLE001 (as above)
            self._failed(error, bridge)
        else:
            self._is_open(bridge)

    def _is_open(self, bridge: Bridge) -> None:
        with self._lock:
            self._trying = None
            unwanted = self._closed
            if not unwanted:
                if self._fault is not None:
                    _log.info("%s is open now", told(self.name))
                self._bridge, self._fault, self._pause_s = bridge, None, _RETRY_S[0]
                self._defects = {}
                self._opened(bridge)
        if unwanted:
            _close(bridge)

    def _opened(self, bridge: Bridge) -> None:
        """Hand on what waited for ``bridge`` to be open."""

    def _failed(self, error: Exception, bridge: Bridge | None) -> None:
        if bridge is not None:
            _close(bridge)  # it may hold a part of what it needs
        words = str(error) if isinstance(error, DmsError) else _defect(error)
        with self._lock:
            if self._fault is None or words not in self._fault:
                _log.error("%s cannot start: %s", told(self.name), words)
            named = words.startswith((self.name, self.settings.kind))
            self._fault = words if named else f"{self.name}: {words}"
            self._due_s = self._clock() + self._pause_s
            self._pause_s = min(2 * self._pause_s, _RETRY_S[1])
            self._trying = None

    def _note(self, method: str, error: Exception) -> None:
        if method not in self._defects:
            _log.error("%s: a defect in its %s", told(self.name), method, exc_info=error)
        self._defects[method] = f"{self.name}: {_defect(error)}"


class KeptBus(KeptBridge):
    """A kept CAN bridge, whose bus others may listen to, however often it is opened again."""

    def __init__(
        self,
        settings: BridgeSettings,
        make: Callable[[BridgeSettings], Bridge] = open_bridge,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(settings, make, clock)
        self._listeners: tuple[Heard, ...] = ()

    def listen(self, heard: Heard) -> None:
        """Hand every received frame to ``heard`` too, in the receiving thread."""
        with self._lock:
            self._listeners = (*self._listeners, heard)
            if isinstance(self._bridge, SharedBus):
                self._bridge.listen(heard)

    def ignore(self, heard: Heard) -> None:
        """Hand no more frames to ``heard``."""
        with self._lock:
            self._listeners = tuple(each for each in self._listeners if each != heard)
            if isinstance(self._bridge, SharedBus):
                self._bridge.ignore(heard)

    def _opened(self, bridge: Bridge) -> None:
        if isinstance(bridge, SharedBus):
            for heard in self._listeners:
                bridge.listen(heard)


def keep(settings: BridgeSettings) -> KeptBridge:
    """Return the bridge of ``settings`` as the service holds it, not yet open."""
    try:
        shared = hasattr(bridge_class(settings), "listen")
    except Exception:  # noqa: BLE001 (told when it is opened)
        shared = False
    return KeptBus(settings) if shared else KeptBridge(settings)


def _close(bridge: Bridge) -> None:
    try:
        bridge.close()
    except Exception:  # noqa: BLE001 (as above)
        _log.exception("%s could not be closed", told(bridge.name))


def _defect(error: Exception) -> str:
    return f"unexpected {type(error).__name__}: {error}; please report it"
