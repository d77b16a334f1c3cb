"""One setting of the decision varied over recorded observations: recall against false alarms.

No pixel is looked at again, so hours of video are swept in minutes, and a threshold is chosen by
evidence. Only settings of the decision core can be swept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

from dms.bench.bench import bench
from dms.bench.job import match_events
from dms.chain import Chain
from dms.config import load
from dms.errors import ConfigError
from dms.files import observations
from dms.report.page import Column, plot, section, spoken, table, write_page
from dms.report.timeline import plotly_js
from dms.scoring.corpus import Entry
from dms.scoring.match import ScoringSettings, tally
from dms.scoring.quality import Figure, KindFigures, Quality, QualitySettings, Scored, measure
from dms.values import Kind

_HELD = 30_000  # moments of a recording, some 35 MB, that are read once for all values


@dataclass(frozen=True, slots=True)
class Point:
    """The figures at one value of the swept setting."""

    value: str
    quality: Quality


def sweep(
    entries: Sequence[Entry],
    run: Path,
    key: str,
    values: Sequence[str],
    config: Path | None = None,
    overrides: Sequence[str] = (),
    progress: Callable[[], None] | None = None,
) -> list[Point]:
    """Replay the observations that ``run`` kept at each value of ``key`` and score them.

    Raises ConfigError for a setting outside ``core``, for a run without observations, or where no
    recording has labels.
    """
    if not key.startswith("core."):
        raise ConfigError(f"{key} is no setting of the decision; a sweep varies core.* settings")
    sources = [(entry, run / entry.name / "observations.jsonl") for entry in entries]
    missing = [entry.name for entry, seen in sources if not seen.is_file()]
    if missing:
        raise ConfigError(
            f"{run} holds no observations of {missing[0]}; run it with --keep-observations"
        )
    labelled = [
        (entry, seen, labels)
        for entry, seen in sources
        if (labels := entry.read_labels()) is not None
    ]
    if not labelled:
        raise ConfigError("none of the recordings has labels, so there is nothing to measure by")
    fixed = [*overrides, "bridges=[]"]
    chains = [Chain(load(config, [*fixed, f"{key}={value}"])) for value in values]
    scored: list[list[Scored]] = [[] for _ in values]
    for entry, seen, labels in labelled:
        held = tuple(islice(observations.load(seen), _HELD + 1))
        moments = held if len(held) <= _HELD else None
        for chain, of_value in zip(chains, scored, strict=True):
            result = bench(str(seen), chain, moments=moments)
            matches = match_events(result.events, labels, ScoringSettings(), chain)
            counts = tally(matches, labels.kinds)
            of_value.append(Scored(entry.name, result.duration_s, tallies=counts))
            if progress:
                progress()
    quality = QualitySettings()
    return [Point(value, measure(one, quality)) for value, one in zip(values, scored, strict=True)]


def write_curve(points: Sequence[Point], key: str, kind: Kind, path: Path) -> None:
    """Write an offline page with recall against false alarms an hour, one dot a value.

    Raises ConfigError without Plotly (extra ``bench``) or where ``path`` cannot be written.
    """
    known = [(one.value, one.quality.kinds[kind]) for one in points if kind in one.quality.kinds]
    lead = f"{spoken(kind.value)} at each value of {key}; ranges are 95 % over recordings"
    if known:
        caption = "Recall against false alarms an hour; the table below tells the same in numbers."
        body = [section("Recall against false alarms", plot(0, _figure(known), caption))]
        body.append(section("Figures", _table(key, known)))
    else:
        body = [section("Figures", f"<p>Nothing was labelled as {spoken(kind.value)}.</p>")]
    write_page(path, f"dms bench: sweep of {key}", lead, body, plotly_js())


def _figure(known: Sequence[tuple[str, KindFigures]]) -> dict[str, Any]:
    recall, rate = [one.recall for _, one in known], [one.false_per_hour for _, one in known]
    axis = {"gridcolor": "@grid", "zeroline": False, "linecolor": "@line"}
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers+text",
                "x": [one.value for one in rate],
                "y": [one.value for one in recall],
                "error_x": _bars(rate),
                "error_y": _bars(recall),
                "text": [f"<b>{value}</b>" for value, _ in known],
                "textposition": "bottom right",
                "textfont": {"color": "@ink"},
                "line": {"color": "@blue", "width": 2},
                "marker": {"color": "@blue", "size": 9},
                "hovertemplate": "%{text}: recall %{y:.3f}, %{x:.2f} false per h<extra></extra>",
            }
        ],
        "layout": {
            "height": 460,
            "margin": {"l": 60, "r": 24, "t": 16, "b": 52},
            "font": {"color": "@soft", "size": 13},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": {"title": {"text": "false alarms per hour"}, "rangemode": "tozero", **axis},
            "yaxis": {"title": {"text": "recall"}, "range": [-0.02, 1.06], **axis},
        },
    }


def _table(key: str, known: Sequence[tuple[str, KindFigures]]) -> str:
    names = ("recall", "precision", "F1", "false per h")
    columns = (Column(key, strong=True), *(Column(name, number=True) for name in names))
    rows = [
        [
            escape(value),
            *(_cell(f) for f in (one.recall, one.precision, one.f1, one.false_per_hour)),
        ]
        for value, one in known
    ]
    return table(f"Figures at each value of {key}", columns, rows)


def _cell(figure: Figure) -> str:
    if figure.value is None:
        return "–"
    told = f"{figure.value:.3f}"
    if figure.interval is not None:
        low, high = figure.interval
        told += f' <span class="small">{low:.3f} to {high:.3f}</span>'
    return told


def _bars(figures: Sequence[Figure]) -> dict[str, Any]:
    """Return the intervals as whiskers; none where there is no interval."""
    pairs = [
        (one.interval[0] - one.value, one.interval[1] - one.value)
        if one.value is not None and one.interval is not None
        else (0.0, 0.0)
        for one in figures
    ]
    below, above = [max(-low, 0.0) for low, _ in pairs], [max(high, 0.0) for _, high in pairs]
    return {
        "type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1,
        "color": "@soft",
    }  # fmt: skip
