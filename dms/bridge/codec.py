"""The contract ``dms.dbc`` as code: signal values to protected bytes and back, by cantools.

What the values mean is in :mod:`dms.bridge.signals`; where the bytes go is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TypeAlias

import dms.bus.python_can  # noqa: F401  # isort: skip - before cantools, which loads python-can

import cantools
from cantools.database import Message
from cantools.database.can import Database
from cantools.database.namedsignalvalue import NamedSignalValue

from dms.bridge.e2e import Check, Checker, Protector
from dms.bus.frame import CanFrame
from dms.bus.j1939 import NULL, identifier
from dms.errors import BridgeError, ConfigError

BASE_ID = 0x400  # in dms.dbc; identifiers on the bus are moved by the difference to the setting
_PROPRIETARY_B = range(0xFF00, 0x10000)  # SAE J1939-21
_PGN_BITS = 0x03FFFF00  # of an identifier; the rest is priority and source
_URGENT = {"DMS_Alert": 3}  # priorities of J1939; 6 is usual
_ORDINARY = 6
_E2E = "E2E_"  # begins the names of CRC and counter
SNA = "SNA"  # signal not available, in every value table that needs it
Value: TypeAlias = float | int | str
Signals: TypeAlias = Mapping[str, Value]

_EXTENDED = 1 << 31  # marks a 29-bit identifier in a DBC
_IDENTIFIER = re.compile(r'^((?:CM_ )?(?:BO_|SG_|VAL_) |BA_ "\w+" (?:BO_|SG_) )(\d+)', re.MULTILINE)
_LAST_ID = {False: 0x7FF, True: 0x1FFFFFFF}


def contract_text(
    base_id: int = BASE_ID,
    *,
    extended: bool = False,
    fd: bool = False,
    pgn_base: int | None = None,
) -> str:
    """Return ``dms.dbc`` with the identifiers moved to ``base_id``, for the receivers' tools.

    With ``fd`` bus and messages are marked as CAN FD in the attributes that such tools read, with
    ``pgn_base`` as J1939, to be matched by their PGN.

    Raises ConfigError where they do not fit into 11 (or 29) bits.
    """
    text = files("dms").joinpath("dms.dbc").read_text(encoding="utf-8")
    codec = Codec(base_id, extended=extended, pgn_base=pgn_base)
    moved = {
        str(m.frame_id): codec.ids[m.name] | (_EXTENDED if codec.extended else 0)
        for m in contract().messages
    }
    text = _IDENTIFIER.sub(lambda found: found[1] + str(moved[found[2]]), text)
    if pgn_base is not None:
        return _as_j1939(text)
    return _as_fd(text, extended=extended) if fd else text


def _as_fd(text: str, *, extended: bool) -> str:
    """Mark the bus as CAN FD, and every message by its VFrameFormat, as Vector's tools do."""
    formats = ["StandardCAN", "ExtendedCAN", *["reserved"] * 12, "StandardCAN_FD", "ExtendedCAN_FD"]
    marked = _with_format(text, formats, formats[14 + extended])
    return marked.replace('"BusType" "CAN"', '"BusType" "CAN FD"')


def _as_j1939(text: str) -> str:
    """Mark bus and messages as SAE J1939; the source in their identifiers is the null address."""
    marked = _with_format(text, ["StandardCAN", "ExtendedCAN", "reserved", "J1939PG"], "J1939PG")
    told = ('BA_DEF_  "ProtocolType" STRING ;', 'BA_DEF_DEF_  "ProtocolType" "J1939";')
    for line, key in zip(told, ("BA_DEF_ ", "BA_DEF_DEF_ "), strict=True):
        marked = marked.replace(f"\n{key}", f"\n{line}\n{key}", 1)
    return marked


def _with_format(text: str, formats: list[str], chosen: str) -> str:
    words = ",".join(f'"{word}"' for word in formats)
    add = {
        "BA_DEF_ ": f'BA_DEF_ BO_  "VFrameFormat" ENUM  {words};',
        "BA_DEF_DEF_ ": f'BA_DEF_DEF_  "VFrameFormat" "{chosen}";',
    }
    lines = []
    for line in text.splitlines():
        found = next((key for key in add if line.startswith(key)), None)
        if found:
            lines.append(add.pop(found))
        lines.append(line)
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=1)
def contract() -> Database:
    """Return ``dms.dbc``, loaded once. Raises ConfigError where the package is damaged."""
    text = files("dms").joinpath("dms.dbc").read_text(encoding="utf-8")
    database = cantools.database.load_string(text, database_format="dbc", strict=True)
    if not isinstance(database, Database):
        raise ConfigError("dms.dbc is not a CAN database; install dms again")
    return database


def data_ids(message: Message) -> bytes | None:
    """Return the E2E data-ID list of ``message``, or None if it is not protected."""
    text = _attribute(message, "E2EDataIdList")
    return bytes.fromhex(str(text)) if text else None


def max_delta(message: Message) -> int:
    """Return how far the counter of ``message`` may step between two frames in sequence."""
    return int(str(_attribute(message, "E2EMaxDeltaCounter") or 1))


def _attribute(message: Message, name: str) -> object:
    attributes = message.dbc.attributes if message.dbc else {}
    return attributes[name].value if name in attributes else None


def names() -> tuple[str, ...]:
    """Return the names of all messages of the contract."""
    return tuple(message.name for message in contract().messages)


class Codec:
    """Encodes and decodes the contract's messages at one base identifier.

    With ``pgn_base`` they are SAE J1939 messages of that PGN and those after it; the identifiers
    then have the null source address, and received ones are matched by their PGN.

    Raises ConfigError where the identifiers do not fit into 11 (or 29) bits.
    """

    def __init__(
        self, base_id: int = BASE_ID, *, extended: bool = False, pgn_base: int | None = None
    ) -> None:
        self._messages = {message.name: message for message in contract().messages}
        self._j1939 = pgn_base is not None
        self.extended = extended = extended or self._j1939
        offsets = {name: each.frame_id - BASE_ID for name, each in self._messages.items()}
        if pgn_base is None:
            self.ids = {name: base_id + offset for name, offset in offsets.items()}
        else:
            self.ids = _pgn_ids(pgn_base, offsets)
        if max(self.ids.values()) > _LAST_ID[extended]:
            raise ConfigError(
                f"base identifier {base_id:#x} leaves no room for {len(self.ids)} messages below "
                f"{_LAST_ID[extended]:#x}; choose a smaller one{'' if extended else ' or 29 bits'}"
            )
        self._guards = {
            name: {each.name: 0 for each in message.signals if each.name.startswith(_E2E)}
            for name, message in self._messages.items()
        }
        self._names = {can_id: name for name, can_id in self.ids.items()}
        lists = {name: data_ids(message) for name, message in self._messages.items()}
        self._protectors = {name: Protector(ids) for name, ids in lists.items() if ids}
        self._checkers = {
            name: Checker(ids, self._messages[name].length, max_delta(self._messages[name]))
            for name, ids in lists.items()
            if ids
        }

    def frame(self, name: str, signals: Signals, t_s: float) -> CanFrame:
        """Encode ``signals`` of message ``name``; CRC and counter are left 0.

        Raises BridgeError for a value that does not fit its signal.
        """
        try:
            data = self._messages[name].encode({**signals, **self._guards[name]}, strict=True)
        except (cantools.database.errors.EncodeError, KeyError) as error:
            raise BridgeError(f"{name} cannot carry this state: {error}") from error
        return CanFrame(name, self.ids[name], self.extended, data, t_s)

    def protect(self, frame: CanFrame) -> bytes:
        """Return the bytes to send: counter and CRC filled where the message is protected.

        Called once for each frame that is really sent, so that a receiver sees no gap for frames
        that were replaced by a newer one before they left.
        """
        protector = self._protectors.get(frame.name)
        return protector.protect(frame.data) if protector else frame.data

    def name_of(self, can_id: int, *, extended: bool) -> str | None:
        """Return which message of the contract has this identifier."""
        if self._j1939:
            can_id = next((own for own in self._names if not (own ^ can_id) & _PGN_BITS), can_id)
        return self._names.get(can_id) if extended == self.extended else None

    def check(self, name: str, data: bytes) -> Check:
        """Check the protection of a received message, in order of arrival."""
        return self._checkers[name].check(data)

    def reset_check(self, name: str) -> None:
        """Take the next message of this name as a first one."""
        self._checkers[name].reset()

    def decode(self, name: str, data: bytes) -> dict[str, Value]:
        """Return the physical values and the words of the value tables.

        Raises BridgeError where ``data`` has the wrong length.
        """
        try:
            values = self._messages[name].decode(data)
        except cantools.database.errors.DecodeError as error:
            raise BridgeError(f"{name}: {error}; the sender uses another contract") from error
        if not isinstance(values, dict):
            raise BridgeError(f"{name} decodes to no signals; the contract is damaged")
        return {key: _plain(value) for key, value in values.items()}


def _pgn_ids(pgn_base: int, offsets: dict[str, int]) -> dict[str, int]:
    last = pgn_base + max(offsets.values())
    if pgn_base not in _PROPRIETARY_B or last not in _PROPRIETARY_B:
        raise ConfigError(
            f"pgn_base {pgn_base:#x}: {len(offsets)} messages need PGNs within J1939's proprietary "
            f"B, {_PROPRIETARY_B[0]:#x} to {_PROPRIETARY_B[-1]:#x}"
        )
    return {
        name: identifier(pgn_base + offset, NULL, priority=_URGENT.get(name, _ORDINARY))
        for name, offset in offsets.items()
    }


def _plain(value: object) -> Value:
    if isinstance(value, NamedSignalValue):
        return str(value)
    if isinstance(value, (int, float, str)):
        return value
    raise BridgeError(f"unexpected value {value!r} in a decoded message")
