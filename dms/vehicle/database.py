"""The user's CAN database: loading, finding messages and signals, and saying what is nearest."""

from __future__ import annotations

import codecs
import difflib
import logging
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import cantools
from cantools.database import Message
from cantools.database.can import Database, Signal
from cantools.database.errors import Error, UnsupportedDatabaseFormatError

from dms.errors import ConfigError
from dms.vehicle import dbctext
from dms.vehicle.dbctext import LONGEST, check_length, plain_name

_log = logging.getLogger(__name__)
_NULL_ADDRESS = 0xFE  # SAE J1939-81
_SAE_BROADCAST = range(0xF0, 0xFF)  # J1939-21: PDU format, pages 0; 0xFF is anybody's
SHIPPED = {"j1939": "j1939.dbc"}
_SETTING = ("vehicle", "database")
_LENGTHS = {  # of the formats that are not read by dbctext
    r"^[ \t]*(?:Dlc|DLC|Len)\s*=\s*(\d+)": LONGEST,  # SYM
    r"\b(?:length|offset)\s*=\s*[\"']\s*(\d+)": 8 * LONGEST,  # KCD
    r"<(?:\w{1,20}:)?(?:LENGTH|FRAME-LENGTH|START-POSITION)(?:\s[^<>]{0,200})?>\s*(\d+)": 8
    * 65535,  # ARXML, which has Ethernet's messages, too
}
_LOST = 5  # statements left out that are reported


def load(name: str) -> Database:
    """Load a database file, or a shipped one by its name.

    Raises ConfigError where it cannot be read or understood.
    """
    try:
        return _load(name)
    except OSError as error:
        words = f"cannot read the CAN database {name}: {error.strerror}"
        if not Path(name).is_absolute():
            words += f"; it is looked for in {Path.cwd()}"
        raise ConfigError(words, _SETTING) from error
    except (Error, UnsupportedDatabaseFormatError, ValueError, LookupError) as error:
        words = f"{name} is not a CAN database cantools can read: {error}"
        raise ConfigError(words, _SETTING) from error


def _check_lengths(text: str) -> None:
    """Raise ValueError for a message or signal that no CAN carries: cantools plans every bit."""
    for pattern, most in _LENGTHS.items():
        for found in re.finditer(pattern, text, re.MULTILINE):
            check_length(repr(found[0].strip()[:60]), found[1], most)


def _load(name: str) -> Database:
    if name in SHIPPED:
        text = files("dms.vehicle").joinpath(SHIPPED[name]).read_text(encoding="utf-8")
        return _dbc(name, text)
    path = Path(name)
    if path.suffix.lower() == ".dbc":
        return _dbc(name, _decoded(path.read_bytes()))
    _check_lengths(path.read_bytes().decode("utf-8", "replace"))
    return _can(cantools.database.load_file(path, strict=False))


def _decoded(data: bytes) -> str:
    """Return the text of a DBC; the standard says nothing, tools write UTF-8 or Windows-1252."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _dbc(name: str, text: str) -> Database:
    reduced, lost = dbctext.mended(text)
    if lost:
        more = f" and {len(lost) - _LOST} more" if len(lost) > _LOST else ""
        _log.warning("%s: left out what is not DBC: %s%s", name, "; ".join(lost[:_LOST]), more)
    database = _can(cantools.database.load_string(reduced, database_format="dbc", strict=False))
    if not database.messages:
        raise ConfigError(f"{name} has no message; is it a CAN database?", _SETTING)
    return database


def _can(database: object) -> Database:
    if not isinstance(database, Database):
        words = "the file describes diagnostics, not a CAN bus; give a CAN database"
        raise ConfigError(words, _SETTING)
    return database


def is_j1939(database: Database, message: Message) -> bool:
    """Whether ``message`` is matched by its PGN, whatever priority and source it comes with.

    Said by its frame format or by the database's protocol. Where neither is given, a database whose
    identifiers all end in the null source address 0xFE, at least one of them in the range that SAE
    gives broadcast messages, can only mean "any source": J1939 lets nobody send with it.
    """
    if message.protocol == "j1939":
        return True
    attributes = database.dbc.attributes if database.dbc else {}
    definitions = database.dbc.attribute_definitions if database.dbc else {}
    if "ProtocolType" in attributes:
        return message.is_extended_frame and _says_j1939(attributes["ProtocolType"].value)
    if "VFrameFormat" in definitions:
        return False  # and it is another format, or cantools would have said so
    ids = [each.frame_id if each.is_extended_frame else 0 for each in database.messages]
    null = all(can_id & 0xFF == _NULL_ADDRESS for can_id in ids)
    return null and any((can_id >> 16) & 0x3FF in _SAE_BROADCAST for can_id in ids)


def _says_j1939(protocol: object) -> bool:
    return str(protocol).upper() == "J1939"


def find(database: Database, message: str, signal: str, what: str) -> tuple[Message, Signal]:
    """Return message and signal by their names, as in the database or as C identifiers.

    Raises ConfigError with the nearest names where there is none; ``what`` names the setting.
    """
    by_name = {each.name: each for each in database.messages}
    if message not in by_name:  # the names of a DBC were made C identifiers
        message = plain_name(message) if plain_name(message) in by_name else message
    if message not in by_name:
        holders = _holders(database, signal)
        hint = f"; signal {signal!r} is in {', '.join(holders[:3])}" if holders else ""
        raise ConfigError(
            f"vehicle.signals.{what}: there is no message {message!r} in the database"
            f"{_nearest(message, list(by_name))}{hint}",
            ("vehicle", "signals", what, "message"),
        )
    found = by_name[message]
    twins = [f"{each.frame_id:#x}" for each in database.messages if each.name == message]
    if len(twins) > 1:
        raise ConfigError(
            f"vehicle.signals.{what}: {message!r} is the name of {len(twins)} messages "
            f"({', '.join(twins)}); rename all but one in the database",
            ("vehicle", "signals", what, "message"),
        )
    named = [each for each in found.signals if each.name in (signal, plain_name(signal))]
    if len(named) == 1:
        return found, named[0]
    if named:
        raise ConfigError(
            f"vehicle.signals.{what}: message {message} has {len(named)} signals {signal!r}; "
            "rename all but one in the database",
            ("vehicle", "signals", what, "signal"),
        )
    holders = _holders(database, signal)
    hint = f"; {signal!r} is in {', '.join(holders[:3])}" if holders else ""
    raise ConfigError(
        f"vehicle.signals.{what}: message {message} has no signal {signal!r}"
        f"{_nearest(signal, [each.name for each in found.signals])}{hint}",
        ("vehicle", "signals", what, "signal"),
    )


def find_beside(database: Database, message: Message, signal: str, what: str, role: str) -> Signal:
    """Return another signal of ``message``, its sign or what says that it is valid (``role``).

    Raises ConfigError with the nearest names where there is none.
    """
    try:
        return find(database, message.name, signal, what)[1]
    except ConfigError as error:
        words = str(error).replace(f"signals.{what}: ", f"signals.{what}: {role}: ", 1)
        if _holders(database, signal):
            words += "; it must come in the same message"
        raise ConfigError(words, ("vehicle", "signals", what, role)) from error


def _holders(database: Database, signal: str) -> list[str]:
    return [m.name for m in database.messages if any(s.name == signal for s in m.signals)]


def _nearest(name: str, names: Sequence[str]) -> str:
    lower = {each.lower(): each for each in names}
    close = difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.5)
    inside = [each for each in lower if name.lower() in each or each in name.lower()]
    near = list(dict.fromkeys([*close, *inside]))[:3]
    if near:
        return f"; nearest: {', '.join(lower[each] for each in near)}"
    return f"; it has {', '.join(list(names)[:5])}" if names else "; it has none"
