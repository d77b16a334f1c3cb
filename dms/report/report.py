"""One self-contained HTML page of a bench run: works offline, no picture unless asked for."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TypeAlias

import numpy as np

from dms.files.affect import AFFECT_COLUMNS
from dms.files.frames import Series
from dms.report.affect import affect_part
from dms.report.events import Files, event_table
from dms.report.gaze_strip import COLOURS, zones_seen
from dms.report.page import Column, Tile, plot, section, signed, spoken, table, tiles, write_page
from dms.report.scores import confusion_table, group_table, score_table
from dms.report.thinning import MOST_FRAMES
from dms.report.timeline import DRAWN_COLUMNS, LEVEL_NAMES, figure, plotly_js
from dms.scoring.labels import Labels
from dms.scoring.match import Match, Tally, Verdict, tally
from dms.scoring.quality import Quality
from dms.values import Event, GazeZone, Level

SYNTHETIC = (
    "Synthetic: made by a program, not recorded from a person. It proves the chain, not how well "
    "it does on people."
)
_THINNED = (
    "A long drive: the timeline holds every frame around the alerts, of the rest those in which "
    "the eyes are opened least and most. The frame table holds them all."
)
Frames: TypeAlias = Mapping[str, Series]
# What the page reads of a frame table.
SHOWN_COLUMNS = DRAWN_COLUMNS | frozenset(AFFECT_COLUMNS)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture of the driver at an alert. ``jpeg``: the file's bytes."""

    t_s: float
    text: str
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording's results as the report shows them. ``duration_s`` in seconds.

    ``frames`` reads its frame table when its timeline is made, so that one table is in memory at a
    time; None shows no timeline.
    """

    name: str
    events: Sequence[Event]
    frames: Callable[[], Frames] | None = None
    labels: Labels | None = None
    matches: Sequence[Match] = ()
    duration_s: float = 0.0
    availability: float | None = None
    synthetic: bool = False
    note: str = ""
    thumbnails: Sequence[Thumbnail] = ()
    files: Files | None = None  # where the drive is in segments


@dataclass(frozen=True, slots=True)
class Report:
    """All that goes on the page.

    ``facts`` are short sentences about the run; ``quality`` adds intervals over recordings,
    ``groups`` the same by column and value; ``failures`` are (recording, what was wrong).
    """

    title: str
    recordings: Sequence[Recording]
    facts: Sequence[str] = field(default_factory=tuple)
    quality: Quality | None = None
    groups: Mapping[str, Mapping[str, Quality]] = field(default_factory=dict)
    failures: Sequence[tuple[str, str]] = ()


def write_report(report: Report, path: Path) -> None:
    """Write ``report`` to ``path`` as one HTML file.

    Raises ConfigError without Plotly (extra ``bench``) or where ``path`` cannot be written.
    """
    library = plotly_js()
    matches = [match for recording in report.recordings for match in recording.matches]
    hours = sum(recording.duration_s for recording in report.recordings) / 3600
    body = [_summary(report, matches, hours)]
    if report.failures:
        body.append(section("Could not be used, or not whole", _failure_table(report.failures)))
    judged = report.quality.kinds if report.quality else ()
    if tallies := tally(matches, judged):
        scores = score_table(tallies, hours, report.quality)
        body.append(section("Events against labels", scores))
    for column, groups in report.groups.items():
        body.append(section(f"By {spoken(column)}", group_table(column, groups)))
    if report.quality is not None and report.quality.confusion:
        body.append(section("Frame by frame", confusion_table(report.quality)))
    if len(report.recordings) > 1:
        body.append(section("Recordings", _recording_table(report.recordings)))
    if not report.recordings:
        body.append(section("Recordings", "<p>None could be used.</p>"))
    body += [_recording(at, one) for at, one in enumerate(report.recordings) if one.frames]
    write_page(path, report.title, " · ".join(report.facts), body, library)


def _summary(report: Report, matches: Sequence[Match], hours: float) -> str:
    recordings = report.recordings
    shown = []
    if matches:
        total = sum(tally(matches).values(), Tally())
        labelled = total.found + total.missed
        shown += [
            Tile(
                f"{total.found} of {labelled}",
                "labelled events found",
                "good" if total.found == labelled else "bad",
            ),
            Tile(str(total.false), "without a label", "bad" if total.false else "good"),
        ]
        if total.delays_s:
            late_s = float(np.median(total.delays_s))
            shown.append(Tile(f"{signed(late_s)} s", "after the rule's time, median"))
    alerts = sum(event.level > Level.NONE for one in recordings for event in one.events)
    shown.append(Tile(str(alerts), "alert raised" if alerts == 1 else "alerts raised"))
    known = [(one.availability, one.duration_s) for one in recordings]
    watched_s = sum(length for share, length in known if share is not None)
    if watched_s:
        seen_s = sum(share * length for share, length in known if share is not None)
        shown.append(Tile(f"{seen_s / watched_s:.0%}", "of the time eyes observable"))
    many = "recording" if len(recordings) == 1 else "recordings"
    shown.append(Tile(_length(hours * 3600), f"in {len(recordings)} {many}"))
    return tiles(shown)


def _failure_table(failures: Sequence[tuple[str, str]]) -> str:
    columns = (Column("recording", strong=True), Column("why"))
    rows = [(escape(name), escape(why)) for name, why in failures]
    return table("Recordings that could not be used", columns, rows, cards=True)


_JUDGED = (Verdict.FOUND, Verdict.MISSED, Verdict.FALSE)


def _recording_table(recordings: Sequence[Recording]) -> str:
    judged = [verdict for verdict in _JUDGED if any(one.matches for one in recordings)]
    columns = [
        Column("recording", strong=True),
        Column("length", number=True),
        Column("eyes seen", number=True),
        *(Column(name, number=True) for name in LEVEL_NAMES.values()),
        *(Column(verdict.value, number=True) for verdict in judged),
    ]
    rows = []
    for number, one in enumerate(recordings):
        counts = [sum(event.level == level for event in one.events) for level in Level]
        fates = [sum(m.verdict is verdict for m in one.matches) for verdict in judged]
        seen = "–" if one.availability is None else f"{one.availability:.0%}"
        link = escape(one.name)
        if one.frames:
            link = f'<a href="#recording-{number}">{link}</a>'
        cells = [_number(count) for count in (*counts, *fates[:1])]
        cells += [_number(count, wrong=True) for count in fates[1:]]
        rows.append([link, _length(one.duration_s), seen, *cells])
    return table("Results of each recording", columns, rows)


def _recording(number: int, one: Recording) -> str:
    frames: Frames = one.frames() if one.frames else {}
    made = figure(frames, one.events, one.labels, one.matches)
    place = f"plot-{number}"
    alerts = sum(event.level > Level.NONE for event in one.events)
    caption = f"Timeline of {one.name}: {alerts} alerts. The tables below tell the same in words."
    parts = [f'<p class="synthetic">{SYNTHETIC}</p>' if one.synthetic else ""]
    if len(frames.get("t_s", ())) > MOST_FRAMES:
        parts.append(f"<p>{_THINNED}</p>")
    if one.note:
        parts.append(f"<p>{escape(one.note)}</p>")
    key = _key(bool(one.matches), zones_seen(frames))
    parts += [_tools(place), key, plot(number, made, caption)]
    parts.append(_line_boxes(place, made["lines"], [panel["title"] for panel in made["panels"]]))
    alerts_told, observed = (
        event_table(
            one.events, one.matches, place,
            alerts=told, duration_s=one.duration_s, files=one.files,
        )
        for told in (True, False)
    )  # fmt: skip
    parts.append(f"<h3>Alerts</h3>{alerts_told}")
    if one.thumbnails:
        parts.append(f"<h3>Pictures</h3>{_thumbnails(one.thumbnails)}")
    parts.append(affect_part(frames, one.events))
    parts.append(f"<details><summary>What was only observed</summary>{observed}</details>")
    return section(one.name, "\n".join(parts), f"recording-{number}")


def _tools(place: str) -> str:
    words = {
        "whole": "Whole recording", "in": "Zoom in", "out": "Zoom out", "back": "Earlier",
        "on": "Later", "save": "Save picture",
    }  # fmt: skip
    made = "".join(
        f'<button type="button" data-plot="{place}" data-do="{act}">{text}</button>'
        for act, text in words.items()
    )
    return f'<div class="tools" role="group" aria-label="timeline">{made}</div>'


def _key(judged: bool, zones: Sequence[GazeZone]) -> str:
    things = [
        f'<i class="dia" style="background:var(--level{level.value})"></i>{LEVEL_NAMES[level]}'
        for level in list(Level)[1:]
    ]
    things.append('<i class="dot" style="background:var(--level0)"></i>observed')
    if judged:
        things.append('<i class="lab" style="background:var(--good)"></i>label met')
        things.append('<i class="lab" style="background:var(--bad)"></i>label missed')
        things.append('<i class="lab" style="background:var(--grey)"></i>label that needs no alert')
        things.append("<b>✕</b>without a label")
    things += ["eyes on:"] * bool(zones)
    things += [
        f'<i class="lab" style="background:var(--{COLOURS[zone]})"></i>{zone.value}'
        for zone in zones
    ]
    return f'<ul class="key">{"".join(f"<li>{thing}</li>" for thing in things)}</ul>'


def _line_boxes(place: str, lines: Sequence[Mapping[str, object]], titles: Sequence[str]) -> str:
    """Return a box to tick for every line, so that each can be shown or hidden by keyboard too."""
    sets = []
    for panel, title in enumerate(titles):
        boxes = "".join(
            f'<label><input type="checkbox" data-plot="{place}" data-line="{at}"'
            f"{'' if line['hidden'] else ' checked'}>{escape(str(line['name']))}</label>"
            for at, line in enumerate(lines)
            if line["panel"] == panel
        )
        sets.append(f"<fieldset><legend>{escape(title)}</legend>{boxes}</fieldset>")
    return f"<details><summary>Lines to show</summary>{''.join(sets)}</details>"


def _thumbnails(pictures: Sequence[Thumbnail]) -> str:
    made = "".join(
        f'<figure><img alt="the driver at {one.t_s:.2f} s, {escape(one.text)}"'
        f' src="data:image/jpeg;base64,{base64.b64encode(one.jpeg).decode()}">'
        f"<figcaption>{one.t_s:.2f} s, {escape(one.text)}</figcaption></figure>"
        for one in pictures
    )
    return f'<div class="thumbs">{made}</div>'


def _number(count: int, wrong: bool = False) -> str:
    kind = "zero" if count == 0 else "wrong" if wrong else ""
    return f'<span class="{kind}">{count}</span>' if kind else str(count)


def _length(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
