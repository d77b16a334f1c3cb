"""What the event store holds: events, drives and who did what to the service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from dms.values import Event, Kind, Level


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event with its row number, its drive and the wall clock when it was stored."""

    number: int
    drive: int | None
    utc_s: float
    event: Event


@dataclass(frozen=True, slots=True)
class Drive:
    """One drive; ``ended`` is false if the power went before its end could be written."""

    number: int
    begin_utc_s: float
    seen_utc_s: float
    ended: bool
    ignition: bool | None
    baseline_progress: float | None


@dataclass(frozen=True, slots=True)
class Note:
    """Who did what to the service: ``what``, over or by which ``source``, and how many times."""

    what: str
    source: str
    times: int = 1

    def __str__(self) -> str:
        more = f", {self.times} times" if self.times > 1 else ""
        return f"{self.what} (by {self.source}){more}"


def columns_of(event: Event) -> tuple[object, ...]:
    """Return the columns of ``event``, in the order in which :func:`event_of` reads them."""
    values = json.dumps(dict(event.told), sort_keys=True)
    level, kind = int(event.level), event.kind.value
    return event.t_s, kind, level, event.start_s, event.end_s, event.reason, values


def event_of(row: Sequence[object]) -> Event:
    """Return the event that :func:`columns_of` took apart."""
    t_s, kind, level, start_s, end_s, reason, told = row
    values = json.loads(str(told))
    values.pop("wording", None)  # goes by kind and level
    return Event(
        t_s=float(str(t_s)),
        kind=Kind(str(kind)),
        level=Level(int(str(level))),
        reason=str(reason),
        start_s=None if start_s is None else float(str(start_s)),
        end_s=None if end_s is None else float(str(end_s)),
        values=values,
    )
