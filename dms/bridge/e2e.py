"""AUTOSAR end-to-end protection, profile 2: byte 0 is the CRC, the low nibble of byte 1 a counter.

It finds corrupted, lost, repeated and misdirected messages. It is no authentication: whoever can
write to the bus and knows the data-ID list can forge a message.
"""

from __future__ import annotations

from enum import Enum

_POLYNOMIAL = 0x2F  # CRC-8/AUTOSAR ("CRC8H2F"), AUTOSAR SWS CRC Library 7.2.1.2
_START = 0xFF
_XOR = 0xFF
COUNTERS = 16


def _table() -> bytes:
    rows = []
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = ((crc << 1) ^ _POLYNOMIAL if crc & 0x80 else crc << 1) & 0xFF
        rows.append(crc)
    return bytes(rows)


_TABLE = _table()


def crc8h2f(data: bytes) -> int:
    """Return the CRC-8 with polynomial 0x2F, start and final XOR 0xFF, of ``data``."""
    crc = _START
    for byte in data:
        crc = _TABLE[crc ^ byte]
    return crc ^ _XOR


def _crc(payload: bytes | bytearray, ids: bytes) -> int:
    return crc8h2f(bytes(payload[1:]) + ids[payload[1] & 0x0F : (payload[1] & 0x0F) + 1])


class Protector:
    """The sending side of one message: fills counter and CRC."""

    def __init__(self, ids: bytes) -> None:
        self._ids = ids
        self._counter = 0

    @property
    def counter(self) -> int:
        """The counter of the last protected message."""
        return self._counter

    def protect(self, payload: bytes) -> bytes:
        """Return ``payload`` with the next counter and its CRC; the first counter is 1."""
        self._counter = (self._counter + 1) % COUNTERS
        data = bytearray(payload)
        data[1] = (data[1] & 0xF0) | self._counter
        data[0] = _crc(data, self._ids)
        return bytes(data)


class Check(str, Enum):
    """What the receiving side says of one message. Use its data only if :attr:`usable`."""

    INITIAL = "initial"  # the first good one: data valid, sequence not yet known
    OK = "ok"
    SOME_LOST = "some_lost"  # valid, up to the tolerated number were lost before it
    REPEATED = "repeated"  # the same counter again: stale data
    WRONG_SEQUENCE = "wrong_sequence"  # more lost than tolerated; the next good one is judged again
    CORRUPTED = "corrupted"  # CRC or length

    @property
    def usable(self) -> bool:
        """Whether the data may be used."""
        return self in {Check.INITIAL, Check.OK, Check.SOME_LOST}


class Checker:
    """The receiving side of one message of ``length`` bytes.

    ``max_delta``: the largest step of the counter that is accepted (1 tolerates no loss).
    """

    def __init__(self, ids: bytes, length: int = 8, max_delta: int = 1) -> None:
        self._ids = ids
        self._length = length
        self._max_delta = max_delta
        self._last: int | None = None

    def check(self, payload: bytes | bytearray) -> Check:
        """Judge ``payload`` and remember its counter."""
        if len(payload) != self._length or _crc(payload, self._ids) != payload[0]:
            return Check.CORRUPTED
        counter = payload[1] & 0x0F
        last, self._last = self._last, counter
        if last is None:
            return Check.INITIAL
        delta = (counter - last) % COUNTERS
        if delta == 0:
            return Check.REPEATED
        if delta > self._max_delta:
            return Check.WRONG_SEQUENCE
        return Check.OK if delta == 1 else Check.SOME_LOST

    def reset(self) -> None:
        """Forget the counter, as after a silence of the sender."""
        self._last = None
