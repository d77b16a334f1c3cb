"""Faults in a running service: inject, wait until told, take away, wait until all is well."""

from __future__ import annotations

import gc
import logging
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager as Context
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as state

from dms.config import Settings
from dms.errors import ConfigError
from dms.values import Event, Kind, Level
from tools.soak import cabin
from tools.soak.ears import raised_in
from tools.soak.rig import CHECK_S, DEGRADED_S, FROZEN_S, SILENT_S, Rig
from tools.soak.tally import Tally

_STEP_S = 1.0  # of a loaded machine: threads, frame period, cyclic message
_ASLEEP = "live: driver falls asleep"
_MICROSLEEP_S, _SLEEP_S = 1.0, 3.0  # eyes closed for so long, in the profile that runs
_AWAKE_S = 1.0  # between two closures; open eyes in a frame or two rightly end none
_HOLD_S = 1.0  # a fault that changes nothing is left on for so long
_PATIENCE_S = 60.0
_OFTEN = 1000  # an alert that is right may be reported again
_MEGABYTE = 1 << 20
_GROWTH_MB, _GROWTH_FILES = 30, 3


@dataclass(frozen=True)
class Fault:
    """One kind of fault: how it comes and goes, how it shows, when it must have shown."""

    name: str
    on: Callable[[Rig], Context[object]]
    told: Callable[[Rig, int], object] | None  # given the journal's length at the start
    deadline_s: float | None
    raises: tuple[str, ...] = ()  # alerts that are right meanwhile
    sees: bool = False  # the driver is seen all the same: a microsleep must be reported
    mended: Callable[[Rig], object] = lambda _: True


@contextmanager
def _effect(rig: Rig, effect: cabin.Effect) -> Iterator[None]:
    rig.cabin.effect = effect
    try:
        yield
    finally:
        rig.cabin.effect = None


@contextmanager
def _unplugged(rig: Rig) -> Iterator[None]:
    rig.cabin.unplugged = True
    try:
        yield
    finally:
        rig.cabin.unplugged = False


def _net(outcome: Callable[[list[np.ndarray]], list[np.ndarray]]) -> Context[object]:
    """Let every net give what ``outcome`` makes of the true outputs of ONNX Runtime."""
    true = ort.InferenceSession.run

    def run(self: ort.InferenceSession, *arguments: object) -> list[np.ndarray]:
        return outcome(true(self, *arguments))

    return patch.object(ort.InferenceSession, "run", run)


def _nan(outputs: list[np.ndarray]) -> list[np.ndarray]:
    return [np.full_like(value, np.nan) for value in outputs]


def _fails(_: list[np.ndarray]) -> list[np.ndarray]:
    raise state.RuntimeException("the engine failed on purpose")


def _no_memory(_: list[np.ndarray]) -> list[np.ndarray]:
    raise MemoryError("no memory on purpose")


@contextmanager
def _refusing(rig: Rig) -> Iterator[None]:
    rig.adapter.refusing = True
    try:
        yield
    finally:
        rig.adapter.refusing = False


@contextmanager
def _adapter_away(rig: Rig) -> Iterator[None]:
    rig.adapter.unplug()
    try:
        yield
    finally:
        rig.adapter.plug()


@contextmanager
def _broker_away(rig: Rig) -> Iterator[None]:
    assert rig.broker is not None
    rig.broker.stop(kindly=True)
    try:
        yield
    finally:
        rig.broker.start()


@contextmanager
def _disk_full(rig: Rig) -> Iterator[None]:
    rig.store.full = True
    filler = Event(0.0, Kind.GLANCE, Level.ADVISORY, "more than the file's last pages hold " * 9)
    for _ in range(400):
        rig.writer.put(filler)
    try:
        yield
    finally:
        rig.store.full = False


@contextmanager
def _store_corrupt(rig: Rig) -> Iterator[None]:
    for ending in ("", "-wal"):
        path = Path(f"{rig.folder / 'events.db'}{ending}")
        if path.exists():
            with path.open("r+b") as file:
                file.write(b"\xa5" * max(path.stat().st_size, 4096))
    yield


def _other_monitor(usual: Settings) -> Settings:
    seconds = usual.monitor.longest_retry_s * 0.99
    return replace(usual, monitor=replace(usual.monitor, longest_retry_s=seconds))


def _other_nets(usual: Settings) -> Settings:
    precision = "fp32" if usual.nets.precision == "int8" else "int8"
    return replace(usual, nets=replace(usual.nets, precision=precision))


@contextmanager
def _reload(rig: Rig, change: Callable[[Settings], Settings]) -> Iterator[None]:
    assert isinstance(rig.fresh, Settings)
    rig.fresh = change(rig.fresh)
    rig.service.ask_reload()
    yield


@contextmanager
def _refused(rig: Rig) -> Iterator[None]:
    usual, rig.fresh = rig.fresh, ConfigError("dms.yaml:3: camera.fps: refused on purpose")
    rig.service.ask_reload()
    try:
        yield
    finally:
        rig.fresh = usual
        rig.service.ask_reload()


@contextmanager
def _clock_step(_: Rig) -> Iterator[None]:
    """Let the wall clock step; only what is stored may show it."""
    true = time.time
    with patch.object(time, "time", lambda: true() - 86_400.0):
        yield


@contextmanager
def _memory_taken(_: Rig) -> Iterator[None]:
    ballast = np.ones(300 * _MEGABYTE, np.uint8)
    yield
    del ballast
    gc.collect()


def _camera_told(rig: Rig, _: int) -> bool:
    return rig.head.state.get("Health") == "Fault" and rig.head.state.get("EyesReason") == "Camera"


def _fault_told(rig: Rig, _: int) -> bool:
    return rig.head.state.get("Health") == "Fault"


def _degraded_told(rig: Rig, _: int) -> bool:
    return rig.head.state.get("Health") == "Degraded"


def _advised(rig: Rig, _: int) -> bool:
    """A fault is reported, but as none that keeps the driver from being watched."""
    return rig.head.state.get("ActiveKind") == "Fault" and rig.head.state.get("Health") == "Ok"


def _said(words: str, lowest: int = logging.WARNING) -> Callable[[Rig, int], bool]:
    return lambda rig, since: rig.journal.has(words, since, lowest)


def _store_well(rig: Rig) -> bool:
    return rig.writer.fault is None


_LOST = ("Fault", "Degraded")


def _picture(name: str, effect: cabin.Effect) -> Fault:
    """Return a fault that leaves a camera without a driver to be seen."""
    on = lambda rig: _effect(rig, effect)  # noqa: E731
    return Fault(name, on, _degraded_told, DEGRADED_S + _STEP_S + 0.5, ("Degraded",))


def _harmless(name: str, on: Callable[[Rig], Context[object]]) -> Fault:
    return Fault(name, on, None, None, sees=True)


FAULTS: tuple[Fault, ...] = (
    Fault("camera lost", _unplugged, _camera_told, _STEP_S, _LOST),
    Fault("camera silent", lambda rig: _effect(rig, cabin.silent), _camera_told,
          SILENT_S + _STEP_S, _LOST),
    Fault("picture frozen", lambda rig: _effect(rig, cabin.frozen), _camera_told,
          FROZEN_S + _STEP_S, _LOST),
    Fault("picture empty", lambda rig: _effect(rig, cabin.empty), _camera_told, _STEP_S, _LOST),
    _picture("noise", cabin.noise),
    _picture("overexposure", cabin.overexposed),
    _picture("black", cabin.black),
    _picture("half frames", cabin.half),
    Fault("wrong size", lambda rig: _effect(rig, cabin.smaller), _said("picture changed from"),
          _STEP_S, sees=True),
    _harmless("frames twice", lambda rig: _effect(rig, cabin.twice)),
    _harmless("frames dropped", lambda rig: _effect(rig, cabin.dropping)),
    _harmless("stamps jump back", lambda rig: _effect(rig, cabin.stamps_back)),
    _harmless("stamps jump forward", lambda rig: _effect(rig, cabin.stamps_forward)),
    _harmless("wall clock steps", _clock_step),
    Fault("NaN from the nets", lambda _: _net(_nan), _fault_told, _STEP_S, _LOST),
    Fault("engine exception", lambda _: _net(_fails), _fault_told, _STEP_S, _LOST),
    Fault("no memory in a net", lambda _: _net(_no_memory), _fault_told, _STEP_S, _LOST),
    Fault("bus-off (adapter refuses)", _refusing, _fault_told, 2 * _STEP_S, ("Fault",), sees=True),
    Fault("adapter lost", _adapter_away, _fault_told, _STEP_S, ("Fault",), sees=True),
    Fault("broker lost", _broker_away, _fault_told, _STEP_S, ("Fault",), sees=True,
          mended=lambda rig: rig.listener is not None and rig.listener.last("dms/status")),
    Fault("disk full", _disk_full, _advised, 1.0 + 2 * _STEP_S, ("Fault",), sees=True,
          mended=_store_well),
    Fault("store corrupt", _store_corrupt, _advised, CHECK_S + 3 * _STEP_S, ("Fault",), sees=True,
          mended=_store_well),
    Fault("settings reloaded", lambda rig: _reload(rig, _other_monitor),
          _said("settings were read again", logging.INFO), _STEP_S, sees=True),
    Fault("nets reloaded", lambda rig: _reload(rig, _other_nets),
          _said("settings were read again", logging.INFO), 5 * _STEP_S, sees=True),
    Fault("settings refused", _refused, _said("refused", logging.ERROR), _STEP_S, sees=True),
    _harmless("memory pressure (300 MB)", _memory_taken),
)  # fmt: skip


class Soak:
    """Takes one rig through the faults again and again."""

    def __init__(self, rig: Rig, tally: Tally, seed: int, patience: float = 1.0) -> None:
        self._rig, self._tally, self._patience = rig, tally, patience
        self._chance = random.Random(seed)
        self._slept = 0
        self._allowed: Counter[str] = Counter()
        self._faults: Sequence[Fault] = FAULTS
        if rig.broker is None:
            self._faults = [fault for fault in FAULTS if fault.name != "broker lost"]
            tally.not_here.append("broker lost (no mosquitto)")

    def run(self, loops: int, sleeps: bool, say: Callable[[str], None] = lambda _: None) -> None:
        """Run through all faults ``loops`` times, each time in another order.

        ``sleeps``: let the driver fall asleep in each fault that leaves them to be seen, not only
        after each loop.
        """
        rig = self._rig
        if rig.wait(rig.well, _PATIENCE_S * self._patience) is None:
            self._tally.wrong.append(f"live: it never ran: {rig.failure or rig.head.state}")
            return
        self._sleep("at the start")
        marks: list[tuple[float, int]] = []
        for loop in range(loops):
            for fault in self._chance.sample(self._faults, len(self._faults)):
                say(f"loop {loop + 1} of {loops}: {fault.name}")
                self._one(fault, sleeps)
                if rig.failure is not None:
                    self._tally.wrong.append(f"live: {fault.name} ended the service: {rig.failure}")
                    return
            self._sleep("after a loop")
            marks.append((resident_mb(), open_files()))
            self._judge_log()
        self._judge_alerts()
        judge_growth("live", marks, self._tally)

    def _one(self, fault: Fault, sleeps: bool) -> None:
        rig, name = self._rig, f"live: {fault.name}"
        allowed_s = None if fault.deadline_s is None else fault.deadline_s * self._patience
        row = self._tally.row(name, allowed_s)
        row.injected += 1
        self._allowed.update(dict.fromkeys(fault.raises, _OFTEN))
        since = len(rig.journal.lines)
        with fault.on(rig):
            if fault.told is None:
                time.sleep(_HOLD_S)
            else:
                told = fault.told
                after_s = rig.wait(lambda: told(rig, since), _PATIENCE_S * self._patience)
                if after_s is not None:
                    self._tally.told(name, after_s)
            if sleeps and fault.sees:
                self._sleep(f"during {fault.name}")
        if self._mended(fault):
            row.recovered += 1

    def _mended(self, fault: Fault) -> bool:
        rig = self._rig
        well = lambda: rig.well() and fault.mended(rig)  # noqa: E731
        return rig.wait(well, _PATIENCE_S * self._patience) is not None

    def _sleep(self, when: str) -> None:
        """Let the driver fall asleep until the head unit hears of it, which has its deadline.

        On a machine that stands still meanwhile they sleep so long that more is rightly told.
        """
        rig, tally = self._rig, self._tally
        row = tally.row(_ASLEEP, (_MICROSLEEP_S + _STEP_S) * self._patience)
        before = rig.head.closures
        self._slept += 1
        tally.expected += 1
        row.injected += 1
        begun_s, rig.cabin.asleep = time.monotonic(), True
        after_s = rig.wait(lambda: rig.head.closures > before, 10.0 * self._patience)
        woken_s, rig.cabin.asleep = time.monotonic(), False
        if time.monotonic() - begun_s > _SLEEP_S - 2.0 / cabin.FPS:
            self._allowed.update(dict.fromkeys(("Sleep", "Unresponsive"), _OFTEN))
        if after_s is None:
            tally.wrong.append(f"live: a microsleep {when} was lost")
        else:
            tally.heard += 1
            tally.told(_ASLEEP, after_s)
        awake = lambda: (  # noqa: E731  (the state before may be older than the closure)
            rig.head.state_s > woken_s and rig.head.state.get("Eyes") == "Open"
        )
        row.recovered += rig.wait(awake, 10.0 * self._patience) is not None
        time.sleep(_AWAKE_S)

    def _judge_alerts(self) -> None:
        rig = self._rig
        raised = rig.head.raised
        for kind, count in raised.items():
            if kind == "Microsleep" and count > self._slept:
                self._tally.wrong.append(f"live: {count} microsleeps told of {self._slept}")
            elif kind not in {"Microsleep", "Drowsy"} and count > self._allowed[kind]:
                self._tally.wrong.append(f"live: {kind} was invented {count} times")
        told = raised["Microsleep"]
        if rig.listener is not None:
            heard = lambda: sum(a["kind"] == "microsleep" for a in rig.listener.of("dms/alert"))  # type: ignore[union-attr] # noqa: E731
            if rig.wait(lambda: heard() >= told, 10.0 * self._patience) is None:
                self._tally.wrong.append(f"live: the broker heard {heard()} of {told} microsleeps")
        if raised_in(rig.adapter.frames, "Microsleep") == 0:
            self._tally.wrong.append("live: the adapter heard no microsleep")

    def _judge_log(self) -> None:
        for level, text in self._rig.journal.lines:
            if level >= logging.CRITICAL:
                self._tally.wrong.append(f"live: {text}")
        self._rig.journal.forget()


def judge_growth(part: str, marks: Sequence[tuple[float, int]], tally: Tally) -> None:
    """Hold (MB, open files) at the ends of loops against the first, which warms up."""
    if len(marks) < 2:
        return
    (first_mb, first_files), (last_mb, last_files) = marks[0], marks[-1]
    if last_mb - first_mb > _GROWTH_MB:
        tally.wrong.append(f"{part}: memory grew from {first_mb:.0f} to {last_mb:.0f} MB")
    if last_files - first_files > _GROWTH_FILES:
        tally.wrong.append(f"{part}: open files grew from {first_files} to {last_files}")


def resident_mb() -> float:
    """Return the memory that this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE


def open_files() -> int:
    """Return how many files, sockets and pipes this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
