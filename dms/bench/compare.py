"""Two bench runs side by side: which alerts came, went or moved, and what that did to the figures.

Made for CI: no change is exit code 0. Blinks and other observations are compared by count only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from dms.bench.summary import SUMMARY
from dms.errors import ConfigError
from dms.files.events import load_events
from dms.settings import setting, settings
from dms.values import Event, Level


@settings
class CompareSettings:
    """When two alerts are the same one."""

    within_s: float = setting(
        2.0, unit="s", ge=0, text="an alert of the same kind and level this near is the same one"
    )
    moved_s: float = setting(
        0.05, unit="s", ge=0, text="further apart than this it has moved; above a frame's time"
    )


class What(str, Enum):
    """What happened to an alert from the first run to the second."""

    CAME = "came"
    WENT = "went"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Change:
    """One alert that is not the same in both runs; the times are None where it is absent."""

    recording: str
    what: What
    kind: str
    level: int
    before_s: float | None
    after_s: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs. ``figures``: (kind, figure, before, after); ``counts``: observations."""

    changes: tuple[Change, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    figures: tuple[tuple[str, str, float | None, float | None], ...]
    counts: tuple[tuple[str, str, int, int], ...]
    common: int = 0  # recordings that are in both runs

    @property
    def same(self) -> bool:
        """Whether both runs alert alike on the same recordings, of which there are some."""
        return self.common > 0 and not (self.changes or self.only_before or self.only_after)


def compare(before: Path, after: Path, settings: CompareSettings) -> Comparison:
    """Compare two folders that ``dms bench --out`` wrote.

    Raises ConfigError where one of them is none.
    """
    one, two = _summary(before), _summary(after)
    names = [{r["name"] for r in run["recordings"] if not r["error"]} for run in (one, two)]
    changes: list[Change] = []
    counts: list[tuple[str, str, int, int]] = []
    for name in sorted(names[0] & names[1]):
        old, new = (load_events(run / name / "events.jsonl") for run in (before, after))
        changes += match_alerts(name, old, new, settings)
        counts += _counts(name, old, new)
    return Comparison(
        tuple(changes),
        tuple(sorted(names[0] - names[1])),
        tuple(sorted(names[1] - names[0])),
        tuple(_figures(one, two)),
        tuple(counts),
        len(names[0] & names[1]),
    )


def match_alerts(
    name: str, before: Sequence[Event], after: Sequence[Event], settings: CompareSettings
) -> list[Change]:
    """Return the alerts of one recording that are not the same, in order of time."""
    left = [event for event in after if event.level > Level.NONE]
    changes = []
    for old in (event for event in before if event.level > Level.NONE):
        near = [
            new
            for new in left
            if (new.kind, new.level) == (old.kind, old.level)
            and abs(new.t_s - old.t_s) <= settings.within_s
        ]
        new = min(near, key=lambda event: abs(event.t_s - old.t_s), default=None)
        if new is None:
            changes.append(Change(name, What.WENT, old.kind.value, old.level, old.t_s, None))
            continue
        left = [event for event in left if event is not new]
        if abs(new.t_s - old.t_s) > settings.moved_s:
            changes.append(Change(name, What.MOVED, old.kind.value, old.level, old.t_s, new.t_s))
    changes += [Change(name, What.CAME, e.kind.value, e.level, None, e.t_s) for e in left]
    return sorted(changes, key=lambda c: c.before_s if c.before_s is not None else c.after_s or 0)


def _counts(
    name: str, before: Sequence[Event], after: Sequence[Event]
) -> list[tuple[str, str, int, int]]:
    told = [[e.kind.value for e in run if e.level == Level.NONE] for run in (before, after)]
    kinds = sorted({*told[0], *told[1]})
    pairs = [(kind, told[0].count(kind), told[1].count(kind)) for kind in kinds]
    return [(name, kind, old, new) for kind, old, new in pairs if old != new]


def _figures(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[tuple[str, str, float | None, float | None]]:
    kinds = [run["all"]["kinds"] for run in (before, after)]
    changed = []
    for kind in sorted({*kinds[0], *kinds[1]}):
        for figure in ("recall", "precision", "f1", "false_per_hour"):
            old, new = (run.get(kind, {}).get(figure, {}).get("value") for run in kinds)
            if old != new:
                changed.append((kind, figure, old, new))
    return changed


def _summary(run: Path) -> dict[str, Any]:
    try:
        thing = json.loads((run / SUMMARY).read_text(encoding="utf-8"))
        if not isinstance(thing, dict) or "recordings" not in thing:
            raise ValueError("it lists no recordings")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{run} is no finished run of `dms bench --out`: {error}") from error
    return thing
