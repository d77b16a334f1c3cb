"""The HTML of offline pages: one self-contained file from a title and its sections."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from dms.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``number``: set to the right; ``strong``: the heading of its row."""

    title: str
    number: bool = False
    strong: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure at the top of a page. ``mood``: good, bad or empty."""

    value: str
    text: str
    mood: str = ""


def spoken(name: str) -> str:
    """Return a stable name as words."""
    return name.replace("_", " ")


def signed(value: float, digits: int = 2) -> str:
    """Return a number with its sign; what rounds to nothing is +0."""
    return f"{round(value, digits) + 0.0:+.{digits}f}"


def clock(t_s: float) -> str:
    """Return seconds of a long drive as hours, minutes and seconds: 1:02:03.40."""
    hundredths = round(t_s * 100)
    hours, minutes = divmod(hundredths // 6000, 60)
    return f"{hours}:{minutes:02}:{hundredths % 6000 / 100:05.2f}"


def write_page(path: Path, title: str, lead: str, body: Iterable[str], script: str) -> None:
    """Write a page to ``path``; ``script``: the library its figures are drawn by.

    Raises ConfigError where it cannot be written.
    """
    text = Template(_part("report.html")).substitute(
        title=escape(title),
        lead=escape(lead),
        body="\n".join(body),
        style=_part("report.css"),
        library=script,
        script=_part("report.js"),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; choose another place") from error


def section(title: str, inner: str, anchor: str = "") -> str:
    """Return a section with its heading; ``inner`` is HTML."""
    mark = f' id="{anchor}"' if anchor else ""
    return f"<section{mark}><h2>{escape(title)}</h2>{inner}</section>"


def tiles(shown: Iterable[Tile]) -> str:
    """Return the figures at the top, as a list of terms for a screen reader."""
    made = "".join(
        f'<div class="tile {one.mood}"><dt>{escape(one.text)}</dt>'
        f"<dd>{escape(one.value)}</dd></div>"
        for one in shown
    )
    return f'<dl class="tiles">{made}</dl>'


def table(
    caption: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], cards: bool = False
) -> str:
    """Return a table of HTML cells; with ``cards`` each row is a card on a phone.

    Roles are named, since a browser forgets them where a style lays a table out otherwise.
    """
    head = "".join(
        f'<th role="columnheader" scope="col"{_class(one)}{_hint(one)}>{escape(one.title)}</th>'
        for one in columns
    )
    body = "".join(f'<tr role="row">{_cells(columns, row)}</tr>' for row in rows)
    kind = ' class="cards"' if cards else ""
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(caption)}">'
        f'<table role="table"{kind}><caption>{escape(caption)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table></div>'
    )


def plot(number: int, made: dict[str, Any], caption: str) -> str:
    """Return a place in which the page draws the figure ``made`` once it is scrolled to."""
    # "</" would end the script element early.
    safe = json.dumps(made, allow_nan=False, separators=(",", ":")).replace("</", "<\\/")
    return (
        f'<div class="plot" id="plot-{number}" data-figure="figure-{number}" role="img"'
        f' aria-label="{escape(caption)}"></div>'
        f'<script type="application/json" id="figure-{number}">{safe}</script>'
    )


def _cells(columns: Sequence[Column], row: Sequence[str]) -> str:
    made = []
    for one, cell in zip(columns, row, strict=True):
        tag, role = ("th", 'role="rowheader" scope="row"') if one.strong else ("td", 'role="cell"')
        name = escape(one.title)
        made.append(f'<{tag} {role} data-name="{name}"{_class(one)}>{cell}</{tag}>')
    return "".join(made)


def _class(column: Column) -> str:
    return ' class="n"' if column.number else ""


def _hint(column: Column) -> str:
    return f' title="{escape(column.hint)}"' if column.hint else ""


def _part(name: str) -> str:
    return files("dms.report").joinpath(name).read_text(encoding="utf-8")
