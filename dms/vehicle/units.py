"""Units as CAN databases write them, turned into ours. Pure."""

from __future__ import annotations

import math

_SPEED = {  # to km/h
    "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "kmph": 1.0, "km/hr": 1.0, "km/hour": 1.0,
    "kmperhour": 1.0, "kilometerperhour": 1.0, "unit_kilometerperhour": 1.0, "kmperhr": 1.0,
    "m/s": 3.6, "mps": 3.6, "meterpersecond": 3.6, "m/sec": 3.6, "cm/s": 0.036,
    "mph": 1.609344, "mi/h": 1.609344, "mile/h": 1.609344, "miles/h": 1.609344,
    "mileperhour": 1.609344, "milesperhour": 1.609344, "unit_mileperhour": 1.609344,
    "kn": 1.852, "kt": 1.852, "knot": 1.852, "knots": 1.852, "ft/s": 1.09728, "fps": 1.09728,
    "yd/s": 3.29184, "unit_meterpersecon": 3.6,
}  # fmt: skip
_ANGLE = {  # to degrees
    "deg": 1.0, "degree": 1.0, "degrees": 1.0, "°": 1.0, "grad": 1.0, "unit_deg": 1.0,
    "rad": 180.0 / math.pi, "radian": 180.0 / math.pi, "radians": 180.0 / math.pi,
    "mrad": 0.18 / math.pi, "unit_rad": 180.0 / math.pi, "unit_degreofarc": 1.0,
}  # fmt: skip
_ACCELERATION = {  # to m/s2
    "m/s2": 1.0, "m/s/s": 1.0, "mps2": 1.0, "m/sec2": 1.0, "meterpersecondsquared": 1.0,
    "unit_metrpersecsqrd": 1.0, "unit_meterpersquaresecond": 1.0, "g": 9.80665,
    "mg": 0.00980665, "cm/s2": 0.01, "mm/s2": 0.001,
    "ft/s2": 0.3048,
}  # fmt: skip
_SHARE = {"%": 0.01, "percent": 0.01, "perc": 0.01, "pct": 0.01, "unit_perce": 0.01,
          "unit_percent": 0.01, "1": 1.0}  # fmt: skip
_PRESSURE = {  # to bar
    "bar": 1.0, "mbar": 0.001, "kpa": 0.01, "pa": 1e-5, "mpa": 10.0, "hpa": 0.001, "psi": 0.0689476,
}  # fmt: skip
_LOUDNESS = {"db": 1.0, "dba": 1.0, "db(a)": 1.0}
_PER_SECOND = ("/s", "/sec", "/second", "persecond", "persecon", "persec", "ps")

TABLES = {
    "speed": _SPEED,
    "angle": _ANGLE,
    "rate": {angle + end: factor for angle, factor in _ANGLE.items() for end in _PER_SECOND},
    "acceleration": _ACCELERATION,
    "share": _SHARE,
    "pressure": _PRESSURE,
    "loudness": _LOUDNESS,
}


def plain(unit: str) -> str:
    """Return ``unit`` in lower case without spaces and typographic variants."""
    text = unit.strip().lower().replace("â°", "°").replace("º", "°").replace("²", "2")
    for old, new in ((" ", ""), ("^", ""), ("**", ""), ("·", ""), ("*", ""), ("\\", "/")):
        text = text.replace(old, new)
    return text


def factor(dimension: str, unit: str) -> float | None:
    """Return what turns ``unit`` into ours (km/h, deg, deg/s, m/s2, 0..1, bar, dB), or None."""
    return TABLES[dimension].get(plain(unit))
