"""The raw bits of single signals of a frame. Pure.

cantools decodes whole messages and refuses one with a multiplexer value it does not know, also for
the signals beside it; here each mapped signal is read for itself, which is faster too. The tests
hold this against cantools.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cantools.database import Message
from cantools.database.can import Signal

_FLOATS = {16: ">e", 32: ">f", 64: ">d"}


@dataclass(frozen=True, slots=True)
class Bits:
    """Where a signal lies: ``shift`` bits above the lowest, ``length`` bits long."""

    little: bool
    shift: int
    length: int
    signed: bool
    is_float: bool
    message_length: int

    @property
    def ends(self) -> int:
        """How many bytes of a frame it takes to read it."""
        if self.little:
            return (self.shift + self.length + 7) // 8
        return self.message_length - self.shift // 8

    def raw(self, data: bytes) -> float | int | None:
        """Return the raw number, None where a frame that is too short does not hold it."""
        if len(data) < self.ends:
            return None
        data = data[: self.message_length]
        if not self.little:  # counted from the end
            data = data.ljust(self.message_length, b"\0")
        whole = int.from_bytes(data, "little" if self.little else "big")
        value = (whole >> self.shift) & ((1 << self.length) - 1)
        if self.is_float:
            number: float = struct.unpack(
                _FLOATS[self.length], value.to_bytes(self.length // 8, "big")
            )[0]
            return number
        if self.signed and value >> (self.length - 1):
            value -= 1 << self.length
        return value


def bits(message: Message, signal: Signal) -> Bits | None:
    """Return where ``signal`` lies, None where that is outside the message or no known float."""
    little = signal.byte_order == "little_endian"
    if little:
        shift = signal.start
    else:
        first = 8 * (signal.start // 8) + 7 - signal.start % 8  # counted from the highest bit
        shift = 8 * message.length - first - signal.length
    fits = shift >= 0 and (not little or shift + signal.length <= 8 * message.length)
    if not fits or (signal.is_float and signal.length not in _FLOATS):
        return None
    return Bits(
        little, shift, signal.length, signal.is_signed, bool(signal.is_float), message.length
    )


@dataclass(frozen=True, slots=True)
class Path:
    """A signal and the multiplexers above it, each with the values that select it."""

    where: Bits
    selectors: tuple[tuple[Bits, frozenset[int]], ...]

    def raw(self, data: bytes) -> float | int | None:
        """Return the raw number, None where this frame does not hold the signal.

        It does not where it selects others, or ends before the signal or what selects it.
        """
        for selector, ids in self.selectors:
            if selector.raw(data) not in ids:
                return None
        return self.where.raw(data)

    def cut(self, data: bytes) -> bool:
        """Whether a frame ends before the signal or a multiplexer above it."""
        places = (self.where, *(place for place, _ in self.selectors))
        return any(len(data) < place.ends for place in places)


def path(message: Message, signal: Signal) -> Path | None:
    """Return how to read ``signal``, None where its place is not in the message."""
    by_name = {each.name: each for each in message.signals}
    selectors = []
    each, seen = signal, {signal.name}
    while each.multiplexer_ids:
        above = by_name.get(each.multiplexer_signal or "")
        place = bits(message, above) if above else None
        if above is None or place is None or above.name in seen:
            return None
        selectors.append((place, frozenset(each.multiplexer_ids)))
        seen.add(above.name)
        each = above
    where = bits(message, signal)
    return Path(where, tuple(selectors)) if where else None
