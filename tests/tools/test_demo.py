from types import SimpleNamespace

import pytest

pytest.importorskip("skimage", reason="the extra 'demo' is not installed")

from dms.bench.bench import Outputs, Result
from dms.chain import Chain
from dms.config import Settings
from dms.decision.core import Core
from dms.files.frames import FrameTable
from dms.files.observations import load
from dms.monitor import replay
from dms.report.gaze_strip import zones_seen
from dms.scoring.labels import Label, load_labels
from dms.scoring.match import Match, Verdict
from dms.values import DriverObservation, DriverState, Event, GazeZone, Kind, Level
from tools.rendering import demo as demo_run
from tools.rendering import drive as maker


class Keeper:
    def __init__(self):
        self.events = []

    def take(self, step):
        self.events += step.state.events


def test_drive_leads_to_rage_while_angry_and_to_nothing_else(tmp_path):
    keeper = Keeper()
    replay(load(maker.make(tmp_path, seed=1)), Core(), sinks=[keeper])
    alerts = [event for event in keeper.events if event.level > Level.NONE]
    assert {event.kind for event in alerts} == {Kind.ROAD_RAGE}
    assert max(event.level for event in alerts) == Level.WARNING
    (label,) = load_labels(tmp_path / "drive.labels.yaml").events
    assert all(label.start_s < event.t_s < label.end_s for event in alerts)


def test_drive_says_that_it_is_synthetic_and_is_the_same_again(tmp_path):
    first, second = (maker.make(tmp_path / name, seed=1) for name in "ab")
    assert first.read_text() == second.read_text()
    assert first.read_text().startswith('{"note": "synthetic')


def test_the_demonstrations_report_shows_what_the_eyes_were_on(tmp_path):
    outputs = Outputs(frames=tmp_path / "film.frames.csv")
    with FrameTable(outputs.frames) as table:
        table.write(DriverObservation(0.0), DriverState(0.0, gaze_zone=GazeZone.ROAD))
    film = tmp_path / "film.avi"
    shown = demo_run.recording_of(film, Result(str(film), 1), None, outputs, Chain(Settings()))
    assert zones_seen(shown.frames()) == [GazeZone.ROAD]


def test_what_is_late_missed_or_unlabelled_is_a_fault():
    label = Label(Kind.SLEEP, 10.0, 15.0)
    event = Event(13.2, Kind.SLEEP, Level.CRITICAL, "closed")
    good = Match(Kind.SLEEP, Verdict.FOUND, label, event, 0.2)
    late = Match(Kind.SLEEP, Verdict.FOUND, label, event, 0.4)
    missed = Match(Kind.SLEEP, Verdict.MISSED, label)
    false = Match(Kind.SLEEP, Verdict.FALSE, event=event)
    assert demo_run.faults_of([good]) == []
    assert len(demo_run.faults_of([good, late, missed, false])) == 3


def test_an_alert_that_the_bus_does_not_carry_is_a_fault():
    told = Event(1.0, Kind.ROAD_RAGE, Level.WARNING, "anger")
    recording = SimpleNamespace(events=[told])
    silent = demo_run.unheard(demo_run.Told(recording, []))
    assert silent == ["road_rage is not heard on the CAN bus"]
