"""The tables of figures on the report: events against labels, by group, and frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np

from dms.report.page import Column, signed, spoken, table
from dms.scoring.match import Tally
from dms.scoring.quality import Figure, Quality
from dms.values import Kind

_SCORES = (
    Column("kind", strong=True),
    Column("found", number=True, hint="labelled events that were found"),
    Column("missed", number=True),
    Column("false", number=True, hint="told without a label"),
    Column("recall"),
    Column("precision"),
    Column("F1"),
    Column("false per h", number=True),
    Column("delay, s", number=True, hint="median from the rule's time to the alert"),
    Column("p95", number=True, hint="95th percentile of the delay"),
)
_NOTE = '<p class="small">Ranges: 95 % over {count} recordings, by bootstrap.</p>'


def score_table(tallies: Mapping[Kind, Tally], hours: float, quality: Quality | None) -> str:
    """Return found, missed and false per kind of event, with rates, intervals and delays."""
    rows = []
    for kind, one in tallies.items():
        figures = quality.kinds.get(kind) if quality else None
        rate = one.false / hours if hours > 0 else None
        if figures is not None:  # over the hours in which this kind was labelled
            rate = figures.false_per_hour.value
        per_hour = "–" if rate is None else f"{rate:.1f}"
        rows.append(
            [
                escape(spoken(kind.value)),
                f"{one.found} of {one.found + one.missed}",
                _wrong(one.missed),
                _wrong(one.false),
                _share(one.recall, figures.recall if figures else None),
                _share(one.precision, figures.precision if figures else None),
                _share(one.f1, figures.f1 if figures else None),
                per_hour + _range(figures.false_per_hour if figures else None, 1),
                signed(float(np.median(one.delays_s))) if one.delays_s else "–",
                signed(float(np.quantile(one.delays_s, 0.95))) if one.delays_s else "–",
            ]
        )
    many = quality is not None and quality.recordings > 1
    note = _NOTE.format(count=quality.recordings) if quality and many else ""
    return table("Events against labels", _SCORES, rows) + note


def group_table(column: str, groups: Mapping[str, Quality]) -> str:
    """Return the figures of each value of a manifest's column."""
    columns = (
        Column(spoken(column), strong=True),
        Column("recordings", number=True),
        Column("eyes seen", number=True),
        Column("kind"),
        Column("labelled", number=True),
        Column("recall"),
        Column("precision"),
        Column("F1"),
        Column("false per h", number=True),
    )
    rows = []
    for value, quality in groups.items():
        seen = "–" if quality.availability is None else f"{quality.availability:.0%}"
        head = [escape(value), str(quality.recordings), seen]
        for kind, one in quality.kinds.items():
            rate = "–" if one.false_per_hour.value is None else f"{one.false_per_hour.value:.1f}"
            rows.append(
                [
                    *head,
                    escape(spoken(kind.value)),
                    str(one.labelled),
                    *(_share(f.value, f) for f in (one.recall, one.precision, one.f1)),
                    rate + _range(one.false_per_hour, 1),
                ]
            )
        if not quality.kinds:
            rows.append([*head, "nothing labelled", "0", "–", "–", "–", "–"])
    return table(f"Figures by {column}", columns, rows)


def confusion_table(quality: Quality) -> str:
    """Return how the labelled states were reported, in shares of frames, and PERCLOS's error."""
    truths = sorted({truth for truth, _ in quality.confusion})
    told = sorted({said for _, said in quality.confusion})
    columns = (
        Column("truth", strong=True),
        Column("frames", number=True),
        *(Column(f"told {spoken(said)}", number=True) for said in told),
    )
    rows = []
    for truth in truths:
        counts = [quality.confusion.get((truth, said), 0) for said in told]
        total = sum(counts)
        rows.append(
            [escape(spoken(truth)), str(total), *(f"{100 * c / total:.1f} %" for c in counts)]
        )
    error = quality.perclos_error
    note = (
        "" if error is None else f"<p>PERCLOS differs from the truth by {error:.3f} on average.</p>"
    )
    return table("States frame by frame", columns, rows) + note


def _share(value: float | None, figure: Figure | None) -> str:
    if value is None:
        return "–"
    bar = f'<span class="bar"><i style="width:{100 * value:.0f}%"></i></span>'
    return f"{value:.2f}{_range(figure)}{bar}"


def _range(figure: Figure | None, digits: int = 2) -> str:
    if figure is None or figure.interval is None:
        return ""
    low, high = figure.interval
    return f' <span class="small span">{low:.{digits}f} to {high:.{digits}f}</span>'


def _wrong(count: int) -> str:
    return f'<span class="{"wrong" if count else "zero"}">{count}</span>'
