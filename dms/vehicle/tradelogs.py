"""Logs of the tools that reverse engineers and testers use, as frames.

SavvyCAN's GVRET (.csv) and CRTD (.txt), comma's cabana (.csv) and BUSMASTER (.log), none of which
python-can reads, and its own .csv, of which it gives up the rest at one damaged line.
"""

from __future__ import annotations

import logging
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator

from dms.bus.python_can import can
from dms.errors import ConfigError

_log = logging.getLogger(__name__)
_HEX = r"(?:0x)?([0-9A-Fa-f]+)"
_GVRET = re.compile(r"\s*time ?stamp,\s*id,\s*extended,", re.IGNORECASE)
_PYTHON_CAN = re.compile(
    r"\s*timestamp,\s*arbitration_id,|\s*\d+(\.\d+)?,0x[0-9A-Fa-f]+(,[01]){3},"
)
_CABANA = re.compile(r"\s*time,\s*addr,\s*bus,\s*data\s*$", re.IGNORECASE)
_CRTD = re.compile(
    r"\s*(\d+(?:\.\d+)?)\s+(\d?)[RT](11|29)\s+" + _HEX + r"((?:\s+[0-9A-Fa-f]{2})*)\s*$"
)
_CRTD_REMARK = re.compile(r"\s*\d+(?:\.\d+)?\s+\d?C(?:XX|EV|ER|ST)\b")
_BUSMASTER = re.compile(r"\*\*\*\s*BUSMASTER")
_BUSMASTER_FRAME = re.compile(
    r"\s*(\d+):(\d+):(\d+):(\d+)\s+[RT]x\s+(\d+)\s+(0x)?([0-9A-Fa-f]+)\s+([sx])(r?)\s+(\d+)((?:\s+[0-9A-Fa-f]+)*)\s*$"
)
_MICRO = 1e-6
_LAST_11, _LAST_29 = 0x7FF, 0x1FFFFFFF
_LONGEST = 64

Reader = Callable[[str], "can.Message | None"]


def reader_of(head: Iterable[str]) -> Reader | None:
    """Return what reads the lines of a log that begins with ``head``, None for another format."""
    for line in head:
        if _GVRET.match(line):
            return _Gvret(line).read
        if _CABANA.match(line):
            return _cabana
        if _PYTHON_CAN.match(line):
            return _python_can
        if _CRTD.match(line) or _CRTD_REMARK.match(line):
            return _crtd
        if _BUSMASTER.match(line):
            return _Busmaster().read
    return None


def read(lines: Iterable[str], name: str, reader: Reader) -> Iterator[can.Message]:
    """Yield the frames of ``lines``; passes over those that are none, with a warning at the end."""
    bad = 0
    for line in lines:
        try:
            message = reader(line)
        except (ValueError, OverflowError):
            bad += 1
            continue
        if message is not None:
            yield message
    if bad:
        _log.warning("%s: %d lines are no frames and were passed over", name, bad)


def _message(
    time_s: float, channel: str | None, can_id: int, data: bytes,
    *, extended: bool, remote: bool = False, error: bool = False,
) -> can.Message:  # fmt: skip
    """Return the frame. Raises ValueError for what no CAN carries."""
    if not 0 <= can_id <= (_LAST_29 if extended else _LAST_11) or len(data) > _LONGEST:
        raise ValueError("no frame")
    return can.Message(
        timestamp=time_s, channel=channel, arbitration_id=can_id, is_extended_id=extended,
        data=data, is_remote_frame=remote, is_error_frame=error, is_fd=len(data) > 8, check=True,
    )  # fmt: skip


class _Gvret:
    """Columns by their names: older files lack the direction."""

    def __init__(self, header: str) -> None:
        names = [part.strip().lower() for part in header.split(",")]
        self._at = {name: number for number, name in enumerate(names)}
        self._header = header.strip()

    def read(self, line: str) -> can.Message | None:
        if not line.strip() or line.strip() == self._header:
            return None
        parts = [part.strip() for part in line.split(",")]
        try:
            time_us, can_id = float(parts[self._at["time stamp"]]), int(parts[self._at["id"]], 16)
            extended = parts[self._at["extended"]].lower() in {"true", "1"}
            length, first = int(parts[self._at["len"]]), self._at["len"] + 1
            channel = parts[self._at["bus"]]
        except (KeyError, IndexError) as error:
            raise ValueError("a column is missing") from error
        data = bytes(int(part, 16) for part in parts[first : first + length])
        if len(data) != length:
            raise ValueError("bytes are missing")
        return _message(time_us * _MICRO, channel, can_id, data, extended=extended)


def _cabana(line: str) -> can.Message | None:
    if not line.strip() or _CABANA.match(line):
        return None
    time_s, address, channel, data = (part.strip() for part in line.split(","))
    can_id = int(address, 16 if address.lower().startswith("0x") else 10)
    raw = bytes.fromhex(data.removeprefix("0x"))
    return _message(float(time_s), channel, can_id, raw, extended=can_id > _LAST_11)


def _python_can(line: str) -> can.Message | None:
    """The columns are always the same; a file without their names is one that was cut."""
    if not line.strip() or line.lstrip().startswith("timestamp"):
        return None
    time_s, can_id, extended, remote, error, _, data = (
        part.strip() for part in line.split(",")[:7]
    )
    return _message(
        float(time_s), None, int(can_id, 16), b64decode(data, validate=True),
        extended=extended == "1", remote=remote == "1", error=error == "1",
    )  # fmt: skip


def _crtd(line: str) -> can.Message | None:
    found = _CRTD.match(line)
    if found is None:
        if line.strip() and not _CRTD_REMARK.match(line):
            raise ValueError("no frame")
        return None
    time_s, channel, width, can_id, data = found.groups()
    return _message(
        float(time_s), channel, int(can_id, 16), bytes.fromhex(data), extended=width == "29"
    )


class _Busmaster:
    """Numbers are hexadecimal unless the header says DEC; times of day pass midnight."""

    def __init__(self) -> None:
        self._base = 16
        self._day_s = self._last_s = 0.0

    def read(self, line: str) -> can.Message | None:
        if line.startswith("***"):
            if line.startswith("***RELATIVE MODE***"):
                raise ConfigError(
                    "a BUSMASTER log in relative mode has no times of its own; log in system or "
                    "absolute mode"
                )
            self._base = 10 if line.startswith("***DEC***") else self._base
            return None
        if not line.strip():
            return None
        found = _BUSMASTER_FRAME.match(line)
        if found is None:
            raise ValueError("no frame")
        hours, minutes, seconds, tenths, channel, is_hex, can_id, kind, remote, length, text = (
            found.groups()
        )
        now_s = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(tenths) / 10_000
        if now_s + self._day_s < self._last_s - 43_200:
            self._day_s += 86_400
        self._last_s = now_s + self._day_s
        data = bytes(int(part, self._base) for part in text.split())
        if not remote and len(data) != int(length):
            raise ValueError("bytes are missing")
        return _message(
            self._last_s, channel, int(can_id, 16 if is_hex else self._base),
            b"" if remote else data, extended=kind == "x", remote=bool(remote),
        )  # fmt: skip
