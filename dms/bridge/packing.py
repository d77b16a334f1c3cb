"""The usual values of a message to bytes, as cantools does it, for a sixth of the time.

What is unusual it leaves to cantools, which says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from cantools.database import Message
from cantools.database.can.signal import Signal


def _is_plain(signal: Signal) -> bool:
    """Tell whether a signal is a whole number without a sign, in Intel order and always there."""
    unusual = signal.is_signed or signal.is_float or signal.is_multiplexer
    return signal.byte_order == "little_endian" and not unusual and signal.multiplexer_ids is None


class Packer:
    """Packs one message; ``left_zero`` are the names of signals that somebody else fills."""

    def __init__(self, message: Message, left_zero: Container[str]) -> None:
        self._length = message.length
        self._plain = all(map(_is_plain, message.signals))
        self._fields = []
        for each in message.signals:
            if each.name not in left_zero:
                words = {str(word): raw << each.start for raw, word in (each.choices or {}).items()}
                ends = (float(each.minimum or 0), float(each.maximum or 0))
                scaling = (float(each.offset), float(each.scale))
                self._fields.append((each.name, words, each.start, *scaling, *ends))

    def pack(self, signals: Mapping[str, float | str]) -> bytes | None:
        """Return the bytes; None where one of ``signals`` is unknown, missing or out of range."""
        if not self._plain or len(signals) != len(self._fields):
            return None
        packed = 0
        for name, words, start, offset, scale, least, most in self._fields:
            value = signals.get(name)
            if isinstance(value, str):
                word = words.get(value)
                if word is None:
                    return None
                packed |= word
            elif value is not None and least <= value <= most:
                packed |= round((value - offset) / scale) << start
            else:
                return None
        return packed.to_bytes(self._length, "little")
