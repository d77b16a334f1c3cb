"""What the vehicle's context makes of a face: a table of rules for rage, fear, stress and joy.

The same face after a hard brake is a startle, and a shout at a standstill in loud company is joy.
What the vehicle does not tell is unknown and changes nothing: it is not calm.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from dms.fast_init import fast_init
from dms.settings import setting, settings
from dms.values import Indicator, VehicleContext


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
    indicated_s: float = setting(
        5.0, unit="s", gt=0, text="an indicator that was on this lately: the swerve was meant"
    )
    weaves: int = setting(3, ge=2, text="changes of the indicator's side within weave_s: weaving")
    weave_s: float = setting(30.0, unit="s", gt=0, text="how long those changes count")
    loud_db: float = setting(80.0, unit="dB", gt=0, text="cabin loudness of shouting or song")
    slow_kmh: float = setting(10.0, unit="km/h", gt=0, text="standing or crawling in traffic")
    over_limit: float = setting(1.2, gt=1, text="speed over the limit that counts as speeding")


@fast_init
@dataclass(frozen=True, slots=True)
class Recent:
    """What the vehicle did of late; None is unknown. Times are seconds ago."""

    brake_ago_s: float | None = None
    swerve_ago_s: float | None = None
    indicated_ago_s: float | None = None
    weaves: int | None = None
    pushed: bool | None = None
    horns: int | None = None
    slow: bool | None = None
    loud: bool | None = None
    speeding: bool | None = None

    @property
    def forceful(self) -> bool:
        """Whether horn or pedal were used hard, which a mere fright or song does not do."""
        return bool(self.pushed or self.horns)


@dataclass(frozen=True, slots=True)
class ContextRule:
    """One row of the table. Above 1 raises a reading of the face, below lowers it, 0 rules it out.

    Evidence of rage grows ``rage`` times as fast; ``fear`` and ``joy`` weigh those scores against
    it; where ``stress`` is the strongest, the alert stays an advisory.
    """

    name: str
    text: str
    holds: Callable[[Recent, ContextSettings], bool]
    rage: float = 1.0
    fear: float = 1.0
    stress: float = 1.0
    joy: float = 1.0


def _recently(ago_s: float | None, within_s: float) -> bool:
    return ago_s is not None and ago_s <= within_s


RULES: tuple[ContextRule, ...] = (
    ContextRule(
        "startle by braking", "hard braking just before the face",
        lambda r, s: _recently(r.brake_ago_s, s.startle_s), rage=0.0, fear=3.0, joy=0.5,
    ),
    ContextRule(
        "startle by swerving",
        "a swerve just before the face, not indicated, without horn or hard pedal",
        lambda r, s: _recently(r.swerve_ago_s, s.startle_s) and not r.forceful
        and not _recently(r.indicated_ago_s, s.indicated_s),
        rage=0.0, fear=3.0, joy=0.5,
    ),
    ContextRule(
        "repeated horn", "the horn used again and again",
        lambda r, s: r.horns is not None and r.horns >= s.horns, rage=1.8, stress=1.2, joy=0.7,
    ),
    ContextRule(
        "horn", "the horn used once",
        lambda r, s: r.horns is not None and 0 < r.horns < s.horns, rage=1.3, stress=1.1,
    ),
    ContextRule(
        "hard pedal", "accelerating hard", lambda r, _: bool(r.pushed), rage=1.4, stress=1.1
    ),
    ContextRule(
        "hard braking", "hard braking a while ago, together with horn or hard pedal",
        lambda r, s: _recently(r.brake_ago_s, s.memory_s) and r.forceful
        and not _recently(r.brake_ago_s, s.startle_s),
        rage=1.2, stress=1.1,
    ),
    ContextRule(
        "swerving", "swerving together with horn or hard pedal",
        lambda r, s: _recently(r.swerve_ago_s, s.memory_s) and r.forceful, rage=1.2, stress=1.1,
    ),
    ContextRule(
        "weaving", "the indicator set to one side and the other, again and again",
        lambda r, s: r.weaves is not None and r.weaves >= s.weaves, rage=1.2, stress=1.1,
    ),
    ContextRule(
        "speeding", "well over the limit", lambda r, _: bool(r.speeding), rage=1.2, stress=1.1
    ),
    ContextRule(
        "shouting", "a loud cabin together with horn or hard pedal",
        lambda r, _: bool(r.loud) and r.forceful, rage=1.2, stress=1.1,
    ),
    ContextRule(
        "loud company", "a loud cabin without horn or hard pedal: song, a scored goal",
        lambda r, _: bool(r.loud) and not r.forceful, rage=0.3, joy=3.0,
    ),
    ContextRule(
        "stuck in traffic", "standing or crawling without the horn",
        lambda r, _: bool(r.slow) and not r.horns, rage=0.8, stress=1.5,
    ),
)  # fmt: skip

READINGS = ("rage", "fear", "stress", "joy")


@fast_init
@dataclass(frozen=True, slots=True)
class Mood:
    """The joint effect of all rules that hold: a factor for each reading, and the rules' names."""

    rage: float = 1.0
    fear: float = 1.0
    stress: float = 1.0
    joy: float = 1.0
    names: tuple[str, ...] = ()

    @property
    def reading(self) -> str:
        """What the context speaks for most, "" where no rule holds."""
        return max(READINGS, key=lambda name: float(getattr(self, name))) if self.names else ""


_NO_MOOD = Mood()  # no rule holds


class Context:
    """Remembers the vehicle's last seconds. Step it with every frame in time order."""

    def __init__(self, settings: ContextSettings) -> None:
        self._settings = settings
        self._brake_s: float | None = None
        self._swerve_s: float | None = None
        self._push_s: float | None = None
        self._indicated_s: float | None = None
        self._side: Indicator | None = None  # the last side that was indicated
        self._sides: deque[float] = deque()
        self._indicator_known = False
        self._horns: deque[float] = deque()
        self._horn = False
        self._horn_known = False
        self._push_known = False
        self._heard = False  # a vehicle was ever heard

    def step(self, t_s: float, vehicle: VehicleContext | None) -> Mood:
        """Take what the vehicle says now and return what it makes of a face."""
        if vehicle is None and not self._heard:
            return _NO_MOOD
        self._heard = True
        if vehicle is not None:
            self._note(t_s, vehicle)
            self._note_indicator(t_s, vehicle.indicator)
        s = self._settings
        for times, memory_s in ((self._horns, s.memory_s), (self._sides, s.weave_s)):
            while times and times[0] < t_s - memory_s:
                times.popleft()
        recent = self._recent(t_s, vehicle)
        held = [rule for rule in RULES if rule.holds(recent, s)]
        if not held:
            return _NO_MOOD
        factors = {
            name: math.prod(float(getattr(rule, name)) for rule in held) for name in READINGS
        }
        return Mood(**factors, names=tuple(rule.name for rule in held))

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

    def _note_indicator(self, t_s: float, indicator: Indicator | None) -> None:
        self._indicator_known = indicator is not None
        if indicator not in {Indicator.LEFT, Indicator.RIGHT}:
            return
        self._indicated_s = t_s
        if indicator is not self._side:
            if self._side is not None:
                self._sides.append(t_s)
            self._side = indicator

    def _recent(self, t_s: float, vehicle: VehicleContext | None) -> Recent:
        s = self._settings
        speed = None if vehicle is None else vehicle.speed_kmh
        limit = None if vehicle is None else vehicle.speed_limit_kmh
        loudness = None if vehicle is None else vehicle.loudness_db
        standstill = None if vehicle is None else vehicle.standstill
        slow = True if standstill else None if speed is None else speed < s.slow_kmh
        pushed = self._push_s is not None and t_s - self._push_s <= s.memory_s
        return Recent(
            brake_ago_s=_since(t_s, self._brake_s),
            swerve_ago_s=_since(t_s, self._swerve_s),
            indicated_ago_s=_since(t_s, self._indicated_s),
            weaves=len(self._sides) if self._indicator_known or self._sides else None,
            pushed=pushed if self._push_known or pushed else None,
            horns=len(self._horns) if self._horn_known or self._horns else None,
            slow=slow,
            loud=None if loudness is None else loudness >= s.loud_db,
            speeding=None if speed is None or not limit else speed >= limit * s.over_limit,
        )


def _since(t_s: float, at_s: float | None) -> float | None:
    return None if at_s is None else t_s - at_s
