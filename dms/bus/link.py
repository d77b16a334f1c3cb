"""One CAN bus kept alive by two threads of its own, so that sending never holds up perception.

It is told frames and tells what it heard; it finds the bus again after any fault, with back-off.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from dms.bus.frame import CanFrame
from dms.bus.open import BUS_ERRORS, error_frame, error_number, explain, open_bus
from dms.bus.outbox import Outbox
from dms.bus.python_can import can
from dms.bus.settings import BusSettings
from dms.errors import BridgeError

_log = logging.getLogger(__name__)
_WAKE_S = 0.1  # how long a thread sleeps at most before it looks whether it should end
_FIRST_RETRY_S = 0.02
_DEFECTS_TOLD = 8  # different ones; more would only fill the journal
_FULL_RETRY_S = 0.1  # ENOBUFS passes when the queue drains; after this long it is a fault

Heard = Callable[[can.Message, float], None]
Logged = Callable[[can.Message], None]
Idle = Callable[[], float | None]
Identify = Callable[[CanFrame], int | None]
Protect = Callable[[CanFrame], bytes]
T = TypeVar("T")


class Link:
    """Sends what :meth:`put` queues and hands what arrives to ``heard`` (message, monotonic s).

    ``heard`` and ``logged`` run in the link's threads and must not block. ``idle`` runs in the
    receiving thread each time round and says after how many seconds it wants to run again.
    ``identify`` gives a frame the identifier it is sent with, None where it must not be sent;
    ``protect`` the bytes, called once for each frame that is really sent. ``lossless``: whoever
    puts a frame waits for room.
    """

    def __init__(
        self,
        settings: BusSettings,
        heard: Heard | None = None,
        logged: Logged | None = None,
        *,
        protect: Protect | None = None,
        idle: Idle | None = None,
        identify: Identify | None = None,
        lossless: bool = False,
        listen_only: bool = False,
        opener: Callable[..., can.BusABC] = open_bus,
    ) -> None:
        self._settings = settings
        self._protect = protect
        self._heard = heard
        self._logged = logged
        self._idle = idle
        self._identify = identify
        self._lossless = lossless
        self._listen_only = listen_only
        self._opener = opener
        self._outbox = Outbox(settings.queue)
        self._bus: can.BusABC | None = None
        self._generation = 0
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._threads: list[threading.Thread] = []
        self._fault: str | None = None
        self._controller: str | None = None  # what error frames last said of the controller
        self._wait_s = 0.0
        self._defects: set[str] = set()  # unexpected errors that were reported
        self.faults = 0  # how often the bus was lost
        self.sent = 0

    @property
    def fault(self) -> str | None:
        """What is wrong with the bus now, or None."""
        return self._fault

    @property
    def generation(self) -> int:
        """Which opening of the bus this is; another one begins after each fault."""
        return self._generation

    @property
    def dropped(self) -> int:
        """Frames that never left."""
        return self._outbox.dropped

    def open(self) -> None:
        """Open the bus and start. Raises BridgeError unless the settings say to wait for it."""
        try:
            self._bus = self._opener(self._settings, listen_only=self._listen_only)
        except BridgeError as error:
            if not self._settings.wait:
                raise
            self._failed(str(error))
        self._stop.clear()
        self._threads = [
            threading.Thread(
                target=self._keep_on, args=(run,), name=f"dms-{self._settings.kind}-{run.__name__}"
            )
            for run in (self._send, self._receive)
        ]
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def put(self, frame: CanFrame) -> None:
        """Queue ``frame``; blocks only where ``lossless``."""
        self._outbox.put(frame, 5.0 if self._lossless and self._fault is None else 0.0)

    def flush(self, timeout_s: float) -> bool:
        """Wait until all is sent; False where that failed."""
        return self._outbox.flush(timeout_s)

    def say(self, message: can.Message) -> bool:
        """Send ``message`` at once, past the queue; False where the bus is lost."""
        bus = self._bus
        if bus is None:
            return False
        try:
            bus.send(message, self._settings.send_timeout_s)
        except BUS_ERRORS:
            return False
        self._note(message)
        return True

    def close(self) -> None:
        """Send what is queued if that goes fast, stop and release the bus; idempotent."""
        if not self._threads:
            return
        self._outbox.flush(5.0 if self._lossless else 0.3)
        self._stop.set()
        self._lost.set()
        self._outbox.wake()
        for thread in self._threads:
            thread.join(5.0)
        self._threads = []
        self._drop_bus()

    def _keep_on(self, run: Callable[[], None]) -> None:
        """Repeat ``run`` until the end: a thread that died would be a silence nobody explains."""
        while not self._stop.is_set():
            try:
                run()
            except Exception as error:  # noqa: BLE001 - the supervisor of both threads
                self._defect(error)
                self._failed(f"unexpected {type(error).__name__}: {error}; please report it")

    def _guarded(self, call: Callable[..., T], *values: object) -> T | None:
        """Call a listener; a defect in one must not cost the bus."""
        try:
            return call(*values)
        except Exception as error:  # noqa: BLE001 - as above
            self._defect(error)
            return None

    def _defect(self, error: Exception) -> None:
        if repr(error) not in self._defects and len(self._defects) < _DEFECTS_TOLD:
            self._defects.add(repr(error))
            _log.error("%s %s: a defect in dms or its libraries", self._settings.kind,
                       self._settings.channel, exc_info=error)  # fmt: skip

    def _send(self) -> None:
        if self._lost.is_set() or self._bus is None:
            self._reopen()
            return
        frame = self._outbox.take(_WAKE_S)
        if frame is None:
            return
        try:
            self._send_one(self._bus, frame)
        finally:
            self._outbox.done(frame)

    def _send_one(self, bus: can.BusABC, frame: CanFrame) -> None:
        can_id = self._identify(frame) if self._identify else frame.can_id
        if can_id is None:
            return
        message = can.Message(
            timestamp=frame.t_s,
            arbitration_id=can_id,
            is_extended_id=frame.extended,
            data=self._protect(frame) if self._protect else frame.data,
            is_fd=self._settings.fd,
            bitrate_switch=self._settings.fd,
            is_rx=False,
        )
        until = time.monotonic() + _FULL_RETRY_S
        while not self._stop.is_set():
            try:
                bus.send(message, self._settings.send_timeout_s)
            except BUS_ERRORS as error:
                if error_number(error) == errno.ENOBUFS and time.monotonic() < until:
                    self._stop.wait(_FIRST_RETRY_S)
                    continue
                self._failed(explain(error, self._settings.channel), error)
                return
            self.sent += 1
            self._well(bus)
            self._note(message)
            return

    def _note(self, message: can.Message) -> None:
        if self._logged:
            self._guarded(self._logged, message)

    def _well(self, bus: can.BusABC) -> None:
        if getattr(bus, "refusing", False):
            self._tell("the adapter refuses every frame: bus-off, wrong bit rate or no other node")
        elif self._fault is not None and not self._controller and not self._lost.is_set():
            _log.info("%s %s is back", self._settings.kind, self._settings.channel)
            self._fault = None
            self._wait_s = 0.0
            self._outbox.stalled = False

    def _tell(self, fault: str) -> None:
        if self._fault is None:
            self.faults += 1
            _log.warning("%s %s: %s", self._settings.kind, self._settings.channel, fault)
        self._fault = fault

    def _failed(self, fault: str, error: BaseException | None = None) -> None:
        self._tell(fault)
        self._outbox.stalled = True
        if error_number(error) == errno.ENOBUFS:  # the bus itself is there: keep it
            self._stop.wait(self._settings.retry_s / 4)
        else:
            self._lost.set()

    def _reopen(self) -> None:
        self._drop_bus()
        self._lost.clear()
        self._controller = None
        while not self._stop.is_set():
            self._stop.wait(self._wait_s)
            self._wait_s = min(max(self._wait_s * 2, _FIRST_RETRY_S), self._settings.retry_s)
            try:
                self._bus = self._opener(self._settings, listen_only=self._listen_only)
            except BridgeError as error:
                self._tell(str(error))
                continue
            self._generation += 1
            self._outbox.stalled = False
            if self._listen_only:
                self._well(self._bus)
            return

    def _drop_bus(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            try:
                bus.shutdown()
            except BUS_ERRORS as error:
                _log.debug("closing %s: %s", self._settings.channel, error)

    def _receive(self) -> None:
        bus, generation = self._bus, self._generation
        if bus is None or self._lost.is_set():
            self._stop.wait(_FIRST_RETRY_S)
            return
        soon_s = self._guarded(self._idle) if self._idle else None
        try:
            message = bus.recv(_WAKE_S if soon_s is None else min(soon_s, _WAKE_S))
        except BUS_ERRORS as error:
            if generation == self._generation and not self._stop.is_set():
                self._tell(explain(error, self._settings.channel))
                self._outbox.stalled = True
                self._lost.set()
            return
        if message is not None:
            self._sort(bus, message)

    def _sort(self, bus: can.BusABC, message: can.Message) -> None:
        self._note(message)
        if message.is_error_frame:
            words, good = error_frame(message)
            if words:
                self._controller = None if good else words
            if self._controller:
                self._tell(self._controller)
        else:
            self._controller = None  # whoever hears others is on the bus
        if self._listen_only and bus is self._bus:  # one that sends is well when it has sent
            self._well(bus)
        if self._heard and not message.is_error_frame:
            self._guarded(self._heard, message, time.monotonic())
