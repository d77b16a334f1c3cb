import time
from pathlib import Path

import numpy as np

from dms.service import metrics
from dms.service.metrics import Metrics
from dms.service.notify import Notifier
from dms.service.status import Status
from dms.values import (
    DriverObservation,
    DriverState,
    Event,
    EyesState,
    Fault,
    Frame,
    Kind,
    Level,
    Moment,
    Part,
    Step,
)

MOMENT = Moment(DriverObservation(1.0), None, (Fault(Part.CAMERA, "gone"),))


def test_the_file_is_prometheus_text(tmp_path, monkeypatch):
    zone = tmp_path / "thermal_zone0"
    zone.mkdir()
    (zone / "type").write_text("cpu-thermal\n")
    (zone / "temp").write_text("41500\n")
    (tmp_path / "thermal_zone1").mkdir()  # one that cannot be read
    monkeypatch.setattr(metrics, "_THERMAL", tmp_path)
    monkeypatch.setattr(metrics, "_EVERY_S", 0.0)
    made = Metrics(tmp_path / "dms.prom", Status(Notifier({})))
    event = Event(1.0, Kind.BLINK, Level.NONE, "")
    shot = Frame(np.zeros((2, 2), np.uint8), time.monotonic() - 0.05, 0)
    alert = Event(1.0, Kind.SLEEP, Level.CRITICAL, "")
    events, eyes = (event, alert), EyesState.CLOSED
    state = DriverState(1.0, level=Level.WARNING, events=events, eyes=eyes, drowsiness=6)
    made.take(Step(MOMENT, state, shot))
    text = (tmp_path / "dms.prom").read_text()
    lines = text.splitlines()
    assert "dms_alert_level 2" in lines
    assert "dms_faults 1" in lines
    assert {'dms_part_well{part="camera"} 0', 'dms_part_well{part="engine"} 1'} <= set(lines)
    assert {'dms_eyes{state="closed"} 1', 'dms_eyes{state="open"} 0'} <= set(lines)
    assert "dms_drowsiness_level 6" in lines
    assert 'dms_events_total{kind="blink"} 1' in lines
    assert 'dms_temperature_celsius{zone="cpu-thermal"} 41.5' in lines
    (half,) = [line for line in lines if 'quantile="0.5"' in line]
    assert 0.05 <= float(half.split()[-1]) < 60  # s; a busy machine may be late
    (age,) = [line for line in lines if line.startswith("dms_alert_frame_age_seconds ")]
    assert 0.05 <= float(age.split()[-1]) < 60
    assert text.endswith("\n")


def test_an_unknown_drowsiness_is_left_out():
    text = Metrics(Path("dms.prom"), Status(Notifier({}))).text(MOMENT, DriverState(1.0))
    assert "dms_drowsiness_level" not in text
    assert 'dms_eyes{state="unknown"} 1' in text


def test_a_folder_that_is_gone_is_told_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(metrics, "_EVERY_S", 0.0)
    made = Metrics(tmp_path / "gone" / "dms.prom", Status(Notifier({})))
    for _ in range(3):
        made.take(Step(MOMENT, DriverState(1.0)))
    assert len(caplog.records) == 1


def test_without_descriptors_the_numbers_are_left_out_and_nothing_ends(monkeypatch):
    def none_left(*_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(metrics.Path, "glob", none_left)
    assert metrics.temperatures() == []
