"""The soak in short, and that it can tell a product that loses, invents or hides something."""

import dataclasses

import pytest

import dms.decision.core
from dms.values import Event, Kind, Level
from tools.soak import day
from tools.soak.tally import Tally

pytestmark = pytest.mark.whole  # tools/test --quick leaves it out


def drive(hours=0.25, seed=3):
    tally = Tally()
    day.run_day(hours, seed, tally)
    return tally


def test_a_quarter_of_an_hour_of_drives_with_faults():
    tally = drive()
    assert tally.judge() == []
    assert tally.expected == tally.heard > 5
    assert "day: " in tally.table()


def test_a_core_that_nan_can_poison_is_caught(monkeypatch):
    monkeypatch.setattr(dms.decision.core, "finite", lambda seen: seen)
    wrong = drive(0.75, 2).judge()
    assert any("was lost" in line for line in wrong)


def test_a_core_that_keeps_faults_to_itself_is_caught(monkeypatch):
    step = dms.decision.core.Core.step
    monkeypatch.setattr(
        dms.decision.core.Core,
        "step",
        lambda self, seen, vehicle, now, _=(): step(self, seen, vehicle, now),
    )
    assert any("not told" in line for line in drive().judge())


def test_a_core_that_cries_wolf_is_caught(monkeypatch):
    step = dms.decision.core.Core.step

    def crying(self, seen, vehicle, now, faults=()):
        state = step(self, seen, vehicle, now, faults)
        alert = Event(seen.t_s, Kind.SLEEP, Level.CRITICAL, "wolf")
        often = int(seen.t_s * 15) % 3000 == 7
        return dataclasses.replace(state, events=(*state.events, alert)) if often else state

    monkeypatch.setattr(dms.decision.core.Core, "step", crying)
    assert any("invented" in line for line in drive().judge())


def test_late_is_wrong():
    tally = Tally()
    tally.row("x", 1.0).injected = 1
    tally.told("x", 1.5)
    assert tally.judge() == [
        "x: told after 1.50 s, allowed 1.00 s", "x: 1 of 1 not recovered from"
    ]  # fmt: skip


@pytest.mark.slow
def test_the_running_service_tells_and_survives_every_fault(capsys):
    pytest.importorskip("skimage", reason="the extra 'demo' is not installed")
    from tools.soak.__main__ import main

    # Deadlines for a machine twenty times slower: that all is told and mended counts here.
    code = main(["--short", "--patience", "20"])
    assert code == 0, capsys.readouterr().out
