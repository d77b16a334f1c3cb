"""Profiles: the design's table, number by number."""

from dataclasses import fields

import pytest
from pydantic import ValidationError

from dms.decision.profiles import DEFAULT_PROFILE, EU_GSR, PROFILES, SOURCES, Rules, find_rules
from dms.errors import ConfigError


def test_design_table() -> None:
    rules = find_rules(DEFAULT_PROFILE)
    assert DEFAULT_PROFILE == "euro_ncap_2026"
    assert (rules.microsleep_s, rules.sleep_s) == (1.0, 3.0)
    assert (rules.unresponsive_closed_s, rules.unresponsive_away_s) == (6.0, 6.0)
    assert rules.unresponsive_after_warning_s == 3.0
    assert (rules.drowsy_advisory_kss, rules.drowsy_warning_kss) == (7, 8)
    assert rules.drowsy_from_kmh == 50.0
    assert (rules.distraction_s, rules.distraction_slow_s) == (3.0, 3.0)
    assert rules.distraction_from_kmh == 20.0
    assert (rules.repeated_away_s, rules.repeated_window_s, rules.repeated_reset_s) == (10, 30, 2)


def test_gsr() -> None:
    assert (EU_GSR.distraction_s, EU_GSR.distraction_slow_s) == (3.5, 6.0)
    assert (EU_GSR.distraction_fast_kmh, EU_GSR.distraction_from_kmh) == (50.0, 20.0)
    assert EU_GSR.drowsy_from_kmh == 70.0
    assert EU_GSR.down_only


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_microsleep_is_the_same_everywhere(name: str) -> None:
    assert PROFILES[name].microsleep_s == 1.0


def test_every_number_of_every_profile_has_a_source() -> None:
    assert set(SOURCES) == set(PROFILES)
    names = {f.name for f in fields(Rules)}
    for name, sources in SOURCES.items():
        assert set(sources) == (set() if name == DEFAULT_PROFILE else names)


def test_own_profile_comes_first() -> None:
    own = Rules(microsleep_s=0.8)
    assert find_rules("euro_ncap_2026", {"euro_ncap_2026": own}) is own
    assert find_rules("eu_gsr", {"mine": own}) is EU_GSR


def test_unknown_profile_names_what_there_is() -> None:
    with pytest.raises(ConfigError, match="eu_gsr, euro_ncap_2023, euro_ncap_2026, mine"):
        find_rules("ncap", {"mine": Rules()})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"microsleep_s": 3.0}, "microsleep_s < sleep_s"),
        ({"sleep_s": 6.0}, "microsleep_s < sleep_s"),
        ({"drowsy_advisory_kss": 9}, "must not exceed"),
    ],
)
def test_rules_out_of_order_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Rules(**wrong)  # type: ignore[arg-type]
