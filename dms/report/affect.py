"""The report's part on how a drive felt: what the net read, and what that is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from dms.files.affect import AngerEpisode, SessionAffect, session_affect
from dms.files.frames import Series
from dms.report.page import Column, signed, table
from dms.report.timeline import LEVEL_NAMES
from dms.values import EmotionBy, Event, Level

_COLUMNS = (
    Column("from s", number=True), Column("peak at s", number=True), Column("to s", number=True),
    Column("level"), Column("why"),
)  # fmt: skip


def affect_part(frames: Mapping[str, Series], events: Sequence[Event]) -> str:
    """Return time in each expression, valence, liveliness and episodes; "" where none was read."""
    affect = session_affect(frames, events)
    if affect is None:
        return ""
    bars = "".join(
        f'<li><span>{name}</span><span class="bar"><i style="width:{share:.1%}"></i></span>'
        f'<span class="n">{share:.0%}</span></li>'
        for share, name in _shares(affect)
        if share >= 0.005
    )
    parts = [
        "<h3>Affect</h3><p>Strongest expression, share of the time it was read"
        f" ({affect.seen_s:.0f} s). {_against(affect)}{_figures(affect)}</p>",
        f'<ul class="affect">{bars}</ul>',
    ]
    if affect.episodes:
        parts.append(table("episodes of anger", _COLUMNS, map(_row, affect.episodes), cards=True))
    parts.append(f"<p>{escape(affect.note)}</p>")
    return "".join(parts)


def _against(affect: SessionAffect) -> str:
    """Say what the scores were read against."""
    share = affect.against_rest_s / max(affect.seen_s, 1e-9)
    if not share:
        return "Read as anybody's face (absolute), not against the driver's own resting face."
    before = "" if share > 0.995 else ", before that as anybody's face (absolute)"
    return f"Read against the driver's own resting face for {share:.0%} of it{before}."


def _shares(affect: SessionAffect) -> list[tuple[float, str]]:
    total_s = max(affect.seen_s, 1e-9)
    return sorted(((seconds / total_s, name) for name, seconds in affect.seconds.items()))[::-1]


def _figures(affect: SessionAffect) -> str:
    own, told = affect.read_by == EmotionBy.REST.value, ""
    if own and affect.against_rest_s < affect.seen_s:
        told = " What follows is of that part alone."
    if affect.mean_valence is not None:
        told += f" Mean valence {signed(affect.mean_valence)} (-1 unpleasant to 1 pleasant)."
    if affect.expressivity is not None:
        told += f" Mean distance from the resting face {affect.expressivity:.2f} of 1"
        if affect.liveliness is not None:
            told += f", {affect.liveliness:.1f} times that of the first minute (below 1: flatter)"
        told += "."
    for name, count in affect.flashes.items():
        against = affect.flashes_against_rest.get(name, 0)
        told += f" Micro-expressions of {name}: {count}, {against} of them read against rest."
    return told


def _row(episode: AngerEpisode) -> list[str]:
    return [
        f"{episode.start_s:.2f}",
        "–" if episode.peak_s is None else f"{episode.peak_s:.2f}",
        "open" if episode.end_s is None else f"{episode.end_s:.2f}",
        LEVEL_NAMES[Level(episode.level)],
        escape(episode.reason),
    ]
