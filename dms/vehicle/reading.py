"""One mapped signal: raw bits of a frame to a value in our unit, or unknown. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cantools.database import Message
from cantools.database.can import Signal

from dms.errors import ConfigError
from dms.vehicle import units
from dms.vehicle.beside import Beside
from dms.vehicle.bits import Path, path
from dms.vehicle.meanings import PEDALS, Value, meanings_of, unclear
from dms.vehicle.settings import SignalSettings

# Quantity -> dimension and plausible range in our unit; beyond it is unknown.
_NUMBERS: dict[str, tuple[str, float, float]] = {
    "speed": ("speed", -100.0, 450.0),
    "steering_angle": ("angle", -1440.0, 1440.0),  # twice lock to lock of a truck
    "steering_rate": ("rate", -3000.0, 3000.0),
    "acceleration": ("acceleration", -30.0, 30.0),
    "speed_limit": ("speed", 0.0, 300.0),
    "loudness": ("loudness", 0.0, 150.0),
}
_J1939_FIRST_INVALID = {8: 0xFB, 16: 0xFB00, 32: 0xFB000000}  # SAE J1939-71, table 1
_PEDAL_SLACK = 0.1  # a sensor's offset: a released brake reads some -0.3 bar
_EVENT_TYPES = ("event", "onchange", "onwrite", "spontan", "ifactive", "triggered")


@dataclass(frozen=True, slots=True)
class Reading:
    """How one quantity is read. ``cycle_s`` 0: sent on change only, old values stay good."""

    quantity: str
    message: Message
    signal: Signal
    path: Path
    settings: SignalSettings
    j1939: bool
    cycle_s: float
    meanings: dict[int, Value | None]  # of raw numbers; those not in here are numbers
    factor: float | None  # None: only meanings count
    limits: tuple[float, float]  # in the database's unit
    sign: Beside | None = None
    valid: tuple[Beside, ...] = ()

    def read(self, data: bytes) -> tuple[Value | None, str] | None:
        """Return the value in a frame, and why it is unknown; None where the frame has no say."""
        raw = self.path.raw(data)
        if raw is None:
            return None
        for each in self.valid:
            holds, words = each.says(data)
            if not holds:
                return None, f"{words}: not valid"
        if self.sign is None:
            return self.value(raw)
        negative, words = self.sign.says(data)
        return (None, words) if negative is None else self.value(raw, -1.0 if negative else 1.0)

    def value(self, raw: float | int, sign: float = 1.0) -> tuple[Value | None, str]:
        """Return the value, and why it is unknown where it is None."""
        if isinstance(raw, int) and raw in self.meanings:
            meant = self.meanings[raw]
            return meant, "" if meant is not None else f"the bus says {raw}: not available"
        if self.factor is None:
            return None, f"{raw} has no meaning"
        if not math.isfinite(raw) or self._invalid_j1939(raw):
            return None, f"{raw} is no value"
        number = float(raw) * float(self.signal.scale) + float(self.signal.offset)
        slack = 1e-9 * max(1.0, abs(number))
        if not self.limits[0] - slack <= number <= self.limits[1] + slack:
            return None, f"{number:g} is out of range {self.limits[0]:g}..{self.limits[1]:g}"
        number *= sign
        if self.settings.invert and self.quantity not in PEDALS:
            number = -number
        return self._in_our_unit(number * self.factor + 0.0)  # no -0

    def described(self) -> dict[str, Any]:
        """Return in plain words how the quantity is read, for whoever writes the mapping."""
        where = self.path.where
        order = "Intel" if where.little else "Motorola"
        kind = "float" if where.is_float else "signed" if where.signed else "unsigned"
        digits = 8 if self.message.is_extended_frame else 3
        bus = f"0x{self.message.frame_id:0{digits}X}"
        words: dict[str, Any] = {
            "quantity": self.quantity,
            "message": f"{self.message.name} {bus}{' by its PGN' if self.j1939 else ''}",
            "signal": f"{self.signal.name}, {where.length} bits from {self.signal.start}, {order}, "
            f"{kind}",
        }
        if self.path.selectors:
            words["multiplexed"] = [sorted(ids) for _, ids in self.path.selectors]
        if self.factor is not None:
            words["scale"] = [self.signal.scale, self.signal.offset]
            words["unit"] = self.settings.unit or self.signal.unit or ""
            words["range"] = [None if math.isinf(limit) else limit for limit in self.limits]
        if self.sign:
            words["negative"] = self.sign.described()
        if self.valid:
            words["valid"] = [each.described() for each in self.valid]
        choices: dict[int, Any] = dict(self.signal.choices or {})
        words["cycle_s"] = self.cycle_s or "sent on change"
        words["values"] = {
            f"{raw} {choices.get(raw, '')}".strip(): "unknown"
            if value is None
            else getattr(value, "value", value)
            for raw, value in sorted(self.meanings.items())
        }
        return words

    def _in_our_unit(self, number: float) -> tuple[Value | None, str]:
        if self.quantity in PEDALS:
            share = 1.0 - number if self.settings.invert else number
            if not -_PEDAL_SLACK <= share <= 1.0 + _PEDAL_SLACK:
                return None, "beyond the pedal"
            return min(max(share, 0.0), 1.0), ""
        _, low, high = _NUMBERS[self.quantity]
        if not low <= number <= high:
            return None, f"{number:g} is not plausible"
        return number, ""

    def _invalid_j1939(self, raw: float) -> bool:
        if not self.j1939:
            return False
        first = _J1939_FIRST_INVALID.get(self.signal.length)
        return first is not None and raw >= first


def reading(
    quantity: str,
    settings: SignalSettings,
    message: Message,
    signal: Signal,
    default_cycle_s: float,
    *,
    j1939: bool,
    sign: Beside | None = None,
    valid: tuple[Beside, ...] = (),
) -> Reading:
    """Prepare the reading of ``quantity``; ``sign`` and ``valid`` are read beside it.

    Raises ConfigError where unit or value table do not say what is meant.
    """
    where = f"vehicle.signals.{quantity} ({message.name}.{signal.name})"
    place = path(message, signal)
    if place is None:
        raise ConfigError(f"{where}: the database places it outside its message; correct that")
    meanings = meanings_of(
        quantity, settings, signal, where, number=quantity in _NUMBERS, j1939=j1939
    )
    if not signal.scale:
        raise ConfigError(f"{where}: its factor is 0, so it could never change; correct that")
    factor = None
    if quantity in _NUMBERS:
        factor = _number_factor(quantity, settings, signal, where)
    elif quantity in PEDALS and not _is_switch(signal, meanings, settings):
        factor = _pedal_factor(settings, signal, where)
    elif len(set(meanings.values()) - {None}) < 2:
        raise ConfigError(unclear(quantity, signal, meanings, where))
    if sign and quantity not in _NUMBERS:
        raise ConfigError(f"{where}: sign: {quantity} has none; leave it out")
    return Reading(
        quantity, message, signal, place, settings, j1939,
        _cycle(settings, message, signal, default_cycle_s), meanings, factor,
        _limits(settings, signal, where), sign, valid,
    )  # fmt: skip


def _limits(settings: SignalSettings, signal: Signal, where: str) -> tuple[float, float]:
    low, high = signal.minimum, signal.maximum
    if low is not None and high is not None and low >= high:
        low = high = None  # [0|0] means that nobody filled it in
    low = settings.minimum if settings.minimum is not None else low
    high = settings.maximum if settings.maximum is not None else high
    if low is not None and high is not None and low >= high:
        raise ConfigError(
            f"{where}: no value is at least {low:g} and at most {high:g}, so it would always be "
            "unknown; correct minimum or maximum"
        )
    return (-math.inf if low is None else float(low), math.inf if high is None else float(high))


def _cycle(
    settings: SignalSettings, message: Message, signal: Signal, default_cycle_s: float
) -> float:
    if settings.cycle_s is not None:
        return settings.cycle_s
    if message.cycle_time:
        return message.cycle_time / 1000.0 * _turns(message, signal)
    kind = (message.send_type or "").lower().replace("_", "")
    if any(event in kind for event in _EVENT_TYPES):
        return 0.0
    return default_cycle_s * _turns(message, signal)


def _turns(message: Message, signal: Signal) -> int:
    """Return how many frames pass between two with this signal: multiplexed ones take turns."""
    if not signal.multiplexer_ids:
        return 1
    ids: set[int] = set()
    for each in message.signals:
        if each.multiplexer_signal == signal.multiplexer_signal:
            ids.update(each.multiplexer_ids or ())
    return max(1, len(ids) // len(signal.multiplexer_ids))


def _number_factor(quantity: str, settings: SignalSettings, signal: Signal, where: str) -> float:
    dimension = _NUMBERS[quantity][0]
    unit = settings.unit or signal.unit or ""
    factor = units.factor(dimension, unit)
    if factor is None:
        known = ", ".join(list(units.TABLES[dimension])[:6])
        raise ConfigError(f"{where}: unit {unit!r} is not known; set unit to one of {known}")
    return factor


def _pedal_factor(settings: SignalSettings, signal: Signal, where: str) -> float:
    unit = settings.unit or signal.unit or ""
    if settings.full is not None:
        return 1.0 / settings.full
    if (factor := units.factor("share", unit)) is not None:
        return factor
    if not unit and signal.maximum in (1, 1.0) and not _whole(signal):
        return 1.0
    raise ConfigError(
        f"{where}: {unit or 'no unit'} does not say what fully pressed is; set full to that value"
    )


def _whole(signal: Signal) -> bool:
    return not signal.is_float and signal.scale == 1


def _is_switch(signal: Signal, meanings: dict[int, Value | None], settings: SignalSettings) -> bool:
    if settings.full is not None:
        return False
    return signal.length == 1 or any(value is not None for value in meanings.values())
