"""Speed gates: fresh, plausible, with hysteresis; unknown is open."""

import pytest

from dms.decision.gates import Gates, GateSettings
from dms.decision.profiles import EU_GSR
from dms.decision.profiles import EURO_NCAP_2026 as RULES
from dms.values import Gear, VehicleContext

S = GateSettings()


def gates(*contexts: VehicleContext | None, rules: object = RULES) -> Gates:
    found = Gates(S, rules)  # type: ignore[arg-type]
    for context in contexts:
        found.step(context)
    return found


def at(speed: float | None = None, **parts: object) -> VehicleContext:
    return VehicleContext(0.0, speed_kmh=speed, **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("context", "moving"),
    [
        (None, True), (at(), True), (at(0.0), False), (at(2.9), False), (at(3.0), True),
        (at(-2.0), False), (at(-5.0), True), (at(standstill=True), False),
        (at(standstill=False), True), (at(gear=Gear.PARK), False), (at(gear=Gear.DRIVE), True),
        (at(20.0, gear=Gear.PARK), True),
    ],
)  # fmt: skip
def test_standing_still(context: VehicleContext | None, moving: bool) -> None:
    assert gates(context).moving is moving


@pytest.mark.parametrize(
    ("context", "stands"),
    [
        (None, None), (at(), None), (at(gear=Gear.DRIVE), None), (at(0.0), True), (at(3.0), False),
        (at(standstill=True), True), (at(standstill=False), False), (at(gear=Gear.PARK), True),
    ],
)  # fmt: skip
def test_whether_it_stands_may_be_unknown(
    context: VehicleContext | None, stands: bool | None
) -> None:
    assert gates(context).stands is stands


@pytest.mark.parametrize(
    ("speed", "drowsy", "distraction"),
    [(None, True, True), (19.9, False, False), (20.0, False, True), (49.9, False, True),
     (50.0, True, True), (0.0, False, False)],
)  # fmt: skip
def test_gates_by_speed(speed: float | None, drowsy: bool, distraction: bool) -> None:
    found = gates(at(speed))
    assert (found.drowsy, found.distraction) == (drowsy, distraction)


def test_gates_close_later_than_they_open() -> None:
    assert gates(at(51.0), at(45.0)).drowsy
    assert not gates(at(51.0), at(44.9)).drowsy
    assert not gates(at(51.0), at(44.0), at(46.0)).drowsy
    assert not gates(at(51.0), at(0.0), at(46.0)).drowsy
    assert not gates(None, at(46.0)).drowsy  # unknown opens, but holds nothing


def test_reverse_gear_closes_looks_only() -> None:
    found = gates(at(60.0, gear=Gear.REVERSE))
    assert (found.distraction, found.drowsy) == (False, True)


@pytest.mark.parametrize(
    ("age_s", "known"), [(0.0, True), (2.0, True), (2.1, False), (-2.1, False)]
)
def test_freshness(age_s: float, known: bool) -> None:
    assert (gates().fresh(at(50.0), age_s) is not None) is known
    assert gates().fresh(None, 0.0) is None


@pytest.mark.parametrize(("speed", "believed"), [(9.9, True), (10.0, False)])
def test_standstill_at_speed_is_contrary(speed: float, believed: bool) -> None:
    found = gates().fresh(at(speed, standstill=True, horn=True), 0.0)
    assert found is not None
    assert found.horn
    assert (found.speed_kmh is not None) is believed
    assert (found.standstill is not None) is believed


@pytest.mark.parametrize(
    ("speed", "limit_s"), [(None, 3.5), (50.0, 3.5), (49.9, 6.0), (120.0, 3.5)]
)
def test_distraction_limit(speed: float | None, limit_s: float) -> None:
    assert gates(at(speed), rules=EU_GSR).distraction_limit_s() == limit_s
