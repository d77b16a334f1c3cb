"""The alerts that stand and the events told in this step: cascade, attention, repeats.

Knows nothing of eyes or speed; :mod:`dms.decision.policy` says what to raise and when the driver
attends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dms.values import ActiveAlert, Event, Kind, Level, Scalar

# One chain: a later one takes the place of an earlier one.
CASCADE = (Kind.MICROSLEEP, Kind.SLEEP, Kind.UNRESPONSIVE)
# Which of two alerts of the same level is shown first.
ORDER = (
    Kind.UNRESPONSIVE, Kind.SLEEP, Kind.MICROSLEEP, Kind.DISTRACTION, Kind.FAULT, Kind.DROWSY,
    Kind.ROAD_RAGE, Kind.DEGRADED,
)  # fmt: skip


@dataclass(slots=True)
class Standing:
    """One alert that stands; ``closure`` says that closed eyes made it, not a look away."""

    level: Level
    since_s: float
    reason: str
    told_s: float
    closure: bool = False
    better_s: float = 0.0  # how long its cause has been gone


class Board:
    """Standing alerts by kind, and what was told in this step."""

    def __init__(self) -> None:
        self.standing: dict[Kind, Standing] = {}
        self.events: list[Event] = []

    @property
    def active(self) -> tuple[ActiveAlert, ...]:
        """Alerts that stand, the highest first."""
        if not self.standing:
            return ()
        alerts = [ActiveAlert(k, s.level, s.since_s, s.reason) for k, s in self.standing.items()]
        if len(alerts) > 1:
            alerts.sort(key=lambda a: (-a.level, ORDER.index(a.kind)))
        return tuple(alerts)

    def level(self, kind: Kind) -> Level:
        """Level at which ``kind`` stands, NONE if it does not."""
        return self.standing[kind].level if kind in self.standing else Level.NONE

    def raise_(
        self,
        event: Event,
        *,
        closure: bool = False,
    ) -> None:
        """Tell ``event`` and let its alert stand, unless a higher one of its cascade stands."""
        self.events.append(event)
        kind = event.kind
        if kind in CASCADE:
            at = CASCADE.index(kind)
            if any(k in self.standing for k in CASCADE[at + 1 :]):
                return
            for lower in CASCADE[:at]:
                self.standing.pop(lower, None)
        old = self.standing.get(kind)
        since_s = event.t_s if old is None else old.since_s
        closure = closure or (old is not None and old.closure)
        self.standing[kind] = Standing(event.level, since_s, event.reason, event.t_s, closure)

    def repeat(self, kind: Kind, t_s: float, values: dict[str, Scalar]) -> None:
        """Tell a standing alert again."""
        s = self.standing[kind]
        s.told_s = t_s
        values = {**values, "repeated": True}
        self.events.append(Event(t_s, kind, s.level, s.reason, s.since_s, None, values))

    def drop(self, *kinds: Kind) -> None:
        """End alerts, told or not."""
        for kind in kinds:
            self.standing.pop(kind, None)

    def keep(self, wanted: Callable[[Kind], bool]) -> None:
        """End every alert whose kind is not wanted."""
        self.standing = {k: s for k, s in self.standing.items() if wanted(k)}
