from __future__ import annotations

import pytest

from dms.errors import ConfigError
from dms.vehicle import VehicleSettings
from dms.vehicle.inputs import VehicleInput
from dms.vehicle.settings import SignalSettings, SignalsSettings, SignSettings, ValidSettings

CAR = """VERSION ""
BU_: Car
BO_ 10 Steer: 8 Car
 SG_ Angle : 0|16@1+ (0.1,0) [0|800] "deg" Car
 SG_ Direction : 16|2@1+ (1,0) [0|3] "" Car
 SG_ Quality : 18|2@1+ (1,0) [0|3] "" Car
 SG_ Plain : 20|1@1+ (1,0) [0|1] "" Car
 SG_ Late : 63|1@1+ (1,0) [0|1] "" Car
 SG_ Page M : 24|8@1+ (1,0) [0|255] "" Car
 SG_ Paged m1 : 32|8@1+ (1,0) [0|255] "" Car
BO_ 11 Other: 8 Car
 SG_ Elsewhere : 0|1@1+ (1,0) [0|1] "" Car
 SG_ Pressed : 1|1@1+ (1,0) [0|1] "" Car
 SG_ PressedOk : 2|1@1+ (1,0) [0|1] "" Car
VAL_ 10 Direction 0 "Left" 1 "Right" 2 "Reserved" 3 "SNA" ;
VAL_ 10 Quality 0 "Initializing" 1 "Good" 2 "Fair" 3 "Invalid" ;
"""


@pytest.fixture
def car(tmp_path):
    place = tmp_path / "car.dbc"
    place.write_text(CAR, encoding="utf-8")

    def made(quantity="steering_angle", **more):
        chosen = {"message": "Steer", "signal": "Angle", **more}
        signals = SignalsSettings(**{quantity: SignalSettings(**chosen)})
        return VehicleInput(VehicleSettings(database=str(place), signals=signals))

    return made


def steer(angle=900, direction=0, quality=1, plain=0, late=0):
    whole = angle | direction << 16 | quality << 18 | plain << 20 | late << 63
    return whole.to_bytes(8, "little")


def read(vehicle, data):
    vehicle.feed(10, data, 0.0, extended=False)
    return vehicle.context(0.0).steering_deg


@pytest.mark.parametrize(
    ("sign", "said"),
    [
        ("Direction", [90, -90, None, None]),
        ({"signal": "Direction", "negative": [0]}, [-90, 90, None, None]),
        ({"signal": "Direction", "negative": ["left"]}, [-90, 90, None, None]),
        ({"signal": "Direction", "negative": [1, 3]}, [90, -90, None, -90]),
    ],
)
def test_the_sign_comes_from_another_signal(car, sign, said):
    vehicle = car(sign=sign)
    assert [read(vehicle, steer(direction=raw)) for raw in range(4)] == said


def test_the_other_settings_hold_beside_a_sign(car):
    vehicle = car(sign="Plain", invert=True, maximum=85.0)
    assert read(vehicle, steer(800, plain=1)) == 80
    assert read(vehicle, steer(800, plain=0)) == -80
    assert read(vehicle, steer(900, plain=1)) is None


@pytest.mark.parametrize(
    ("valid", "said"),
    [
        ("Quality", [None, 90, 90, None]),  # by its words
        ({"signal": "Quality", "values": [1]}, [None, 90, None, None]),
        ({"signal": "Quality", "values": ["Good", "Fair"]}, [None, 90, 90, None]),
        ({"signal": "Quality", "invalid": [2]}, [90, 90, None, 90]),
    ],
)
def test_what_is_not_valid_is_unknown(car, valid, said):
    vehicle = car(valid=valid)
    assert [read(vehicle, steer(quality=raw)) for raw in range(4)] == said
    assert read(vehicle, steer(quality=3 if said[3] is None else 2)) is None
    assert "not valid" in vehicle.why_unknown(0.0)["steering_angle"]


def test_every_validity_must_hold(car):
    vehicle = car(valid=["Quality", {"signal": "Plain", "invalid": [1]}])
    assert read(vehicle, steer()) == 90
    assert read(vehicle, steer(plain=1)) is None
    assert read(vehicle, steer(quality=0)) is None


def test_a_sign_that_did_not_come_leaves_the_value_unknown(car):
    vehicle = car(sign="Late")
    assert read(vehicle, steer(late=1)) == -90
    assert read(vehicle, steer()[:4]) is None
    assert vehicle.why_unknown(0.0)["steering_angle"] == "Late is not in the frame"
    assert read(car(valid={"signal": "Paged", "values": [0]}), steer()) is None


def test_a_press_that_is_not_valid_is_none(car):
    more = {
        "message": "Other",
        "signal": "Pressed",
        "valid": {"signal": "PressedOk", "values": [1]},
    }
    vehicle = car("acknowledge", **more)
    vehicle.feed(11, bytes([2]) + bytes(7), 0.0, extended=False)
    assert vehicle.context(0.0).acknowledge is None
    vehicle.feed(11, bytes([6]) + bytes(7), 0.1, extended=False)
    assert vehicle.context(0.1).acknowledge is True


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {"sign": "Directoin"},
            "sign: message Steer has no signal 'Directoin'; nearest: Direction",
        ),
        ({"sign": "Elsewhere"}, "it must come in the same message"),
        ({"sign": {"signal": "Direction", "negative": ["Up"]}}, "no word 'Up'.*left, right"),
        ({"valid": "Plain"}, "Plain does not say by itself.*no words; give values"),
        ({"valid": {"signal": "Plain", "values": [1], "invalid": [0]}}, "not both"),
        ({"valid": "Nothing"}, "valid: message Steer has no signal 'Nothing'"),
    ],
)
def test_errors_say_what_to_do(car, more, words):
    with pytest.raises(ConfigError, match=words) as told:
        car(**more)
    assert told.value.key[:3] == ("vehicle", "signals", "steering_angle")


def test_a_switch_has_no_sign(car):
    more = {"message": "Other", "signal": "Pressed", "sign": "PressedOk"}
    with pytest.raises(ConfigError, match="acknowledge has none"):
        car("acknowledge", **more)


def test_how_it_is_read_is_shown(car):
    (shown,) = car(sign="Direction", valid="Quality").described()
    assert shown["negative"] == {
        "signal": "Direction", "0": False, "2": "unknown", "3": "unknown", "others": True,
    }  # fmt: skip
    assert shown["valid"] == [{"signal": "Quality", "0": False, "3": False, "others": True}]


def test_the_short_and_the_long_form_are_the_same():
    short = SignalSettings(message="A", signal="B", sign="C", valid={"signal": "D", "invalid": [1]})
    assert short.sign == SignSettings(signal="C")
    assert short.valid == (ValidSettings(signal="D", invalid=(1,)),)


def test_straight_ahead_has_no_sign(car):
    """As a real VW Passat sends it: angle 0, direction right."""
    assert str(read(car(sign="Direction"), steer(0, direction=1))) == "0.0"


def test_a_sign_whose_zero_says_that_it_is_not_known_gives_no_value(tmp_path):
    place = tmp_path / "sna.dbc"
    words = 'VAL_ 10 Direction 0 "SNA" 1 "Right" ;'
    place.write_text(CAR.split("VAL_", maxsplit=1)[0] + words, encoding="utf-8")
    angle = SignalSettings(message="Steer", signal="Angle", sign=SignSettings(signal="Direction"))
    signals = SignalsSettings(steering_angle=angle)
    vehicle = VehicleInput(VehicleSettings(database=str(place), signals=signals))
    for direction, meant in ((0, None), (1, -90.0)):
        vehicle.feed(10, steer(direction=direction), 1.0 + direction, extended=False)
        assert vehicle.context(1.0 + direction).steering_deg == meant
