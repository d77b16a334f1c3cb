"""What the vehicle's context makes of a face: a table of rules, each raising or lowering rage.

The same face after a hard brake is a startle, and a shout at a standstill in loud company is joy.
What the vehicle does not tell is unknown and changes nothing: it is not calm.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from dms.settings import setting, settings
from dms.values import VehicleContext


@settings
class ContextSettings:
    """When the vehicle's signals mean something for the driver's mood."""

    hard_brake_mps2: float = setting(
        -4.0, unit="m/s2", lt=0, source="UN R13-H: emergency braking from 6", text="hard braking"
    )
    hard_pedal: float = setting(0.9, gt=0, le=1, text="accelerator this far down is hard")
    hard_push_mps2: float = setting(3.0, unit="m/s2", gt=0, text="so is this acceleration")
    swerve_dps: float = setting(250.0, unit="deg/s", gt=0, text="steering this fast is swerving")
    startle_s: float = setting(
        2.0, unit="s", gt=0, text="a face this soon after a hard brake or swerve is a startle"
    )
    memory_s: float = setting(10.0, unit="s", gt=0, text="how long horn, pedal and swerve count")
    horns: int = setting(2, ge=1, text="times the horn is used within the memory: repeated")
    loud_db: float = setting(80.0, unit="dB", gt=0, text="cabin loudness of shouting or song")
    slow_kmh: float = setting(10.0, unit="km/h", gt=0, text="standing or crawling in traffic")
    over_limit: float = setting(1.2, gt=1, text="speed over the limit that counts as speeding")


@dataclass(frozen=True, slots=True)
class Recent:
    """What the vehicle did of late; None is unknown. Times are seconds ago."""

    brake_ago_s: float | None = None
    swerve_ago_s: float | None = None
    pushed: bool | None = None
    horns: int | None = None
    slow: bool | None = None
    loud: bool | None = None
    speeding: bool | None = None


@dataclass(frozen=True, slots=True)
class ContextRule:
    """One row of the table: when it holds, rage evidence grows ``factor`` times as fast."""

    name: str
    factor: float
    reading: str
    text: str
    holds: Callable[[Recent, ContextSettings], bool]


def _recently(ago_s: float | None, within_s: float) -> bool:
    return ago_s is not None and ago_s <= within_s


RULES: tuple[ContextRule, ...] = (
    ContextRule(
        "startle by braking", 0.0, "fear", "hard braking just before the face",
        lambda r, s: _recently(r.brake_ago_s, s.startle_s),
    ),
    ContextRule(
        "startle by swerving", 0.0, "fear", "a swerve just before the face",
        lambda r, s: _recently(r.swerve_ago_s, s.startle_s) and not r.pushed and not r.horns,
    ),
    ContextRule(
        "repeated horn", 1.8, "rage", "the horn used again and again",
        lambda r, s: r.horns is not None and r.horns >= s.horns,
    ),
    ContextRule(
        "horn", 1.3, "rage", "the horn used once",
        lambda r, s: r.horns is not None and 0 < r.horns < s.horns,
    ),
    ContextRule("hard pedal", 1.4, "rage", "accelerating hard", lambda r, _: bool(r.pushed)),
    ContextRule(
        "swerving", 1.2, "rage", "swerving together with horn or pedal",
        lambda r, s: _recently(r.swerve_ago_s, s.memory_s) and bool(r.pushed or r.horns),
    ),
    ContextRule("speeding", 1.2, "rage", "well over the limit", lambda r, _: bool(r.speeding)),
    ContextRule(
        "loud company", 0.3, "joy", "loud cabin without horn or pedal: song, a scored goal",
        lambda r, _: bool(r.loud) and not r.horns and not r.pushed,
    ),
    ContextRule(
        "stuck in traffic", 0.8, "stress", "standing or crawling: stress rather than rage",
        lambda r, _: bool(r.slow) and not r.horns,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mood:
    """The joint effect of all rules that hold: factor on rage, and their names."""

    factor: float = 1.0
    reading: str = ""
    names: tuple[str, ...] = ()


class Context:
    """Remembers the vehicle's last seconds. Step it with every frame in time order."""

    def __init__(self, settings: ContextSettings) -> None:
        self._settings = settings
        self._brake_s: float | None = None
        self._swerve_s: float | None = None
        self._push_s: float | None = None
        self._horns: deque[float] = deque()
        self._horn = False
        self._horn_known = False
        self._push_known = False

    def step(self, t_s: float, vehicle: VehicleContext | None) -> Mood:
        """Take what the vehicle says now and return what it makes of an angry face."""
        if vehicle is not None:
            self._note(t_s, vehicle)
        while self._horns and self._horns[0] < t_s - self._settings.memory_s:
            self._horns.popleft()
        recent = self._recent(t_s, vehicle)
        held = [rule for rule in RULES if rule.holds(recent, self._settings)]
        factor = 1.0
        for rule in held:
            factor *= rule.factor
        reading = min(held, key=lambda rule: rule.factor).reading if held else ""
        return Mood(factor, reading, tuple(rule.name for rule in held))

    def _note(self, t_s: float, vehicle: VehicleContext) -> None:
        s = self._settings
        acceleration = vehicle.acceleration_mps2
        if acceleration is not None and acceleration <= s.hard_brake_mps2:
            self._brake_s = t_s
        rate = vehicle.steering_rate_dps
        if rate is not None and abs(rate) >= s.swerve_dps:
            self._swerve_s = t_s
        pedal = vehicle.accelerator
        self._push_known = pedal is not None or acceleration is not None
        if (pedal is not None and pedal >= s.hard_pedal) or (
            acceleration is not None and acceleration >= s.hard_push_mps2
        ):
            self._push_s = t_s
        self._horn_known = vehicle.horn is not None
        if vehicle.horn and not self._horn:
            self._horns.append(t_s)
        self._horn = bool(vehicle.horn)

    def _recent(self, t_s: float, vehicle: VehicleContext | None) -> Recent:
        s = self._settings
        speed = None if vehicle is None else vehicle.speed_kmh
        limit = None if vehicle is None else vehicle.speed_limit_kmh
        loudness = None if vehicle is None else vehicle.loudness_db
        pushed = self._push_s is not None and t_s - self._push_s <= s.memory_s
        return Recent(
            brake_ago_s=None if self._brake_s is None else t_s - self._brake_s,
            swerve_ago_s=None if self._swerve_s is None else t_s - self._swerve_s,
            pushed=pushed if self._push_known or pushed else None,
            horns=len(self._horns) if self._horn_known or self._horns else None,
            slow=None if speed is None else speed < s.slow_kmh,
            loud=None if loudness is None else loudness >= s.loud_db,
            speeding=None if speed is None or not limit else speed >= limit * s.over_limit,
        )
