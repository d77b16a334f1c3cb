"""The table of context rules, row by row."""

from __future__ import annotations

import pytest

from dms.context import RULES, Context, ContextSettings, Mood
from dms.values import VehicleContext

S = ContextSettings()


def mood(*said: tuple[float, dict[str, object]]) -> Mood:
    """Step through (seconds, what the vehicle says) and return the last mood."""
    context = Context(S)
    found = Mood()
    for t_s, parts in said:
        found = context.step(t_s, VehicleContext(t_s, **parts))  # type: ignore[arg-type]
    return found


HONK = [(0.0, {"horn": True}), (0.5, {"horn": False})]
ROWS: list[tuple[str, list[tuple[float, dict[str, object]]]]] = [
    ("startle by braking", [(0.0, {"acceleration_mps2": -4.0})]),
    ("startle by swerving", [(0.0, {"steering_rate_dps": -250.0})]),
    ("repeated horn", [*HONK, (1.0, {"horn": True})]),
    ("horn", HONK),
    ("hard pedal", [(0.0, {"accelerator": 0.9})]),
    ("hard pedal", [(0.0, {"acceleration_mps2": 3.0})]),
    ("swerving", [(0.0, {"steering_rate_dps": 300.0, "horn": True}), (5.0, {"horn": False})]),
    ("speeding", [(0.0, {"speed_kmh": 60.0, "speed_limit_kmh": 50.0})]),
    ("loud company", [(0.0, {"loudness_db": 80.0})]),
    ("stuck in traffic", [(0.0, {"speed_kmh": 9.9})]),
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


def test_factors_multiply_and_the_strongest_calming_reading_wins() -> None:
    found = mood((0.0, {"horn": True, "accelerator": 1.0, "speed_kmh": 80.0}))
    by_name = {rule.name: rule.factor for rule in RULES}
    assert found.factor == pytest.approx(by_name["horn"] * by_name["hard pedal"])
    assert found.reading == "rage"
    braking = mood((0.0, {"horn": True, "acceleration_mps2": -8.0}))
    assert (braking.factor, braking.reading) == (0.0, "fear")


def test_memory_outlives_a_silent_bus() -> None:
    context = Context(S)
    context.step(0.0, VehicleContext(0.0, acceleration_mps2=-8.0))
    assert context.step(1.0, None).factor == 0.0
    assert context.step(3.0, None) == Mood()
