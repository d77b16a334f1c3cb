"""The bridge on a truck's bus, against python-can-j1939 as the other end."""

from __future__ import annotations

import time

import can
import cantools
import pytest

from dms.bridge import BridgeSettings
from dms.bridge.bus_load import bus_load
from dms.bridge.canbridge import CanBridge
from dms.bridge.codec import contract_text
from dms.bridge.diagnostics import Code
from dms.bridge.j1939_node import name_number
from dms.bridge.settings import NameSettings
from dms.bridge.trouble import SPN_BASE, SPNS
from dms.errors import ConfigError
from dms.values import DriverState, Fault
from tests.bridge.test_canbridge import until

j1939 = pytest.importorskip("j1939", reason="pip install 'dms-jetson[interop]'")

FINE = DriverState(1.0, drowsiness=4, openness=0.8)
OURS = NameSettings(identity_number=1000, arbitrary_address=False)
MOVES = NameSettings(identity_number=1000)


@pytest.fixture
def bus(request):
    """Return a name of a virtual bus, and what was on it."""
    with can.Bus(interface="virtual", channel=request.node.name) as ears:
        yield request.node.name, ears


@pytest.fixture
def truck(bus):
    """Start devices of another library on the bus."""
    made = []

    def start(identity, address, **name):
        ecu = j1939.ElectronicControlUnit()
        ecu.connect(interface="virtual", channel=bus[0])
        device = j1939.ControllerApplication(
            j1939.Name(identity_number=identity, industry_group=1, vehicle_system=127,
                       function=255, **name), address
        )  # fmt: skip
        ecu.add_ca(controller_application=device)
        device.start()
        made.append(ecu)
        return device

    yield start
    for ecu in made:
        ecu.stop()
        ecu.disconnect()


def bridge(channel, name=OURS, **more):
    return CanBridge(BridgeSettings(channel=channel, protocol="j1939", name=name, **more))


def heard(ears):
    found = []
    while (message := ears.recv(0.05)) is not None:
        found.append(message)
    return found


def test_all_messages_come_from_one_claimed_address(bus):
    channel, ears = bus
    with bridge(channel) as ours:
        assert ours.node.address == 0x94
        ours.publish(FINE)
    messages = heard(ears)
    assert messages[0].arbitration_id == 0x18EEFF94
    assert bytes(messages[0].data) == name_number(OURS).to_bytes(8, "little")
    assert {message.arbitration_id & 0xFF for message in messages} == {0x94}
    pgns = {message.arbitration_id >> 8 & 0xFFFF for message in messages[1:]}
    assert pgns == {0xFF41, 0xFF42, 0xFF43, 0xFF44, 0xFF46, 0xFF47}


def test_the_printed_database_reads_them_by_their_pgn(bus):
    channel, ears = bus
    database = cantools.database.load_string(contract_text(pgn_base=0xFF40), "dbc")
    with bridge(channel) as ours:
        ours.publish(FINE)
        assert ours.link.flush(5.0)
        state = next(m for m in heard(ears) if m.arbitration_id >> 8 & 0xFFFF == 0xFF41)
    known = database.get_message_by_name("DMS_State")
    assert known.protocol == "j1939"
    assert known.frame_id == 0x18FF41FE
    assert known.decode(bytes(state.data))["Drowsiness"] == "RatherAlert"


def test_an_address_conflict_that_we_win(bus, truck):
    with bridge(bus[0]) as ours:
        weaker = truck(2000, 0x94)
        assert until(lambda: weaker.state == j1939.ControllerApplication.State.CANNOT_CLAIM, 10)
        assert ours.node.address == 0x94
        assert ours.fault is None


def test_an_address_conflict_that_we_lose_is_told_and_ends_our_sending(bus, truck):
    channel, ears = bus
    with bridge(channel) as ours:
        stronger = truck(500, 0x94)
        assert until(lambda: ours.fault is not None, 10)
        assert "address 0x94 was lost to NAME 0x" in ours.fault
        assert until(lambda: stronger.state == j1939.ControllerApplication.State.NORMAL, 10)
        heard(ears)
        for step in range(5):
            ours.publish(DriverState(2.0 + step))
        assert heard(ears) == []


def test_a_device_that_may_move_goes_on_from_another_address(bus, truck):
    channel, ears = bus
    with bridge(channel, MOVES) as ours:
        truck(500, 0x94, arbitrary_address_capable=True)
        assert until(lambda: ours.node.address not in (None, 0x94), 10)
        heard(ears)
        ours.publish(DriverState(2.0))
        time.sleep(0.1)
        assert {m.arbitration_id & 0xFF for m in heard(ears)} == {0x80}
        assert ours.fault is None


def test_one_and_several_trouble_codes_are_read_by_another_library(bus, truck):
    told = []
    with bridge(bus[0]) as ours:
        reader = truck(2000, 0x21)
        assert until(lambda: reader.state == j1939.ControllerApplication.State.NORMAL, 10)
        j1939.Dm1(reader).subscribe(
            lambda source, lamps, codes, _: told.append((source, lamps, codes))
        )
        for t_s, faults in ((1.0, ("camera: x",)), (2.0, ("camera: x", "bridge: y", "store: z"))):
            told.clear()
            ours.publish(DriverState(t_s, faults=tuple(map(Fault.from_text, faults))))
            codes = [Code.CAMERA, Code.BRIDGE, Code.STORE][: len(faults)]
            spns = {SPN_BASE + SPNS[code][0]: SPNS[code][1] for code in codes}
            assert until(lambda: told and _codes(told) == spns, 10)  # noqa: B023
            assert told[-1][:2] == (0x94, {"pl": 0, "awl": 1, "rsl": 0, "mil": 0})
        told.clear()
        ours.publish(DriverState(3.0))
        assert until(lambda: told and not _codes(told), 10)
        assert told[-1][1]["awl"] == 0


def _codes(told):
    return {code["spn"]: code["fmi"] for code in told[-1][2] if code["spn"]}


@pytest.mark.parametrize(("pgn", "answer"), [(0xFECA, 0x18FECA94), (0xFEE5, 0x18E8FF94),
                                             (0xEE00, 0x18EEFF94)])  # fmt: skip
def test_requests_are_answered(bus, pgn, answer):
    channel, ears = bus
    with bridge(channel):
        heard(ears)
        ears.send(can.Message(arbitration_id=0x18EA9420, data=pgn.to_bytes(3, "little")))
        assert [message.arbitration_id for message in heard(ears)] == [answer]


def test_a_bus_that_returns_is_claimed_anew(bus):
    channel, ears = bus
    with bridge(channel) as ours:
        heard(ears)
        ours.link._lost.set()
        assert until(lambda: ours.link.generation == 1, 10)
        time.sleep(0.1)
        assert [message.arbitration_id for message in heard(ears)] == [0x18EEFF94]
        assert until(lambda: ours.node.address == 0x94, 10)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"extended": True, "base_id": 0x18FF4000}, "0x00 to 0x07, which are other ECUs"),
        ({"protocol": "j1939", "fd": True}, "leave fd out"),
        ({"protocol": "j1939", "extended": True}, "set pgn_base"),
        ({"protocol": "j1939", "pgn_base": 0xFEF1}, "proprietary B, 0xff00 to 0xffff"),
        ({"protocol": "j1939", "pgn_base": 0xFFFE}, "proprietary B"),
    ],
)
def test_what_cannot_be_is_refused(more, words):
    with pytest.raises(ConfigError, match=words):
        CanBridge(BridgeSettings(**more))


def test_two_devices_of_one_image_differ_in_their_name(monkeypatch, tmp_path):
    numbers = set()
    for machine in ("a", "b"):
        file = tmp_path / machine
        file.write_text(machine)
        monkeypatch.setattr("dms.bridge.j1939_node._MACHINE", file)
        numbers.add(name_number(NameSettings()))
    assert len(numbers) == 2


def test_the_load_on_a_truck_bus():
    plain = bus_load(BridgeSettings(extended=True, base_id=0x1A005000, bitrate=250_000))
    assert plain < bus_load(BridgeSettings(protocol="j1939", bitrate=250_000)) < 1.1 * plain
