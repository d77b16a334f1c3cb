"""One self-contained HTML page of a bench run: works offline, holds no picture of anybody."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from pathlib import Path
from statistics import median
from string import Template

import numpy as np

from dms.errors import ConfigError
from dms.frames import Series
from dms.labels import Label, Labels
from dms.quality import Figure, Quality
from dms.scoring import OBSERVED, Match, Tally, Verdict, tally
from dms.timeline import LEVEL_NAMES, figure, plotly_js
from dms.values import EXPRESSIONS, Event, Kind, Level

SYNTHETIC = (
    "Synthetic: made by a program, not recorded from a person. It proves the chain, not how well "
    "it does on people."
)


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording's results as the report shows them. ``duration_s`` in seconds."""

    name: str
    events: Sequence[Event]
    frames: Mapping[str, Series]
    labels: Labels | None = None
    matches: Sequence[Match] = ()
    duration_s: float = 0.0
    availability: float | None = None
    synthetic: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All that goes on the page.

    ``facts`` are short sentences about the run; ``quality`` adds intervals over recordings. A
    recording without frames stands in the table only.
    """

    title: str
    recordings: Sequence[Recording]
    facts: Sequence[str] = field(default_factory=tuple)
    quality: Quality | None = None


def write_report(report: Report, path: Path) -> None:
    """Write ``report`` to ``path`` as one HTML file.

    Raises ConfigError without Plotly (extra ``bench``) or where ``path`` cannot be written.
    """
    matches = [match for recording in report.recordings for match in recording.matches]
    hours = sum(recording.duration_s for recording in report.recordings) / 3600
    body = [_tiles(report.recordings, matches, hours)]
    if matches:
        table = _score_table(tally(matches), hours, report.quality)
        body.append(_section("Events against labels", table))
    if report.quality is not None and report.quality.confusion:
        body.append(_section("Frame by frame", _confusion_table(report.quality)))
    if len(report.recordings) > 1:
        body.append(_section("Recordings", _recording_table(report.recordings)))
    body += [_recording(at, one) for at, one in enumerate(report.recordings) if one.frames]
    page = Template(files("dms").joinpath("report.html").read_text(encoding="utf-8"))
    text = page.substitute(
        title=escape(report.title),
        lead=escape(" · ".join(report.facts)),
        body="\n".join(body),
        footer="Drowsiness is a documented estimate in KSS numbers, not a validated KSS.",
        plotly=plotly_js(),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; choose another place") from error


def _tiles(recordings: Sequence[Recording], matches: Sequence[Match], hours: float) -> str:
    alerts = sum(event.level > Level.NONE for one in recordings for event in one.events)
    tiles = [(_length(hours * 3600), f"in {_count(len(recordings), 'recording')}")]
    if matches:
        total = sum(tally(matches).values(), Tally())
        tiles.append((f"{total.found} of {total.found + total.missed}", "labelled events found"))
        tiles.append((str(total.false), "without a label"))
        if total.delays_s:
            tiles.append((f"{median(total.delays_s):.2f} s", "median delay after the rule's time"))
    tiles.append((str(alerts), "alerts told"))
    known = [(one.availability, one.duration_s) for one in recordings]
    seen_s = sum(share * length for share, length in known if share is not None)
    watched_s = sum(length for share, length in known if share is not None)
    if watched_s:
        tiles.append((f"{seen_s / watched_s:.0%}", "of the time eyes observable"))
    made = "".join(f'<div class="tile"><b>{b}</b><span>{s}</span></div>' for b, s in tiles)
    return f'<div class="tiles">{made}</div>'


def _score_table(tallies: Mapping[Kind, Tally], hours: float, quality: Quality | None) -> str:
    rows = []
    for kind, one in tallies.items():
        figures = quality.kinds.get(kind) if quality else None
        delay = f"{median(one.delays_s):+.2f}" if one.delays_s else "–"
        worst = f"{max(one.delays_s):+.2f}" if one.delays_s else "–"
        per_hour = f"{one.false / hours:.1f}" if hours > 0 else "–"
        counts = [str(one.found + one.missed), str(one.found), str(one.missed), str(one.false)]
        shares = [
            _share(one.recall) + _range(figures.recall if figures else None),
            _share(one.precision) + _range(figures.precision if figures else None),
            _share(one.f1) + _range(figures.f1 if figures else None),
            per_hour + _range(figures.false_per_hour if figures else None, 1),
        ]
        rows.append([escape(kind.value), *counts, *shares, delay, worst])
    head = ["kind", "labelled", "found", "missed", "false", "recall", "precision", "F1",
            "false per h", "delay s (median)", "delay s (worst)"]  # fmt: skip
    note = ""
    if quality is not None and quality.recordings > 1:
        note = f"<p class='values'>small: 95 % over {quality.recordings} recordings, bootstrap</p>"
    return _table(head, rows, first_text=1) + note


def _confusion_table(quality: Quality) -> str:
    """Return how the labelled states were told, in shares of the frames."""
    truths = sorted({truth for truth, _ in quality.confusion})
    told = sorted({said for _, said in quality.confusion})
    rows = []
    for truth in truths:
        counts = [quality.confusion.get((truth, said), 0) for said in told]
        total = sum(counts)
        rows.append([escape(truth), str(total), *(f"{100 * c / total:.1f} %" for c in counts)])
    error = quality.perclos_error
    note = (
        "" if error is None else f"<p>PERCLOS differs from the truth by {error:.3f} on average.</p>"
    )
    return _table(["truth", "frames", *(f"told {said}" for said in told)], rows, 1) + note


def _range(figure: Figure | None, digits: int = 2) -> str:
    if figure is None or figure.interval is None:
        return ""
    low, high = figure.interval
    return f'<br><span class="values">{low:.{digits}f} to {high:.{digits}f}</span>'


def _recording_table(recordings: Sequence[Recording]) -> str:
    rows = []
    for number, one in enumerate(recordings):
        counts = [sum(event.level == level for event in one.events) for level in Level]
        judged = [sum(m.verdict is v for m in one.matches) for v in _JUDGED]
        seen = "–" if one.availability is None else f"{one.availability:.0%}"
        link = escape(one.name)
        if one.frames:
            link = f'<a href="#recording-{number}">{link}</a>'
        rows.append([link, _length(one.duration_s), seen, *map(str, [*counts, *judged])])
    head = ["recording", "length", "eyes seen", *LEVEL_NAMES.values(), *(v.value for v in _JUDGED)]
    return _table(head, rows, first_text=1)


_JUDGED = (Verdict.FOUND, Verdict.MISSED, Verdict.FALSE)


def _recording(number: int, one: Recording) -> str:
    made = figure(dict(one.frames), one.events, one.labels, one.matches)
    # "</" would end the script element early.
    safe = made.replace("</", "<\\/")
    parts = [f'<p class="synthetic">{SYNTHETIC}</p>' if one.synthetic else ""]
    if one.note:
        parts.append(f"<p>{escape(one.note)}</p>")
    parts.append(f'<div class="plot" data-figure="figure-{number}"></div>')
    parts.append(f'<script type="application/json" id="figure-{number}">{safe}</script>')
    parts.append(f"<h3>Alerts</h3>{_event_table(one, alerts=True)}")
    parts.append(_affect(one.frames))
    observed = _event_table(one, alerts=False)
    parts.append(f"<details><summary>What was only observed</summary>{observed}</details>")
    return _section(one.name, "\n".join(parts), f"recording-{number}")


def _affect(frames: Mapping[str, Series]) -> str:
    """Return how the drive felt: how long each expression was the strongest, mean valence."""
    if not all(name in frames for name in EXPRESSIONS):
        return ""
    scores = np.stack([frames[name] for name in EXPRESSIONS])
    known = ~np.isnan(scores).any(axis=0)
    if not known.any():
        return ""
    strongest = scores[:, known].argmax(axis=0)
    shares = [(float((strongest == at).mean()), name) for at, name in enumerate(EXPRESSIONS)]
    words = [
        f"{name} {share:.0%}" for share, name in sorted(shares, reverse=True) if share >= 0.005
    ]
    valence = frames.get("valence")
    if valence is not None and not np.isnan(valence).all():
        words.append(f"mean valence {np.nanmean(valence):+.2f}")
    told = f"Strongest expression, share of the time it was read: {', '.join(words)}"
    return f"<h3>Affect</h3><p>{told}</p>"


def _event_table(one: Recording, alerts: bool) -> str:
    """Return a table of the alerts, or of what was observed, beside their labels."""
    judged = {id(match.event): match for match in one.matches if match.event is not None}
    lines: list[tuple[float, list[str]]] = []
    for event in one.events:
        if (event.level > Level.NONE) is alerts:
            lines.append((event.t_s, _event_row(event, judged.get(id(event)))))
    for match in one.matches:
        if match.event is None and match.label is not None and _is_alert(match.kind) is alerts:
            lines.append((match.label.start_s, _unmet_row(match)))
    if not lines:
        return "<p>none</p>"
    rows = [cells for _, cells in sorted(lines, key=lambda line: line[0])]
    head = ["at s", "what", "level", "why", "label", "verdict", "delay s", "rests on"]
    if not one.matches:
        head, rows = _without(head, rows, {4, 5, 6})
    return _table(head, rows, first_text=len(head), numbers={"at s", "delay s"})


def _event_row(event: Event, match: Match | None) -> list[str]:
    label = match.label if match else None
    span = _span(label)
    verdict = match.verdict.value if match else "none"
    delay = f"{match.delay_s:+.2f}" if match and match.delay_s is not None else ""
    values = ", ".join(f"{key} {_value(value)}" for key, value in sorted(event.values.items()))
    return [
        f"{event.t_s:.2f}",
        escape(event.kind.value),
        f'<span class="level l{event.level}">{LEVEL_NAMES[event.level]}</span>',
        escape(event.reason),
        span,
        f'<span class="{verdict}">{"not labelled" if match is None else verdict}</span>',
        delay,
        f'<span class="values">{escape(values)}</span>',
    ]


def _unmet_row(match: Match) -> list[str]:
    label = match.label
    span = _span(label)
    note = label.note if label else ""
    verdict = f'<span class="{match.verdict.value}">{match.verdict.value}</span>'
    return ["", escape(match.kind.value), "", escape(note), span, verdict, "", ""]


def _span(label: Label | None) -> str:
    return f'<span class="span">{label.start_s:.2f} to {label.end_s:.2f}</span>' if label else ""


def _is_alert(kind: Kind) -> bool:
    return kind not in OBSERVED


def _without(
    head: list[str], rows: list[list[str]], columns: set[int]
) -> tuple[list[str], list[list[str]]]:
    def keep(cells: list[str]) -> list[str]:
        return [cell for at, cell in enumerate(cells) if at not in columns]

    return keep(head), [keep(row) for row in rows]


def _table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    first_text: int,
    numbers: set[str] | None = None,
) -> str:
    """Return a table of HTML cells; from ``first_text`` on, and where named, they are numbers."""
    right = [at >= first_text or name in (numbers or set()) for at, name in enumerate(head)]
    kinds = [' class="n"' if one else "" for one in right]
    top = "".join(f"<th{k}>{escape(h)}</th>" for k, h in zip(kinds, head, strict=True))
    lines = (
        "<tr>" + "".join(f"<td{k}>{c}</td>" for k, c in zip(kinds, row, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{top}</tr>{"".join(lines)}</table></div>'


def _section(title: str, inner: str, anchor: str = "") -> str:
    mark = f' id="{anchor}"' if anchor else ""
    return f"<section{mark}><h2>{escape(title)}</h2>{inner}</section>"


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else json.dumps(value).strip('"')


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _length(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _count(count: int, thing: str) -> str:
    return f"{count} {thing}" + ("" if count == 1 else "s")
