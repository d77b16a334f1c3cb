from __future__ import annotations

import pytest

from dms.values import Gear, Indicator
from dms.vehicle import words


@pytest.mark.parametrize(
    "word",
    ["SNA", "Signal not available", "NotAvailable", "not_available", "Invalid", "ERROR", "Reserved",
     "Unknown", "N/A", "Not used", "Init", "undefined", "", "---", "Take No Action", "NotUSed2",
     "ungueltig", "Fehler"],
)  # fmt: skip
def test_words_of_no_value(word):
    assert words.is_unknown(word)


@pytest.mark.parametrize(
    "word", ["Off", "On", "Left", "P", "Notch", "Internal", "Drive", "Neutral"]
)
def test_words_of_a_value(word):
    assert not words.is_unknown(word)


@pytest.mark.parametrize(
    ("word", "meaning"),
    [("On", True), ("Pressed", True), ("ACTIVE", True), ("Brake_Applied", True), ("Ign_On", True),
     ("Start", True), ("VehicleStandstill", True), ("Off", False), ("NotPressed", False),
     ("not active", False), ("Released", False), ("Inactive", False), ("BrakeNotApplied", False),
     ("eingeschaltet", True), ("nicht_betätigt", False), ("betaetigt", True), ("aus", False),
     ("Kl_15_ein", True), ("Klemme 15", True), ("Message15", None), ("Level_1", None), ("1", True),
     ("Accessory", False), ("Moving", False), ("Purple", None)],
)  # fmt: skip
def test_yes_and_no(word, meaning):
    assert words.yes_or_no(word) is meaning


@pytest.mark.parametrize(
    ("word", "gear"),
    [("P", Gear.PARK), ("Park", Gear.PARK), ("REVERSE", Gear.REVERSE), ("R", Gear.REVERSE),
     ("N", Gear.NEUTRAL), ("Drive", Gear.DRIVE), ("D", Gear.DRIVE), ("Gear 3", Gear.DRIVE),
     ("D4", Gear.DRIVE), ("Sport", Gear.DRIVE), ("Reverse gear 1", Gear.REVERSE), ("Blue", None),
     ("_14th_Gear", Gear.DRIVE), ("Range5", Gear.DRIVE), ("Message_15", None),
     ("Tenth", Gear.DRIVE),
     ("Not Reverse", None), ("No reverse", None), ("Reverse_not_engaged", None),
     ("Park not engaged", None), ("Neutral (no gear)", Gear.NEUTRAL), ("N, not D", Gear.NEUTRAL),
     ("kein Rückwärtsgang", None), ("-1", None), ("Gear -1", None), ("D-1", Gear.DRIVE),
     ("Reverse -1", Gear.REVERSE), ("Not reverse -1", None),
     ("P-R", None), ("R-N", None), ("N_D", None), ("P_N", Gear.NEUTRAL), ("D/S", Gear.DRIVE),
     ("Park_Neutral", Gear.NEUTRAL), ("None / Neutral / Park", Gear.NEUTRAL)],
)  # fmt: skip
def test_gears(word, gear):
    assert words.gear(word) is gear


@pytest.mark.parametrize(
    ("word", "side"),
    [("Left", Indicator.LEFT), ("TurnLeft_On", Indicator.LEFT), ("RH", Indicator.RIGHT),
     ("Off", Indicator.OFF), ("No turn", Indicator.OFF), ("Hazard", Indicator.HAZARD),
     ("Left off", Indicator.OFF), ("Hazard_Off", Indicator.OFF), ("Left on, right off", None),
     ("Blinker links aus", Indicator.OFF), ("Right inactive", Indicator.OFF),
     ("LeftAndRight", Indicator.HAZARD), ("Both", Indicator.HAZARD), ("Green", None)],
)  # fmt: skip
def test_indicators(word, side):
    assert words.indicator(word) is side


@pytest.mark.parametrize(
    ("read", "word", "meaning"),
    [
        (words.yes_or_no, "0x1:Pressed", True),
        (words.yes_or_no, "1 = not pressed", False),
        (words.gear, "0x1:R", Gear.REVERSE),
        (words.gear, "0x2 - N", Gear.NEUTRAL),
        (words.gear, "1: P", Gear.PARK),
        (words.gear, "3_Drive", Gear.DRIVE),
        (words.gear, "3", Gear.DRIVE),
        (words.indicator, "0x1:Left", Indicator.LEFT),
    ],
)
def test_a_number_before_the_word_is_not_the_word(read, word, meaning):
    assert read(word) is meaning


def test_what_all_words_of_a_table_share_says_nothing():
    assert words.without_prefix(["DI_GEAR_P", "DI_GEAR_SNA"]) == ["p", "sna"]
    assert words.without_prefix(["BrakeOn_Init", "BrakeOn_Off"]) == ["init", "off"]
    assert words.without_prefix(["Not pressed", "Not available"]) == [
        "Not pressed",
        "Not available",
    ]
    assert words.without_prefix(["Gear", "Gear"]) == ["Gear", "Gear"]
    assert words.without_prefix(["P"]) == ["P"]
