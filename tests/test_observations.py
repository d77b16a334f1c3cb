"""Recorded observations of real clips that once failed, in tests/observations (numbers only)."""

from __future__ import annotations

import gzip
import tempfile
from functools import cache
from pathlib import Path

import pytest

from dms.decision.core import Core
from dms.files.observations import load
from dms.values import Event, Kind, Level, LidsState

HERE = Path(__file__).parent / "observations"
CLOSURES = {Kind.MICROSLEEP, Kind.SLEEP, Kind.UNRESPONSIVE}


@cache
def replayed(name: str) -> tuple[tuple[Event, ...], tuple[tuple[float, LidsState, float], ...]]:
    """Return all events of a recording, and (t_s, lids, away_s) of each frame."""
    core, events, frames = Core(), [], []
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / f"{name}.jsonl"
        plain.write_bytes(gzip.decompress((HERE / f"{name}.jsonl.gz").read_bytes()))
        for moment in load(plain):
            seen = moment.observation
            state = core.step(seen, moment.vehicle, seen.t_s, moment.faults)
            events += state.events
            frames.append((seen.t_s, state.lids, state.away_s))
    return tuple(events), tuple(frames)


def closures(name: str) -> list[tuple[Kind, float]]:
    """Closure alerts of a recording with their instants, without repeats."""
    return [
        (event.kind, round(event.t_s, 2))
        for event in replayed(name)[0]
        if event.kind in CLOSURES
        and event.level >= Level.WARNING
        and not event.values.get("repeated")
    ]


def test_the_sleeper_is_found_to_the_instant() -> None:
    assert closures("sleeper") == [
        (Kind.MICROSLEEP, 2.47), (Kind.SLEEP, 4.47), (Kind.UNRESPONSIVE, 7.47),
    ]  # fmt: skip


def test_both_nod_offs_are_found_as_nods() -> None:
    first, second = closures("nods_off")
    assert first[0] is second[0] is Kind.MICROSLEEP
    assert 2.2 <= first[1] <= 3.1
    assert 8.8 <= second[1] <= 10.0
    nods = [event.end_s for event in replayed("nods_off")[0] if event.kind is Kind.NOD]
    assert nods == [pytest.approx(2.6), pytest.approx(9.6)]


def test_a_look_down_at_food_is_no_sleep_but_away_or_closed() -> None:
    assert closures("looks_down_eating") == []
    _, frames = replayed("looks_down_eating")
    assert max(away_s for t_s, _, away_s in frames if 3.8 <= t_s <= 6.5) > 1.0
    lids = {lids for t_s, lids, _ in frames if 4.2 <= t_s <= 5.6}
    assert lids == {LidsState.AWAY_OR_CLOSED}
    assert max(away_s for t_s, _, away_s in frames if t_s > 13.2) > 0.3


def test_a_look_down_of_the_eyes_alone_is_not_told_apart_without_lids_and_iris() -> None:
    """Recorded before there were any: the clip itself, recorded anew, is held to more.

    Nor does the head tell: at the first one it lies 4 to 6.6 degrees below where it was, as any
    sitting head does, at the second it passes 10 when the lids have read closed for 0.5 s, which is
    how a sleeper's falls. A head that is down from 4 degrees on would doubt the first one alone.
    """
    assert [kind for kind, _ in closures("looks_down_acting")] == [Kind.MICROSLEEP] * 2


@pytest.mark.parametrize(
    ("name", "spans"),
    [
        ("yawns_shut_mouth_1", [(10.0, 11.3), (12.5, 15.3)]),
        ("yawns_shut_mouth_2", [(0.0, 1.0)]),
        ("yawn_shut_mouth_dark", [(14.0, 16.3)]),
    ],
)
def test_no_yawn_with_a_shut_mouth(name: str, spans: list[tuple[float, float]]) -> None:
    yawns = [event.t_s for event in replayed(name)[0] if event.kind is Kind.YAWN]
    assert not [t_s for t_s in yawns for a, b in spans if a <= t_s <= b]


def test_the_sleepers_yawn_behind_a_hand_is_kept() -> None:
    assert [e.kind for e in replayed("sleeper")[0]].count(Kind.YAWN) == 1


def test_the_recordings_name_their_source() -> None:
    said = (HERE / "README.md").read_text(encoding="utf-8")
    for path in HERE.glob("*.gz"):
        assert f"`{path.name}`" in said
