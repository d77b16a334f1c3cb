"""What the words of a value table mean: yes, no, gears, indicators, "not available". Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
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
    "implausible", "undetermined", "unplausible", "nodata",
}  # fmt: skip
_UNKNOWN_PAIRS = {
    ("not", "available"), ("not", "avail"), ("not", "valid"), ("not", "used"), ("not", "defined"),
    ("not", "known"), ("not", "supported"), ("no", "data"), ("no", "signal"), ("no", "info"),
    ("not", "initialized"), ("not", "plausible"), ("n", "a"), ("don", "t"), ("not", "installed"),
    ("take", "no"), ("not", "equipped"), ("no", "value"), ("not", "ready"),
}  # fmt: skip
_NO = {
    "off", "no", "false", "inactive", "released", "open", "none", "idle", "disabled", "unpressed",
    "notpressed", "deactivated", "lock", "locked", "acc", "accessory", "normal", "moving",
    "driving", "motion", "0", "ready", "not", "never", "clear", "passive", "rolling",
}  # fmt: skip
_YES = {
    "on", "yes", "true", "active", "activated", "pressed", "applied", "engaged", "enabled", "set",
    "run", "running", "start", "starting", "crank", "cranking", "standstill", "stopped",
    "stationary", "parked", "stop", "1", "depressed", "pushed", "actuated", "closed", "sounding",
    "confirmed", "still", "operated", "stand", "braking", "brake", "braked", "ign", "ignition",
    "kl15", "15",
}  # fmt: skip
_GEARS = {
    Gear.PARK: {"p", "park", "parking", "parked"},
    Gear.REVERSE: {"r", "rev", "reverse", "rear", "backward", "backwards", "rwd"},
    Gear.NEUTRAL: {"n", "neutral", "idle"},
    Gear.DRIVE: {
        "d", "drive", "driving", "forward", "fwd", "s", "sport", "l", "low", "m", "manual", "b",
        "brake", "eco", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth",
        "ninth",        "m1", "d1", "tip", "tiptronic", *(str(number) for number in range(1, 19)),
    },
}  # fmt: skip
_SIDES = {
    Indicator.HAZARD: {"hazard", "hazards", "both", "warning", "warn", "emergency", "all", "4way"},
    Indicator.LEFT: {"left", "lh", "l", "links", "le", "lft"},
    Indicator.RIGHT: {"right", "rh", "r", "rechts", "ri", "rgt"},
    Indicator.OFF: {"off", "none", "no", "idle", "inactive", "neutral", "not", "center", "centre",
                    "0"},
}  # fmt: skip


def tokens(word: str) -> list[str]:
    """Split ``NotAvailable``, ``not_available`` or ``NOT AVAILABLE`` into lower-case parts."""
    return [part.lower() for part in _SPLIT.findall(_NUMBERED.sub("", word))]


def is_unknown(word: str) -> bool:
    """Whether ``word`` says that the signal holds no value."""
    parts = tokens(word)
    pairs = set(pairwise(parts))
    return not parts or bool(_UNKNOWN & set(parts)) or bool(_UNKNOWN_PAIRS & pairs)


def yes_or_no(word: str) -> bool | None:
    """Return what ``word`` says, None where it says neither."""
    parts = set(tokens(word))
    if parts & {"not", "no", "un", "de", "non"} or parts & _NO:
        return False
    return True if parts & _YES else None


def gear(word: str) -> Gear | None:
    """Return the gear that ``word`` names."""
    return _one_of(word, _GEARS)


def indicator(word: str) -> Indicator | None:
    """Return the side that ``word`` names."""
    parts = set(tokens(word))
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


def reader(meaning: Callable[[str], T | None]) -> Callable[[str], T | None]:
    """Return ``meaning`` with words of no value read as None."""

    def read(word: str) -> T | None:
        return None if is_unknown(word) else meaning(word)

    return read
