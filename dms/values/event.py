"""What happened, and which alerts stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TypeAlias

from dms.fast_init import fast_init

Scalar: TypeAlias = float | int | str | bool | None


class Kind(str, Enum):
    """Every kind of event; the strings are the stable names in JSON Lines and MQTT."""

    BLINK = "blink"
    YAWN = "yawn"
    NOD = "nod"
    GLANCE = "glance"
    MICROSLEEP = "microsleep"
    SLEEP = "sleep"
    UNRESPONSIVE = "unresponsive"
    DROWSY = "drowsy"
    DISTRACTION = "distraction"
    ROAD_RAGE = "road_rage"
    MICRO_EXPRESSION = "micro_expression"
    DEGRADED = "degraded"
    FAULT = "fault"


class Level(IntEnum):
    """Alert level as on the bus."""

    NONE = 0
    ADVISORY = 1
    WARNING = 2
    CRITICAL = 3


class Wording(str, Enum):
    """What the head unit should tell the driver, in its own words and language."""

    SUGGEST_BREAK = "suggest_break"
    CALM_DOWN = "calm_down"


# What an alert asks for, where its kind alone does not say it.
WORDINGS: Mapping[tuple[Kind, Level], Wording] = {
    (Kind.DROWSY, Level.ADVISORY): Wording.SUGGEST_BREAK,
    (Kind.DROWSY, Level.WARNING): Wording.SUGGEST_BREAK,
    (Kind.ROAD_RAGE, Level.ADVISORY): Wording.SUGGEST_BREAK,
    (Kind.ROAD_RAGE, Level.WARNING): Wording.CALM_DOWN,
}


@fast_init
@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: level 0 is observed only, 1..3 is an alert.

    ``t_s`` is when it was raised, ``start_s``/``end_s`` when what it names began and ended.
    """

    t_s: float
    kind: Kind
    level: Level
    reason: str
    start_s: float | None = None
    end_s: float | None = None
    values: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def wording(self) -> Wording | None:
        """What the head unit should say, by kind and level alone."""
        return WORDINGS.get((self.kind, self.level))

    @property
    def told(self) -> Mapping[str, Scalar]:
        """The values as files and buses carry them, with the wording where there is one."""
        wording = self.wording
        return self.values if wording is None else {**self.values, "wording": wording.value}


@fast_init
@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """An alert that stands now."""

    kind: Kind
    level: Level
    since_s: float
    reason: str

    @property
    def wording(self) -> Wording | None:
        """What the head unit should say, by kind and level alone."""
        return WORDINGS.get((self.kind, self.level))
