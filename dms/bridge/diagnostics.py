"""Fault codes with freeze data: what failed, how often, and how things stood when it began.

A small memory that outlives the process where it is given a file. UDS reads it over CAN
(:mod:`dms.bridge.uds`), ``dms doctor`` reads the file.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dms.plainfile import read_plain
from dms.values import DriverState, Kind, Part

_log = logging.getLogger(__name__)
_CLEAR_EVERY_S = 1.0
_LARGEST = 1_000_000  # bytes of a file of fault codes; each takes 200


class Code(IntEnum):
    """UDS fault codes, three bytes: letter and number as in SAE J2012-DA, then the failure type."""

    CAMERA = 0x9A0131  # B1A01-31: no signal of the camera
    ENGINE = 0x9A0249  # B1A02-49: a net or landmark model cannot run
    BLOCKED = 0x9A0397  # B1A03-97: the driver cannot be observed (camera or eyes covered)
    BRIDGE = 0xC07388  # U0073-88: a bus of ours is off or gone
    VEHICLE = 0xC14687  # U0146-87: the vehicle's bus is gone
    STORE = 0x9A0444  # B1A04-44: events cannot be kept (disk full, file damaged)
    OTHER = 0x9A0F00  # B1A0F-00: anything else; the reason says what

    @property
    def text(self) -> str:
        """The code as a workshop writes it, as in ``U0073-88``."""
        return code_text(self)


def code_text(code: int) -> str:
    """Return a code as a workshop writes it, as in ``U0073-88``."""
    return f"{'PCBU'[code >> 22 & 3]}{code >> 20 & 3}{code >> 8 & 0xFFF:03X}-{code & 0xFF:02X}"


_CODES = {
    Part.CAMERA: Code.CAMERA,
    Part.ENGINE: Code.ENGINE,
    Part.BRIDGE: Code.BRIDGE,
    Part.VEHICLE: Code.VEHICLE,
    Part.STORE: Code.STORE,
}


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """One code's record. The freeze data are those of its newest beginning; None is unknown."""

    code: int
    active: bool
    count: int
    reason: str
    t_s: float
    level: int
    kind: str | None
    drowsiness: int | None
    openness: float | None


_STORED = TypeAdapter(list[FaultRecord])


def codes_of(state: DriverState) -> dict[Code, str]:
    """Return the codes that are active in ``state`` with their reasons."""
    found: dict[Code, str] = {}
    for fault in state.faults:
        found.setdefault(_CODES.get(fault.part, Code.OTHER), str(fault))
    for alert in state.active:
        if alert.kind is Kind.DEGRADED:
            found.setdefault(Code.BLOCKED, alert.reason)
    return found


class FaultMemory:
    """Keeps one :class:`FaultRecord` a code, in ``file``; None keeps them in memory alone."""

    def __init__(
        self, file: Path | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock, self._cleared_s = clock, -_CLEAR_EVERY_S
        self._file = file
        self._cleared: deque[str] = deque(maxlen=8)
        self._lock = threading.Lock()  # a tester asks from the bus's thread
        self._faults = {fault.code: replace(fault, active=False) for fault in read(file)}

    def step(self, state: DriverState) -> None:
        """Take the faults of ``state``; writes the file only when one begins."""
        found = codes_of(state)
        with self._lock:
            begun = self._take(found, state)
        if begun:
            self._save()

    def _take(self, found: dict[Code, str], state: DriverState) -> bool:
        begun = False
        for code, reason in found.items():
            known = self._faults.get(code)
            if known is None or not known.active:
                count = min(known.count + 1 if known else 1, 0xFFFF)
                self._faults[code] = _freeze(code, count, reason, state)
                begun = True
        for number, fault in self._faults.items():
            if fault.active and number not in found:
                self._faults[number] = replace(fault, active=False)
        return begun

    @property
    def faults(self) -> tuple[FaultRecord, ...]:
        """All records, by code."""
        with self._lock:
            return tuple(self._faults[code] for code in sorted(self._faults))

    def active(self) -> tuple[int, ...]:
        """Return the codes that are active now."""
        return tuple(fault.code for fault in self.faults if fault.active)

    def may_clear(self) -> bool:
        """Whether a tester may clear now: each time the file is written, once a second at most."""
        return self._clock() - self._cleared_s >= _CLEAR_EVERY_S

    def clear(self, codes: Iterable[int] | None = None) -> None:
        """Forget ``codes``, or all; an active one comes back with the next state."""
        with self._lock:
            wanted = list(self._faults) if codes is None else codes
            chosen = [code for code in wanted if code in self._faults]
            for code in chosen:
                self._faults.pop(code, None)
            if chosen:
                which = "all" if codes is None else ", ".join(map(code_text, chosen))
                self._cleared.append(f"fault codes cleared ({which})")
        self._cleared_s = self._clock()
        if chosen:  # a tester that asks again and again wears out no disk
            self._save()

    def take_cleared(self) -> tuple[str, ...]:
        """Return what was cleared since the last call, in words."""
        return tuple(self._cleared.popleft() for _ in range(len(self._cleared)))

    def _save(self) -> None:
        if self._file is None:
            return
        part = self._file.with_suffix(".part")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps([asdict(f) for f in self.faults]), encoding="utf-8")
            part.replace(self._file)
        except OSError as error:
            _log.warning("fault codes cannot be kept in %s: %s", self._file, error.strerror)


def _freeze(code: int, count: int, reason: str, state: DriverState) -> FaultRecord:
    kind = state.kind.value if state.kind else None
    return FaultRecord(
        code, True, count, reason, state.t_s, int(state.level), kind, state.drowsiness,
        state.openness,
    )  # fmt: skip


def fault_text(fault: FaultRecord) -> str:
    """Return a record in one line: reason, how often, and how things stood when it last began."""
    known = [f"level {fault.level}"]
    if fault.kind:
        known.append(fault.kind)
    if fault.drowsiness is not None:
        known.append(f"drowsiness {fault.drowsiness}")
    if fault.openness is not None:
        known.append(f"eyes {fault.openness:.0%} open")
    return f"{fault.reason}; {fault.count} times, last at {fault.t_s:.1f} s ({', '.join(known)})"


def read(file: Path | None) -> list[FaultRecord]:
    """Return the records in ``file``; none where it is missing or damaged."""
    if file is None:
        return []
    try:
        return _STORED.validate_json(read_plain(file, _LARGEST))
    except FileNotFoundError:
        return []
    except (OSError, ValidationError) as error:
        _log.warning("the fault codes in %s cannot be read and start anew: %s", file, error)
        return []
