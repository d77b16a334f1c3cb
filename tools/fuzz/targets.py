"""What is fuzzed: each target takes any bytes and may only refuse them with a DmsError.

A target raises where the product broke a promise: another exception, a value that cannot be.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from dms import config
from dms.bridge.codec import Codec
from dms.bridge.diagnostics import FaultMemory
from dms.bridge.j1939_node import Node
from dms.bridge.mqtt_access import access_of
from dms.bridge.mqtt_command import command_of
from dms.bridge.settings import MqttSettings, NameSettings
from dms.bus.frame import CanFrame
from dms.bus.python_can import can
from dms.bus.slcan import LineReader
from dms.errors import ConfigError, DmsError
from dms.files import observations as recording
from dms.files.events import load_events
from dms.files.frames import load_frames
from dms.masking import cell, masked
from dms.scoring import corpus, labels, openlabel
from dms.store.drivers import DriverSettings, recall
from dms.store.events import EventStore, StoreSettings
from dms.values import Event, Fault, Kind, Level, Part
from dms.vehicle import VehicleSettings, database, logfile
from dms.vehicle.inputs import VehicleInput
from dms.vehicle.settings import SignalSettings, SignalsSettings

_FOLDER = Path(tempfile.mkdtemp(prefix="dms-fuzz-", dir="/dev/shm"))
_MOST_MESSAGES = 1000
_CAR = b"""BU_: C
BO_ 134 LWI_01: 8 C
 SG_ QBit : 15|1@1+ (1,0) [0|1] "" C
 SG_ Angle : 16|13@1+ (0.1,0) [0|800] "deg" C
 SG_ VZ : 29|1@1+ (1,0) [0|1] "" C
"""
_ANGLE = SignalSettings(
    message="LWI_01", signal="Angle", sign="VZ", valid={"signal": "QBit", "invalid": [1]}
)
_LIMITS = {"speed_kmh": (0, 250.996), "steering_deg": (-1440, 1440), "accelerator": (0, 1)}


def _file(name: str, data: bytes) -> Path:
    path = _FOLDER / name
    path.write_bytes(data)
    return path


def _choose(data: bytes, kinds: int) -> tuple[int, bytes]:
    """Let the first byte say which of several readers gets the rest."""
    return (data[0] % kinds if data else 0), data[1:]


def settings(data: bytes) -> None:
    """Feed a settings file, or an override as ``--set`` takes it."""
    kind, data = _choose(data, 2)
    if kind:
        config.load(None, [data.decode("utf-8", "replace")])
    else:
        config.load(_file("dms.yaml", data))


def slcan(data: bytes) -> None:
    """Feed the serial line, in pieces."""
    reader = LineReader()
    for at in range(0, len(data), 37):
        reader.feed(data[at : at + 37])
        while (message := reader.take()) is not None:
            if message.arbitration_id > 0x1FFFFFFF or len(message.data) > 64:
                raise AssertionError(f"accepted what cannot be: {message}")


def vehicle(data: bytes) -> None:
    """Feed frames to the vehicle's signals: identifier, length, bytes.

    The first byte chooses a truck, or a car whose steering has its sign and validity beside it.
    """
    kind, data = _choose(data, 2)
    if kind:
        reader = VehicleInput(
            VehicleSettings(
                database=str(_file("car.dbc", _CAR)), signals=SignalsSettings(steering_angle=_ANGLE)
            )
        )
    else:
        reader = VehicleInput(VehicleSettings(database="j1939"))
    mapped = (0x18FEF100, 0x0CF00300, 0x18F00503, 0x0CFDCC21) if not kind else (0x86, 0x86, 1, 2)
    stream, now_s = io.BytesIO(data), 0.0
    while len(head := stream.read(5)) == 5:
        can_id = mapped[head[1] % 4] if head[0] & 1 else int.from_bytes(head[:4], "big") >> 3
        reader.feed(can_id, stream.read(head[4] % 65), now_s, extended=bool(head[0] & 2))
        now_s += head[2] / 1000
        seen = reader.context(now_s)
        for name, (low, high) in _LIMITS.items():
            value = getattr(seen, name)
            if value is not None and not low <= value <= high:
                raise AssertionError(f"accepted what cannot be: {name} {value}")


def j1939(data: bytes) -> None:
    """Feed a truck's bus to our node: identifier, length, bytes, and time passes."""
    sent: list[can.Message] = []
    memory = FaultMemory()
    node = Node(
        NameSettings(identity_number=7), 0x94, 516_096, memory, lambda m: not sent.append(m)
    )
    stream, now_s = io.BytesIO(data), 0.0
    node.poll(0, now_s)
    pgns = (0xEE00, 0xEA00, 0xFF41, 0xFECA)
    while len(head := stream.read(4)) == 4:
        pgn = pgns[head[0] % 4] | (head[1] if head[0] % 4 < 2 else 0)
        can_id = 0x18000000 | pgn << 8 | head[2]
        payload = stream.read(head[3] % 9)
        now_s += head[3] / 100
        node.heard(can.Message(arbitration_id=can_id, data=payload), now_s)
        node.poll(0, now_s)
        ours = {message.arbitration_id & 0xFF for message in sent}
        if not ours <= {0x94, 0xFE, *range(128, 248)}:
            raise AssertionError(f"sent from {ours}")
        frame = CanFrame("DMS_State", 0x18FF41FE, True, bytes(8), now_s)
        identified = node.identify(frame)
        if identified is not None and identified & 0xFF != node.address:
            raise AssertionError("sent without an address")
        sent.clear()


def can_log(data: bytes) -> None:
    """Feed a bus log of each kind."""
    names = ("bus.log", "bus.asc", "bus.blf", "bus.trc", "bus.csv", "bus.txt")
    kind, data = _choose(data, len(names))
    for count, _ in enumerate(logfile.frames(_file(names[kind], data))):
        if count > _MOST_MESSAGES:
            break


def can_database(data: bytes) -> None:
    """Feed a CAN database."""
    names = ("car.dbc", "car.sym", "car.kcd")
    kind, data = _choose(data, len(names))
    database.load(str(_file(names[kind], data)))


def label_files(data: bytes) -> None:
    """Feed labels in each format, and a manifest."""
    kind, data = _choose(data, 6)
    if kind == 0:
        labels.load_labels(_file("a.labels.yaml", data))
    elif kind == 1:
        labels.load_labels(_file("a.labels.csv", data))
    elif kind == 2:
        labels.load_zju(_file("blinks.csv", data))
    elif kind == 3:
        openlabel.load_openlabel(_file("a.openlabel.json", data))
    elif kind == 4:
        corpus.find([str(_file("corpus.csv", data))])
    else:
        corpus.find([str(_file("corpus.yaml", data))])


def store(data: bytes) -> None:
    """Feed an event store's file, stored events as JSON Lines, recorded observations, a driver."""
    kind, data = _choose(data, 5)
    if kind == 0:
        _open_store(data)
    elif kind == 1:
        for event in load_events(_file("events.jsonl", data)):
            if not math.isfinite(event.t_s):
                raise AssertionError(f"accepted what cannot be: {event}")
    elif kind == 2:
        for _ in recording.load(_file("drive.jsonl", data)):
            pass
    elif kind == 3:
        load_frames(_file("drive.csv", data))
    else:
        _file("me.json", data)
        recall(DriverSettings(slot="me", folder=str(_FOLDER)))


def _open_store(data: bytes) -> None:
    """A damaged file is set aside and the next event kept all the same."""
    for old in _FOLDER.glob("events.db*"):
        old.unlink()
    with EventStore(_file("events.db", data), StoreSettings()) as kept:
        list(kept.events())
        kept.drives()
        kept.add([Event(1.0, Kind.SLEEP, Level.CRITICAL, "eyes closed")])


def commands(data: bytes) -> None:
    """Feed what a head unit may send: JSON over MQTT, frames over CAN."""
    command, answer = command_of(data)
    json.dumps(answer, allow_nan=False)
    if command is None and answer["answer"] != "refused":
        raise AssertionError(f"neither taken nor refused: {answer}")
    codec = Codec()
    for at in range(0, len(data), 8):
        frame = data[at : at + 8]
        codec.check("DMS_Command", frame)
        with contextlib.suppress(DmsError):
            codec.decode("DMS_Command", frame)


def told(data: bytes) -> None:
    """Feed words that a library may quote, and the PEM files of a broker."""
    text = data.decode("utf-8", "replace")
    words = masked(f"rtsp://me:{text.replace('@', '').replace(' ', '')}s3cret@b/{text}")
    if words != masked(words) or "\x1b" in words:
        raise AssertionError(f"not masked for good: {words!r}")
    if not any(letter.isspace() for letter in text) and "s3cret" in words:
        raise AssertionError(f"told: {words!r}")
    if len(Fault(Part.CAMERA, text).words) > 500 or cell(text)[:1] in set("=+-@"):
        raise AssertionError("neither cut nor a text alone")
    file = str(_file("file.pem", data))
    with contextlib.suppress(ConfigError):
        access_of(MqttSettings(ca_file=file, certificate_file=file, password_file=file))


TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one
    for one in (
        settings,
        slcan,
        vehicle,
        j1939,
        can_log,
        can_database,
        label_files,
        store,
        commands,
        told,
    )
}


def attempt(target: str, data: bytes) -> None:
    """Feed ``data`` to the target; to be refused is well, anything else that is raised is not."""
    with contextlib.suppress(DmsError):
        TARGETS[target](data)


def starts(target: str) -> Iterator[bytes]:
    """Yield sound inputs from which a fuzzer may begin."""
    if target == "settings":
        yield b"\x00camera: {fps: 30}\nbridges: [{kind: socketcan, channel: can0}]\n"
        yield b"\x01core.policy.pause_s=60"
    elif target == "slcan":
        yield b"t4008DEADBEEF00000000\rT18FEF10081122334455667788\rz\r\aV1013\rd1239" + b"0" * 24
    elif target == "vehicle":
        yield b"\x00" + bytes([1, 0, 10, 0, 8, 255, 0, 80, 0, 0, 0, 0, 0]) * 4
        yield b"\x01" + bytes([1, 0, 10, 0, 8, 0, 0, 0x84, 0x23, 0, 0, 0, 0]) * 4
    elif target == "j1939":
        yield bytes([0, 255, 0x94, 8, 1, 0, 0, 0, 0, 0, 0, 0]) + bytes(
            [1, 255, 0x20, 3, 0, 0xEE, 0]
        )
    elif target == "can_log":
        yield b"\x00(1700000000.100000) can0 18FEF100#FF00500000000000\n"
        yield b"\x05 (1700000000.1)  can0  123   [2]  11 22\n"
        yield (
            b"\x01date Mon Jan 1 00:00:00 2024\nbase hex  timestamps absolute\n"
            b"0.1 1  123x  Rx   d 2 11 22\n"
        )
        yield b"\x04Time Stamp,ID,Extended,Dir,Bus,LEN,D1\n1000,1A0,false,Rx,0,1,FE,\n"
        yield b"\x04time,addr,bus,data\n7.0,0x1a0,0,0xfe\n"
        yield b"\x051320745424.100 R11 1A0 FE 36\n1320745424.350 R29 18FEF100 FF\n"
        yield b"\x00***BUSMASTER Ver 3.2.2***\n***HEX***\n10:00:00:0000 Rx 1 0x1A0 s 1 FE\n"
        yield b"\x03;$FILEVERSION=1.1\n     1)      1.0  Rx         0123  2  11 22\n"
        yield b"\x04timestamp,arbitration_id,extended,remote,error,dlc,data\n0,0x123,0,0,0,2,ESI=\n"
    elif target == "can_database":
        yield b'\x00VERSION ""\nBU_: A\nBO_ 256 M: 8 A\n SG_ S : 0|8@1+ (1,0) [0|255] "km/h" A\n'
        yield b'\x01FormatVersion=6.0\nTitle="x"\n{SENDRECEIVE}\n[M]\nID=100h\nLen=8\n'
    elif target == "label_files":
        yield b"\x00events:\n- {kind: blink, start_s: 1.0, end_s: 1.2}\n"
        yield b"\x01kind,start_s,end_s\nblink,1.0,1.2\n"
        yield b"\x02clip,start_frame0,end_frame0\na,3,9\n"
        action = {
            "type": "blinks/blinking",
            "frame_intervals": [{"frame_start": 1, "frame_end": 3}],
        }
        yield b"\x03" + json.dumps({"openlabel": {"actions": {"0": action}}}).encode()
        yield b"\x04source,labels,glasses\na.mp4,,yes\n"
        yield b"\x05recordings:\n- {source: a.mp4, groups: {night: true}}\n"
    elif target == "store":
        yield b"\x00" + _sound_store()
        yield b'\x01{"t_s": 1.0, "kind": "sleep", "level": 3, "reason": "x", "values": {}}\n'
        yield b'\x02{"observation": {"t_s": 1.0, "mar": 0.1}, "vehicle": null, "faults": []}\n'
        yield b"\x03t_s,ear,state\n0.0,0.3,open\n"
        yield b'\x04{"right_ear": 0.3}'
    elif target == "told":
        yield b"rtsp://admin:secret@10.0.0.7/live?user=a&password=b is gone"
        yield b"rtspsrc user-pw=secret ! x; =cmd|' /C calc'!A0 \x1b[2J"
        yield b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    else:
        yield b'{"id": 7, "acknowledge": true, "pause": true, "pause_reason": "workshop"}'


def _sound_store() -> bytes:
    for old in _FOLDER.glob("sound.db*"):
        old.unlink()
    path = _FOLDER / "sound.db"
    with EventStore(path, StoreSettings()) as kept:
        kept.add([Event(1.0, Kind.SLEEP, Level.CRITICAL, "eyes closed")], kept.begin_drive())
    return path.read_bytes()
