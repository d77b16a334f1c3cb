from __future__ import annotations

import itertools
import random
import threading
import time
from types import SimpleNamespace

import can
import pytest

from dms.bridge import BridgeSettings, open_bridge
from dms.bridge.codec import contract
from dms.bus.slcan import SlcanBus, parse
from dms.errors import BridgeError, ConfigError
from dms.values import ActiveAlert, DriverState, Event, Kind, Level
from tests.bridge.lawicel import Lawicel

DBC = contract()


@pytest.fixture
def adapter(tmp_path):
    twin = Lawicel(tmp_path / "usb-adapter")
    yield twin
    twin.unplug()


def until(true, seconds=120.0):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()


def drive(bridge, seconds, alert=None):
    """Publish 30 states a second without waiting; ``alert`` is an event with its instant."""
    for i in range(int(seconds * 30)):
        t_s = i / 30
        active = events = ()
        if alert and t_s >= alert.t_s:
            active = (ActiveAlert(alert.kind, alert.level, alert.t_s, alert.reason),)
            events = (alert,) if t_s - alert.t_s < 1 / 30 - 1e-9 else ()
        level = alert.level if active else Level.NONE
        kind = alert.kind if active else None
        bridge.publish(DriverState(t_s, level=level, kind=kind, active=active, events=events))


def test_alert_reaches_the_wire_and_decodes(adapter, monkeypatch):
    waited = []
    clock = SimpleNamespace(**{**vars(time), "sleep": waited.append})
    monkeypatch.setattr("can.interfaces.slcan.time", clock)
    settings = BridgeSettings(kind="slcan", channel=str(adapter.link), lossless=True)
    sleep = Event(2.0, Kind.MICROSLEEP, Level.WARNING, "eyes closed for 1.0 s", start_s=1.0)
    with open_bridge(settings) as bridge:
        assert not any(waited)  # python-can would sleep for two seconds
        monkeypatch.undo()
        drive(bridge, 4.0, sleep)
    assert until(lambda: adapter.frames and adapter.frames[-1][3][7] & 0x0C == 0)
    seen = [(DBC.get_message_by_frame_id(i).name, DBC.decode_message(i, d))
            for _, i, _, d in adapter.frames]  # fmt: skip
    alerts = [words for name, words in seen if name == "DMS_Alert"]
    assert [(a["AlertKind"], a["AlertAction"], a["AlertLevel"]) for a in alerts] == [
        ("Microsleep", "Raised", "Warning")
    ]
    assert alerts[0]["AlertTime"] == pytest.approx(2.0, abs=0.05)
    assert alerts[0]["AlertDuration"] == pytest.approx(1.0, abs=0.05)
    states = [words for name, words in seen if name == "DMS_State"]
    assert len(states) == 41  # 10 Hz for 4 s, and the last one
    assert [s["ActiveLevel"] for s in states[:-1]] == ["None"] * 20 + ["Warning"] * 20
    assert states[-1]["Health"] == "Off"
    assert adapter.commands[:3] == ["C", "S6", "O"]
    assert not adapter.unreadable


def test_second_program_cannot_open_the_same_port(adapter):
    with (
        open_bridge(BridgeSettings(kind="slcan", channel=str(adapter.link))),
        pytest.raises(BridgeError, match="in use by another program"),
        open_bridge(BridgeSettings(kind="slcan", channel=str(adapter.link))),
    ):
        pass


def test_missing_port_says_what_to_do(tmp_path):
    with (
        pytest.raises(BridgeError, match="is it plugged in"),
        open_bridge(BridgeSettings(kind="slcan", channel=str(tmp_path / "none"))),
    ):
        pass


def test_unknown_bit_rate_names_the_known_ones(adapter):
    with (
        pytest.raises(ConfigError, match="250000, 500000"),
        open_bridge(
            BridgeSettings(kind="slcan", channel=str(adapter.link), bitrate=123, wait=True)
        ),
    ):
        pass


@pytest.mark.parametrize(
    ("line", "can_id", "data"),
    [
        (b"t1232AABB", 0x123, b"\xaa\xbb"),
        (b"t1230", 0x123, b""),
        (b"t1232aabb1234", 0x123, b"\xaa\xbb"),  # with the adapter's time
        (b"T18FEF10080102030405060708", 0x18FEF100, bytes(range(1, 9))),
        (b"d1239" + b"00" * 12, 0x123, bytes(12)),
    ],
)
def test_parse_takes_frames(line, can_id, data):
    message = parse(line)
    assert message is not None
    assert (message.arbitration_id, bytes(message.data)) == (can_id, data)


@pytest.mark.parametrize("line", [b"", b"z", b"Z", b"V1013", b"NA123", b"F00"])
def test_parse_passes_over_answers(line):
    assert parse(line) is None


@pytest.mark.parametrize(
    "line",
    [b"t", b"t12", b"t1239", b"t1232AA", b"t1232AAB", b"t8002AABB", b"T2000000000", b"t12G0",
     b"t1232AABBt1232AABB", b"hello", b"\xff\xfe", b"t9008" + b"00" * 8],
)  # fmt: skip
def test_parse_refuses_half_frames_and_garbage(line):
    with pytest.raises(ValueError, match=r"SLCAN|frame|literal"):
        parse(line)


def test_garbage_between_frames_is_counted_not_fatal(adapter):
    bus = SlcanBus(str(adapter.link))
    adapter.write(b"\x00\xff\xfe\r\a\a" + b"x" * 1000 + b"\rt12\rt1231AA\r")
    got = None
    end = time.monotonic() + 60
    while got is None and time.monotonic() < end:
        got = bus.recv(0.2)
    bus.shutdown()
    assert got is not None
    assert bytes(got.data) == b"\xaa"
    assert bus.lines.garbage >= 2


def test_fuzzed_bytes_do_no_harm(adapter):
    """tools/fuzz/bus.py feeds a million to the same reader."""
    random_bytes = random.Random(1)
    alphabet = b"tTrRdDbB0123456789abcdefABCDEF\r\a\x00\xffzZVF"
    bus = SlcanBus(str(adapter.link))
    messages = sent = 0
    while sent < 100_000:
        kind = random_bytes.randrange(3)
        if kind == 0:
            chunk = bytes(random_bytes.choices(alphabet, k=1001))
        elif kind == 1:
            chunk = random_bytes.randbytes(1001)
        else:  # good frames with a byte changed here and there
            good = b"".join(b"t%03X8%016X\r" % (i, i) for i in range(40))
            chunk = bytearray(good)
            for _ in range(20):
                chunk[random_bytes.randrange(len(chunk))] = random_bytes.randrange(256)
        adapter.write(chunk)
        sent += len(chunk)
        while (message := bus.recv(0)) is not None:
            messages += 1
            assert len(message.data) in {*range(9), 12, 16, 20, 24, 32, 48, 64}
            assert message.arbitration_id <= 0x1FFFFFFF
    assert len(bus.lines._lines) < 2000
    assert len(bus.lines._half) <= 256
    adapter.write(b"\rt7FF1AA\r")
    last = None
    end = time.monotonic() + 60
    while (last is None or last.arbitration_id != 0x7FF) and time.monotonic() < end:
        last = bus.recv(0.3) or last
    bus.shutdown()
    assert last is not None
    assert (last.arbitration_id, bytes(last.data)) == (0x7FF, b"\xaa")
    assert messages > 0


def test_an_adapter_that_never_answers_still_gets_frames(tmp_path):
    twin = Lawicel(tmp_path / "silent", silent=True)
    settings = BridgeSettings(kind="slcan", channel=str(twin.link), lossless=True)
    with open_bridge(settings) as bridge:
        drive(bridge, 1.0)
        assert until(lambda: len(twin.frames) > 10)
        assert bridge.fault is None
    twin.unplug()


def test_an_adapter_that_never_reads_is_a_fault_and_never_blocks(tmp_path):
    twin = Lawicel(tmp_path / "deaf", deaf=True)
    with open_bridge(BridgeSettings(kind="slcan", channel=str(twin.link))) as bridge:
        for i in range(3000):  # would never end if it waited for the adapter
            bridge.publish(DriverState(i / 10))
        times = itertools.count(300.0, 0.1)

        def told():  # goes on: it takes some frames to fill the port
            bridge.publish(DriverState(next(times)))
            return bridge.fault is not None

        assert until(told)
    twin.unplug()


def test_an_adapter_that_refuses_every_frame_is_a_fault(tmp_path):
    twin = Lawicel(tmp_path / "refusing", refusing=True)
    with open_bridge(BridgeSettings(kind="slcan", channel=str(twin.link))) as bridge:
        for i in range(30):
            bridge.publish(DriverState(i / 10))
            time.sleep(0.01)
        assert until(lambda: bridge.fault is not None)
        assert "refuses" in bridge.fault
        twin.refusing = False
        for i in range(30, 60):
            bridge.publish(DriverState(i / 10))
            time.sleep(0.01)
        assert until(lambda: bridge.fault is None)
    twin.unplug()


def test_listen_only_opens_with_l(adapter):
    bus = SlcanBus(str(adapter.link), listen_only=True)
    assert until(lambda: "L" in adapter.commands)
    bus.shutdown()
    assert "O" not in adapter.commands


def test_lines_of_two_threads_never_mix(adapter):
    """A diagnostic answer leaves in the receiving thread, in between the frames of the other."""
    bus = SlcanBus(str(adapter.link))
    whole = bus.serialPortOrig.write

    def piecemeal(data):  # as a serial port does whose buffer is nearly full
        for at in range(0, len(data), 3):
            whole(data[at : at + 3])
            time.sleep(0.0005)

    bus.serialPortOrig.write = piecemeal
    senders = [
        threading.Thread(target=lambda number=number: [
            bus.send(can.Message(arbitration_id=number, data=bytes([number] * 8),
                                 is_extended_id=False)) for _ in range(20)
        ])
        for number in (1, 2)
    ]  # fmt: skip
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert until(lambda: len(adapter.frames) + len(adapter.unreadable) >= 40)
    bus.shutdown()
    assert adapter.unreadable == []
    assert sorted(can_id for _, can_id, _, _ in adapter.frames) == [1] * 20 + [2] * 20


def test_shutdown_releases_the_port(adapter):
    for _ in range(3):
        bus = SlcanBus(str(adapter.link))
        bus.shutdown()
        bus.shutdown()
    with pytest.raises(can.CanError):
        bus.send(can.Message(arbitration_id=1, data=b"", is_extended_id=False))
