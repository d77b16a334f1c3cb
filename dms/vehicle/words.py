"""What the words of a value table mean: yes, no, gears, indicators, "not available". Pure.

English, and German as Volkswagen's databases have it; anything else is not guessed.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TypeVar

from dms.values import Gear, Indicator

T = TypeVar("T")

_SPLIT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NUMBERED = re.compile(r"^\s*(?:0[xX][0-9A-Fa-f]+|[0-9]+)\s*[:=_-]\s*(?=[A-Za-z])")  # "0x1: Left"
_UNKNOWN = {
    "sna", "invalid", "inv", "error", "err", "unknown", "unavailable", "undefined", "undef",
    "fault", "faulty", "failure", "fail", "failed", "reserved", "res", "rsvd", "unused", "na", "nv",
    "init", "initializing", "initialising", "initialization", "malfunction", "defect",
    "implausible", "undetermined", "unplausible", "nodata", "notused", "notavailable", "notvalid",
    "notdefined", "faulted", "initialized", "initialised", "uninitialized",
    "ungueltig", "fehler", "undefiniert", "reserviert", "unbekannt", "defekt", "initialisierung",
    "unplausibel", "nichtverfuegbar",
}  # fmt: skip
_UNKNOWN_PAIRS = {
    ("not", "available"), ("not", "avail"), ("not", "valid"), ("not", "used"), ("not", "defined"),
    ("not", "known"), ("not", "supported"), ("no", "data"), ("no", "signal"), ("no", "info"),
    ("not", "initialized"), ("not", "plausible"), ("n", "a"), ("don", "t"), ("not", "installed"),
    ("take", "no"), ("not", "equipped"), ("no", "value"), ("not", "ready"),
    ("nicht", "verfuegbar"), ("nicht", "definiert"), ("nicht", "belegt"), ("kein", "signal"),
}  # fmt: skip
_NO = {
    "off", "no", "false", "inactive", "released", "open", "none", "idle", "disabled", "unpressed",
    "notpressed", "deactivated", "lock", "locked", "acc", "accessory", "normal", "moving",
    "driving", "motion", "ready", "not", "never", "clear", "passive", "rolling", "disable",
    "aus", "nein", "inaktiv", "ausgeschaltet", "abgeschaltet", "frei", "geloest", "faehrt",
}  # fmt: skip
_YES = {
    "on", "yes", "true", "active", "activated", "pressed", "applied", "engaged", "enabled", "set",
    "run", "running", "start", "starting", "crank", "cranking", "standstill", "stopped",
    "stationary", "parked", "stop", "depressed", "pushed", "actuated", "closed", "sounding",
    "confirmed", "still", "operated", "stand", "braking", "brake", "braked", "ign", "ignition",
    "enable", "applying", "ein", "ja", "aktiv", "eingeschaltet", "betaetigt", "gedrueckt",
    "angezogen", "stillstand", "steht",
}  # fmt: skip
_GEARS = {
    Gear.PARK: {"p", "park", "parking", "parked"},
    Gear.REVERSE: {"r", "rev", "reverse", "rear", "backward", "backwards", "rwd",
                   "rueckwaerts", "rueckwaertsgang"},
    Gear.NEUTRAL: {"n", "neutral", "idle", "leerlauf"},
    Gear.DRIVE: {
        "d", "drive", "driving", "forward", "fwd", "s", "sport", "l", "low", "m", "manual", "b",
        "brake", "eco", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth",
        "ninth", "tenth", "tip", "tiptronic", "vorwaerts",
    },
}  # fmt: skip
# What may stand beside a number that is a gear: "Gear 3", "_3rd_Gear", "D4", "Range5".
_BESIDE_NUMBER = {"gear", "g", "st", "nd", "rd", "th", "d", "s", "m", "l", "manual", "range", "tip",
                  "forward", "fwd", "drive", "sport", "low", "gang"}  # fmt: skip
_MOST_GEARS = 18
_NOT = {"not", "no", "un", "de", "non", "nicht", "kein", "keine"}
_NO_LIGHT = {"off", "inactive", "aus", "inaktiv"}
_SELECTOR = {"p", "r", "n", "d"}
_BELOW_0 = re.compile(r"(?:.*\s)?-[0-9]")
_TERMINALS = {("kl", "15"), ("klemme", "15"), ("terminal", "15")}  # DIN 72552: ignition
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}
)
_SIDES = {
    Indicator.HAZARD: {"hazard", "hazards", "both", "warning", "warn", "emergency", "all", "4way",
                       "warnblinken", "beide"},
    Indicator.LEFT: {"left", "lh", "l", "links", "le", "lft"},
    Indicator.RIGHT: {"right", "rh", "r", "rechts", "ri", "rgt"},
    Indicator.OFF: {"off", "none", "no", "idle", "inactive", "neutral", "not", "center", "centre",
                    "aus", "kein", "inaktiv"},
}  # fmt: skip


def tokens(word: str) -> list[str]:
    """Split ``NotAvailable``, ``not_available`` or ``NOT AVAILABLE`` into lower-case parts."""
    plain = _NUMBERED.sub("", word).translate(_UMLAUTS)
    return [part.lower() for part in _SPLIT.findall(plain)]


def without_prefix(words: list[str]) -> list[str]:
    """Return the words of a table without the parts that all begin with, as in ``DI_GEAR_P``.

    What all share says nothing, but may sound as if: ``BrakeOn_Init``, ``BrakeOn_Off``.
    """
    parts = [tokens(word) for word in words]
    if len(words) < 2:
        return words
    shared = 0
    for column in zip(*(each[:-1] for each in parts), strict=False):
        if len(set(column)) > 1 or column[0] in _NOT:
            break
        shared += 1
    return [" ".join(each[shared:]) for each in parts] if shared else words


def is_unknown(word: str) -> bool:
    """Whether ``word`` says that the signal holds no value."""
    parts = tokens(word)
    joined = "".join(parts)
    return (
        not parts
        or bool(_UNKNOWN & set(parts))
        or bool(_UNKNOWN_PAIRS & set(pairwise(parts)))
        or joined.rstrip("0123456789") in _UNKNOWN  # NotUSed2
    )


def yes_or_no(word: str) -> bool | None:
    """Return what ``word`` says, None where it says neither."""
    listed = tokens(word)
    if listed in (["0"], ["1"]):
        return listed == ["1"]
    parts = set(listed)
    if parts & (_NOT | _NO):
        return False
    return True if parts & _YES or _TERMINALS & set(pairwise(listed)) else None


def gear(word: str) -> Gear | None:
    """Return the gear that ``word`` names; "park" beside another is not sure to be parked.

    Nor is "not reverse" reverse, "P-R" either of them, or -1 a gear ahead; "reverse -1" is reverse.
    """
    parts = tokens(word)
    between = len(set(parts)) > 1 and set(parts) <= _SELECTOR
    if between and set(parts) != {"p", "n"}:
        return None
    if _BELOW_0.match(word):
        back = _one_of(word, _GEARS) is Gear.REVERSE and not _NOT & set(parts)
        return Gear.REVERSE if back else None
    numbers = [part for part in parts if part.isdigit()]
    others = {part for part in parts if not part.isdigit()}
    if len(numbers) == 1 and 1 <= int(numbers[0]) <= _MOST_GEARS and others <= _BESIDE_NUMBER:
        return Gear.DRIVE
    found = _one_of(word, _GEARS)
    if found is not Gear.NEUTRAL and _NOT & set(parts):
        return None
    if found is Gear.PARK and others & _GEARS[Gear.NEUTRAL]:
        return Gear.NEUTRAL
    return found


def indicator(word: str) -> Indicator | None:
    """Return the side that ``word`` names; "left off" is none, "left on, right off" not known."""
    parts = set(tokens(word))
    if _NO_LIGHT & parts:
        return None if _YES & parts else Indicator.OFF
    if parts & _SIDES[Indicator.LEFT] and parts & _SIDES[Indicator.RIGHT]:
        return Indicator.HAZARD
    return _one_of(word, _SIDES)


def _one_of(word: str, table: dict[T, set[str]]) -> T | None:
    parts = tokens(word)
    hits = [meaning for meaning, names in table.items() if names & set(parts)]
    if len(hits) > 1:  # "ParkingBrake off" or "Reverse gear 1": the first part that says anything
        for part in parts:
            for meaning, names in table.items():
                if part in names:
                    return meaning
    return hits[0] if hits else None
