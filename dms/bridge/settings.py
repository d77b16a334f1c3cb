"""Settings of the ways out, which load without an MQTT client, numpy or libgpiod."""

from __future__ import annotations

from typing import Literal

from dms.bus.settings import BusSettings
from dms.settings import setting, settings

_ASK = "SAE gives these out"
Language = Literal["en", "de", "es", "fr", "none"]


@settings
class NameSettings:
    """The NAME by which a device claims its address; each on a bus needs one of its own."""

    identity_number: int | None = setting(
        None, ge=0, le=0x1FFFFF, text="of this device, as a serial number; null: by /etc/machine-id"
    )
    manufacturer_code: int = setting(0, ge=0, le=0x7FF, source=_ASK, text="yours")
    function: int = setting(0xFF, ge=0, le=0xFF, source="SAE J1939 B11", text="0xFF: not available")
    function_instance: int = setting(0, ge=0, le=0x1F, text="which of several such functions")
    ecu_instance: int = setting(0, ge=0, le=0x07, text="which of several ECUs for one function")
    vehicle_system: int = setting(
        0x7F, ge=0, le=0x7F, source="SAE J1939 B12", text="0x7F: not available"
    )
    vehicle_system_instance: int = setting(0, ge=0, le=0x0F, text="which of several such systems")
    industry_group: int = setting(
        1, ge=0, le=0x07, source="SAE J1939 B1", text="1: on-highway equipment"
    )
    arbitrary_address: bool = setting(
        True, text="move on to a free address where a stronger NAME takes ours; false: be told lost"
    )


@settings
class MqttSettings:
    """Broker, security and topics."""

    host: str = setting("localhost", text="broker")
    port: int = setting(1883, gt=0, le=65535, source="IANA", text="8883 is usual with TLS")
    prefix: str = setting("dms", text="first part of every topic")
    client_id: str = setting(
        "", text="name at the broker, one for each device; empty: made from /etc/machine-id"
    )
    username: str = setting("", text="empty: anonymous")
    password_file: str = setting("", text="file with the password alone; keep it at mode 0600")
    ca_file: str = setting(
        "",
        text="certificate authority; given, TLS is used, without it a password goes in clear text",
    )
    certificate_file: str = setting("", text="client certificate, with key_file")
    key_file: str = setting("", text="key of the client certificate")
    discovery: str = setting(
        "", text="Home Assistant's discovery prefix, usually homeassistant; empty: not reported"
    )
    period_s: float = setting(0.5, unit="s", gt=0, le=10, text="how often changed values are sent")
    queue: int = setting(256, ge=8, le=65536, unit="messages", text="alerts kept while offline")
    keepalive_s: int = setting(
        5, unit="s", ge=2, le=600, text="the last will is sent after 1.5 x this"
    )
    retry_s: float = setting(
        1.0, unit="s", gt=0, le=1, source="issue: at most 1 s", text="reconnect"
    )


@settings
class SoundSettings:
    """Where and how loud alerts are heard."""

    device: str = setting("default", text="ALSA device, as `aplay -L` lists them")
    file: str = setting("", text="write what would be heard to this WAV file instead")
    file_most_s: float = setting(
        600.0, unit="s", gt=0, le=7200, text="the file ends after this much; 32 kB a second"
    )
    language: Language = setting("en", text="spoken texts: en, de, es, fr; none: tones alone")
    volume: float = setting(0.6, ge=0, le=1, text="of levels 1 and 2; 1 is full scale")
    mute: bool = setting(False, text="levels 1 and 2 are not heard; a critical alert always is")
    critical_least: float = setting(
        0.7, ge=0.3, le=1, text="a critical alert is never softer, whatever volume says"
    )
    critical_rise: float = setting(
        0.1, ge=0, le=1, text="louder by this each time a critical alert is reported again"
    )
    most: float = setting(1.0, ge=0.3, le=1, text="nothing is louder")

    def __post_init__(self) -> None:
        if self.critical_least > self.most:
            raise ValueError(
                f"critical_least must not be above most, got {self.critical_least:g} and "
                f"{self.most:g}"
            )


@settings
class OutputSettings:
    """One line that is switched."""

    line: int | str = setting(0, text="offset on the chip, or the line's name")
    active_low: bool = setting(False, text="on is 0 V")
    from_level: int = setting(1, ge=1, le=3, text="lowest alert level that switches it")
    steady: bool = setting(
        False, text="on while such an alert stands, as for a relay; else it pulses by level"
    )


@settings
class ButtonSettings:
    """The acknowledge button."""

    line: int | str = setting(0, text="offset on the chip, or the line's name")
    active_low: bool = setting(True, text="pressed is 0 V")
    bias: Literal["pull_up", "pull_down", "none"] = setting("pull_up", text="of the chip itself")
    debounce_s: float = setting(0.03, unit="s", ge=0, le=0.5, text="shorter is no press")
    held_s: float = setting(
        2.0, unit="s", gt=0, le=30, source="issue: beyond 2 s", text="held for longer is a fault"
    )


@settings
class GpioSettings:
    """A GPIO chip: buzzer, relay and lamp out, an acknowledge button in."""

    chip: str = setting(
        "/dev/gpiochip0", text="character device; simulated: a chip in this process"
    )
    buzzer: OutputSettings | None = setting(None, text="pulses by level")
    relay: OutputSettings | None = setting(None, text="give it steady: true to close it")
    lamp: OutputSettings | None = setting(None, text="lit or blinking by level")
    button: ButtonSettings | None = setting(None, text="acknowledges by its press")
    silent_s: float = setting(
        3.0, unit="s", gt=0, le=60, text="without news for so long all outputs are off"
    )


@settings
class BridgeSettings(BusSettings):
    """One way out; :mod:`dms.bridge.backends` knows what its ``kind`` names."""

    kind: str = setting(
        "virtual",
        text="virtual, slcan, socketcan, udp_multicast, mqtt, sound, gpio "
        "or module:Class of your own",
    )
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
    lossless: bool = setting(
        False, text="for replays: publish waits for room, so that every frame is sent in order"
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
        text="the vehicle's identification, told to testers (UDS F190); empty: not reported",
    )  # fmt: skip
    uds_response_id: int = setting(0x7A8, ge=0, le=0x1FFFFFFF, text="identifier of our UDS answers")
    mqtt: MqttSettings = setting(MqttSettings(), text="for kind mqtt")
    sound: SoundSettings = setting(SoundSettings(), text="for kind sound")
    gpio: GpioSettings = setting(GpioSettings(), text="for kind gpio")
