"""The tables of a recording's events on the report: what was reported beside what was labelled."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dms.files.columns import unit_of
from dms.report.page import Column, clock, signed, spoken, table
from dms.report.timeline import LEVEL_NAMES
from dms.scoring.labels import Label
from dms.scoring.match import OBSERVED, Match
from dms.values import Event, Kind, Level, Scalar

_LONG_S = 3600.0  # from here on times are told in hours
_MOST_OBSERVED = 1000
_TOLD = (
    Column("at, s", number=True),
    Column("what", strong=True),
    Column("level"),
    Column("why"),
)
_JUDGED = (Column("label, s"), Column("verdict"), Column("delay, s", number=True))
_BASIS = (Column("rests on"),)
_FILE = (Column("in file"),)


@dataclass(frozen=True, slots=True)
class Files:
    """The segments of a drive: their names, each from ``starts_s`` of the whole on."""

    names: Sequence[str] = ()
    starts_s: Sequence[float] = ()

    def at(self, t_s: float) -> str:
        """Return in which file an instant is, and where in it."""
        number = max(bisect_right(self.starts_s, t_s) - 1, 0)
        return f"{self.names[number]}, {t_s - self.starts_s[number]:.1f} s"


def event_table(
    events: Sequence[Event],
    matches: Sequence[Match],
    place: str,
    *,
    alerts: bool,
    duration_s: float = 0.0,
    files: Files | None = None,
) -> str:
    """Return a table of the alerts, or of what was only observed; each time leads to ``place``.

    ``files`` are told beside each, where the drive is in segments.
    """
    lead = ""
    if not alerts:
        events, lead = _few(events)
    judged = {id(match.event): match for match in matches if match.event is not None}
    lines: list[tuple[float, list[str]]] = []
    for event in events:
        if (event.level > Level.NONE) is alerts:
            lines.append((event.t_s, _event_row(event, judged.get(id(event)), place)))
    for match in matches:
        if match.event is None and match.label and (match.kind not in OBSERVED) is alerts:
            lines.append((match.label.start_s, _unmet_row(match, place)))
    if not lines:
        return "<p>None.</p>"
    rows = [cells for _, cells in sorted(lines, key=lambda line: line[0])]
    columns: tuple[Column, ...] = (*_TOLD, *_JUDGED, *_BASIS)
    if not matches:
        first, last = len(_TOLD), len(_TOLD) + len(_JUDGED)
        rows = [[*cells[:first], *cells[last:]] for cells in rows]
        columns = (*_TOLD, *_BASIS)
    times = sorted(t_s for t_s, _ in lines)
    if duration_s >= _LONG_S:
        columns = (Column("at, h:min:s", number=True), *columns[1:])
        rows = [[_jump(t_s, place, clock(t_s)), *r[1:]] for t_s, r in zip(times, rows, strict=True)]
    if files is not None and files.names:
        columns += _FILE
        rows = [[*row, escape(files.at(t_s))] for t_s, row in zip(times, rows, strict=True)]
    return lead + table("Alerts" if alerts else "Observed only", columns, rows, cards=True)


def _few(events: Sequence[Event]) -> tuple[Sequence[Event], str]:
    """Leave the blinks of hours out: a page of thousands of rows does not help."""
    observed = [event for event in events if event.level is Level.NONE]
    if len(observed) <= _MOST_OBSERVED:
        return observed, ""
    rest = [event for event in observed if event.kind is not Kind.BLINK]
    told = f"{len(observed) - len(rest)} blinks are not listed here, all stand in events.jsonl"
    if len(rest) > _MOST_OBSERVED:
        told += f", as what came after the first {_MOST_OBSERVED} of the rest"
    return rest[:_MOST_OBSERVED], f"<p>{told}.</p>"


def _event_row(event: Event, match: Match | None, place: str) -> list[str]:
    verdict = match.verdict.value if match else "none"
    delay = signed(match.delay_s) if match and match.delay_s is not None else ""
    values = ", ".join(_basis(key, value) for key, value in sorted(event.told.items()))
    return [
        _jump(event.t_s, place),
        escape(spoken(event.kind.value)),
        f'<span class="level l{event.level}">{LEVEL_NAMES[event.level]}</span>',
        escape(event.reason),
        _span(match.label if match else None),
        f'<span class="{verdict}">{"not labelled" if match is None else verdict}</span>',
        delay,
        f'<span class="small">{escape(values)}</span>' if values else "",
    ]


def _unmet_row(match: Match, place: str) -> list[str]:
    label = match.label
    verdict = f'<span class="{match.verdict.value}">{match.verdict.value}</span>'
    return [
        _jump(label.start_s, place) if label else "",
        escape(spoken(match.kind.value)),
        "",
        escape(label.note) if label else "",
        _span(label),
        verdict,
        "",
        "",
    ]


def _jump(t_s: float, place: str, told: str = "") -> str:
    return (
        f'<button type="button" class="jump" data-plot="{place}" data-at="{t_s:.3f}"'
        f' title="show in the timeline">{told or f"{t_s:.2f}"}</button>'
    )


def _span(label: Label | None) -> str:
    return f'<span class="span">{label.start_s:.2f} to {label.end_s:.2f}</span>' if label else ""


def _basis(key: str, value: Scalar) -> str:
    """Return a named number with its unit in its place: closed_s 1.0 is "closed 1 s"."""
    unit = unit_of(key)
    name = spoken(key.rsplit("_", 1)[0] if unit else key)
    told = f"{value:.3g}" if isinstance(value, float) else json.dumps(value).strip('"')
    return f"{name} {told} {unit}".rstrip()
