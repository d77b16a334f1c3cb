from __future__ import annotations

import math

import pytest

from dms.vehicle.units import factor


@pytest.mark.parametrize(
    ("dimension", "unit", "number"),
    [("speed", "km/h", 1.0), ("speed", " KPH ", 1.0), ("speed", "m/s", 3.6),
     ("speed", "mph", 1.609344), ("speed", "kn", 1.852), ("angle", "°", 1.0),
     ("angle", "Deg", 1.0), ("angle", "rad", 180 / math.pi), ("rate", "deg/s", 1.0),
     ("rate", "°/s", 1.0), ("rate", "rad/s", 180 / math.pi), ("acceleration", "m/s^2", 1.0),
     ("acceleration", "m/s²", 1.0), ("acceleration", "g", 9.80665), ("share", "%", 0.01),
     ("pressure", "kPa", 0.01), ("loudness", "dB(A)", 1.0),
     ("rate", "Unit_DegreOfArcPerSecon", 1.0), ("acceleration", "Unit_MeterPerSquareSecond", 1.0)],
)  # fmt: skip
def test_units_as_databases_write_them(dimension, unit, number):
    assert factor(dimension, unit) == pytest.approx(number)


@pytest.mark.parametrize(
    ("dimension", "unit"), [("speed", ""), ("speed", "deg"), ("angle", "m"), ("rate", "deg")]
)
def test_units_of_something_else_are_not_guessed(dimension, unit):
    assert factor(dimension, unit) is None
