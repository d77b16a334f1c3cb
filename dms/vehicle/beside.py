"""A signal beside the mapped one, in the same message: its sign, or whether it holds. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cantools.database import Message
from cantools.database.can import Signal

from dms.errors import ConfigError
from dms.vehicle import words
from dms.vehicle.bits import Path, path
from dms.vehicle.settings import SignSettings, ValidSettings

_SHOWN = 8  # words of a value table in a message


@dataclass(frozen=True, slots=True)
class Beside:
    """``table``: what a raw number says, None is unknown; ``others``: what every other says."""

    name: str
    path: Path
    table: dict[int, bool | None]
    others: bool

    def says(self, data: bytes) -> tuple[bool | None, str]:
        """Return what the frame says, and how, in words."""
        raw = self.path.raw(data)
        if raw is None:
            return None, f"{self.name} is not in the frame"
        return self.table.get(int(raw), self.others), f"{self.name} says {raw}"

    def described(self) -> dict[str, Any]:
        """Return what each raw number says, in plain words."""
        said: dict[str, Any] = {
            str(raw): "unknown" if meant is None else meant for raw, meant in self.table.items()
        }
        return {"signal": self.name, **said, "others": self.others}


def sign_of(settings: SignSettings, message: Message, signal: Signal, where: str) -> Beside:
    """Return what says that the value is negative.

    Raises ConfigError for a word that its value table lacks.
    """
    table: dict[int, bool | None] = dict.fromkeys(_unknown(signal))
    negative = _raws(settings.negative, signal, f"{where}: sign.negative")
    if negative:
        table |= dict.fromkeys(negative, True)
    else:
        table.setdefault(0, False)  # unless its word says that the sign is not known
    return Beside(signal.name, _place(message, signal, where), table, others=not negative)


def valid_of(settings: ValidSettings, message: Message, signal: Signal, where: str) -> Beside:
    """Return what says that the value holds.

    Raises ConfigError where neither the settings nor the signal's words say which numbers do.
    """
    place = _place(message, signal, where)
    if settings.values and settings.invalid:
        raise ConfigError(f"{where}: valid: give values or invalid, not both")
    if settings.values:
        good = _raws(settings.values, signal, f"{where}: valid.values")
        return Beside(signal.name, place, dict.fromkeys(good, True), others=False)
    bad = _raws(settings.invalid, signal, f"{where}: valid.invalid") or _unknown(signal)
    if not bad:
        table = [f"{raw} {str(word)!r}" for raw, word in (signal.choices or {}).items()]
        has = f"its value table has {', '.join(table[:_SHOWN])}" if table else "it has no words"
        raise ConfigError(
            f"{where}: valid: {signal.name} does not say by itself which numbers mean valid, "
            f"{has}; give values: [..] or invalid: [..]"
        )
    return Beside(signal.name, place, dict.fromkeys(bad, False), others=True)


def _place(message: Message, signal: Signal, where: str) -> Path:
    place = path(message, signal)
    if place is None or signal.is_float:
        raise ConfigError(f"{where}: {signal.name} is no whole number inside its message")
    return place


def _unknown(signal: Signal) -> list[int]:
    return [int(raw) for raw, word in (signal.choices or {}).items() if words.is_unknown(str(word))]


def _raws(given: Sequence[int | str], signal: Signal, where: str) -> list[int]:
    """Return the raw numbers that are given as numbers or words of the value table."""
    choices = {str(word).lower(): int(raw) for raw, word in (signal.choices or {}).items()}
    found = []
    for each in given:
        if isinstance(each, int):
            found.append(each)
        elif each.lower() in choices:
            found.append(choices[each.lower()])
        else:
            raise ConfigError(
                f"{where}: there is no word {each!r} in the value table of {signal.name}; it has "
                f"{', '.join(choices) or 'none'}"
            )
    return found
