"""What looks wrong in a mapping that can be read: a lost sign, a range that shuts values out. Pure.

A hint is no error: the database may be right and the car odd. Whoever maps a car reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cantools.database.can import Signal

from dms.vehicle.reading import Reading
from dms.vehicle.words import tokens

# What every car shows on an ordinary drive, in our units (our estimate). A range that shuts a part
# of it out, though the bits could hold it, makes values unknown that the car does send.
_ORDINARY = {
    "speed": (0.0, 130.0),
    "steering_angle": (-300.0, 300.0),
    "steering_rate": (-200.0, 200.0),
    "acceleration": (-4.0, 4.0),
    "speed_limit": (10.0, 130.0),
}
_SIGNED = ("steering_angle", "steering_rate", "acceleration")
_UNITS = {"speed": "km/h", "steering_angle": "deg", "steering_rate": "deg/s",
          "acceleration": "m/s2", "speed_limit": "km/h"}  # fmt: skip
_SIGNS = {"vz", "sign", "sgn", "vorzeichen", "direction", "dir", "richtung"}
_VALIDITIES = {"valid", "validity", "qbit", "qf", "init", "initializing", "initialising", "invalid",
               "ungueltig", "quality", "sna", "avail", "available"}  # fmt: skip
_NEGATIVE = {"negative", "negativ", "neg", "minus", "right", "rechts"}
_POSITIVE = {"positive", "positiv", "pos", "plus", "left", "links"}
_SHORTEST = 4  # letters of a name that two signals share


def hints(reading: Reading) -> list[str]:
    """Return what looks wrong in how a quantity is read, each with what to do."""
    return [*_range(reading), *_sign(reading), *_validity(reading)]


def _range(reading: Reading) -> Iterator[str]:
    """Tell where the database's range shuts out values that the bits hold and cars reach."""
    factor, ordinary = reading.factor, _ORDINARY.get(reading.quantity)
    if factor is None or ordinary is None or reading.path.where.is_float:
        return
    low, high = sorted(limit * factor for limit in _held(reading))
    allowed = [limit * factor for limit in reading.limits]
    wanted_low, wanted_high = max(ordinary[0], low), min(ordinary[1], high)
    for lost, end in ((wanted_low < allowed[0] - 1e-6, 0), (wanted_high > allowed[1] + 1e-6, 1)):
        if lost and (reading.settings.minimum, reading.settings.maximum)[end] is None:
            side, name = (("below", "minimum"), ("above", "maximum"))[end]
            unit = _UNITS[reading.quantity]
            yield (
                f"the database's range [{reading.limits[0]:g}..{reading.limits[1]:g}] makes "
                f"everything {side} {allowed[end]:g} {unit} unknown, though the bits reach "
                f"{low:g}..{high:g} {unit}; set {name}"
            )


def _held(reading: Reading) -> tuple[float, float]:
    """Return the least and the most that the bits can hold, in the database's unit."""
    where, signal = reading.path.where, reading.signal
    least = -(1 << (where.length - 1)) if where.signed else 0
    ends = [
        raw * float(signal.scale) + float(signal.offset)
        for raw in (least, least + (1 << where.length) - 1)
    ]
    return min(ends), max(ends)


def _sign(reading: Reading) -> Iterator[str]:
    if reading.quantity not in _SIGNED or reading.factor is None:
        return
    one_sided = not reading.path.where.is_float and _held(reading)[0] >= 0
    if reading.sign is not None:
        if not one_sided:
            yield "the value has a sign of its own beside the one of sign; one of them is wrong"
        yield from _sign_by_words(reading)
        return
    sisters = _sisters(reading, _SIGNS)
    if one_sided:
        names = f", as in sign: {sisters[0]}" if sisters else ""
        yield (
            "its range has one side only, so left and right cannot be told apart; if the car sends "
            f"the direction in a signal of the same message, name it with sign{names}"
        )
    elif sisters:
        yield f"{sisters[0]} looks like its sign; if it is, set sign: {sisters[0]}"


def _sign_by_words(reading: Reading) -> Iterator[str]:
    """Tell where ``sign: NAME`` alone says the opposite of the signal's own words."""
    sign = reading.settings.sign
    if sign is None or sign.negative:
        return
    signal = reading.message.get_signal_by_name(sign.signal)
    said = {int(raw): str(word) for raw, word in (signal.choices or {}).items()}
    negative = [word for word in said.values() if _NEGATIVE & set(tokens(word))]
    for raw, word in sorted(said.items()):
        if set(tokens(word)) & (_POSITIVE if raw else _NEGATIVE):
            named = f"[{', '.join(negative)}]" if negative else "[..]"
            yield (
                f"sign: {sign.signal} takes every number but 0 for negative, the database calls "
                f"{raw} {word}; set sign: {{signal: {sign.signal}, negative: {named}}}"
            )
            return


def _validity(reading: Reading) -> Iterator[str]:
    if reading.valid:
        return
    for name in _sisters(reading, _VALIDITIES)[:1]:
        yield (
            f"{name} looks as if it says whether the value holds; if so, set "
            f"valid: {{signal: {name}, invalid: [..]}}"
        )


def _sisters(reading: Reading, marks: set[str]) -> list[str]:
    """Return signals of the same message named as the mapped one and a mark, likest first."""
    ours = _plain(reading.signal.name, set())
    found = []
    for each in reading.message.signals:
        if each.name == reading.signal.name or each.length > 4 or not _marked(each, marks):
            continue
        theirs = _plain(each.name, marks)
        shared = len(_common(ours, theirs))
        if shared >= max(_SHORTEST, len(theirs) - 2, len(ours) // 2):
            found.append((abs(len(ours) - len(theirs)), each.name))
    return [name for _, name in sorted(found)]


def _marked(signal: Signal, marks: set[str]) -> bool:
    parts = tokens(signal.name)
    joined = "".join(parts)
    return bool(marks & set(parts)) or any(len(m) >= _SHORTEST and m in joined for m in marks)


def _plain(name: str, marks: set[str]) -> str:
    """Return the letters of a name without what marks it as a sign or a validity."""
    joined = "".join(part for part in tokens(name) if part not in marks)
    for mark in sorted(marks, key=len, reverse=True):
        joined = joined.replace(mark, "") if len(mark) >= _SHORTEST else joined
    return re.sub(r"[^a-z]", "", joined)


def _common(one: str, other: str) -> str:
    """Return the longest run of letters that both have."""
    best = ""
    for start in range(len(one)):
        while one[start : start + len(best) + 1] in other and start + len(best) < len(one):
            best = one[start : start + len(best) + 1]
    return best
