"""Recorded observations whose events are known: any change of the decision shows here.

A wanted change is kept with tools/make/golden.py; read the difference before you commit it.
"""

import gzip
from pathlib import Path

import pytest

from dms.bench.compare import CompareSettings, match_alerts
from dms.decision.core import Core
from dms.files.events import load_events
from dms.files.observations import load
from dms.values import Level

HERE = Path(__file__).parent
NAMES = sorted(path.name.removesuffix(".jsonl.gz") for path in HERE.glob("*.jsonl.gz"))


def replayed(name, folder):
    plain = folder / f"{name}.jsonl"
    plain.write_bytes(gzip.decompress((HERE / f"{name}.jsonl.gz").read_bytes()))
    core, events = Core(), []
    for moment in load(plain):
        seen = moment.observation
        events += core.step(seen, moment.vehicle, seen.t_s, moment.faults).events
    return events


def test_there_are_golden_replays():
    assert "film" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_alerts_are_those_that_were_kept(name, tmp_path):
    before = load_events(HERE / f"{name}.events.jsonl")
    after = replayed(name, tmp_path)
    assert match_alerts(name, before, after, CompareSettings()) == []
    assert any(event.level > Level.NONE for event in after)


@pytest.mark.parametrize("name", NAMES)
def test_as_many_blinks_and_yawns_as_were_kept(name, tmp_path):
    def observed(events):
        return sorted(event.kind.value for event in events if event.level == Level.NONE)

    before = load_events(HERE / f"{name}.events.jsonl")
    assert observed(replayed(name, tmp_path)) == observed(before)
