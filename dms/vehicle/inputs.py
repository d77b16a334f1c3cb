"""Frames of the vehicle's bus in, VehicleContext out; what is stale or implausible is unknown.

Pure: time comes with the frames and with the question, so a log replays as the drive was.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from cantools.database import Message
from cantools.database.can import Database

from dms.errors import ConfigError
from dms.values import Gear, Indicator, VehicleContext
from dms.vehicle import database as databases
from dms.vehicle.beside import sign_of, valid_of
from dms.vehicle.hints import hints
from dms.vehicle.meanings import Value
from dms.vehicle.reading import Reading, reading
from dms.vehicle.settings import SignalSettings, SignalsSettings, VehicleSettings

_PGN_MASK_PDU2 = 0x03FFFF00  # SAE J1939-21: data page, PDU format, group extension
_PGN_MASK_PDU1 = 0x03FF0000
_PDU2_FROM = 0xF0
_SAME_TIME_S = 1e-6
J1939 = SignalsSettings(
    speed=SignalSettings(message="CCVS1", signal="WheelBasedVehicleSpeed"),
    brake=SignalSettings(message="CCVS1", signal="BrakeSwitch"),
    accelerator=SignalSettings(message="EEC2", signal="AcceleratorPedalPosition1"),
    steering_angle=SignalSettings(message="VDC2", signal="SteeringWheelAngle"),
    gear=SignalSettings(message="ETC2", signal="TransmissionCurrentGear"),
    indicator=SignalSettings(message="OEL", signal="TurnSignalSwitch"),
    hazard=SignalSettings(message="OEL", signal="HazardLightSwitch"),
)


@dataclass(slots=True)
class _Last:
    value: Value | None = None
    why: str = "never heard"
    at_s: float | None = None
    source: int | None = None
    pressed: bool = False  # since the last question; a short press must not be missed


class VehicleInput:
    """Keeps the newest value of every mapped signal.

    Raises ConfigError with every place where the database lacks a message or signal, or leaves a
    unit open.
    """

    def __init__(self, settings: VehicleSettings) -> None:
        if not settings.database:
            raise ConfigError(
                "vehicle.database is empty; give the vehicle's CAN database", ("vehicle",)
            )
        self._database = database = databases.load(settings.database)
        signals = settings.signals
        if settings.database == "j1939" and signals == SignalsSettings():
            signals = J1939
        self._settings = settings
        self._by_id: dict[tuple[int, bool], list[Reading]] = {}
        self._readings: dict[str, Reading] = {}
        faults = []
        for field in fields(signals):
            chosen: SignalSettings | None = getattr(signals, field.name)
            if chosen is not None:
                try:
                    self._map(database, field.name, chosen)
                except ConfigError as error:
                    faults.append(error)
        if faults:
            raise ConfigError.all_of(faults)
        if not self._readings:
            raise ConfigError(
                "vehicle.signals is empty; map at least the speed", ("vehicle", "signals")
            )
        self.reset()
        self.frames = 0  # read
        self.rejected = 0  # of a mapped message, but too short for one of its signals

    def _map(self, database: Database, quantity: str, chosen: SignalSettings) -> None:
        try:
            made = self._reading(database, quantity, chosen)
        except ConfigError as error:
            error.key = error.key or ("vehicle", "signals", quantity)
            raise
        self._readings[quantity] = made
        self._by_id.setdefault(_key(made.message, j1939=made.j1939), []).append(made)

    def _reading(self, database: Database, quantity: str, chosen: SignalSettings) -> Reading:
        message, signal = databases.find(database, chosen.message, chosen.signal, quantity)
        j1939 = databases.is_j1939(database, message) if chosen.j1939 is None else chosen.j1939
        if j1939 and not message.is_extended_frame:
            raise ConfigError(
                f"vehicle.signals.{quantity}: j1939 is true, but {message.name} has an 11-bit "
                "identifier"
            )
        default_s = self._settings.default_cycle_s
        where = f"vehicle.signals.{quantity}"
        sign = None
        if chosen.sign is not None:
            beside = databases.find_beside(database, message, chosen.sign.signal, quantity, "sign")
            sign = sign_of(chosen.sign, message, beside, where)
        valid = []
        for each in chosen.valid:
            beside = databases.find_beside(database, message, each.signal, quantity, "valid")
            valid.append(valid_of(each, message, beside, where))
        return reading(
            quantity, chosen, message, signal, default_s,
            j1939=j1939, sign=sign, valid=tuple(valid),
        )  # fmt: skip

    def reset(self) -> None:
        """Forget everything heard."""
        self._last = {quantity: _Last() for quantity in self._readings}
        self._heard_s: float | None = None
        self._lamp: tuple[Indicator, float] | None = None  # last seen lit, and when

    @property
    def quantities(self) -> tuple[str, ...]:
        """The quantities that are mapped."""
        return tuple(self._readings)

    def described(self) -> list[dict[str, Any]]:
        """Return in plain words how each quantity is read."""
        return [
            {**each.described(), **({"hints": found} if (found := hints(each)) else {})}
            for each in self._readings.values()
        ]

    def hints(self) -> list[str]:
        """Return what looks wrong in the mapping, though it can be read."""
        return [
            f"vehicle.signals.{each.quantity} ({each.message.name}.{each.signal.name}): {words}"
            for each in self._readings.values()
            for words in hints(each)
        ]

    def name_of(self, can_id: int, *, extended: bool) -> str | None:
        """Return how the database calls a message, mapped or not."""
        for message in self._database.messages:
            j1939 = databases.is_j1939(self._database, message)
            known, wide = _key(message, j1939=j1939)
            heard = can_id & _pgn_mask(can_id) if j1939 else can_id
            if (known, wide) == (heard, extended):
                return str(message.name)
        return None

    def filters(self) -> list[dict[str, int | bool]]:
        """Return python-can filters that let exactly the mapped messages through.

        None at all where a signal is sent on change only: it is good as long as the bus is alive,
        and that shows in the messages that are not mapped.
        """
        if any(each.cycle_s <= 0 for each in self._readings.values()):
            return []
        made: list[dict[str, int | bool]] = []
        for (can_id, extended), readings in self._by_id.items():
            j1939 = readings[0].j1939
            mask = _pgn_mask(can_id) if j1939 else 0x1FFFFFFF if extended else 0x7FF
            made.append({"can_id": can_id, "can_mask": mask, "extended": extended})
        return made

    def feed(self, can_id: int, data: bytes, t_s: float, *, extended: bool) -> None:
        """Take one data frame that was received at ``t_s``."""
        self._heard_s = t_s
        readings = self._by_id.get((can_id, extended))
        if readings is None and extended:
            readings = self._by_id.get((can_id & _pgn_mask(can_id), True))
            if readings is not None and not readings[0].j1939:
                readings = None
        if readings is None:
            return
        self.frames += 1
        self.rejected += any(each.path.cut(data) for each in readings)
        for each in readings:
            said = each.read(data)
            if said is not None:
                self._take(each, *said, t_s, can_id & 0xFF)
            elif self._last[each.quantity].at_s is None and each.path.cut(data):
                words = f"heard with {len(data)} bytes, the database says {each.message.length}"
                self._last[each.quantity].why = words

    def _take(self, each: Reading, value: Value | None, why: str, t_s: float, source: int) -> None:
        last = self._last[each.quantity]
        if each.j1939 and not self._listens(each, last, source, value, t_s):
            return
        last.value, last.why = value, why
        last.at_s, last.source = t_s, source
        last.pressed = last.pressed or last.value is True

    def _listens(
        self, each: Reading, last: _Last, source: int, value: Value | None, t_s: float
    ) -> bool:
        """Whether ``source`` may speak: one source is kept to, unless it has nothing to say."""
        if each.settings.source is not None:
            return source == each.settings.source
        if last.source in (None, source) or self._is_stale(each, last, t_s):
            return True
        return last.value is None and value is not None

    def _is_stale(self, each: Reading, last: _Last, t_s: float) -> bool:
        if each.cycle_s > 0:
            at_s, cycle_s = last.at_s, each.cycle_s
        else:  # sent on change: good as long as the bus is alive
            at_s, cycle_s = self._heard_s, self._settings.default_cycle_s
        limit_s = self._settings.stale_cycles * cycle_s
        return last.at_s is None or at_s is None or t_s - at_s > limit_s + _SAME_TIME_S

    def why_unknown(self, t_s: float) -> dict[str, str]:
        """Return the reason for every mapped quantity that is unknown at ``t_s``."""
        reasons = {}
        for quantity, each in self._readings.items():
            last = self._last[quantity]
            if last.at_s is not None and self._is_stale(each, last, t_s):
                reasons[quantity] = f"stale for {t_s - last.at_s:.2f} s"
            elif last.value is None:
                reasons[quantity] = last.why
        return reasons

    def context(self, t_s: float) -> VehicleContext:
        """Return what is known at ``t_s``. A press since the last question counts as pressed."""
        now = {quantity: self._now(quantity, t_s) for quantity in self._readings}
        return VehicleContext(
            t_s=t_s,
            speed_kmh=_number(now.get("speed")),
            standstill=_switch(now.get("standstill")),
            gear=_gear(now.get("gear")),
            steering_deg=_number(now.get("steering_angle")),
            steering_rate_dps=_number(now.get("steering_rate")),
            indicator=self._steady(self._indicator(now), t_s),
            brake=_number(now.get("brake")),
            accelerator=_number(now.get("accelerator")),
            acceleration_mps2=_number(now.get("acceleration")),
            horn=_switch(now.get("horn")),
            ignition=_switch(now.get("ignition")),
            acknowledge=_switch(now.get("acknowledge")),
            speed_limit_kmh=_number(now.get("speed_limit")),
            loudness_db=_number(now.get("loudness")),
        )

    def _now(self, quantity: str, t_s: float) -> Value | None:
        last, each = self._last[quantity], self._readings[quantity]
        pressed, last.pressed = last.pressed, False
        if self._is_stale(each, last, t_s):
            return None
        if pressed and quantity in {"horn", "acknowledge"}:
            return True
        return last.value

    def _indicator(self, now: dict[str, Value | None]) -> Indicator | None:
        single = now.get("indicator")
        if now.get("hazard") is True:
            return Indicator.HAZARD
        if "indicator" in self._readings:
            return single if isinstance(single, Indicator) else None
        left, right = now.get("indicator_left"), now.get("indicator_right")
        if left is True or right is True:
            other = right if left is True else left
            if other is True:
                return Indicator.HAZARD
            beside = "indicator_right" if left is True else "indicator_left"
            if other is None and beside in self._readings:
                return None  # mapped and not known now: it may be the hazard lights
            return Indicator.LEFT if left is True else Indicator.RIGHT
        mapped = [side for side in ("indicator_left", "indicator_right") if side in self._readings]
        known = mapped and all(now[side] is False for side in mapped)
        return Indicator.OFF if known else None

    def _steady(self, now: Indicator | None, t_s: float) -> Indicator | None:
        """Return the side that is set: ``now`` may be the lamp, dark half of the time.

        Both sides seldom change in the same frame, so hazard outlasts a single side too.
        """
        if self._lamp is not None and t_s - self._lamp[1] <= self._settings.lamp_s:
            lamp = self._lamp[0]
            one = now in (Indicator.LEFT, Indicator.RIGHT)
            if now is Indicator.OFF or (one and lamp is Indicator.HAZARD):
                return lamp
        self._lamp = None if now in (None, Indicator.OFF) else (now, t_s)
        return now


def _key(message: Message, *, j1939: bool) -> tuple[int, bool]:
    can_id = message.frame_id
    if j1939:
        can_id &= _pgn_mask(can_id)
    return can_id, bool(message.is_extended_frame)


def _pgn_mask(can_id: int) -> int:
    return _PGN_MASK_PDU2 if (can_id >> 16) & 0xFF >= _PDU2_FROM else _PGN_MASK_PDU1


def _number(value: Value | None) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _switch(value: Value | None) -> bool | None:
    return value if isinstance(value, bool) else None


def _gear(value: Value | None) -> Gear | None:
    return value if isinstance(value, Gear) else None
