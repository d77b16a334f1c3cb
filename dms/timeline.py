"""The timeline of one recording as an interactive figure: what was seen, told and labelled."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dms.errors import ConfigError
from dms.frames import Series, thin
from dms.labels import Labels
from dms.scoring import Match, Verdict
from dms.values import EXPRESSIONS, Event, Kind, Level

MOST_POINTS = 1600  # of one line; more than a screen has pixels, and SVG stays quick

# Okabe and Ito's colours, told apart by colour-blind eyes; readable on light and dark.
BLUE, SKY, GREEN, ORANGE, RED, PURPLE = (
    "#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00", "#cc79a7",
)  # fmt: skip
LEVEL_COLOURS = {
    Level.NONE: "#8a94a3", Level.ADVISORY: ORANGE, Level.WARNING: RED, Level.CRITICAL: "#c0143c",
}  # fmt: skip
LEVEL_NAMES = {
    Level.NONE: "observed", Level.ADVISORY: "advisory", Level.WARNING: "warning",
    Level.CRITICAL: "critical",
}  # fmt: skip
_EXPRESSION_COLOURS = dict(
    zip(
        EXPRESSIONS,
        ("#8a94a3", GREEN, SKY, BLUE, "#c0143c", ORANGE, PURPLE, "#a37c3f"),
        strict=True,
    )
)
_SHOWN = {"neutral", "happiness", "anger", "disgust"}  # the others wait in the legend


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a panel: column of the frame table, its name and colour."""

    column: str
    name: str
    colour: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel below the lanes of events."""

    title: str
    lines: tuple[Line, ...]
    height: float
    limits: tuple[float, float] | None = None


PANELS = (
    Panel(
        "eye openness",
        (
            Line("openness_right", "right eye", BLUE),
            Line("openness_left", "left eye", SKY),
            Line("perclos", "PERCLOS P80", RED),
        ),
        1.2,
        (-0.03, 1.08),
    ),
    Panel(
        "head, degrees",
        (
            Line("yaw_deg", "yaw (left +)", BLUE),
            Line("pitch_deg", "pitch (up +)", ORANGE),
            Line("roll_deg", "roll (right +)", "#8a94a3", hidden=True),
        ),
        1.0,
    ),
    Panel("mouth", (Line("mar", "mouth aspect ratio", PURPLE),), 0.6),
    Panel(
        "expression",
        tuple(Line(e, e, _EXPRESSION_COLOURS[e], e not in _SHOWN) for e in EXPRESSIONS),
        1.2,
        (-0.03, 1.08),
    ),
    Panel(
        "affect",
        (Line("valence", "valence (pleasant +)", GREEN), Line("rage", "rage evidence", RED)),
        0.6,
        (-1.05, 1.05),
    ),
    Panel("KSS-like", (Line("drowsiness", "drowsiness 1..9", GREEN),), 0.6, (0.5, 9.5)),
)


def figure(
    frames: dict[str, Series],
    events: Sequence[Event],
    labels: Labels | None,
    matches: Sequence[Match],
) -> str:
    """Return the figure as Plotly JSON: lanes of events and labels, then the panels.

    Panels without a known value are left out. Raises ConfigError without Plotly (extra ``bench``).
    """
    subplots = _plotly("plotly.subplots")
    panels = [panel for panel in PANELS if any(_known(frames, line) for line in panel.lines)]
    lanes = _lanes(events, labels)
    heights = [0.25 + 0.16 * max(len(lanes), 1), *(panel.height for panel in panels)]
    plot = subplots.make_subplots(
        rows=1 + len(panels),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.025,
        row_heights=heights,
    )
    _draw_lanes(plot, lanes, events, labels, matches)
    for row, panel in enumerate(panels, 2):
        _draw_panel(plot, row, panel, frames)
    _arrange(plot, panels, sum(heights))
    return str(plot.to_json())


def plotly_js() -> str:
    """Return Plotly's own script, to be put into the page once."""
    return str(_plotly("plotly.offline").get_plotlyjs())


def _plotly(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError("the report needs Plotly: pip install 'dms-jetson[bench]'") from error


def _known(frames: dict[str, Series], line: Line) -> bool:
    values = frames.get(line.column)
    return values is not None and bool(np.isfinite(values).any())


def _lanes(events: Sequence[Event], labels: Labels | None) -> list[Kind]:
    """Return the kinds that occur, the gravest on top."""
    occurring = {event.kind for event in events}
    if labels is not None:
        occurring |= {label.kind for label in labels.events}
    order = list(Kind)
    return sorted(occurring, key=order.index)


def _draw_lanes(
    plot: Any,
    lanes: list[Kind],
    events: Sequence[Event],
    labels: Labels | None,
    matches: Sequence[Match],
) -> None:
    graph = _plotly("plotly.graph_objects")
    names = [kind.value for kind in lanes]
    if labels is not None and labels.events:
        plot.add_trace(
            graph.Bar(
                base=[label.start_s for label in labels.events],
                x=[max(label.end_s - label.start_s, 0.05) for label in labels.events],
                y=[label.kind.value for label in labels.events],
                orientation="h",
                width=0.72,
                marker={"color": "rgba(0,158,115,0.35)", "line": {"color": GREEN, "width": 1}},
                name="labelled",
                hovertext=[
                    f"labelled {label.kind.value} {label.start_s:.2f} to {label.end_s:.2f} s"
                    + (" (optional)" if label.optional else "")
                    for label in labels.events
                ],
                hoverinfo="text",
            ),
            row=1,
            col=1,
        )
    false = {id(one.event) for one in matches if one.verdict is Verdict.FALSE}
    for level in Level:
        told = [event for event in events if event.level == level]
        if not told:
            continue
        plot.add_trace(
            graph.Scatter(
                x=[event.t_s for event in told],
                y=[event.kind.value for event in told],
                mode="markers",
                name=LEVEL_NAMES[level],
                marker={
                    "color": LEVEL_COLOURS[level],
                    "size": 7 if level is Level.NONE else 11,
                    "symbol": ["x" if id(event) in false else "diamond" for event in told],
                },
                hovertext=[
                    f"{event.t_s:.2f} s {event.kind.value}, {LEVEL_NAMES[level]}: {event.reason}"
                    + (" (no label)" if id(event) in false else "")
                    for event in told
                ],
                hoverinfo="text",
            ),
            row=1,
            col=1,
        )
    plot.update_yaxes(row=1, col=1, categoryorder="array", categoryarray=names, type="category")


def _draw_panel(plot: Any, row: int, panel: Panel, frames: dict[str, Series]) -> None:
    graph = _plotly("plotly.graph_objects")
    for line in panel.lines:
        if not _known(frames, line):
            continue
        t_s, values = thin(frames["t_s"], frames[line.column], MOST_POINTS)
        plot.add_trace(
            graph.Scatter(
                x=t_s.round(3),
                y=values.round(4),
                mode="lines",
                name=line.name,
                line={"color": line.colour, "width": 1.4},
                connectgaps=False,
                visible="legendonly" if line.hidden else True,
                legend=f"legend{row}",
                hovertemplate="%{y:.3f} at %{x:.2f} s<extra>" + line.name + "</extra>",
            ),
            row=row,
            col=1,
        )
    plot.update_yaxes(row=row, col=1, range=panel.limits, title_text=panel.title)


def _arrange(plot: Any, panels: list[Panel], heights: float) -> None:
    """Set size, one legend beside each panel, and colours that suit a light and a dark page."""
    legends = {}
    for row in range(1, 2 + len(panels)):
        axis = plot.layout["yaxis" if row == 1 else f"yaxis{row}"]
        legends["legend" if row == 1 else f"legend{row}"] = {
            "x": 1.005,
            "y": axis.domain[1],
            "yanchor": "top",
            "xanchor": "left",
            "bgcolor": "rgba(0,0,0,0)",
            "tracegroupgap": 0,
            "font": {"size": 11},
        }
    plot.update_layout(
        **legends,
        height=int(110 + 145 * heights),
        margin={"l": 92, "r": 130, "t": 34, "b": 40},
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(128,128,128,0.06)",
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": "#8a94a3", "activecolor": BLUE},
        hovermode="closest",
        barmode="overlay",
        dragmode="zoom",
        font={"family": "system-ui, sans-serif", "size": 12, "color": "#808890"},
    )
    grid = {"gridcolor": "rgba(128,128,128,0.18)", "zeroline": False}
    plot.update_xaxes(**grid)
    plot.update_yaxes(**grid, title_font={"size": 11}, fixedrange=True)
    plot.update_xaxes(title_text="seconds from the start", row=1 + len(panels), col=1)
