"""The text of a DBC cut down to what places and names signals, and fixed where it is wrong.

Databases of real cars have 29-bit identifiers without their mark, names that begin with a digit,
comments without a target, attributes that nobody defined. cantools refuses such a file as a whole;
none of that moves a bit. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LONGEST = 4095  # bytes: ISO 15765-2, a message in many frames
_KEYWORD = re.compile(
    r"\s*(VERSION|NS_|BS_|BU_|VAL_TABLE_|BO_|SG_|BO_TX_BU_|EV_|ENVVAR_DATA_|SGTYPE_|CM_|BA_DEF_"
    r"|BA_DEF_SGTYPE_|BA_DEF_DEF_|BA_DEF_REL_|BA_DEF_DEF_REL_|BA_SGTYPE_|BA_REL_|BA_|VAL_"
    r"|SIG_GROUP_|SIG_VALTYPE_|SIG_TYPE_REF_|SGTYPE_VAL_|CAT_DEF_|CAT_|FILTER|SG_MUL_VAL_"
    r"|BU_[A-Z]+_REL_)(?=[\s:\"])"
)
_STRING = r'"((?:[^"\\]|\\.)*)"'
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_MESSAGE = re.compile(r"\s*BO_\s+(\d+)\s+([^\s:]+)\s*:\s*(\d+)")
_SIGNAL = re.compile(
    r"\s*SG_\s+([^\s:]+)\s*(M|m\d+M?)?m?\s*:\s*(\d+)\s*\|\s*(\d+)\s*@\s*([01])\s*([-+])"
    rf"\s*\(\s*({_NUMBER})\s*,\s*({_NUMBER})\s*\)\s*\[\s*({_NUMBER})\s*\|\s*({_NUMBER})\s*\]"
    rf"\s*{_STRING}"
)
_OF_SIGNAL = re.compile(r"(VAL_|SIG_VALTYPE_|SG_MUL_VAL_)\s+(\d+)\s+(\S+)\s(.*)", re.DOTALL)
_CHOICE = re.compile(rf"([-+]?\d+)(?:\.0*)?\s+{_STRING}")
_DEFINITION = re.compile(r'BA_DEF(?:_DEF)?_\s+(?:(?:BU_|BO_|SG_|EV_)\s+)?"([^"]+)"')
_ATTRIBUTE = re.compile(
    r'BA_\s+"([^"]+)"\s+(?:(BO_)\s+(\d+)|(SG_)\s+(\d+)\s+(\S+))?'
    r'\s*("(?:[^"\\]|\\.)*"|[^";]+)\s*;',
    re.DOTALL,
)
_KEPT = re.compile(r"GenMsg|VFrameFormat|ProtocolType|BusType|System\w+LongSymbol")
_EXTENDED = 1 << 31
_LAST_11, _LAST_29 = 0x7FF, 0x1FFFFFFF
_NO_MESSAGE = "VECTOR__INDEPENDENT_SIG_MSG"  # where Vector's tools keep signals without a message
_NODE = "Vector__XXX"  # senders and receivers do not matter here


def plain_name(name: str) -> str:
    """Return ``name`` as a C identifier, which is what DBC asks for."""
    word = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{word}" if word[:1].isdigit() else word


def mended(text: str) -> tuple[str, list[str]]:
    """Return the reduced text, and what had to be left out, each with its line.

    Raises ValueError for a message or signal that no CAN carries: cantools plans every bit.
    """
    made = _Reduced()
    for line, keyword, statement in _statements(text):
        made.take(line, keyword, statement)
    return made.text(), made.lost


def _statements(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield (line, keyword, text) of each statement; keywords inside strings begin none."""
    begun, keyword, parts, inside = 0, "", [""], False
    for number, line in enumerate(text.splitlines(), 1):
        found = None if inside else _KEYWORD.match(line)
        names_only = keyword == "NS_" and len(line.split()) == 1 and ":" not in line
        if found and not names_only:
            if keyword:
                yield begun, keyword, "\n".join(parts)
            begun, keyword, parts = number, found[1], [line]
        else:
            parts.append(line)
        quotes = line.count('"') - line.count('\\"')
        inside = (inside != bool(quotes % 2)) and not line.rstrip().endswith('";')
    if keyword:
        yield begun, keyword, "\n".join(parts)


@dataclass
class _Reduced:
    """Collects the statements that count, in the order that the format asks for."""

    lost: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    definitions: list[str] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)
    signals: set[tuple[int, str]] = field(default_factory=set)
    defined: set[str] = field(default_factory=set)
    ids: set[int] = field(default_factory=set)
    now: int | None = None  # identifier of the message that signals belong to

    def text(self) -> str:
        head = ['VERSION ""', "NS_ :", "BS_:", f"BU_: {_NODE}"]
        return "\n".join([*head, *self.messages, *self.definitions, *self.rest, ""])

    def take(self, line: int, keyword: str, statement: str) -> None:
        if keyword == "BO_":
            self._message(line, statement)
        elif keyword == "SG_":
            self._signal(line, statement)
        elif keyword in {"VAL_", "SIG_VALTYPE_", "SG_MUL_VAL_"}:
            self._of_signal(statement)
        elif keyword in {"BA_DEF_", "BA_DEF_DEF_"}:
            found = _DEFINITION.match(statement.strip())
            if found and _KEPT.match(found[1]) and statement.rstrip().endswith(";"):
                self.definitions.append(statement)
                if keyword == "BA_DEF_":
                    self.defined.add(found[1])
        elif keyword == "BA_":
            self._attribute(statement)

    def _message(self, line: int, statement: str) -> None:
        found = _MESSAGE.match(statement)
        can_id = _identifier(int(found[1])) if found else None
        self.now = can_id
        if found and found[2] == _NO_MESSAGE:
            self.now = None
        elif found is None or can_id is None:
            self.lost.append(f"line {line}: {statement.strip()[:60]}")
        else:
            check_length(f"line {line}: {found[3][:20]}", found[3], LONGEST)
            self.ids.add(can_id)
            self.messages.append(f"BO_ {can_id} {plain_name(found[2])}: {found[3]} {_NODE}")

    def _signal(self, line: int, statement: str) -> None:
        found = _SIGNAL.match(statement)
        if found is None:
            self.lost.append(f"line {line}: {statement.strip()[:60]}")
        if found is None or self.now is None:
            return
        name, mux, start, length, order, sign, *numbers, unit = found.groups()
        for number in (start, length):
            check_length(f"line {line}: {number[:20]}", number, 8 * LONGEST)
        factor, offset, low, high = (_number(each) for each in numbers)
        name = plain_name(name)
        self.signals.add((self.now, name))
        self.messages.append(
            f" SG_ {name} {mux or ''} : {start}|{length}@{order}{sign} ({factor},{offset}) "
            f'[{low}|{high}] "{unit}" {_NODE}'
        )

    def _of_signal(self, statement: str) -> None:
        found = _OF_SIGNAL.match(statement.strip())
        can_id = _identifier(int(found[2])) if found else None
        if found is None or (can_id, plain_name(found[3])) not in self.signals:
            return  # of a signal that is not there, as in files cut out of larger ones
        keyword, name, rest = found[1], plain_name(found[3]), found[4]
        if keyword == "VAL_":
            choices = " ".join(f'{raw} "{word}"' for raw, word in _CHOICE.findall(rest))
            rest = f"{choices} ;" if choices else ""
        elif keyword == "SIG_VALTYPE_":
            kind = re.search(r"[0-3]", rest)
            rest = f": {kind[0]};" if kind else ""
        if rest:
            self.rest.append(f"{keyword} {can_id} {name} {rest}")

    def _attribute(self, statement: str) -> None:
        found = _ATTRIBUTE.match(statement.strip())
        if found is None or found[1] not in self.defined:
            return
        name, _, message, of_signal, of_message, signal, value = found.groups()
        target = ""
        if message is not None:
            can_id = _identifier(int(message))
            if can_id not in self.ids:
                return
            target = f"BO_ {can_id} "
        elif of_signal:
            can_id = _identifier(int(of_message))
            if (can_id, plain_name(signal)) not in self.signals:
                return
            target = f"SG_ {can_id} {plain_name(signal)} "
        elif re.match(r"(BU_|EV_)\s", value):
            return
        self.rest.append(f'BA_ "{name}" {target}{value.strip()};')


def _identifier(number: int) -> int | None:
    """Return a DBC's identifier with bit 31 for 29 bits, also where the file left that out."""
    if number & _LAST_29 == number:
        return number if number <= _LAST_11 else number | _EXTENDED
    return number if number & ~_EXTENDED <= _LAST_29 else None


def check_length(what: str, number: str, most: int) -> None:
    """Raise ValueError naming ``what`` where the digits of ``number`` are more than ``most``."""
    if len(number) > 6 or int(number) > most:  # Python refuses to convert thousands of digits
        raise ValueError(f"{what} is longer than {most}")


def _number(text: str) -> str:
    return re.sub(r"^([-+]?)\.", r"\g<1>0.", text)
