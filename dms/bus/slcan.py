"""SLCAN (LAWICEL) over a serial port: python-can's bus, made strict and exclusive.

python-can opens the port without a lock, sleeps two seconds, waits until the adapter has taken
every byte and stops at the first line it cannot read; here none of that happens.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import threading
from collections import deque
from typing import Any

import serial
from can.interfaces.slcan import slcanBus

from dms.bus.python_can import can
from dms.errors import ConfigError

_LINE_MAX = 200  # bytes; the longest line, B with 64 data bytes and a time, has 143
_DLC = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64)  # ISO 11898-1
_FRAME = re.compile(rb"([tTrRdDbB])([0-9A-Fa-f]+)")
_ANSWER = re.compile(rb"[zZ]?|V[0-9A-Fa-f]{4}|v\S*|N\S{1,16}|F[0-9A-Fa-f]{2}")
_REFUSED_MAX = 10  # BEL answers in a row, without one good, that mean the bus is not there


def parse(line: bytes) -> can.Message | None:
    """Return the frame of one line without its end, None for an answer of the adapter.

    Raises ValueError for anything else.
    """
    match = _FRAME.fullmatch(line)
    if not match:
        if _ANSWER.fullmatch(line):
            return None
        raise ValueError(f"not SLCAN: {line[:40]!r}")
    letter, text = match[1].decode(), match[2]
    extended = letter.isupper()
    digits = 8 if extended else 3
    can_id = int(text[:digits], 16)
    dlc = int(text[digits : digits + 1], 16)  # ValueError where the line ends early
    fd, remote = letter in "dDbB", letter in "rR"
    if (dlc > 8 and not fd) or can_id > (0x1FFFFFFF if extended else 0x7FF):
        raise ValueError(f"no such CAN frame: {line[:40]!r}")
    length = 0 if remote else _DLC[dlc]
    rest = text[digits + 1 :]
    if len(rest) not in (2 * length, 2 * length + 4):  # with or without the adapter's time
        raise ValueError(f"half a frame: {line[:40]!r}")
    return can.Message(
        arbitration_id=can_id,
        is_extended_id=extended,
        is_remote_frame=remote,
        is_fd=fd,
        bitrate_switch=letter in "bB",
        dlc=dlc if remote else length,
        data=None if remote else bytes.fromhex(rest[: 2 * length].decode()),
    )


def check_rates(bitrate: int, data_bitrate: int | None) -> None:
    """Raise ConfigError for a bit rate that LAWICEL, or CANable 2.0 for FD, has no command for."""
    for rate, rates in ((bitrate, slcanBus._BITRATES), (data_bitrate, slcanBus._DATA_BITRATES)):
        if rate is not None and rate not in rates:
            known = ", ".join(str(each) for each in sorted(rates) if each)
            raise ConfigError(f"SLCAN has no {rate} bit/s; choose from {known}")


class LineReader:
    """Bytes of the serial line in, frames out; what is neither frame nor answer is counted.

    ``garbage``: lines thrown away; ``refused``: BEL answers since the last good one.
    """

    def __init__(self) -> None:
        self.garbage = 0
        self.refused = 0
        self._half = bytearray()
        self._lines: deque[bytes] = deque()

    def feed(self, data: bytes) -> None:
        """Take what came; keeps at most one unfinished line."""
        for part in re.split(rb"(?<=[\r\a])", data):
            self._half += part
            if part.endswith(b"\a"):
                self.refused += 1
                self._half.clear()
            elif part.endswith(b"\r"):
                self._finish()
            elif len(self._half) > _LINE_MAX:
                self.garbage += 1
                self._half.clear()

    def _finish(self) -> None:
        line = bytes(self._half[:-1])
        self._half.clear()
        if line in (b"", b"z", b"Z"):
            self.refused = 0
        elif len(line) > _LINE_MAX:
            self.garbage += 1
        else:
            self._lines.append(line)

    def take(self) -> can.Message | None:
        """Return the next frame, None where no whole one has come."""
        while self._lines:
            try:
                message = parse(self._lines.popleft())
            except ValueError:
                self.garbage += 1
                continue
            if message is not None:
                return message
        return None


class SlcanBus(slcanBus):
    """One adapter, opened at once and for us alone.

    Raises can.CanInitializationError where the port is missing, in use or not a serial port, and
    ConfigError for a bit rate that there is not.
    """

    def __init__(
        self,
        channel: str,
        *,
        bitrate: int = 500_000,
        data_bitrate: int | None = None,
        serial_baud: int = 115_200,
        listen_only: bool = False,
        write_timeout_s: float = 0.2,
        **more: Any,
    ) -> None:
        check_rates(bitrate, data_bitrate)
        self._setup = ["C", self._BITRATES[bitrate]]
        if data_bitrate:
            self._setup.append(self._DATA_BITRATES[data_bitrate])
        self._setup.append("L" if listen_only else "O")
        self._write_timeout_s = write_timeout_s
        self.lines = LineReader()
        self._writing = threading.Lock()  # lines of two threads must not mix
        self._lock = _lock(channel)
        try:
            super().__init__(
                channel, tty_baudrate=serial_baud, sleep_after_open=0, timeout=0, **more
            )
        except BaseException:
            os.close(self._lock)
            raise

    def open(self) -> None:
        """Set the bit rate and open the channel, in the order the protocol asks for."""
        self.serialPortOrig.write_timeout = self._write_timeout_s
        for command in self._setup:
            self._write(command)

    def send(self, msg: can.Message, timeout: float | None = None) -> None:
        """Write one frame; waits at most ``write_timeout_s``. ``timeout`` is not used."""
        del timeout
        super().send(msg, self._write_timeout_s)

    def _write(self, string: str) -> None:
        broken = can.exceptions.error_check(
            "cannot write to the serial port", can.CanOperationError
        )
        with self._writing, broken:
            self.serialPortOrig.write(string.encode() + self.LINE_TERMINATOR)

    def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:
        message = self.lines.take()
        if message is None:
            self._fill(timeout)
            message = self.lines.take()
        return message, False

    def _fill(self, timeout: float | None) -> None:
        with can.exceptions.error_check("cannot read the serial port", can.CanOperationError):
            fd = self.serialPortOrig.fileno()
            if not select.select([fd], [], [], timeout)[0]:
                return
            data = self.serialPortOrig.read(4096)
            if not data:
                raise serial.SerialException("the adapter was unplugged")
        self.lines.feed(data)

    @property
    def refusing(self) -> bool:
        """Whether the adapter answers BEL to everything: bus-off, wrong bit rate or no cable."""
        return self.lines.refused >= _REFUSED_MAX

    def shutdown(self) -> None:
        """Close channel and port, also where the adapter is gone; a second call does nothing."""
        if self._lock < 0:
            return
        can.BusABC.shutdown(self)
        try:
            self.close()
        except can.CanError:
            pass
        finally:
            self.serialPortOrig.close()
            os.close(self._lock)
            self._lock = -1


def _lock(channel: str) -> int:
    """Lock the port as pyserial's ``exclusive`` does; return the descriptor that holds the lock."""
    try:
        fd = os.open(channel, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise can.CanInitializationError(
            f"cannot open {channel}: {error.strerror}; is it plugged in, and are you in the "
            "group dialout?"
        ) from error
    if not os.isatty(fd):
        os.close(fd)
        raise can.CanInitializationError(
            f"{channel} is no serial port; name the adapter's, as /dev/serial/by-id/usb-..."
        )
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise can.CanInitializationError(
            f"{channel} is in use by another program; stop that or choose another port"
        ) from error
    return fd
