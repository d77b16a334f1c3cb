"""The timeline of one recording as an interactive figure: what was seen, told and labelled.

A figure is Plotly's JSON with two liberties that the page resolves: a colour ``@name`` is the
page's colour of that name, light or dark, and lines come packed (:mod:`dms.report.packing`).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dms.errors import ConfigError
from dms.files.frames import Series
from dms.report.gaze_strip import LANE, zone_bars
from dms.report.packing import pack
from dms.report.page import spoken
from dms.report.thinning import thinned
from dms.scoring.labels import Label, Labels
from dms.scoring.match import Match, Verdict
from dms.stretches import runs
from dms.values import EXPRESSIONS, Event, Kind, Level

LEVEL_NAMES = {
    Level.NONE: "observed", Level.ADVISORY: "advisory", Level.WARNING: "warning",
    Level.CRITICAL: "critical",
}  # fmt: skip
UNSEEN = "eyes unseen"
_SHOWN = {"neutral", "happiness", "anger", "disgust"}  # the others wait in the list of lines
_COLOURS = ("grey", "green", "sky", "blue", "red", "orange", "purple", "brown")
_LANE_PX, _TITLE_PX, _GAP_PX, _AXIS_PX = 26, 26, 10, 44
_LEAST_UNSEEN_S = 0.5  # shorter gaps are no bar of their own
_MOST_BANDS = 400
_LEAST_SHOWN_S = 0.2


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a panel. ``step``: its resolution on the page, in the column's unit."""

    column: str
    name: str
    colour: str
    step: float = 0.005
    hidden: bool = False
    stairs: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel below the lanes of events."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    height_px: int = 84
    limits: tuple[float, float] | None = None


PANELS = (
    Panel(
        "Eyes",
        "openness 0..1",
        (
            Line("openness_right", "right", "blue"),
            Line("openness_left", "left", "sky"),
            Line("perclos", "PERCLOS", "red", 0.001),
        ),
        120,
        (-0.04, 1.08),
    ),
    Panel(
        "Head",
        "degrees",
        (
            Line("yaw_deg", "yaw (left +)", "blue", 0.1),
            Line("pitch_deg", "pitch (up +)", "orange", 0.1),
            Line("roll_deg", "roll (right +)", "grey", 0.1, hidden=True),
        ),
        100,
    ),
    Panel(
        "Gaze against the road",
        "degrees",
        (
            Line("gaze_yaw_deg", "yaw (left +)", "blue", 0.1),
            Line("gaze_pitch_deg", "pitch (up +)", "orange", 0.1),
            Line("gaze_sd_deg", "deviation", "grey", 0.1, hidden=True),
        ),
        100,
        (-50, 50),
    ),
    Panel("Mouth", "", (Line("mar", "aspect ratio", "purple"),), 64),
    Panel(
        "Expression",
        "0..1",
        tuple(
            Line(name, name, colour, hidden=name not in _SHOWN)
            for name, colour in zip(EXPRESSIONS, _COLOURS, strict=True)
        ),
        110,
        (-0.04, 1.08),
    ),
    Panel(
        "Affect",
        "-1..1",
        (
            Line("valence", "valence (pleasant +)", "green"),
            Line("rage", "rage evidence", "red"),
            Line("against_rest", "read against own rest", "grey", hidden=True),
        ),
        84,
        (-1.08, 1.08),
    ),
    Panel(
        "Drowsiness",
        "1..9",
        (Line("drowsiness", "estimate", "green", 1, stairs=True),),
        64,
        (0, 10),
    ),
    Panel("Speed", "km/h", (Line("speed_kmh", "speed", "blue", 0.1),), 72),
    Panel(
        "Steering wheel", "degrees", (Line("steering_deg", "angle (left +)", "purple", 0.1),), 72
    ),
    Panel(
        "Pedals and horn",
        "0..1",
        (
            Line("brake", "brake", "red"),
            Line("accelerator", "accelerator", "green"),
            Line("horn", "horn", "orange", 1, stairs=True),
        ),
        72,
        (-0.08, 1.12),
    ),
    Panel("Acceleration", "m/s²", (Line("acceleration_mps2", "forward +", "brown", 0.01),), 72),
)

# What the figure reads of a frame table.
DRAWN_COLUMNS = frozenset(
    {
        "t_s",
        "level",
        "openness",
        "gaze_zone",
        *(line.column for panel in PANELS for line in panel.lines),
    }
)


def figure(
    frames: Mapping[str, Series],
    events: Sequence[Event],
    labels: Labels | None,
    matches: Sequence[Match],
) -> dict[str, Any]:
    """Return the figure as JSON: lanes of events and labels, then the panels that hold anything."""
    panels = [
        (panel, lines)
        for panel in PANELS
        if (lines := [line for line in panel.lines if _known(frames, line.column)])
    ]
    kept = thinned(frames, [event.t_s for event in events if event.level > Level.NONE])
    kinds = _kinds(events, labels)
    unseen = _unseen(frames)
    zones = zone_bars(frames)
    lanes = [*([LANE] if zones else []), *([UNSEEN] if unseen else [])]
    lanes += [spoken(kind.value) for kind in reversed(kinds)]
    lanes_px = _LANE_PX * max(len(lanes), 1)
    heights = [lanes_px, *(panel.height_px for panel, _ in panels)]
    layout, tops = _layout(frames, lanes, heights, [panel.limits for panel, _ in panels])
    layout["shapes"] = _bands(frames)
    data = [*zones, *([_unseen_bars(unseen)] if unseen else [])]
    data += _label_bars(labels, matches) + _markers(events, matches)
    return {
        "data": data,
        "layout": layout,
        "panels": [
            {"title": panel.title, "unit": panel.unit, "top": top}
            for (panel, _), top in zip(panels, tops[1:], strict=True)
        ],
        "lines": [
            {
                "column": line.column,
                "name": line.name,
                "colour": f"@{line.colour}",
                "panel": at,
                "hidden": line.hidden,
                "stairs": line.stairs,
            }
            for at, (_, lines) in enumerate(panels)
            for line in lines
        ],
        "packed": pack(kept, {line.column: line.step for _, lines in panels for line in lines}),
    }


def plotly_js() -> str:
    """Return Plotly's own script. Raises ConfigError without Plotly (extra ``bench``)."""
    try:
        offline: Any = importlib.import_module("plotly.offline")
    except ImportError as error:
        raise ConfigError("the report needs Plotly: pip install 'dms-jetson[bench]'") from error
    return str(offline.get_plotlyjs())


def _known(frames: Mapping[str, Series], column: str) -> bool:
    values = frames.get(column)
    return values is not None and bool(np.isfinite(values).any())


def _kinds(events: Sequence[Event], labels: Labels | None) -> list[Kind]:
    """Return the kinds that occur, the gravest last, as lanes are drawn from below."""
    occurring = {event.kind for event in events}
    if labels is not None:
        occurring |= {label.kind for label in labels.events}
    return sorted(occurring, key=list(Kind).index, reverse=True)


def _layout(
    frames: Mapping[str, Series],
    lanes: Sequence[str],
    heights: Sequence[int],
    limits: Sequence[tuple[float, float] | None],
) -> tuple[dict[str, Any], list[float]]:
    """Return the layout and each panel's upper end, as a share of the plot from below."""
    inner = sum(heights) + (_TITLE_PX + _GAP_PX) * (len(heights) - 1)
    first_s, last_s = _ends(frames["t_s"])
    axis = {"gridcolor": "@grid", "zeroline": False, "fixedrange": True, "automargin": False}
    layout: dict[str, Any] = {
        "height": inner + _AXIS_PX + 8,
        "xaxis": {
            "range": [first_s, last_s],
            "anchor": f"y{len(heights)}" if len(heights) > 1 else "y",
            "gridcolor": "@grid",
            "zeroline": False,
        },
    }
    tops, from_top = [], 0
    for at, height in enumerate(heights):
        low, high = 1 - (from_top + height) / inner, 1 - from_top / inner
        tops.append(high)
        place = {"domain": [max(low, 0.0), high], "anchor": "x", **axis}
        if at == 0:
            place |= {
                "type": "category", "categoryorder": "array", "categoryarray": list(lanes),
                "range": [-0.5, max(len(lanes), 1) - 0.5], "showgrid": False,
            }  # fmt: skip
        else:
            place |= {"nticks": 4}
            if limits[at - 1] is not None:
                place |= {"range": list(limits[at - 1] or ())}
        layout["yaxis" if at == 0 else f"yaxis{at + 1}"] = place
        from_top += height + _TITLE_PX + _GAP_PX
    return layout, tops


def _ends(t_s: Series) -> tuple[float, float]:
    """Return what the axis shows: a recording may begin at any time, and be a single frame."""
    if not len(t_s):
        return 0.0, 1.0
    first_s = float(t_s[0])
    return first_s, max(float(t_s[-1]), first_s + _LEAST_SHOWN_S)


def _bands(frames: Mapping[str, Series]) -> list[dict[str, Any]]:
    """Return the stretches in which an alert stood, as bands behind all panels."""
    levels, t_s = frames.get("level"), frames["t_s"]
    if levels is None:
        return []
    return [
        {
            "type": "rect", "xref": "x", "yref": "paper", "layer": "below",
            "x0": float(t_s[first]), "x1": float(t_s[min(last + 1, len(t_s) - 1)]),
            "y0": 0, "y1": 1, "line": {"width": 0}, "fillcolor": f"@band{level.value}",
        }
        for level in list(Level)[1:]
        for first, last in runs(levels == level.value)
    ][:_MOST_BANDS]  # fmt: skip


def _unseen(frames: Mapping[str, Series]) -> list[tuple[float, float]]:
    """Return when the eyes were not seen, in seconds."""
    openness, t_s = frames.get("openness"), frames["t_s"]
    if openness is None:
        return []
    gaps = [(float(t_s[a]), float(t_s[b])) for a, b in runs(np.isnan(openness))]
    return [(start_s, end_s) for start_s, end_s in gaps if end_s - start_s >= _LEAST_UNSEEN_S]


def _unseen_bars(gaps: Sequence[tuple[float, float]]) -> dict[str, Any]:
    return _bars(
        [UNSEEN] * len(gaps),
        list(gaps),
        "@grey",
        [f"eyes not seen {a:.2f} to {b:.2f} s" for a, b in gaps],
    )


def _label_bars(labels: Labels | None, matches: Sequence[Match]) -> list[dict[str, Any]]:
    """Return one trace of bars for each fate of a label: met, missed, or none needed."""
    if labels is None:
        return []
    missed = {one.label for one in matches if one.verdict is Verdict.MISSED}
    traces = []
    for colour, told, chosen in (
        ("@good", "", [one for one in labels.events if one not in missed and not one.optional]),
        ("@bad", ", missed", [one for one in labels.events if one in missed]),
        ("@grey", ", optional", [one for one in labels.events if one.optional]),
    ):
        if chosen:
            traces.append(
                _bars(
                    [spoken(one.kind.value) for one in chosen],
                    [(one.start_s, one.end_s) for one in chosen],
                    colour,
                    [_label_text(one) + told for one in chosen],
                )
            )
    return traces


def _label_text(label: Label) -> str:
    return f"labelled {spoken(label.kind.value)} {label.start_s:.2f} to {label.end_s:.2f} s"


def _bars(
    lanes: list[str], spans: list[tuple[float, float]], colour: str, texts: list[str]
) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "base": [start_s for start_s, _ in spans],
        "x": [max(end_s - start_s, 0.03) for start_s, end_s in spans],
        "y": lanes,
        "width": 0.66,
        "opacity": 0.55,
        "marker": {"color": colour, "line": {"color": colour, "width": 1}},
        "text": texts,
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
        "showlegend": False,
    }


def _markers(events: Sequence[Event], matches: Sequence[Match]) -> list[dict[str, Any]]:
    """Return one trace of markers a level: alerts as diamonds, a cross where there is no label."""
    false = {id(one.event) for one in matches if one.verdict is Verdict.FALSE}
    traces = []
    for level in Level:
        told = [event for event in events if event.level == level]
        if told:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": [round(event.t_s, 3) for event in told],
                    "y": [spoken(event.kind.value) for event in told],
                    "name": LEVEL_NAMES[level],
                    "marker": {
                        "color": f"@level{level.value}",
                        "size": 6 if level is Level.NONE else 12,
                        "symbol": [_symbol(event, id(event) in false) for event in told],
                        "line": {"color": "@card", "width": 0 if level is Level.NONE else 1},
                    },
                    "text": [_event_text(event, id(event) in false) for event in told],
                    "hovertemplate": "%{text}<extra></extra>",
                    "showlegend": False,
                }
            )
    return traces


def _symbol(event: Event, false: bool) -> str:
    if false:
        return "x"
    return "circle" if event.level is Level.NONE else "diamond"


def _event_text(event: Event, false: bool) -> str:
    told = f"{event.t_s:.2f} s {spoken(event.kind.value)}, {LEVEL_NAMES[event.level]}"
    return f"{told}: {event.reason}" + (" (no label)" if false else "")
