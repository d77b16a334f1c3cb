"""The table of context rules, row by row."""

from __future__ import annotations

import pytest

from dms.decision.emotion.context import RULES, Context, ContextSettings, Mood
from dms.values import Indicator, VehicleContext

S = ContextSettings()


def mood(*said: tuple[float, dict[str, object]]) -> Mood:
    """Step through (seconds, what the vehicle says) and return the last mood."""
    context = Context(S)
    found = Mood()
    for t_s, parts in said:
        found = context.step(t_s, VehicleContext(t_s, **parts))  # type: ignore[arg-type]
    return found


LEFT, RIGHT, OFF = Indicator.LEFT, Indicator.RIGHT, Indicator.OFF
HONK = [(0.0, {"horn": True}), (0.5, {"horn": False})]
ROWS: list[tuple[str, list[tuple[float, dict[str, object]]]]] = [
    ("startle by braking", [(0.0, {"acceleration_mps2": -4.0})]),
    ("startle by swerving", [(0.0, {"steering_rate_dps": -250.0})]),
    ("repeated horn", [*HONK, (1.0, {"horn": True})]),
    ("horn", HONK),
    ("hard pedal", [(0.0, {"accelerator": 0.9})]),
    ("hard pedal", [(0.0, {"acceleration_mps2": 3.0})]),
    ("hard braking", [(0.0, {"acceleration_mps2": -5.0, "horn": True}), (2.1, {"horn": False})]),
    ("swerving", [(0.0, {"steering_rate_dps": 300.0, "horn": True}), (5.0, {"horn": False})]),
    ("weaving", [(float(t), {"indicator": side}) for t, side in enumerate((LEFT, RIGHT) * 2)]),
    ("speeding", [(0.0, {"speed_kmh": 60.0, "speed_limit_kmh": 50.0})]),
    ("shouting", [(0.0, {"loudness_db": 80.0, "horn": True})]),
    ("loud company", [(0.0, {"loudness_db": 80.0})]),
    ("stuck in traffic", [(0.0, {"speed_kmh": 9.9})]),
    ("stuck in traffic", [(0.0, {"standstill": True})]),
]


@pytest.mark.parametrize(("name", "said"), ROWS)
def test_row_holds(name: str, said: list[tuple[float, dict[str, object]]]) -> None:
    assert name in mood(*said).names


def test_every_row_is_tested() -> None:
    assert {name for name, _ in ROWS} == {rule.name for rule in RULES}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("startle by braking", [(0.0, {"acceleration_mps2": -3.9})]),
        ("startle by braking", [(0.0, {"acceleration_mps2": -9.0}), (2.1, {})]),
        ("startle by swerving", [(0.0, {"steering_rate_dps": 249.0})]),
        ("startle by swerving", [(0.0, {"steering_rate_dps": 300.0}), (2.1, {})]),
        ("startle by swerving", [(0.0, {"steering_rate_dps": 300.0, "horn": True})]),
        ("startle by swerving", [(0.0, {"steering_rate_dps": 300.0, "indicator": LEFT})]),
        (
            "startle by swerving",
            [(0.0, {"indicator": LEFT}), (4.0, {"indicator": OFF, "steering_rate_dps": 300.0})],
        ),
        ("hard braking", [(0.0, {"acceleration_mps2": -5.0}), (2.1, {})]),
        ("hard braking", [(0.0, {"acceleration_mps2": -5.0, "horn": True})]),
        ("weaving", [(float(t), {"indicator": side}) for t, side in enumerate((LEFT, OFF) * 3)]),
        (
            "weaving",
            [(15.1 * t, {"indicator": side}) for t, side in enumerate((LEFT, RIGHT) * 2)],
        ),
        ("shouting", [(0.0, {"loudness_db": 80.0})]),
        ("repeated horn", [(0.0, {"horn": True}), (0.5, {"horn": True}), (1.0, {"horn": True})]),
        ("repeated horn", [*HONK, (10.6, {"horn": True})]),
        ("horn", [(0.0, {"horn": False})]),
        ("horn", [*HONK, (10.1, {"horn": False})]),
        ("hard pedal", [(0.0, {"accelerator": 0.89, "acceleration_mps2": 2.9})]),
        ("hard pedal", [(0.0, {"accelerator": 1.0}), (10.1, {"accelerator": 0.1})]),
        ("swerving", [(0.0, {"steering_rate_dps": 300.0})]),
        ("speeding", [(0.0, {"speed_kmh": 59.0, "speed_limit_kmh": 50.0})]),
        ("speeding", [(0.0, {"speed_kmh": 90.0})]),
        ("loud company", [(0.0, {"loudness_db": 79.0})]),
        ("loud company", [(0.0, {"loudness_db": 90.0, "horn": True})]),
        ("loud company", [(0.0, {"loudness_db": 90.0, "accelerator": 1.0})]),
        ("stuck in traffic", [(0.0, {"speed_kmh": 10.0})]),
        ("stuck in traffic", [(0.0, {"speed_kmh": 5.0, "horn": True})]),
    ],
)
def test_row_does_not_hold(name: str, said: list[tuple[float, dict[str, object]]]) -> None:
    assert name not in mood(*said).names


def test_unknown_changes_nothing() -> None:
    assert Context(S).step(0.0, None) == Mood()
    assert mood((0.0, {})) == Mood()


def test_factors_multiply_and_the_strongest_reading_is_named() -> None:
    found = mood((0.0, {"horn": True, "accelerator": 1.0, "speed_kmh": 80.0}))
    by_name = {rule.name: rule.rage for rule in RULES}
    assert found.rage == pytest.approx(by_name["horn"] * by_name["hard pedal"])
    assert found.reading == "rage"
    braking = mood((0.0, {"horn": True, "acceleration_mps2": -8.0}))
    assert (braking.rage, braking.reading) == (0.0, "fear")
    assert mood((0.0, {"loudness_db": 90.0})).reading == "joy"
    assert mood((0.0, {"standstill": True})).reading == "stress"
    assert mood((0.0, {})).reading == ""


def test_memory_outlives_a_silent_bus() -> None:
    context = Context(S)
    context.step(0.0, VehicleContext(0.0, acceleration_mps2=-8.0))
    assert context.step(1.0, None).rage == 0.0
    assert context.step(3.0, None) == Mood()
