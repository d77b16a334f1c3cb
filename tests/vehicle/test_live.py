from __future__ import annotations

import time

import can
import pytest

from dms.bridge import BridgeSettings, open_bridge
from dms.errors import ConfigError
from dms.vehicle import VehicleSettings, open_vehicle

CCVS = bytes([0xFF, 0, 50, 0xCF, 0xFF, 0xFF, 0xFF, 0xFF])
SETTINGS = VehicleSettings(
    database="j1939", bus=BridgeSettings(kind="virtual", channel="vehicle-test")
)


def until(true, seconds=30.0):
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
        send(bus)
        assert until(lambda: vehicle.at(7.0).speed_kmh == 50)
        assert vehicle.at(7.5).t_s == 7.5
        assert vehicle.fault is None
        assert bus.recv(0.1) is None


def test_silence_makes_the_speed_unknown():
    now = [100.0]
    with sender("dms-test-shared") as bus:
        shared = BridgeSettings(kind="virtual", channel="dms-test-shared")
        with open_bridge(shared) as bridge:
            vehicle = open_vehicle(VehicleSettings(database="j1939"), [bridge], live=True)
            vehicle._clock = lambda: now[0]
            with vehicle:
                now[0] = time.monotonic()
                send(bus)
                assert until(lambda: vehicle.at(0.0).speed_kmh == 50)
                now[0] = time.monotonic() + 1.5
                assert vehicle.at(0.0).speed_kmh is None


def test_nothing_to_listen_to_is_an_error():
    with pytest.raises(ConfigError, match="give a bus or a log"):
        open_vehicle(VehicleSettings(database="j1939"), [], live=True)
