from __future__ import annotations

import errno
import threading
import time

import can
import pytest

from dms.bridge.codec import Codec
from dms.bus.link import Link
from dms.bus.open import check, error_frame, explain, open_bus
from dms.bus.settings import BusSettings
from dms.errors import BridgeError, ConfigError

SETTINGS = BusSettings(kind="virtual", channel="link-test", queue=64)
CODEC = Codec()


class Wire(can.BusABC):
    """A bus that fails as it is told to; ``sent`` holds what left."""

    def __init__(self) -> None:
        self.sent: list[can.Message] = []
        self.raises: Exception | None = None
        self.inbox: list[can.Message] = []
        self.closed = 0
        self._is_shutdown = False
        super().__init__("wire")

    def send(self, msg, timeout=None):
        if self.raises:
            raise self.raises
        self.sent.append(msg)

    def _recv_internal(self, timeout):
        time.sleep(0.002)
        return (self.inbox.pop(0), False) if self.inbox else (None, False)

    def shutdown(self):
        self.closed += 1
        super().shutdown()


class Wires:
    """Hands out buses; ``missing`` is how often opening fails first."""

    def __init__(self, missing=0) -> None:
        self.missing = missing
        self.tries: list[float] = []
        self.made: list[Wire] = []

    def __call__(self, settings, *, listen_only):
        self.tries.append(time.monotonic())
        if self.missing:
            self.missing -= 1
            raise BridgeError("no such interface")
        self.made.append(Wire())
        return self.made[-1]


def until(true, seconds=120.0):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.002)
    return true()


def frame(name="DMS_Diag", number=0):
    if name == "DMS_Diag":
        words = {"FaultCount": 0, "FaultCode": 0, "VersionMajor": 0, "VersionMinor": 0,
                 "VersionPatch": 0, "CommandErrors": number % 256, "BusFaults": 0}  # fmt: skip
    else:
        words = {"AlertLevel": "Warning", "AlertKind": "Sleep", "AlertAction": "Raised",
                 "AlertNumber": number % 256, "AlertDuration": 1.0, "AlertTime": 1.0,
                 "AlertWording": "None"}  # fmt: skip
    return CODEC.frame(name, words, float(number))


@pytest.fixture
def open_link():
    links = []

    def start(wires, **changes):
        settings = BusSettings(**{"kind": "virtual", "queue": 64, **changes})
        link = Link(settings, protect=CODEC.protect, opener=wires)
        links.append(link)
        link.open()
        return link

    yield start
    for link in links:
        link.close()


def numbers(wire, name="DMS_Diag"):
    return [
        CODEC.decode(name, bytes(m.data))["CommandErrors" if name == "DMS_Diag" else "AlertNumber"]
        for m in wire.sent
        if m.arbitration_id == CODEC.ids[name]
    ]


def enobufs():
    return can.CanOperationError("no buffer space", errno.ENOBUFS)


def test_frames_leave_in_order(open_link):
    wires = Wires()
    link = open_link(wires)
    for number in range(50):
        link.put(frame("DMS_Alert", number))
    assert until(lambda: len(wires.made[0].sent) == 50)
    assert numbers(wires.made[0], "DMS_Alert") == list(range(50))


def test_a_slow_bus_carries_every_alert_and_no_old_state(open_link):
    """It lets one frame go at a time: what still waits of a cyclic message is the newest."""
    go = threading.Semaphore(0)

    class Slow(Wire):
        def send(self, msg, timeout=None):
            assert go.acquire(timeout=60)
            super().send(msg, timeout)

    wires = Wires()
    link = open_link(wires)
    wire = wires.made[0]
    wire.__class__ = Slow
    for number in range(30):
        link.put(frame(number=number))
        if number in (10, 20):
            link.put(frame("DMS_Alert", number))
    for _ in range(4):  # a state may have been on its way before the newest came
        go.release()
    assert until(lambda: numbers(wire, "DMS_Alert") == [10, 20])
    assert until(lambda: numbers(wire)[-1:] == [29])
    assert len(numbers(wire)) <= 2
    assert link.fault is None
    go.release(100)


def test_a_full_transmit_queue_is_told_once_and_only_the_newest_state_leaves(open_link, caplog):
    wires = Wires()
    link = open_link(wires)
    wire = wires.made[0]
    wire.raises = enobufs()
    link.put(frame(number=0))
    assert until(lambda: link.fault is not None and link._outbox.stalled)
    for number in range(1, 200):
        link.put(frame(number=number))
        link.put(frame("DMS_Alert", number))
    assert "transmit queue is full" in link.fault
    wire.raises = None
    assert until(lambda: link.fault is None)
    assert until(lambda: numbers(wire)[-1:] == [199])
    assert len(numbers(wire)) <= 2
    assert numbers(wire, "DMS_Alert") == []  # history stays in the store
    assert len(wires.made) == 1  # the bus itself was there all the time
    assert [r.levelname for r in caplog.records].count("WARNING") == 1


def test_a_short_jam_loses_nothing(open_link, monkeypatch):
    monkeypatch.setattr("dms.bus.link._FULL_RETRY_S", 60.0)  # a busy machine: short is relative
    wires = Wires()
    link = open_link(wires)
    wire = wires.made[0]
    wire.raises = enobufs()
    link.put(frame("DMS_Alert", 7))
    time.sleep(0.03)
    wire.raises = None
    assert until(lambda: numbers(wire, "DMS_Alert") == [7])
    assert link.fault is None


@pytest.mark.parametrize("number", [errno.ENETDOWN, errno.ENODEV, errno.EIO])
def test_a_lost_bus_is_opened_again(open_link, number):
    wires = Wires()
    link = open_link(wires)
    wires.made[0].raises = can.CanOperationError("gone", number)
    wires.missing = 3
    link.put(frame(number=1))
    assert until(lambda: link.fault is not None)
    link.put(frame(number=2))
    assert until(lambda: len(wires.made) == 2 and link.fault is None)
    assert until(lambda: numbers(wires.made[1])[-1:] == [2])
    assert wires.made[0].closed == 1
    assert link.faults == 1


def test_retries_back_off_to_the_setting(open_link):
    wires = Wires(missing=10**6)
    link = open_link(wires, wait=True, retry_s=0.3)
    assert link.fault == "no such interface"
    assert until(lambda: len(wires.tries) > 8)
    assert link._wait_s == 0.3
    gaps = [b - a for a, b in zip(wires.tries, wires.tries[1:], strict=False)]
    assert min(gaps[-2:]) >= 0.3  # how late a busy machine is beyond that is not judged


def test_without_wait_a_missing_bus_is_an_error(open_link):
    with pytest.raises(BridgeError, match="no such interface"):
        open_link(Wires(missing=1))


def test_bus_off_is_told_until_the_bus_is_heard_again(open_link):
    wires = Wires()
    link = open_link(wires)
    wire = wires.made[0]
    wire.inbox.append(can.Message(is_error_frame=True, arbitration_id=0x40, data=bytes(8)))
    assert until(lambda: link.fault and "bus-off" in link.fault)
    link.put(frame(number=1))
    assert until(lambda: wire.sent)
    assert link.fault  # the kernel took the frame, the bus did not
    wire.inbox.append(can.Message(is_error_frame=True, arbitration_id=0x100, data=bytes(8)))
    assert until(lambda: link.put(frame(number=2)) or link.fault is None)


def passive(control=0x20):
    return can.Message(is_error_frame=True, arbitration_id=0x04, data=bytes([0, control]))


@pytest.mark.parametrize(
    "sign", [can.Message(arbitration_id=5, data=b"\1"), passive(0x40)], ids=["frame", "active"]
)
def test_error_passive_ends_on_a_bus_that_is_only_listened_to(sign, caplog):
    """Nothing is ever sent there, so what is heard has to show that it is well again."""
    wires = Wires()
    link = Link(SETTINGS, opener=wires, listen_only=True)
    link.open()
    wires.made[0].inbox.append(passive())
    assert until(lambda: link.fault and "error-passive" in link.fault)
    wires.made[0].inbox.append(sign)
    assert until(lambda: link.fault is None)
    link.close()
    assert [r.levelname for r in caplog.records].count("WARNING") == 1


class SurpriseError(Exception):
    pass


def test_an_unexpected_error_while_sending_is_told_once_and_survived(open_link, caplog):
    wires = Wires()
    link = open_link(wires)
    wires.made[0].raises = SurpriseError("of a library")
    link.put(frame(number=1))
    assert until(lambda: len(wires.made) == 2)
    assert "Surprise" in caplog.text
    link.put(frame(number=2))
    assert until(lambda: link.fault is None)
    assert numbers(wires.made[1])[-1] == 2


def test_an_unexpected_error_while_receiving_is_survived(open_link):
    class Odd(Wire):
        def _recv_internal(self, timeout):
            raise SurpriseError("of a library")

    wires = Wires()
    link = open_link(wires)
    wires.made[0].__class__ = Odd
    assert until(lambda: len(wires.made) == 2)
    link.put(frame(number=1))
    assert until(lambda: link.fault is None and numbers(wires.made[1]) == [1])


def test_an_unexpected_error_while_opening_is_survived():
    class Odd(Wires):
        def __call__(self, settings, *, listen_only):
            if len(self.tries) in {1, 2}:
                self.tries.append(time.monotonic())
                raise SurpriseError("of a library")
            return super().__call__(settings, listen_only=listen_only)

    wires = Odd(missing=1)
    link = Link(BusSettings(wait=True), protect=CODEC.protect, opener=wires)
    link.open()
    link.put(frame(number=1))
    assert until(lambda: wires.made and numbers(wires.made[0]) == [1])
    link.close()


def test_a_listener_that_raises_costs_neither_the_bus_nor_the_next_frame(caplog):
    heard = []

    def listen(message, at_s):
        heard.append(message.arbitration_id)
        raise SurpriseError("of a listener")

    wires = Wires()
    link = Link(SETTINGS, listen, opener=wires)
    link.open()
    for number in (1, 2, 3):
        wires.made[0].inbox.append(can.Message(arbitration_id=number))
    assert until(lambda: heard == [1, 2, 3])
    link.close()
    assert link.fault is None
    assert len(wires.made) == 1
    assert [r.levelname for r in caplog.records].count("ERROR") == 1  # told once


def test_putting_never_blocks_while_the_bus_hangs(open_link):
    """The bus lets go only when everything was put: a put that waited for it would never end."""
    go = threading.Event()

    class Hanging(Wire):
        def send(self, msg, timeout=None):
            go.wait(60)
            super().send(msg, timeout)

    wires = Wires()
    link = open_link(wires)
    wires.made[0].__class__ = Hanging
    for number in range(5000):
        link.put(frame(number=number))
    assert len(wires.made[0].sent) == 0
    go.set()
    assert until(lambda: numbers(wires.made[0])[-1:] == [4999 % 256])
    assert link.dropped > 4000


def test_what_is_heard_is_handed_on():
    heard = []
    wires = Wires()
    link = Link(SETTINGS, lambda message, at_s: heard.append(message), opener=wires)
    link.open()
    wires.made[0].inbox.append(can.Message(arbitration_id=5, data=b"\1"))
    assert until(lambda: heard)
    link.close()
    link.close()
    assert wires.made[0].closed == 1


def test_error_frames_in_words():
    def words(can_id, control=0):
        return error_frame(
            can.Message(is_error_frame=True, arbitration_id=can_id, data=bytes([0, control]))
        )

    assert "bus-off" in words(0x40)[0]
    assert "error-passive" in words(0x04, 0x20)[0]
    assert words(0x04, 0x40) == ("error-active", True)
    assert words(0x100) == ("restarted", True)
    assert words(0x08) == (None, False)


def test_what_is_no_serial_port_is_told(tmp_path):
    """It said: could not configure port: (25, 'Inappropriate ioctl for device')."""
    (tmp_path / "file").write_text("")
    for channel in (str(tmp_path / "file"), "/dev/null"):
        with pytest.raises(BridgeError, match="is no serial port; name the adapter's"):
            open_bus(BusSettings(kind="slcan", channel=channel))


def test_an_address_that_is_no_group_is_told():
    """It said: could not create or configure socket."""
    with pytest.raises(ConfigError, match=r"10\.0\.0\.1 is no multicast group"):
        check(BusSettings(kind="udp_multicast", channel="10.0.0.1"))
    for channel in ("239.74.163.2", "ff15:7079:7468:6f6e:6465:6d6f:6d63:6173", "can-group"):
        check(BusSettings(kind="udp_multicast", channel=channel))


def test_errors_say_what_to_do():
    nowhere = can.CanOperationError("x", errno.EAFNOSUPPORT)
    assert "modprobe can_raw" in explain(nowhere, "can7")
    assert "ip link set can7 up" in explain(can.CanOperationError("x", errno.ENETDOWN), "can7")
    wrapped = can.CanOperationError("outer")
    wrapped.__cause__ = OSError(errno.ENODEV, "no device")
    assert "no interface can7" in explain(wrapped, "can7")
