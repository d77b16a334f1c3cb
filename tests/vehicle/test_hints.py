"""Mappings of real databases that read, and read wrongly; names and ranges as in opendbc."""

from __future__ import annotations

import re

import pytest

from dms.vehicle import VehicleSettings
from dms.vehicle.inputs import VehicleInput
from dms.vehicle.settings import SignalSettings, SignalsSettings

CAR = """VERSION ""
BU_: Car
BO_ 2 Leaf: 5 Car
 SG_ STEER_ANGLE : 0|16@1- (-0.1,0) [0|65535] "deg" Car
BO_ 3 Mazda: 8 Car
 SG_ RL : 7|16@0+ (0.01,0) [0|15] "kph" Car
BO_ 4 Tesla: 8 Car
 SG_ ESP_vehicleSpeed : 0|16@1+ (0.01,0) [0|0] "km/h" Car
 SG_ ESP_vehicleSpeedQF : 16|2@1+ (1,0) [0|3] "" Car
BO_ 5 Mercedes: 8 Car
 SG_ STEER_ANGLE : 3|12@0- (0.5,0) [-500|500] "deg" Car
 SG_ STEER_DIRECTION : 4|1@0+ (1,0) [0|1] "" Car
BO_ 6 Fine: 8 Car
 SG_ Speed : 0|16@1+ (0.01,0) [0|300] "km/h" Car
 SG_ Angle : 16|16@1- (0.1,0) [-780|780] "deg" Car
 SG_ Acceleration : 32|16@1+ (0.001,-32) [-10|10] "m/s2" Car
 SG_ Wide : 0|32@1- (1,0) [0|0] "deg" Car
BO_ 134 LWI_01: 8 Car
 SG_ LWI_QBit_Lenkradwinkel : 15|1@1+ (1,0) [0|1] "" Car
 SG_ LWI_Lenkradwinkel : 16|13@1+ (0.1,0) [0|800] "Unit_DegreOfArc" Car
 SG_ LWI_VZ_Lenkradwinkel : 29|1@1+ (1,0) [0|1] "" Car
 SG_ LWI_VZ_Lenkradw_Geschw : 30|1@1+ (1,0) [0|1] "" Car
BO_ 7 Words: 8 Car
 SG_ Angle : 0|12@1+ (0.5,0) [0|800] "deg" Car
 SG_ ToTheLeft : 12|2@1+ (1,0) [0|3] "" Car
 SG_ Minus : 14|1@1+ (1,0) [0|1] "" Car
VAL_ 7 ToTheLeft 0 "Right" 1 "Left" 3 "SNA" ;
VAL_ 7 Minus 0 "Positive" 1 "Negative" ;
SIG_VALTYPE_ 6 Wide : 1;
"""


@pytest.fixture
def hints(tmp_path):
    place = tmp_path / "car.dbc"
    place.write_text(CAR, encoding="utf-8")

    def found(quantity, message, signal, **more):
        chosen = SignalSettings(message=message, signal=signal, **more)
        signals = SignalsSettings(**{quantity: chosen})
        return "\n".join(
            VehicleInput(VehicleSettings(database=str(place), signals=signals)).hints()
        )

    return found


def test_a_direction_beside_the_angle_is_pointed_at(hints):
    """The whole VW group: a look into a right bend was a false distraction, without a word."""
    told = hints("steering_angle", "LWI_01", "LWI_Lenkradwinkel")
    assert "left and right cannot be told apart" in told
    assert "as in sign: LWI_VZ_Lenkradwinkel" in told
    assert "valid: {signal: LWI_QBit_Lenkradwinkel, invalid: [..]}" in told


def test_nothing_is_left_to_say_once_it_is_named(hints):
    more = {"sign": "LWI_VZ_Lenkradwinkel",
            "valid": {"signal": "LWI_QBit_Lenkradwinkel", "invalid": [1]}}  # fmt: skip
    assert hints("steering_angle", "LWI_01", "LWI_Lenkradwinkel", **more) == ""


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (("steering_angle", "Leaf", "STEER_ANGLE"), "below 0 deg unknown.*set minimum"),
        (("speed", "Mazda", "RL"), "above 15 km/h unknown.*0..655.35 km/h; set maximum"),
        (("speed", "Tesla", "ESP_vehicleSpeed"), "ESP_vehicleSpeedQF looks as if"),
        (("steering_angle", "Mercedes", "STEER_ANGLE"), "STEER_DIRECTION looks like its sign"),
    ],
)
def test_what_looks_wrong(hints, place, words):
    assert re.search(words, hints(*place))


@pytest.mark.parametrize(
    ("quantity", "message", "signal", "more"),
    [
        ("speed", "Fine", "Speed", {}),
        ("steering_angle", "Fine", "Angle", {}),
        ("steering_angle", "Fine", "Wide", {}),
        ("acceleration", "Fine", "Acceleration", {}),
        ("steering_angle", "Leaf", "STEER_ANGLE", {"minimum": -780.0}),
        ("speed", "Mazda", "RL", {"maximum": 300.0}),
    ],
)
def test_an_ordinary_mapping_gives_no_hint(hints, quantity, message, signal, more):
    assert hints(quantity, message, signal, **more) == ""


def test_a_sign_whose_own_words_say_the_opposite_is_told(hints):
    """The short form takes every number but 0 for negative: left bends were right ones."""
    told = hints("steering_angle", "Words", "Angle", sign="ToTheLeft")
    assert "the database calls 0 Right; set sign: {signal: ToTheLeft, negative: [Right]}" in told
    assert hints("steering_angle", "Words", "Angle", sign="Minus") == ""
    long = {"signal": "ToTheLeft", "negative": ["Right"]}
    assert hints("steering_angle", "Words", "Angle", sign=long) == ""


def test_two_signs_are_one_too_many(hints):
    told = hints("steering_angle", "Mercedes", "STEER_ANGLE", sign="STEER_DIRECTION")
    assert "one of them is wrong" in told
