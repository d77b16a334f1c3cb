"""What the raw numbers of a signal mean: by its value table, its length or the settings. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cantools.database.can import Signal

from dms.errors import ConfigError
from dms.values import Gear, Indicator, Scalar
from dms.vehicle import words
from dms.vehicle.settings import SignalSettings

Value = float | bool | Gear | Indicator
Meanings = dict[int, Value | None]

PEDALS = ("brake", "accelerator")
_WORDS: dict[str, Callable[[str], Any]] = {"gear": words.gear, "indicator": words.indicator}
_KINDS: dict[str, type[Gear] | type[Indicator]] = {"gear": Gear, "indicator": Indicator}
_J1939_SWITCH_BITS = 2  # SAE J1939-71: 0 off, 1 on, 2 error, 3 not available
_SHOWN = 8  # words of a value table in a message


def meanings_of(
    quantity: str,
    settings: SignalSettings,
    signal: Signal,
    where: str,
    *,
    number: bool,
    j1939: bool,
) -> Meanings:
    """Return what each raw number means that is no mere ``number``; None is "no value".

    Raises ConfigError for ``values`` that the settings give wrongly.
    """
    choices = {int(raw): str(word) for raw, word in (signal.choices or {}).items()}
    meanings = _of_words(quantity, settings, choices, number=number)
    if quantity in PEDALS and not _all_switch(meanings, signal):
        meanings = {raw: value for raw, value in meanings.items() if value is None}
    if not number and quantity not in _WORDS:
        if j1939 and signal.length == _J1939_SWITCH_BITS:
            meanings |= {2: None, 3: None}
        if signal.length == 1 or (j1939 and signal.length == _J1939_SWITCH_BITS):
            meanings |= _unnamed(quantity, settings, choices)
    for key, given in settings.values.items():
        for raw in _raws(key, choices, where):
            meanings[raw] = _given(quantity, given, where, number=number)
    if signal.is_signed:  # tables often give the raw bits: 15 for the -1 of four bits
        high = 1 << signal.length
        meanings |= {raw - high: value for raw, value in meanings.items() if raw >= high // 2}
    return meanings


def _of_words(
    quantity: str, settings: SignalSettings, choices: dict[int, str], *, number: bool
) -> Meanings:
    meaning = _WORDS.get(quantity, words.yes_or_no)
    meanings: Meanings = {}
    said = words.without_prefix(list(choices.values()))
    for raw, word in zip(choices, said, strict=True):
        if words.is_unknown(word) or words.is_unknown(choices[raw]):
            meanings[raw] = None
        elif not number:
            meanings[raw] = _finish(quantity, settings, meaning(word))
    return meanings


def _unnamed(quantity: str, settings: SignalSettings, choices: dict[int, str]) -> Meanings:
    """Return what 0 and 1 of a switch mean where its table leaves them out."""
    named = [raw for raw in (0, 1) if raw in choices]
    said = {0: False, 1: True}
    if len(named) == 2:
        return {}
    if named:
        word = choices[named[0]]
        one = None if words.is_unknown(word) else words.yes_or_no(word)
        said = {} if one is None else {1 - named[0]: not one}
    return {raw: _finish(quantity, settings, value) for raw, value in said.items()}


def _all_switch(meanings: Meanings, signal: Signal) -> bool:
    """Whether a pedal's words are those of a switch, and not single words of a percentage."""
    said = [value for value in meanings.values() if value is not None]
    return bool(said) and (
        signal.length <= 3 or {0.0, 1.0} <= {float(v) for v in said if isinstance(v, (int, float))}
    )


def _finish(quantity: str, settings: SignalSettings, value: Value | None) -> Value | None:
    if isinstance(value, bool):
        value = value is not settings.invert
        return float(value) if quantity in PEDALS else value
    return value


def _raws(key: int | str, choices: dict[int, str], where: str) -> list[int]:
    if isinstance(key, int):
        return [key]
    raws = [raw for raw, word in choices.items() if word.lower() == key.lower()]
    if not raws:
        raise ConfigError(
            f"{where}: values: there is no word {key!r} in its value table; it has "
            f"{', '.join(choices.values()) or 'none'}"
        )
    return raws


def _given(quantity: str, given: Scalar, where: str, *, number: bool) -> Value | None:
    kind = _KINDS.get(quantity)
    # An unquoted off is false in YAML.
    text = "off" if given is False and kind is Indicator else str(given).lower()
    if text == "unknown":
        return None
    if number:
        raise ConfigError(f"{where}: values: {given!r} is no meaning of a number; only unknown is")
    allowed: list[str] = [each.value for each in kind] if kind else ["true", "false"]
    if text in {"on", "yes", "off", "no"} and not kind:
        text = "true" if text in {"on", "yes"} else "false"
    if text not in allowed:
        raise ConfigError(f"{where}: values: {given!r} is none of {', '.join(allowed)}, unknown")
    if kind:
        return kind(text)
    return float(text == "true") if quantity in PEDALS else text == "true"


def unclear(quantity: str, signal: Signal, meanings: Meanings, where: str) -> str:
    """Say what is missing where fewer than two values are understood: it could never change."""
    table = [f"{raw} {str(word)!r}" for raw, word in (signal.choices or {}).items()]
    shown = ", ".join([*table[:_SHOWN], *(["..."] if len(table) > _SHOWN else [])])
    has = f"its value table has {shown}" if table else "it has no value table"
    known = [str(raw) for raw, value in meanings.items() if value is not None]
    which = f"only {', '.join(known)} is understood" if known else "none of it is understood"
    example = {"gear": "0: park, 1: reverse", "indicator": "0: off, 1: left"}
    give = f"give values, as in {{{example.get(quantity, '0: false, 1: true')}}}"
    if quantity == "indicator":
        give += ", or map one side alone as indicator_left or indicator_right"
    return f"{where}: {has}; {which}; {give}"
