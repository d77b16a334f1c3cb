"""Feeds the event store from a thread of its own, so that a slow disk never delays an alert."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from dms.errors import StoreError
from dms.resource import OpenedResource
from dms.store.events import EventStore
from dms.store.rows import Note
from dms.values import Event, Kind, Part, Step

_log = logging.getLogger(__name__)
_LONGEST_QUEUE = 5000
_RETRY_S = (1.0, 60.0)  # first and longest pause while the disk refuses
_FAULT_BURST, _FAULTS_H = 30.0, 30.0  # of a fault that comes and goes: at first, and an hour
_TOUCH_S = 30.0  # between notes that the drive goes on, and looks at the file


@dataclass(frozen=True, slots=True)
class _Ignition:
    """The key was turned: a drive begins, or has ended."""

    on: bool


class StoreWriter(OpenedResource):
    """Queue before an :class:`EventStore`; a context manager that starts its thread on entry.

    While the disk refuses, the newest 5000 events wait in memory and :attr:`fault` says why, which
    the loop tells on every bus. Glances are never kept, whatever the level: they would be a
    profile of a person. A drive lasts from the start to the end of the service, or of each ignition
    cycle where the vehicle reports it; what comes between two belongs to none.
    """

    part = Part.STORE

    def __init__(self, store: EventStore, lowest_level: int = 0, touch_s: float = _TOUCH_S) -> None:
        self._store = store
        self._touch_s = touch_s
        self._lowest_level = lowest_level
        self._waiting: deque[Event | _Ignition | Note] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._progress = 0.0
        self._ignition: bool | None = None
        self._refused: str | None = None
        self._last_aside: Path | None = None
        self._set_aside: Path | None = None  # a fault until told, and the file looked at again
        self._was_told = False
        self._dead = False
        self._credit, self._credit_s = _FAULT_BURST, 0.0
        self.stored = 0
        self.dropped = 0
        self.spared = 0  # events of faults that came too often

    @property
    def fault(self) -> str | None:
        """Why events are not kept, or that those before are gone from the file; else None."""
        if self._dead:
            return "its writer has ended by a defect; see the journal"
        if self._refused is None and self._set_aside is not None:
            return f"the file was damaged and is set aside as {self._set_aside.name}"
        return self._refused

    def take(self, step: Step) -> None:
        """Queue what the loop raised in this step; a sink of the loop."""
        self._was_told |= any(fault.part is self.part for fault in step.moment.faults)
        self._progress = step.state.baseline_progress
        ignition = step.moment.vehicle.ignition if step.moment.vehicle else None
        if ignition is not None and ignition != self._ignition:
            self._ignition = ignition
            self.put(_Ignition(ignition))
        for event in step.state.events:
            wanted = event.level >= self._lowest_level and event.kind is not Kind.GLANCE
            if wanted and self._is_due(event):
                self.put(event)

    def _is_due(self, event: Event) -> bool:
        """Whether to store it: faults come and go too often at times, and each costs a sync."""
        if event.kind is not Kind.FAULT:
            return True
        passed_s = max(event.t_s - self._credit_s, 0.0)
        self._credit = min(_FAULT_BURST, self._credit + passed_s / 3600 * _FAULTS_H)
        self._credit_s = event.t_s
        if self._credit < 1.0:
            self.spared += 1
            return False
        self._credit -= 1.0
        return True

    def put(self, event: Event | _Ignition | Note) -> None:
        """Queue one event; never blocks on the disk."""
        with self._wake:
            if len(self._waiting) >= _LONGEST_QUEUE:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(event)
            self._wake.notify()

    def open(self) -> None:
        """Start the thread; the file is opened in it, and a failure there is a :attr:`fault`."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="dms-store", daemon=True)
        self._thread.start()

    def close(self, timeout_s: float = 1.0) -> None:
        """Write what is queued, as far as ``timeout_s`` allows, and stop."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                _log.error("The disk did not answer in time; %d events lost.", len(self._waiting))
            self._thread = None

    def _run(self) -> None:
        pause_s, last = _RETRY_S[0], False
        while True:
            stored = self.stored
            try:
                self._write_all()
                return
            except StoreError as error:
                if self.stored > stored:  # it worked meanwhile: this is another fault
                    pause_s = _RETRY_S[0]
                if self._refused is None:
                    _log.error("%s", error)
                self._refused = str(error)
                self._store.close()
            except Exception:
                self._dead = True
                raise
            with self._wake:
                if last:
                    if self._waiting:
                        _log.error("The disk refuses; %d events are lost.", len(self._waiting))
                    return
                last = self._wake.wait_for(lambda: self._stopping, pause_s)  # then try once more
            pause_s = min(pause_s * 2, _RETRY_S[1])

    def _write_all(self) -> None:
        """Open the store, start a drive, and write until told to stop; raises StoreError."""
        self._store.open()
        try:
            drive: int | None = self._store.begin_drive(self._ignition)
            self._recovered()
            looked_s = time.monotonic()
            while True:
                with self._wake:
                    self._wake.wait_for(lambda: self._waiting or self._stopping, self._touch_s)
                    batch, stopping = list(self._waiting), self._stopping
                if not stopping and time.monotonic() - looked_s >= self._touch_s:
                    self._store.verify()
                    looked_s = time.monotonic()
                    if self._was_told:
                        self._set_aside = None
                if batch:
                    drive = self._write(batch, drive)
                    continue
                if drive is not None:
                    self._store.touch_drive(drive, self._progress, ended=stopping)
                if stopping:
                    return
        finally:
            self._store.close()

    def _write(self, batch: list[Event | _Ignition | Note], drive: int | None) -> int | None:
        """Store what waits in its order; return the drive that lasts after it."""
        for _, group in groupby(batch, type):
            same = list(group)
            events = [item for item in same if isinstance(item, Event)]
            if events:
                self._store_events(events, drive)
            notes = [item for item in same if isinstance(item, Note)]
            if notes:
                self._store.note(notes)
            for item in same:
                if isinstance(item, _Ignition):
                    drive = self._turn(item.on, drive)
            with self._wake:
                for item in same:  # those that the queue has not dropped meanwhile
                    if self._waiting and self._waiting[0] is item:
                        self._waiting.popleft()
        return drive

    def _turn(self, on: bool, drive: int | None) -> int | None:
        if on and drive is not None:  # it was on already when the service started
            self._store.note_ignition(drive)
        elif on:
            return self._store.begin_drive(ignition=True)
        elif drive is not None:
            self._store.touch_drive(drive, self._progress, ended=True)
            return None
        return drive

    def _store_events(self, batch: list[Event], drive: int | None) -> None:
        numbers = self._store.add(batch, drive)
        self.stored += len(batch)
        for number, event in zip(numbers, batch, strict=True):
            _log.info(
                "Stored event %d: %s level %d, %s",
                number,
                event.kind.value,
                event.level,
                event.reason,
            )

    def _recovered(self) -> None:
        if self._store.set_aside != self._last_aside:
            self._set_aside = self._last_aside = self._store.set_aside
            self._was_told = False
        if self._refused is not None:
            _log.warning("Events are stored again; %d were dropped.", self.dropped)
            self._refused = None
