"""Which bridge: its settings, and names mapped lazily to ``module:Class``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Literal

from dms.bridge.bridge import Bridge
from dms.bridge.gpio_settings import GpioSettings
from dms.bridge.j1939_settings import NameSettings
from dms.bridge.mqtt_settings import MqttSettings
from dms.bridge.sound_settings import SoundSettings
from dms.errors import ConfigError
from dms.settings import setting, settings

KINDS = {
    "virtual": "dms.bridge.canbridge:CanBridge",
    "slcan": "dms.bridge.canbridge:CanBridge",
    "socketcan": "dms.bridge.canbridge:CanBridge",
    "udp_multicast": "dms.bridge.canbridge:CanBridge",
    "mqtt": "dms.bridge.mqtt:MqttBridge",
    "sound": "dms.bridge.sound:SoundBridge",
    "gpio": "dms.bridge.gpio:GpioBridge",
}


@settings
class BridgeSettings:
    """One way out. ``kind`` is one of :data:`KINDS` or a ``module:Class`` of your own."""

    kind: str = setting("virtual", text=f"{', '.join(KINDS)} or module:Class of your own")
    channel: str = setting(
        "dms",
        text="CAN interface (can0), serial port (/dev/serial/by-id/...), multicast address or, "
        "for virtual, any name",
    )
    bitrate: int = setting(
        500_000, unit="bit/s", gt=0, text="slcan sets it; for socketcan `ip` does"
    )
    fd: bool = setting(False, text="send CAN FD frames")
    data_bitrate: int = setting(2_000_000, unit="bit/s", gt=0, text="of the data phase, with fd")
    base_id: int = setting(
        0x400, ge=0, le=0x1FFFFFFF, text="identifier of DMS_Alert; others follow"
    )
    extended: bool = setting(False, text="29-bit identifiers")
    protocol: Literal["plain", "j1939"] = setting(
        "plain", text="j1939: one source address with address claim, PGNs, DM1, for trucks"
    )
    source_address: int = setting(
        0x94, ge=0, le=0xFD, text="j1939: the address to claim; 128 to 247 are free to choose from"
    )
    pgn_base: int = setting(
        0xFF40, ge=0, le=0xFFFF, text="j1939: proprietary PGN of DMS_Alert; others follow"
    )
    spn_base: int = setting(
        516_096, ge=0, le=0x7FFF0, source="SAE J1939-71: a manufacturer's own from here",
        text="j1939: first SPN of our trouble codes in DM1",
    )  # fmt: skip
    name: NameSettings = setting(NameSettings(), text="j1939: the NAME that claims the address")
    serial_baud: int = setting(115_200, unit="Bd", gt=0, text="slcan: of the serial port itself")
    wait: bool = setting(False, text="start without the bus and keep trying, instead of an error")
    lossless: bool = setting(
        False, text="for replays: publish waits for room, so that every frame is sent in order"
    )
    queue: int = setting(256, unit="frames", ge=8, le=65536, text="waiting to be sent at most")
    send_timeout_s: float = setting(0.2, unit="s", gt=0, le=5, text="one frame may take this long")
    retry_s: float = setting(
        1.0, unit="s", gt=0, le=1, source="issue: at most 1 s", text="longest wait before a retry"
    )
    log: str = setting(
        "", text="CAN log of what was sent and seen: .blf, .asc, .log (candump), .mf4"
    )
    diagnostics: bool = setting(True, text="answer UDS fault-code requests on this bus")
    fault_file: str = setting("", text="where fault codes are kept; empty: until the process ends")
    uds_request_id: int = setting(
        0x7A0, ge=0, le=0x1FFFFFFF, text="identifier of UDS requests to us"
    )
    serial_number: str = setting(
        "", pattern=r"^[\x20-\x7E]{0,64}$",
        text="told to testers (UDS F18C); empty: made from /etc/machine-id",
    )  # fmt: skip
    vin: str = setting(
        "", pattern=r"^([A-HJ-NPR-Z0-9]{17})?$", source="ISO 3779",
        text="the vehicle's identification, told to testers (UDS F190); empty: not told",
    )  # fmt: skip
    uds_response_id: int = setting(0x7A8, ge=0, le=0x1FFFFFFF, text="identifier of our UDS answers")
    mqtt: MqttSettings = setting(MqttSettings(), text="for kind mqtt")
    sound: SoundSettings = setting(SoundSettings(), text="for kind sound")
    gpio: GpioSettings = setting(GpioSettings(), text="for kind gpio")


def open_bridge(chosen: BridgeSettings) -> Bridge:
    """Make the bridge of ``chosen.kind``; it opens on ``with`` or ``open()``.

    Raises ConfigError for an unknown kind or a class that cannot be loaded.
    """
    make: Callable[[BridgeSettings], Bridge] = bridge_class(chosen)
    return make(chosen)


def bridge_class(chosen: BridgeSettings) -> type[Bridge]:
    """Return the class behind ``chosen.kind``; raises ConfigError as :func:`open_bridge`."""
    target = KINDS.get(chosen.kind, chosen.kind)
    module, colon, name = target.partition(":")
    if not colon:
        raise ConfigError(
            f"unknown bridge {chosen.kind!r}; choose one of {', '.join(KINDS)} or module:Class"
        )
    try:
        made: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"bridge {target!r} cannot be loaded: {error}") from error
    if not (isinstance(made, type) and issubclass(made, Bridge)):
        raise ConfigError(f"{target!r} is not a dms.bridge.bridge.Bridge; derive it from one")
    return made
