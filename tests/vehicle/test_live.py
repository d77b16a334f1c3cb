from __future__ import annotations

import time

import can
import pytest

from dms.bridge import BridgeSettings, open_bridge
from dms.bus.settings import BusSettings
from dms.errors import BridgeError, ConfigError
from dms.vehicle import VehicleSettings, open_vehicle
from dms.vehicle.live import LiveVehicle
from dms.vehicle.settings import SignalSettings, SignalsSettings

CCVS = bytes([0xFF, 0, 50, 0xCF, 0xFF, 0xFF, 0xFF, 0xFF])
SETTINGS = VehicleSettings(
    database="j1939", bus=BusSettings(kind="virtual", channel="vehicle-test")
)


def until(true, seconds=120.0):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()


def sender(channel):
    return can.Bus(interface="virtual", channel=channel)


def send(bus):
    bus.send(can.Message(arbitration_id=0x18FEF100, is_extended_id=True, data=CCVS))


def test_a_second_bus_is_heard_and_never_written():
    with sender("vehicle-test") as bus, open_vehicle(SETTINGS, live=True) as vehicle:
        assert vehicle.at(7.0).speed_kmh is None
        # Again and again: a busy machine may look when what it heard is too old already.
        assert until(lambda: send(bus) or vehicle.at(7.0).speed_kmh == 50)
        assert vehicle.at(7.5).t_s == 7.5
        assert vehicle.fault is None
        assert bus.recv(0.1) is None


def test_silence_makes_the_speed_unknown():
    now = [100.0]
    with sender("dms-test-shared") as bus:
        shared = BridgeSettings(kind="virtual", channel="dms-test-shared")
        with open_bridge(shared) as bridge:
            settings = VehicleSettings(database="j1939")
            vehicle = LiveVehicle(settings, [bridge], clock=lambda: now[0])
            with vehicle:
                now[0] = time.monotonic()
                send(bus)
                assert until(lambda: vehicle.at(0.0).speed_kmh == 50)
                now[0] = time.monotonic() + 1.5
                assert vehicle.at(0.0).speed_kmh is None


@pytest.mark.parametrize(
    ("bus", "words"),
    [
        ({"kind": "socketcna"}, "vehicle.bus: kind 'socketcna' is no CAN bus.*mean 'socketcan'"),
        ({"kind": "mqtt"}, "vehicle.bus: kind 'mqtt' is no CAN bus; choose one of socketcan"),
        ({"kind": "slcan", "bitrate": 123}, "vehicle.bus: SLCAN has no 123 bit/s"),
    ],
)
def test_a_bus_that_can_never_be_is_an_error_at_once(bus, words):
    settings = VehicleSettings(database="j1939", bus=BusSettings(**bus))
    with pytest.raises(ConfigError, match=words):
        open_vehicle(settings, live=True)


def test_a_log_of_the_second_bus_has_all_that_was_on_it(tmp_path):
    path = tmp_path / "vehicle.asc"
    bus_settings = BusSettings(kind="virtual", channel="vehicle-logged", log=str(path))
    settings = VehicleSettings(database="j1939", bus=bus_settings)
    with sender("vehicle-logged") as bus, open_vehicle(settings, live=True) as vehicle:
        bus.send(can.Message(arbitration_id=0x123, is_extended_id=False, data=b"\1"))
        send(bus)
        assert until(lambda: vehicle.at(0.0).speed_kmh == 50)
    assert [m.arbitration_id for m in can.LogReader(path)] == [0x123, 0x18FEF100]


def test_a_log_that_cannot_be_written_is_an_error_at_once(tmp_path):
    bus = BusSettings(kind="virtual", channel="vehicle-logged", log=str(tmp_path / "a.txt"))
    vehicle = open_vehicle(VehicleSettings(database="j1939", bus=bus), live=True)
    with pytest.raises(BridgeError, match="a CAN log ends in"), vehicle:
        pass


def test_a_signal_sent_on_change_is_kept_alive_by_messages_that_are_not_mapped():
    """The bus filters what is not mapped, but not where only that shows that the bus lives."""
    bus_settings = BusSettings(kind="virtual", channel="vehicle-on-change")
    signals = SignalsSettings(
        speed=SignalSettings(message="CCVS1", signal="WheelBasedVehicleSpeed", cycle_s=0)
    )
    settings = VehicleSettings(database="j1939", bus=bus_settings, signals=signals)
    with sender("vehicle-on-change") as bus, open_vehicle(settings, live=True) as vehicle:
        send(bus)
        assert until(lambda: vehicle.at(0.0).speed_kmh == 50)
        assert until(lambda: vehicle.at(0.0).speed_kmh is None)  # the bus is silent
        bus.send(can.Message(arbitration_id=0x123, is_extended_id=False))
        assert until(lambda: vehicle.at(0.0).speed_kmh == 50)


def test_a_vehicle_that_is_left_hears_the_shared_bus_no_more():
    with open_bridge(BridgeSettings(kind="virtual", channel="dms-test-left")) as bridge:
        with open_vehicle(VehicleSettings(database="j1939"), [bridge], live=True):
            assert len(bridge._listeners) == 1
        assert bridge._listeners == ()


def test_nothing_to_listen_to_is_an_error():
    with pytest.raises(ConfigError, match="give a bus or a log"):
        open_vehicle(VehicleSettings(database="j1939"), [], live=True)
