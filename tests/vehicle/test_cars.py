"""The three cars of docs/vehicle.md, read from logs whose bits are put together here by hand."""

from __future__ import annotations

import re
from pathlib import Path

import can
import pytest

from dms.config import load
from dms.values import Gear, Indicator
from dms.vehicle.inputs import VehicleInput
from dms.vehicle.logfile import LogVehicle
from tests.scenarios.drive import Drive

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "vehicle.md").read_text(encoding="utf-8")
CARS = {"vw_mqb.dbc": "vw_mqb.dbc", "toyota_nodsu_pt.dbc": "toyota_nodsu.dbc", "j1939": ""}


def settings_of(database, tmp_path, log=""):
    """Return the vehicle settings of the page's example with ``database``."""
    (text,) = [
        e
        for e in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
        if f"database: {database}\n" in e
    ]
    if CARS[database]:
        text = text.replace(database, str(HERE / "cars" / CARS[database]))
    file = tmp_path / "car.yaml"
    file.write_text(text + f"  log: {log}\n" if log else text)
    return load(file).vehicle


def little(**bits):
    """Return 8 bytes with raw numbers at start bits, Intel: ``b16_13=900`` is 13 bits from 16."""
    whole = 0
    for place, raw in bits.items():
        start, length = (int(part) for part in place[1:].split("_"))
        assert raw < 1 << length
        whole |= raw << start
    return whole.to_bytes(8, "little")


def lwi(tenths, right, bad=0):
    return little(b15_1=bad, b16_13=tenths, b29_1=right)


@pytest.fixture
def log(tmp_path):
    def made(*frames):
        path = tmp_path / "drive.log"
        with can.Logger(path) as logger:
            for t_s, can_id, data in frames:
                logger.on_message_received(
                    can.Message(timestamp=t_s, arbitration_id=can_id & 0x1FFFFFFF, data=data,
                                is_extended_id=can_id > 0x7FF, channel="can0")
                )  # fmt: skip
        return path

    return made


def drive(settings, times):
    with LogVehicle(settings) as vehicle:
        return [vehicle.at(t_s) for t_s in times], vehicle.why_unknown(times[-1])


def test_volkswagen_bends_have_two_sides(log, tmp_path):
    path = log(
        (1.0, 134, lwi(900, right=0)), (1.0, 253, little(b32_16=5_012)),
        (1.0, 173, little(b42_4=8)), (1.0, 870, little(b23_1=1)),
        (2.0, 134, lwi(900, right=1)), (2.0, 253, little(b32_16=5_012, b55_1=1)),
        (2.0, 870, little(b24_1=1)), (3.0, 134, lwi(900, right=1, bad=1)),
    )  # fmt: skip
    settings = settings_of("vw_mqb.dbc", tmp_path, path)
    (left, right, bad), why = drive(settings, (0.0, 1.0, 2.0))
    assert (left.steering_deg, right.steering_deg) == (pytest.approx(90), pytest.approx(-90))
    assert bad.steering_deg is None
    assert why["steering_angle"] == "LWI_QBit_Lenkradwinkel says 1: not valid"
    assert (left.speed_kmh, right.speed_kmh) == (pytest.approx(50.12), None)
    assert left.gear is Gear.DRIVE
    assert (left.indicator, right.indicator) == (Indicator.LEFT, Indicator.RIGHT)
    assert VehicleInput(settings).hints() == []


@pytest.mark.parametrize(("right", "yaw_deg", "alerts"), [(0, 38, 0), (0, -38, 1), (1, -38, 0),
                                                          (1, 38, 1)])  # fmt: skip
def test_a_look_into_the_bend_of_a_volkswagen_is_none_aside(right, yaw_deg, alerts, tmp_path):
    """With the sign lost, as it was, the look into a right bend was told and the other was not."""
    car = VehicleInput(settings_of("vw_mqb.dbc", tmp_path))
    car.feed(134, lwi(900, right), 0.0, extended=False)
    bend = Drive().drives(50, steering_deg=car.context(0.0).steering_deg).watches(10)
    assert len(bend.turns(5, yaw_deg=yaw_deg).alerts) == alerts


def test_toyota_waits_for_its_sensor(log, tmp_path):
    def steer(raw, init=0):
        return bytes([init << 3, 0, 0, *(raw & 0xFFFF).to_bytes(2, "big"), 0, 0, 0])

    path = log(
        (1.0, 180, bytes([0, 0, 0, 0, 0, *(6_543).to_bytes(2, "big"), 0])),
        (1.0, 608, steer(500, init=1)), (1.0, 956, bytes([0, 32, 0, 0, 0, 0, 0, 0])),
        (1.0, 1556, bytes([0, 0, 0, 0x20, 0, 0, 0, 0])), (2.0, 608, steer(-1_000)),
        (2.0, 1556, bytes([0, 0, 0, 0x30, 0, 0, 0, 0])), (2.0, 956, bytes(8)),
    )  # fmt: skip
    (first, then), _ = drive(settings_of("toyota_nodsu_pt.dbc", tmp_path, path), (0.0, 1.0))
    assert (first.speed_kmh, first.steering_deg) == (pytest.approx(65.43), None)
    assert (first.gear, then.gear) == (Gear.PARK, Gear.DRIVE)
    assert then.steering_deg == pytest.approx(-57.3)
    assert first.indicator is Indicator.RIGHT


def test_a_truck(log, tmp_path):
    def at(place, raw, length=8):
        data = (0xFFFFFFFFFFFFFFFF & ~(((1 << length) - 1) << place)) | raw << place
        return data.to_bytes(8, "little")

    path = log(
        (1.0, 0x18FEF127, at(8, 80 * 256, 16)), (1.0, 0x18F00503, at(24, 125)),
        (1.0, 0x0CFDCC21, at(8, 0x02, 6)), (2.0, 0x18F00503, at(24, 137)),
        (2.0, 0x0CFDCC21, at(8, 0x11, 6)), (3.0, 0x18F00503, at(24, 124)),
        (4.0, 0x18F00503, at(24, 251)), (5.0, 0x18F00503, at(24, 255)),
        (5.0, 0x0CFDCC21, b"\xff" * 8),
    )  # fmt: skip
    seen, why = drive(settings_of("j1939", tmp_path, path), (0.0, 1.0, 2.0, 3.0, 4.0))
    gears = [each.gear for each in seen]
    assert gears == [Gear.NEUTRAL, Gear.DRIVE, Gear.REVERSE, Gear.PARK, None]
    assert seen[0].speed_kmh == 80
    assert [each.indicator for each in seen[:2]] == [Indicator.RIGHT, Indicator.HAZARD]
    assert seen[-1].indicator is None
    assert why["steering_angle"] == "never heard"
