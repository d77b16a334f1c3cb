from __future__ import annotations

import math
import random
from pathlib import Path

import cantools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms.config import load
from dms.errors import ConfigError
from dms.values import Gear, Indicator, VehicleContext
from dms.vehicle import VehicleSettings
from dms.vehicle.inputs import VehicleInput
from dms.vehicle.settings import SignalSettings, SignalsSettings

CAR = """VERSION ""
NS_ :
BS_:
BU_: Car
BO_ 291 Motion: 8 Car
 SG_ Speed : 7|16@0+ (0.01,0) [0|300] "km/h" Car
 SG_ SteeringAngle : 23|16@0- (0.1,0) [-780|780] "deg" Car
 SG_ Standstill : 32|1@1+ (1,0) [0|1] "" Car
BO_ 292 Body: 8 Car
 SG_ Turn : 0|2@1+ (1,0) [0|3] "" Car
 SG_ Horn : 2|1@1+ (1,0) [0|1] "" Car
 SG_ Ignition : 8|3@1+ (1,0) [0|7] "" Car
 SG_ Ack : 3|1@1+ (1,0) [0|1] "" Car
 SG_ Selector : 16|4@1+ (1,0) [0|15] "" Car
BO_ 293 Switches: 1 Car
 SG_ Beep : 0|1@1+ (1,0) [0|1] "" Car
 SG_ Hooter : 1|1@1- (1,0) [0|1] "" Car
BO_ 2566869221 Pedals: 8 Car
 SG_ Mux M : 0|4@1+ (1,0) [0|15] "" Car
 SG_ Brake m0 : 8|16@1+ (0.1,0) [0|250] "bar" Car
 SG_ Accelerator m1 : 8|8@1+ (0.5,0) [0|100] "%" Car
 SG_ Acceleration m2 : 8|16@1- (0.001,0) [-3|3] "g" Car
BO_ 300 Wide: 64 Car
 SG_ SpeedFloat : 64|32@1- (1,0) [0|0] "m/s" Car
BO_ 301 Bare: 8 Car
 SG_ SpeedMph : 0|16@1+ (0.01,0) [0|0] "mph" Car
 SG_ Unitless : 16|16@1+ (0.01,0) [0|0] "" Car
BO_ 304 Ice: 8 Car
 SG_ Frozen : 0|16@1+ (0,0) [0|0] "km/h" Car
BO_ 302 Twin: 8 Car
 SG_ Speed : 0|16@1+ (0.01,0) [0|300] "km/h" Car
BO_ 303 Twin: 8 Car
 SG_ Speed : 16|16@1+ (0.01,0) [0|300] "km/h" Car
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 291 20;
BA_ "GenMsgCycleTime" BO_ 292 100;
BA_ "GenMsgCycleTime" BO_ 2566869221 50;
BA_ "GenMsgCycleTime" BO_ 300 50;
BA_ "NobodyDefinedThis" BO_ 291 5;
VAL_ 291 Speed 65535 "SNA" 65534 "Error" ;
VAL_ 292 Turn 0 "Off" 1 "Left" 2 "Right" 3 "Both" ;
VAL_ 293 Beep 0 "Foo" 1 "Pressed" ;
VAL_ 293 Hooter 0 "Pressed" ;
VAL_ 292 Ignition 0 "Off" 1 "Accessory" 2 "On" 4 "Start" 7 "SNA" ;
VAL_ 292 Selector 0 "P" 1 "R" 2 "N" 3 "D" 4 "Sport" 14 "Fault" 15 "SNA" ;
SIG_VALTYPE_ 300 SpeedFloat : 1;
"""


def at(message, signal, **more):
    return SignalSettings(message=message, signal=signal, **more)


ALL = SignalsSettings(
    speed=at("Motion", "Speed"),
    standstill=at("Motion", "Standstill"),
    steering_angle=at("Motion", "SteeringAngle"),
    indicator=at("Body", "Turn"),
    horn=at("Body", "Horn"),
    ignition=at("Body", "Ignition"),
    acknowledge=at("Body", "Ack"),
    gear=at("Body", "Selector"),
    brake=at("Pedals", "Brake", full=100.0),
    accelerator=at("Pedals", "Accelerator"),
    acceleration=at("Pedals", "Acceleration"),
)


@pytest.fixture
def dbc(tmp_path) -> str:
    place = tmp_path / "car.dbc"
    place.write_text(CAR, encoding="utf-8")
    return str(place)


def made(dbc, signals=ALL, **more) -> VehicleInput:
    return VehicleInput(VehicleSettings(database=dbc, signals=signals, **more))


REFERENCE = cantools.database.load_string(
    CAR.replace('BA_ "NobodyDefinedThis" BO_ 291 5;\n', ""), database_format="dbc"
)


def send(car, message, t_s, **values):
    known = REFERENCE.get_message_by_name(message)
    data = known.encode(values, strict=False)
    car.feed(known.frame_id, data, t_s, extended=known.is_extended_frame)


def test_motorola_signals_and_signs(dbc):
    car = made(dbc)
    send(car, "Motion", 1.0, Speed=123.45, SteeringAngle=-90.5, Standstill=0)
    seen = car.context(1.0)
    assert seen.speed_kmh == pytest.approx(123.45)
    assert seen.steering_deg == pytest.approx(-90.5)
    assert seen.standstill is False
    assert seen.t_s == 1.0


def test_known_bytes_without_any_library(dbc):
    car = made(dbc)
    car.feed(291, bytes([0x30, 0x39, 0xFC, 0x77, 1, 0, 0, 0]), 0.0, extended=False)
    seen = car.context(0.0)
    assert seen.speed_kmh == pytest.approx(0x3039 * 0.01)
    assert seen.steering_deg == pytest.approx((0xFC77 - 0x10000) * 0.1)
    assert seen.standstill is True


def test_words_of_the_value_tables(dbc):
    car = made(dbc)
    send(car, "Body", 0.0, Turn=1, Horn=1, Ignition=2, Ack=0, Selector=3)
    seen = car.context(0.0)
    assert seen.indicator is Indicator.LEFT
    assert (seen.horn, seen.ignition, seen.acknowledge) == (True, True, False)
    assert seen.gear is Gear.DRIVE


@pytest.mark.parametrize(
    ("raw", "gear"), [(0, Gear.PARK), (1, Gear.REVERSE), (2, Gear.NEUTRAL), (4, Gear.DRIVE),
                      (14, None), (15, None), (9, None)],
)  # fmt: skip
def test_gears(dbc, raw, gear):
    car = made(dbc)
    send(car, "Body", 0.0, Turn=0, Horn=0, Ignition=0, Ack=0, Selector=raw)
    assert car.context(0.0).gear is gear


@pytest.mark.parametrize(("raw", "on"), [(0, False), (1, False), (2, True), (4, True), (7, None)])
def test_ignition(dbc, raw, on):
    car = made(dbc)
    send(car, "Body", 0.0, Turn=0, Horn=0, Ignition=raw, Ack=0, Selector=0)
    assert car.context(0.0).ignition is on


def test_multiplexed_signals_on_a_29_bit_identifier(dbc):
    car = made(dbc)
    send(car, "Pedals", 0.00, Mux=0, Brake=42.0)
    seen = car.context(0.0)
    assert (seen.brake, seen.accelerator) == (pytest.approx(0.42), None)
    send(car, "Pedals", 0.05, Mux=1, Accelerator=20.0)
    send(car, "Pedals", 0.10, Mux=2, Acceleration=-0.5)
    seen = car.context(0.1)
    assert seen.brake == pytest.approx(0.42)
    assert seen.accelerator == pytest.approx(0.2)
    assert seen.acceleration_mps2 == pytest.approx(-4.903325)
    car.feed(2566869221 & 0x1FFFFFFF, b"\x09" + b"\xff" * 7, 0.12, extended=True)
    assert car.context(0.12).brake == pytest.approx(0.42)


def test_multiplexed_signals_age_by_their_own_turn(dbc):
    car = made(dbc, stale_cycles=3)
    send(car, "Pedals", 0.0, Mux=0, Brake=10.0)  # every third frame of 50 ms
    assert car.context(0.45).brake is not None
    assert car.context(0.46).brake is None


@pytest.mark.parametrize("cycles", [1, 3, 10])
def test_stale_after_n_cycles_and_back(dbc, cycles):
    car = made(dbc, stale_cycles=cycles)
    send(car, "Motion", 5.0, Speed=50, SteeringAngle=0, Standstill=0)
    assert car.context(5.0 + 0.02 * cycles).speed_kmh == pytest.approx(50)
    late = 5.0 + 0.02 * cycles + 0.001
    assert car.context(late).speed_kmh is None
    assert "stale" in car.why_unknown(late)["speed"]
    send(car, "Motion", 6.0, Speed=51, SteeringAngle=0, Standstill=0)
    assert car.context(6.0).speed_kmh == pytest.approx(51)


def test_no_cycle_time_in_the_database_uses_the_default(dbc):
    signals = SignalsSettings(speed=at("Bare", "SpeedMph"))
    car = made(dbc, signals, default_cycle_s=0.2, stale_cycles=2)
    send(car, "Bare", 0.0, SpeedMph=60, Unitless=0)
    assert car.context(0.4).speed_kmh == pytest.approx(96.56064)
    assert car.context(0.41).speed_kmh is None


def test_a_signal_sent_on_change_lives_as_long_as_the_bus(dbc):
    signals = SignalsSettings(gear=at("Body", "Selector", cycle_s=0), speed=at("Motion", "Speed"))
    car = made(dbc, signals, default_cycle_s=0.1, stale_cycles=10)
    send(car, "Body", 0.0, Turn=0, Horn=0, Ignition=2, Ack=0, Selector=0)
    for i in range(500):
        send(car, "Motion", i * 0.02, Speed=0, SteeringAngle=0, Standstill=1)
    assert car.context(10.0).gear is Gear.PARK
    assert car.context(11.5).gear is None


@pytest.mark.parametrize("raw", [30001, 40000, 65534, 65535])
def test_out_of_range_and_not_available_are_unknown(dbc, raw):
    car = made(dbc)
    send(car, "Motion", 0.0, Speed=50, SteeringAngle=0, Standstill=0)
    car.feed(291, raw.to_bytes(2, "big") + bytes(6), 0.02, extended=False)
    assert car.context(0.02).speed_kmh is None
    assert car.why_unknown(0.02)["speed"]
    assert car.context(0.02).steering_deg == 0.0


def test_a_range_that_nobody_filled_in_is_none(dbc):
    car = made(dbc, SignalsSettings(speed=at("Bare", "SpeedMph")))
    send(car, "Bare", 0.0, SpeedMph=70.0, Unitless=0)
    assert car.context(0.0).speed_kmh == pytest.approx(112.654, abs=1e-3)
    send(car, "Bare", 0.1, SpeedMph=600.0, Unitless=0)  # but 966 km/h is not plausible
    assert car.context(0.1).speed_kmh is None


def test_limits_of_the_settings_replace_those_of_the_database(dbc):
    signals = SignalsSettings(speed=at("Motion", "Speed", maximum=200.0))
    car = made(dbc, signals)
    send(car, "Motion", 0.0, Speed=201, SteeringAngle=0, Standstill=0)
    assert car.context(0.0).speed_kmh is None


@pytest.mark.parametrize(
    ("bar", "share"), [(-0.4, 0.0), (109.0, 1.0), (-11.0, None), (111.0, None)]
)
def test_the_offset_of_a_pedals_sensor_is_no_reason_not_to_know_it(tmp_path, bar, share):
    place = tmp_path / "car.dbc"
    place.write_text(CAR.replace("16@1+ (0.1,0) [0|250]", "16@1- (0.1,0) [-30|250]"))
    car = made(str(place))
    data = bytes([0, *round(bar * 10).to_bytes(2, "little", signed=True), 0, 0, 0, 0, 0])
    car.feed(2566869221 & 0x1FFFFFFF, data, 0.0, extended=True)
    assert car.context(0.0).brake == share


def test_float_signals_in_can_fd_and_not_a_number(dbc):
    car = made(dbc, SignalsSettings(speed=at("Wide", "SpeedFloat")))
    send(car, "Wide", 0.0, SpeedFloat=10.0)
    assert car.context(0.0).speed_kmh == pytest.approx(36.0)
    for bad in (math.nan, math.inf, -math.inf):
        send(car, "Wide", 0.01, SpeedFloat=bad)
        assert car.context(0.01).speed_kmh is None


def test_the_wrong_kind_of_identifier_is_another_message(dbc):
    car = made(dbc)
    data = REFERENCE.encode_message("Motion", {"Speed": 50, "SteeringAngle": 0, "Standstill": 0})
    car.feed(291, data, 0.0, extended=True)
    assert car.context(0.0) == VehicleContext(0.0)


def test_what_lies_within_a_short_frame_is_read(dbc):
    """Nissan Leaf sends 4 bytes of the 8 of its brake's message, Honda 7 of its gear's."""
    car = made(dbc)
    car.feed(291, b"\x13\x88", 0.0, extended=False)
    seen = car.context(0.0)
    assert (seen.speed_kmh, seen.steering_deg, seen.standstill) == (50.0, None, None)
    assert car.rejected == 1
    why = "heard with 2 bytes, the database says 8"
    assert (car.why_unknown(0.0)["steering_angle"], car.why_unknown(0.0)["standstill"]) == (
        why,
        why,
    )
    car.feed(291, b"\x13", 0.01, extended=False)
    assert car.context(0.01).speed_kmh == 50.0  # half of it is no news
    assert car.context(0.3).speed_kmh is None


def test_a_short_frame_of_a_multiplexed_message(dbc):
    car = made(dbc)
    pedals = 2566869221 & 0x1FFFFFFF
    car.feed(pedals, b"", 0.0, extended=True)
    car.feed(pedals, b"\x01", 0.0, extended=True)
    assert car.context(0.0) == VehicleContext(0.0)
    car.feed(pedals, b"\x01\x28", 0.0, extended=True)
    assert car.context(0.0).accelerator == pytest.approx(0.2)


def test_all_errors_of_a_mapping_are_told_at_once(dbc):
    signals = SignalsSettings(
        speed=at("Motoin", "Speed"), brake=at("Pedals", "Brake"), gear=at("Body", "Selektor")
    )
    with pytest.raises(ConfigError) as told:
        made(dbc, signals)
    assert [part.key[2] for part in told.value.parts] == ["speed", "gear", "brake"]
    assert str(told.value).count("\n") == 2


def test_a_short_press_between_two_questions_is_not_missed(dbc):
    car = made(dbc)
    still = {"Turn": 0, "Horn": 0, "Ignition": 2, "Selector": 3}
    send(car, "Body", 0.00, **still, Ack=0)
    send(car, "Body", 0.01, **still, Ack=1)
    send(car, "Body", 0.02, **still, Ack=0)
    assert car.context(0.03).acknowledge is True
    assert car.context(0.06).acknowledge is False


def test_invert_and_own_values(dbc):
    signals = SignalsSettings(
        steering_angle=at("Motion", "SteeringAngle", invert=True),
        standstill=at("Motion", "Standstill", invert=True),
        ignition=at("Body", "Ignition", values={"Accessory": True, 2: "unknown"}),
    )
    car = made(dbc, signals)
    send(car, "Motion", 0.0, Speed=0, SteeringAngle=30, Standstill=0)
    send(car, "Body", 0.0, Turn=0, Horn=0, Ignition=1, Ack=0, Selector=0)
    seen = car.context(0.0)
    assert (seen.steering_deg, seen.standstill, seen.ignition) == (-30.0, True, True)
    send(car, "Body", 0.0, Turn=0, Horn=0, Ignition=2, Ack=0, Selector=0)
    assert car.context(0.0).ignition is None


def test_two_signals_of_one_name_are_told(tmp_path):
    table = tmp_path / "car.dbc"
    twin = ' SG_ Speed : 40|16@1+ (1,0) [0|300] "km/h" Car\nBO_ 292 Body'
    table.write_text(CAR.replace("BO_ 292 Body", twin))
    with pytest.raises(ConfigError, match="Motion has 2 signals 'Speed'; rename"):
        made(str(table), SignalsSettings(speed=at("Motion", "Speed")))


def test_off_and_on_of_a_settings_file_are_the_words_of_the_value_table(tmp_path):
    """Plain off and on are truth values in YAML; as numbers they would be 0 and 1."""
    table = tmp_path / "car.dbc"
    table.write_text(CAR + 'VAL_ 301 Unitless 1 "Off" 2 "On" ;\n')
    settings = tmp_path / "dms.yaml"
    settings.write_text(
        f"vehicle:\n  database: {table}\n  signals:\n"
        "    hazard: {message: Bare, signal: Unitless, values: {Off: off, On: on}}\n"
        "    indicator: {message: Body, signal: Turn, values: {0: off, 1: right, 2: left}}\n"
    )
    read = {
        each["quantity"]: each["values"]
        for each in VehicleInput(load(settings).vehicle).described()
    }
    assert read["hazard"] == {"1 Off": False, "2 On": True}
    assert read["indicator"]["0 Off"] == "off"
    assert read["indicator"]["1 Left"] == "right"  # the settings have the last word


def test_a_switch_with_one_word_means_the_opposite_otherwise(dbc):
    """Active low, and signed as careless tools write single bits."""
    car = made(dbc, SignalsSettings(horn=at("Switches", "Hooter")))
    car.feed(293, b"\0", 0.0, extended=False)
    assert car.context(0.0).horn is True
    car.feed(293, b"\2", 0.1, extended=False)
    assert car.context(0.1).horn is False


def test_two_indicator_signals_make_one(dbc):
    signals = SignalsSettings(indicator_left=at("Body", "Horn"), indicator_right=at("Body", "Ack"))
    car = made(dbc, signals)
    for left, right, side in [(0, 0, Indicator.OFF), (1, 0, Indicator.LEFT),
                              (0, 1, Indicator.RIGHT), (1, 1, Indicator.HAZARD)]:  # fmt: skip
        send(car, "Body", 0.0, Turn=0, Horn=left, Ignition=0, Ack=right, Selector=0)
        assert car.context(0.0).indicator is side


def test_a_lamp_beside_one_that_is_not_known_is_no_side(dbc):
    """It may be the hazard lights: a side would excuse a look into a turn."""
    lamps = {"indicator_left": at("Body", "Horn"), "indicator_right": at("Switches", "Hooter")}
    car = made(dbc, SignalsSettings(**lamps))
    send(car, "Body", 0.0, Turn=0, Horn=1, Ignition=0, Ack=0, Selector=0)
    assert car.context(0.0).indicator is None
    alone = made(dbc, SignalsSettings(indicator_left=at("Body", "Horn")))
    send(alone, "Body", 0.0, Turn=0, Horn=1, Ignition=0, Ack=0, Selector=0)
    assert alone.context(0.0).indicator is Indicator.LEFT


def flashed(car, lamps, period_s=0.1):
    """Return what is read while the lamps (left, right) are lit as listed, in turn."""
    seen = []
    for number, (left, right) in enumerate(lamps):
        t_s = number * period_s
        send(car, "Body", t_s, Turn=0, Horn=left, Ignition=0, Ack=right, Selector=0)
        seen.append(car.context(t_s).indicator)
    return seen


def test_an_indicator_whose_lamp_flashes_is_steady_and_ends(dbc):
    signals = SignalsSettings(indicator_left=at("Body", "Horn"), indicator_right=at("Body", "Ack"))
    slow = ([(1, 0)] * 3 + [(0, 0)] * 7) * 3  # 60 a minute, 30 % lit
    seen = flashed(made(dbc, signals), slow + [(0, 0)] * 5)
    assert set(seen[: len(slow)]) == {Indicator.LEFT}
    assert set(seen[-4:]) == {Indicator.OFF}
    assert Indicator.OFF in flashed(made(dbc, signals, lamp_s=0.0), slow)


def test_flashing_hazard_lights_never_look_like_one_side(dbc):
    signals = SignalsSettings(indicator_left=at("Body", "Horn"), indicator_right=at("Body", "Ack"))
    ragged = [(1, 1), (1, 1), (0, 1), (0, 0), (0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    assert set(flashed(made(dbc, signals), ragged)) == {Indicator.HAZARD}
    sides = flashed(made(dbc, signals), [(1, 0), (0, 0), (0, 1), (0, 0)])
    assert sides == [Indicator.LEFT] * 2 + [Indicator.RIGHT] * 2


@pytest.mark.parametrize(
    ("signals", "words"),
    [
        ({"speed": at("Motion", "Speed", values={0: True})}, "is no meaning of a number"),
        (
            {"speed": at("Motion", "Speed", minimum=50.0, maximum=20.0)},
            "at least 50 and at most 20",
        ),
        ({"speed": at("Motion", "Speed", minimum=300.0)}, "always be unknown; correct minimum"),
        ({"speed": at("Ice", "Frozen")}, "factor is 0"),
        ({"speed": at("Twin", "Speed")}, r"name of 2 messages \(0x12e, 0x12f\)"),
        ({"speed": at("Motoin", "Speed")}, "no message 'Motoin'.*nearest: Motion.*in Motion"),
        ({"speed": at("Motion", "Sped")}, "no signal 'Sped'; nearest: Speed"),
        ({"speed": at("Body", "Speed")}, "'Speed' is in Motion"),
        ({"speed": at("Bare", "Unitless")}, "unit '' is not known; set unit"),
        ({"speed": at("Motion", "SteeringAngle")}, "unit 'deg' is not known"),
        ({"brake": at("Pedals", "Brake")}, "bar does not say what fully pressed is"),
        ({"gear": at("Motion", "Standstill")}, "no value table; none of it.*give values"),
        (
            {"horn": at("Switches", "Beep")},
            "has 0 'Foo', 1 'Pressed'; only 1 is.*0: false, 1: true",
        ),
        ({"horn": at("Switches", "Beep", values={0: True})}, "only 0, 1 is understood"),
        ({"brake": at("Switches", "Beep")}, "only 1 is understood"),
        ({"indicator": at("Switches", "Beep")}, "none of it is understood; give values.*0: off"),
        ({"speed": at("Motion", "Speed", j1939=True)}, "Motion has an 11-bit identifier"),
        ({"gear": at("Body", "Selector", values={0: "parked"})}, "none of park"),
        ({"gear": at("Body", "Selector", values={"X": "park"})}, "no word 'X'.*Sport"),
        ({}, "map at least the speed"),
    ],
)
def test_errors_say_what_to_do(dbc, signals, words):
    with pytest.raises(ConfigError, match=words):
        made(dbc, SignalsSettings(**signals))


@pytest.mark.parametrize("text", ["", "hello", "BO_ x"])
def test_not_a_database(tmp_path, text):
    place = tmp_path / "bad.dbc"
    place.write_text(text)
    with pytest.raises(ConfigError):
        made(str(place))


def test_missing_database():
    with pytest.raises(ConfigError, match="cannot read the CAN database"):
        made("nowhere.dbc")


def test_a_database_in_windows_1252(tmp_path):
    place = tmp_path / "old.dbc"
    place.write_bytes(CAR.replace('"deg"', '"°"').encode("cp1252"))
    car = made(str(place))
    send(car, "Motion", 0.0, Speed=0, SteeringAngle=12, Standstill=0)
    assert car.context(0.0).steering_deg == pytest.approx(12)


def test_a_database_cut_out_of_a_larger_one(tmp_path):
    place = tmp_path / "cut.dbc"
    place.write_text(CAR + 'VAL_ 291 Gone 0 "Off" 1 "On" ;\nVAL_ 777 X 0 "Off" ;\n'
                     "SIG_VALTYPE_ 291 Gone : 1;\n")  # fmt: skip
    car = made(str(place))
    send(car, "Body", 0.0, Turn=2, Horn=0, Ignition=0, Ack=0, Selector=0)
    assert car.context(0.0).indicator is Indicator.RIGHT


def test_j1939_ships_with_ccvs1():
    car = made("j1939", SignalsSettings())
    ccvs = bytes([0xFF, 0x00, 0x50, 0xDF, 0xFF, 0xFF, 0xFF, 0xFF])  # 80 km/h, brake pressed
    car.feed(0x18FEF127, ccvs, 0.0, extended=True)
    seen = car.context(0.0)
    assert (seen.speed_kmh, seen.brake) == (80.0, 1.0)
    car.feed(0x0CFEF127, bytes([0xFF, 0x00, 0x51]) + b"\xff" * 5, 0.1, extended=True)
    seen = car.context(0.1)
    assert (seen.speed_kmh, seen.brake) == (81.0, None)  # another priority; brake not available


@pytest.mark.parametrize("raw", [0xFB00, 0xFE00, 0xFEFF, 0xFF00, 0xFFFF])
def test_j1939_error_and_not_available(raw):
    car = made("j1939", SignalsSettings())
    car.feed(0x18FEF100, b"\xff" + raw.to_bytes(2, "little") + b"\xff" * 5, 0.0, extended=True)
    assert car.context(0.0).speed_kmh is None


@pytest.mark.parametrize(
    ("can_id", "attribute"),
    [(0x18FEF1FE, ""), (0x18FEF100, 'BA_DEF_ "ProtocolType" STRING ;\n'
      'BA_DEF_DEF_ "ProtocolType" "";\nBA_ "ProtocolType" "J1939";\n')],
)  # fmt: skip
def test_j1939_without_a_frame_format(tmp_path, can_id, attribute):
    place = tmp_path / "truck.dbc"
    place.write_text(
        f"BU_: T\nBO_ {can_id | 1 << 31} CCVS: 8 T\n"
        f' SG_ Speed : 8|16@1+ (0.00390625,0) [0|250.996] "km/h" T\n{attribute}'
    )
    car = made(str(place), SignalsSettings(speed=at("CCVS", "Speed")))
    car.feed(0x0CFEF117, bytes([0, 0, 30]) + bytes(5), 0.0, extended=True)
    assert car.context(0.0).speed_kmh == 30


def test_j1939_keeps_to_one_source():
    car = made("j1939", SignalsSettings())
    car.feed(0x18FEF100, bytes([0xFF, 0, 50]) + b"\xff" * 5, 0.0, extended=True)
    car.feed(0x18FEF131, bytes([0xFF, 0, 90]) + b"\xff" * 5, 0.01, extended=True)
    assert car.context(0.02).speed_kmh == 50
    car.feed(0x18FEF131, bytes([0xFF, 0, 90]) + b"\xff" * 5, 2.0, extended=True)
    assert car.context(2.0).speed_kmh == 90


def test_j1939_listens_to_another_source_where_the_first_has_nothing_to_say():
    car = made("j1939", SignalsSettings())
    car.feed(0x18FEF100, b"\xff" * 8, 0.0, extended=True)
    assert car.context(0.0).speed_kmh is None
    car.feed(0x18FEF131, bytes([0xFF, 0, 90]) + b"\xff" * 5, 0.01, extended=True)
    assert car.context(0.01).speed_kmh == 90
    car.feed(0x18FEF100, b"\xff" * 8, 0.02, extended=True)
    assert car.context(0.02).speed_kmh == 90


def _29_bits(tmp_path, can_ids, end="", **more):
    text = "BU_: T\n" + "".join(
        f'BO_ {can_id | 1 << 31} M{i}: 8 T\n SG_ Speed : 8|16@1+ (0.01,0) [0|250] "km/h" T\n'
        for i, can_id in enumerate(can_ids)
    )
    (tmp_path / "ids.dbc").write_text(text + end)
    return made(str(tmp_path / "ids.dbc"), SignalsSettings(speed=at("M0", "Speed", **more)))


@pytest.mark.parametrize(
    ("can_ids", "end", "more"),
    [
        ([0x18FEF1FE, 0x18FEF200], "", {}),  # another message names its source
        ([0x1BFC01FE], "", {}),  # no broadcast of SAE
        ([0x18FEF1FE], 'BA_DEF_ "ProtocolType" STRING ;\nBA_DEF_DEF_ "ProtocolType" "";\n'
         'BA_ "ProtocolType" "CAN";\n', {}),
        ([0x18FEF1FE], "", {"j1939": False}),
    ],
)  # fmt: skip
def test_an_identifier_that_happens_to_end_in_fe_is_no_j1939(tmp_path, can_ids, end, more):
    car = _29_bits(tmp_path, can_ids, end, **more)
    data = bytes([0, 0x10, 0x27]) + bytes(5)
    car.feed(can_ids[0] & ~0xFF | 0x17, data, 0.0, extended=True)
    assert car.context(0.0).speed_kmh is None
    car.feed(can_ids[0], data, 0.1, extended=True)
    assert car.context(0.1).speed_kmh == 100


def test_the_settings_can_say_that_it_is_j1939(tmp_path):
    car = _29_bits(tmp_path, [0x18FEF103, 0x18FEF200], j1939=True)
    car.feed(0x0CFEF117, bytes([0, 0x10, 0x27]) + bytes(5), 0.0, extended=True)
    assert car.context(0.0).speed_kmh == 100


def test_a_j1939_switch_needs_no_value_table(tmp_path):
    (tmp_path / "ids.dbc").write_text(
        f'BU_: T\nBO_ {0x18FEF1FE | 1 << 31} M: 8 T\n SG_ Brake : 28|2@1+ (1,0) [0|3] "" T\n'
    )
    car = made(str(tmp_path / "ids.dbc"), SignalsSettings(brake=at("M", "Brake")))
    seen = []
    for raw in range(4):
        car.feed(0x18FEF103, bytes([0, 0, 0, raw << 4, 0, 0, 0, 0]), 0.0, extended=True)
        seen.append(car.context(0.0).brake)
    assert seen == [0.0, 1.0, None, None]


def test_filters_let_the_mapped_messages_through(dbc):
    ids = {(each["can_id"], each["extended"]) for each in made(dbc).filters()}
    assert ids == {(291, False), (292, False), (2566869221 & 0x1FFFFFFF, True)}


SPAN = {"speed_kmh": (0, 300), "steering_deg": (-780, 780), "brake": (0, 1.1),
        "accelerator": (0, 1), "acceleration_mps2": (-30, 30)}  # fmt: skip


def test_random_frames_do_no_harm(tmp_path):
    """tools/fuzz/bus.py feeds a million and compares every value with cantools."""
    place = tmp_path / "car.dbc"
    place.write_text(CAR)
    car = made(str(place))
    chance = random.Random(5)
    ids = [(291, False), (292, False), (2566869221 & 0x1FFFFFFF, True)]
    for i in range(40_000):
        can_id, extended = (
            chance.choice(ids) if i % 4 == 0 else (chance.getrandbits(29), bool(i & 8))
        )
        car.feed(can_id, chance.randbytes(chance.choice((0, 1, 7, 8, 8, 8, 64))), i * 1e-3,
                 extended=extended)  # fmt: skip
        if i % 50 == 0:
            seen = car.context(i * 1e-3)
            for name, (low, high) in SPAN.items():
                value = getattr(seen, name)
                assert value is None or low <= value <= high
    assert car.frames > 8_000
    assert car.rejected > 400


@given(st.binary(max_size=64), st.integers(0, 0x1FFFFFFF), st.booleans())
def test_any_frame_is_taken(data, can_id, extended):
    car = _j1939()
    car.feed(can_id, data, 0.0, extended=extended)
    seen = car.context(0.0)
    assert seen.speed_kmh is None or 0 <= seen.speed_kmh <= 250.99609375


_CAR: list[VehicleInput] = []


def _j1939() -> VehicleInput:
    if not _CAR:
        _CAR.append(made("j1939", SignalsSettings()))
    _CAR[0].reset()
    return _CAR[0]


def test_the_shipped_database_is_in_the_package():
    assert (Path(__file__).parents[2] / "dms" / "vehicle" / "j1939.dbc").is_file()
