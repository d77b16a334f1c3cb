"""Where the vehicle's signals come from and what they are called there."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from dms.bus.settings import BusSettings
from dms.settings import setting, settings


@settings
class SignSettings:
    """A signal of the same message that says on which side of 0 the value is."""

    signal: str = setting("", text="its name")
    negative: tuple[int | str, ...] = setting(
        (), text="raw numbers or words that mean negative (right); none: every number but 0"
    )


@settings
class ValidSettings:
    """A signal of the same message that says whether the value holds; give one of the lists."""

    signal: str = setting("", text="its name")
    values: tuple[int | str, ...] = setting((), text="raw numbers or words that mean valid")
    invalid: tuple[int | str, ...] = setting(
        (), text="those that do not; neither list: where its words say so (invalid, init, ...)"
    )


def _named(given: Any) -> Any:
    return {"signal": given} if isinstance(given, str) else given


def _listed(given: Any) -> Any:
    return given if isinstance(given, list | tuple) else [given]


Sign = Annotated[SignSettings, BeforeValidator(_named, json_schema_input_type=SignSettings | str)]
Valid = Annotated[
    ValidSettings, BeforeValidator(_named, json_schema_input_type=ValidSettings | str)
]
Valids = Annotated[
    tuple[Valid, ...],
    BeforeValidator(_listed, json_schema_input_type=list[Valid] | Valid),
]


@settings
class SignalSettings:
    """One signal of the user's database and how to read it."""

    message: str = setting("", text="name of the message in the database")
    signal: str = setting("", text="name of the signal in that message")
    unit: str = setting("", text="unit, where the database gives none or a wrong one")
    invert: bool = setting(False, text="turn the sign, or true into false")
    sign: Sign | None = setting(
        None, text="signal of the same message that says the sign, where the value has none"
    )
    valid: Valids = setting(
        (), text="signals of the same message that say whether the value holds: "
        "{signal, values: [..]} or {signal, invalid: [..]}"
    )  # fmt: skip
    full: float | None = setting(
        None, gt=0, text="brake and accelerator: the value that means fully pressed, in its unit"
    )
    minimum: float | None = setting(None, text="smaller is unknown; in place of the database's")
    maximum: float | None = setting(None, text="larger is unknown; in place of the database's")
    cycle_s: float | None = setting(
        None, unit="s", ge=0, text="cycle time, in place of the database's; 0: sent on change only"
    )
    j1939: bool | None = setting(
        None, text="match by PGN, whatever priority and source; null: as the database says"
    )
    source: int | None = setting(
        None, ge=0, le=255, text="J1939: the source address to listen to; else the first one heard"
    )
    values: dict[int | str, bool | str] = setting(
        {}, text="meaning of raw numbers or words: true/false, park/reverse/neutral/drive, "
        "off/left/right/hazard; or unknown"
    )  # fmt: skip


@settings
class SignalsSettings:
    """Which signals are known; what is not given is unknown to the decision."""

    speed: SignalSettings | None = setting(None, text="speed over ground")
    standstill: SignalSettings | None = setting(None, text="true at standstill")
    gear: SignalSettings | None = setting(None, text="selector position")
    steering_angle: SignalSettings | None = setting(None, text="steering wheel, left +")
    steering_rate: SignalSettings | None = setting(None, text="its rate, left +")
    indicator: SignalSettings | None = setting(None, text="turn indicator in one signal")
    indicator_left: SignalSettings | None = setting(None, text="left indicator is on")
    indicator_right: SignalSettings | None = setting(None, text="right indicator is on")
    hazard: SignalSettings | None = setting(None, text="hazard lights are on")
    brake: SignalSettings | None = setting(None, text="brake pedal, pressure or switch")
    accelerator: SignalSettings | None = setting(None, text="accelerator pedal")
    acceleration: SignalSettings | None = setting(None, text="along the vehicle, forward +")
    horn: SignalSettings | None = setting(None, text="horn is pressed")
    ignition: SignalSettings | None = setting(None, text="ignition is on")
    acknowledge: SignalSettings | None = setting(None, text="the driver's acknowledge button")
    speed_limit: SignalSettings | None = setting(None, text="speed limit that holds here")
    loudness: SignalSettings | None = setting(None, text="loudness in the cabin")


@settings
class VehicleSettings:
    """The vehicle's bus (or a log of it) and the names of its signals."""

    database: str = setting(
        "",
        text="CAN database (.dbc, .kcd, .sym, .arxml), or j1939 for the shipped one; empty: none",
    )
    log: str = setting(
        "",
        text="replay this log instead of a bus: candump, .asc, .blf, .mf4, .trc, .csv and others",
    )
    log_offset_s: float = setting(
        0.0, unit="s", text="time in the log at which the recording begins"
    )
    log_channel: str = setting("", text="use only this channel of the log, as the log names it")
    bus: BusSettings | None = setting(
        None, text="a second bus, only listened to; null: the bus of the first CAN bridge"
    )
    signals: SignalsSettings = setting(SignalsSettings(), text="what is called how")
    stale_cycles: float = setting(10.0, gt=0, text="older than this many cycle times is unknown")
    lamp_s: float = setting(
        0.8, unit="s", ge=0, le=5,
        source="UN R48 6.5.9, SAE J590: 60 flashes/min, 30 % lit; and one cycle",
        text="an indicator that goes dark counts as set this long: many buses carry the lamp",
    )  # fmt: skip
    default_cycle_s: float = setting(
        0.1, unit="s", gt=0, text="cycle time where the database has none"
    )
