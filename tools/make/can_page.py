"""Writes docs/can.md: the CAN contract as tables, read from dms.dbc, and where each signal goes.

Run it after a change of dms.dbc; a test compares the page with the code.
"""

from __future__ import annotations

from collections.abc import Iterator

from cantools.database import Message

from dms.bridge import BridgeSettings
from dms.bridge.bus_load import bus_load, frames_per_s
from dms.bridge.codec import BASE_ID, contract, data_ids, max_delta
from dms.bridge.diagnostics import Code
from dms.bridge.trouble import SPN_BASE, SPNS
from dms.bridge.uds import DIDS
from tools.make.page import DOCS, write_or_check

PAGE = DOCS / "can.md"

# Signal of the contract -> Android VHAL property (android.hardware.automotive.vehicle, V3), and
# VSS v6 path or path of our overlay dms/bridge/dms.vspec (marked +). "" is: nothing there.
MAPPING = {
    "DMS_State.ActiveLevel": ("", "+Vehicle.ADAS.DMS.AlertLevel; level > 0: .IsWarning"),
    "DMS_State.ActiveKind": ("", "+Vehicle.ADAS.DMS.AlertKind"),
    "DMS_State.WarningsOn": (
        "DRIVER_DROWSINESS_ATTENTION_WARNING_ENABLED (0x1120101B), "
        "DRIVER_DISTRACTION_WARNING_ENABLED (0x1120101F)",
        "+Vehicle.ADAS.DMS.IsWarningsEnabled",
    ),
    "DMS_State.RageOn": ("", "+Vehicle.ADAS.DMS.IsRageEnabled"),
    "DMS_State.Drowsiness": (
        "DRIVER_DROWSINESS_ATTENTION_STATE (0x1140101A), same numbers 1..9; SNA: ErrorState "
        "NOT_AVAILABLE_SAFETY",
        "Vehicle.Driver.FatigueLevel = (level - 1) / 8 x 100",
    ),
    "DMS_State.DrowsinessWarning": (
        "DRIVER_DROWSINESS_ATTENTION_WARNING (0x1140101C), same numbers 0/1/2",
        "Vehicle.ADAS.DMS.IsWarning",
    ),
    "DMS_State.DistractionState": (
        "DRIVER_DISTRACTION_STATE (0x1140101E), same numbers 0/1/2",
        "Vehicle.Driver.DistractionLevel = AwayTime / 3 s x 100; IsEyesOnRoad",
    ),
    "DMS_State.DistractionWarning": (
        "DRIVER_DISTRACTION_WARNING (0x11401020), same numbers 0/1/2",
        "Vehicle.ADAS.DMS.IsWarning",
    ),
    "DMS_State.Eyes": ("", "Vehicle.Driver.IsEyesOnRoad (open and not away), AttentiveProbability"),
    "DMS_State.EyesReason": ("", "the field reason of a JSON value that is null"),
    "DMS_State.Openness": ("", "+Vehicle.Driver.EyeClosure.Left, .Right = 100 - openness"),
    "DMS_State.BaselineProgress": ("", "+Vehicle.ADAS.DMS.BaselineProgress"),
    "DMS_State.Face": ("", ""),
    "DMS_State.Health": (
        "Fault: status ERROR; Degraded: ErrorState NOT_AVAILABLE_SAFETY",
        "Vehicle.ADAS.DMS.IsError; +Vehicle.ADAS.DMS.Health",
    ),
    "DMS_State.Pause": (
        "DRIVER_DROWSINESS_ATTENTION_SYSTEM_ENABLED (0x11201019), "
        "DRIVER_DISTRACTION_SYSTEM_ENABLED (0x1120101D): false while paused; states then "
        "ErrorState NOT_AVAILABLE_DISABLED",
        "Vehicle.ADAS.DMS.IsEnabled; +Vehicle.ADAS.DMS.PauseReason",
    ),
    "DMS_State.CameraOn": ("", "+Vehicle.ADAS.DMS.IsCameraOn"),
    "DMS_State.CommandAnswer": ("StatusCode of the set request", "topic command/answer"),
    "DMS_State.CommandCounter": ("", ""),
    "DMS_Attention.ClosedTime": ("", "+Vehicle.Driver.EyeClosure.Time"),
    "DMS_Attention.Perclos": ("", "+Vehicle.Driver.Perclos"),
    "DMS_Attention.BlinkRate": ("", ""),
    "DMS_Attention.Yawning": ("", ""),
    "DMS_Attention.BlinkDuration": ("", ""),
    "DMS_Attention.AwayTime": ("", "Vehicle.Driver.DistractionLevel"),
    "DMS_Attention.HeadYaw": ("", "Vehicle.Occupant.Row1.DriverSide.HeadPosition.Yaw"),
    "DMS_Attention.HeadPitch": ("", "Vehicle.Occupant.Row1.DriverSide.HeadPosition.Pitch"),
    "DMS_Attention.HeadRoll": ("", "Vehicle.Occupant.Row1.DriverSide.HeadPosition.Roll"),
    **{
        f"DMS_Emotion.{name}": ("", f"+Vehicle.Driver.Emotion.{name}")
        for name in ("Neutral", "Happiness", "Surprise", "Sadness", "Anger", "Disgust", "Fear",
                     "Contempt", "Rage", "Valence", "Arousal")
    },
    "DMS_Gaze.Lids": ("", "+Vehicle.Driver.Lids"),
    "DMS_Gaze.AttentionBy": ("", "+Vehicle.Driver.AttentionBy"),
    "DMS_Gaze.EyesOnRoad": ("", "Vehicle.Driver.IsEyesOnRoad"),
    "DMS_Gaze.GazeZone": ("", "+Vehicle.Driver.Gaze.Zone"),
    "DMS_Gaze.GazeValidity": ("", "+Vehicle.Driver.Gaze.IsRoadLearned; null where not read"),
    "DMS_Gaze.GazeYaw": ("", "Vehicle.Occupant.Row1.DriverSide.MidEyeGaze.Azimuth"),
    "DMS_Gaze.GazePitch": ("", "Vehicle.Occupant.Row1.DriverSide.MidEyeGaze.Elevation"),
    "DMS_Gaze.GazeDeviation": ("", "+Vehicle.Driver.Gaze.Deviation"),
    "DMS_Rest.EmotionBy": ("", "+Vehicle.Driver.Emotion.ReadAgainst"),
    "DMS_Rest.RestProgress": ("", "+Vehicle.Driver.Emotion.RestProgress"),
    "DMS_Alert.AlertLevel": ("", "topic alert: level"),
    "DMS_Alert.AlertKind": ("", "topic alert: kind"),
    "DMS_Alert.AlertAction": ("", "topic alert: action (raised, ended)"),
    "DMS_Alert.AlertWording": ("", "topic alert: values.wording"),
    "DMS_Alert.AlertNumber": ("", "topic alert: number"),
    "DMS_Alert.AlertDuration": ("", "topic alert: start_s, and end_s when it ends"),
    "DMS_Alert.AlertTime": ("", "topic alert: t_s"),
    "DMS_Diag.FaultCount": ("", "Vehicle.ADAS.DMS.IsError"),
    "DMS_Diag.FaultCode": ("", "as Vehicle.Diagnostics.DTCList would write it"),
    "DMS_Diag.VersionMajor": ("", ""),
    "DMS_Diag.VersionMinor": ("", ""),
    "DMS_Diag.VersionPatch": ("", ""),
    "DMS_Diag.CommandErrors": ("", ""),
    "DMS_Diag.BusFaults": ("", ""),
    "DMS_Command.Acknowledge": ("", "topic command: acknowledge"),
    "DMS_Command.PauseRequest": (
        "set DRIVER_DROWSINESS_ATTENTION_SYSTEM_ENABLED, DRIVER_DISTRACTION_SYSTEM_ENABLED",
        "topic command: pause",
    ),
    "DMS_Command.PauseReason": ("", "topic command: pause_reason"),
    "DMS_Command.WarningsRequest": (
        "set DRIVER_DROWSINESS_ATTENTION_WARNING_ENABLED, DRIVER_DISTRACTION_WARNING_ENABLED",
        "topic command: warnings",
    ),
    "DMS_Command.RageRequest": ("", "topic command: rage"),
}  # fmt: skip

_OTHER, _DISABLED, _SAFETY = "-1", "-2", "-6"
# property: type, normally, where its signal is SNA, with warnings off, while paused, on a fault
VHAL = {
    "DRIVER_DROWSINESS_ATTENTION_SYSTEM_ENABLED 0x11201019": (
        "BOOLEAN", "true", "true", "true", "false", _OTHER),
    "DRIVER_DROWSINESS_ATTENTION_STATE 0x1140101A": (
        "INT32", "`Drowsiness` 1..9", _SAFETY, "as normally", _DISABLED, _OTHER),
    "DRIVER_DROWSINESS_ATTENTION_WARNING_ENABLED 0x1120101B": (
        "BOOLEAN", "true", "true", "false", "as switched", _OTHER),
    "DRIVER_DROWSINESS_ATTENTION_WARNING 0x1140101C": (
        "INT32", "`DrowsinessWarning` 1, 2", _SAFETY, _DISABLED, _DISABLED, _OTHER),
    "DRIVER_DISTRACTION_SYSTEM_ENABLED 0x1120101D": (
        "BOOLEAN", "true", "true", "true", "false", _OTHER),
    "DRIVER_DISTRACTION_STATE 0x1140101E": (
        "INT32", "`DistractionState` 1, 2", _SAFETY, "as normally", _DISABLED, _OTHER),
    "DRIVER_DISTRACTION_WARNING_ENABLED 0x1120101F": (
        "BOOLEAN", "true", "true", "false", "as switched", _OTHER),
    "DRIVER_DISTRACTION_WARNING 0x11401020": (
        "INT32", "`DistractionWarning` 1, 2", _SAFETY, _DISABLED, _DISABLED, _OTHER),
}  # fmt: skip

INTRODUCTION = """\
# The CAN contract
This page is written by `python -m tools.make.can_page` from `dms/dms.dbc` and compared with it by
a test. Do not edit it. How buses, MQTT, commands and the vehicle's own signals are set up stands in
[vehicle.md](vehicle.md).

- Identifiers are `base_id` + offset; `base_id` is a setting (0x400), 11 or 29 bits (`extended`).
  The messages are the same on classic CAN and, with `fd`, on CAN FD.
- With `protocol: j1939` they are proprietary PGNs, `pgn_base` (0xFF40) + offset, from one claimed
  source address: [vehicle.md](vehicle.md#trucks-and-buses-sae-j1939).
- **SNA** (signal not available) is a value of its own, all bits set, and never 0. Unknown is not
  "fine".
- **Protected messages** carry AUTOSAR E2E profile 2: byte 0 is CRC-8 (0x2F, start and final XOR
  0xFF) over bytes 1..7 and one data ID, chosen by the counter in the low nibble of byte 1. Their
  data-ID lists are attributes in the DBC. E2E finds errors; it is no authentication.
- **Silence** of `DMS_State` beyond three periods (300 ms) means fault. `Health` = Off is sent once
  at shutdown. After a silence the sender may have started again: take the next frame of each
  message whatever its counter, or its first alert is thrown away as repeated.
- Receivers to copy: `tools/receiver/dms_receiver.py`, `tools/receiver/dms_receiver.c` (C99).
- A `DMS_Command` is repeated unchanged each 100 ms until `DMS_State.CommandCounter` shows its
  counter; the next command takes the next counter. The same counter again is the same command,
  until 2 s of silence have passed.
"""


def main() -> None:
    write_or_check(__doc__, PAGE, render)


def render() -> str:
    """Return the whole page."""
    tables = ["\n".join(_table(message)) for message in contract().messages]
    return "\n".join(
        [INTRODUCTION, "\n".join(_messages()), *tables, "\n".join(_mapping()), "\n".join(_uds())]
    )


def _messages() -> Iterator[str]:
    yield "## Messages"
    yield "| offset | message | from | cycle | E2E | what |"
    yield "|---|---|---|---|---|---|"
    for message in contract().messages:
        cycle = f"{message.cycle_time} ms" if message.cycle_time else "at once"
        guard = f"profile 2, counter step <= {max_delta(message)}" if data_ids(message) else "-"
        yield (
            f"| {message.frame_id - BASE_ID} | `{message.name}` | {message.senders[0]} | {cycle} "
            f"| {guard} | {_comment(message)} |"
        )
    yield ""
    yield "## Bus load"
    yield "Of our own messages in the worst case of bit stuffing, with one alert a second:"
    yield ""
    rates = ", ".join(f"{name} {rate:g}/s" for name, rate in frames_per_s().items())
    yield f"{rates}."
    yield ""
    yield "| bus | load |"
    yield "|---|---|"
    wide = {"extended": True, "base_id": 0x1A005000}
    for name, settings in (
        ("125 kbit/s, 11 bits", BridgeSettings(bitrate=125_000)),
        ("250 kbit/s, 29 bits", BridgeSettings(bitrate=250_000, **wide)),
        ("500 kbit/s, 11 bits", BridgeSettings()),
        ("500 kbit/s, 29 bits", BridgeSettings(**wide)),
        ("250 kbit/s, J1939, with DM1", BridgeSettings(bitrate=250_000, protocol="j1939")),
        ("CAN FD 500 kbit/s + 2 Mbit/s, 11 bits", BridgeSettings(fd=True)),
    ):
        yield f"| {name} | {bus_load(settings):.2%} |"
    yield ""


def _comment(thing: Message) -> str:
    return (thing.comment or "").replace("|", "/")


def _table(message: Message) -> Iterator[str]:
    yield f"## {message.name}"
    yield "| signal | bits | scale | range | unit | values | what |"
    yield "|---|---|---|---|---|---|---|"
    for signal in message.signals:
        words = ", ".join(f"{raw} {word}" for raw, word in sorted((signal.choices or {}).items()))
        scale = f"{signal.scale:g}" + (f" {signal.offset:+g}" if signal.offset else "")
        yield (
            f"| `{signal.name}` | {signal.start}..{signal.start + signal.length - 1} | {scale} "
            f"| {signal.minimum:g}..{signal.maximum:g} | {signal.unit or ''} | {words} "
            f"| {(signal.comment or '').replace('|', '/')} |"
        )
    yield ""


def _mapping() -> Iterator[str]:
    yield "## Android VHAL and COVESA VSS"
    yield (
        "VHAL: driver-monitoring properties of `VehicleProperty.aidl`. VSS: v6; + is a path of our "
        "overlay (`dms vspec`), checked by vss-tools. MQTT topics are these paths."
    )
    yield ""
    yield "| signal | Android VHAL | VSS or MQTT topic |"
    yield "|---|---|---|"
    for name, (vhal, vss) in MAPPING.items():
        yield f"| `{name}` | {vhal or '-'} | {vss or '-'} |"
    yield ""
    yield from _vhal()


def _vhal() -> Iterator[str]:
    """What the eight properties hold in each state, as `VehicleProperty.aidl` asks for it."""
    yield (
        "What the VHAL properties hold (`ErrorState`: -1 OTHER_ERROR_STATE, -2 "
        "NOT_AVAILABLE_DISABLED, -6 NOT_AVAILABLE_SAFETY; ids with group SYSTEM, area GLOBAL and "
        "type):"
    )
    yield ""
    yield "| property | type | normally | SNA | warnings off | paused | `Health` Fault, silence |"
    yield "|---|---|---|---|---|---|---|"
    for name, (kind, normal, unknown, quiet, paused, fault) in VHAL.items():
        yield f"| {name} | {kind} | {normal} | {unknown} | {quiet} | {paused} | {fault} |"
    yield ""


def _uds() -> Iterator[str]:
    yield "## Fault codes"
    yield (
        "UDS (ISO 14229) over ISO-TP, request 0x7A0, answer 0x7A8 (settings): 0x19 with 01, 02, "
        "03, 04 and 0A, 0x14, 0x3E, 0x10 01 and 03, 0x22 with F18C (serial number), F195 "
        "(software) and, only where the setting `vin` is given, F190. Status bits: 0x01 failed "
        "now, 0x08 confirmed. Anyone on the bus can clear codes: put a gateway in front of it."
    )
    yield ""
    yield (
        f"In J1939's DM1 a code is an SPN, counted from `spn_base` ({SPN_BASE}), and an FMI; the "
        "amber warning lamp is on while one is active."
    )
    yield ""
    yield "| code | bytes | SPN / FMI | what |"
    yield "|---|---|---|---|"
    text = {
        Code.CAMERA: "no signal of the camera",
        Code.ENGINE: "a net or landmark model cannot run",
        Code.BLOCKED: "the driver cannot be observed",
        Code.BRIDGE: "a bus of ours is off or gone",
        Code.VEHICLE: "the vehicle's bus is gone",
        Code.STORE: "events cannot be kept: the disk is full or the file damaged",
        Code.OTHER: "anything else; the reason says what",
    }
    for code in Code:
        offset, mode = SPNS[code]
        yield f"| {code.text} | {code:06X} | {SPN_BASE + offset} / {mode} | {text[code]} |"
    yield ""
    yield "Freeze record 1 of a code, as things stood when it began:"
    yield ""
    yield "| data identifier | bytes | what |"
    yield "|---|---|---|"
    meaning = (
        "time of the run, 0.1 s",
        "alert level 0..3; alert kind as in AlertKind",
        "drowsiness 1..9, 255 unknown",
        "openness of the eyes 0..100 %, 255 unknown",
        "how often it began",
        "the reason in ASCII",
    )
    for (did, length), what in zip(DIDS.items(), meaning, strict=True):
        yield f"| {did:04X} | {length} | {what} |"
    yield ""


if __name__ == "__main__":
    main()
