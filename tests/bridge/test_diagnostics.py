from __future__ import annotations

import os
from dataclasses import replace

import pytest

from dms.bridge.diagnostics import Code, FaultMemory, codes_of, read
from dms.values import ActiveAlert, DriverState, Fault, Kind, Level, Part

FINE = DriverState(10.0, drowsiness=4, openness=0.8)
LOST = replace(
    FINE, t_s=11.0, faults=(Fault(Part.CAMERA, "unplugged"), Fault(Part.BRIDGE, "slcan x is gone"))
)


def test_a_fault_is_kept_with_how_things_stood_when_it_began():
    memory = FaultMemory()
    memory.step(FINE)
    assert memory.faults == ()
    memory.step(LOST)
    memory.step(replace(LOST, t_s=12.0, openness=0.1))
    camera = memory.faults[0]
    assert (camera.code, camera.active, camera.count) == (Code.CAMERA, True, 1)
    assert (camera.t_s, camera.openness, camera.drowsiness) == (11.0, 0.8, 4)
    assert camera.reason == "camera: unplugged"
    assert memory.active() == (Code.CAMERA, Code.BRIDGE)


def test_a_fault_that_is_gone_stays_known_and_counts_when_it_returns():
    memory = FaultMemory()
    for t_s in (1.0, 2.0, 3.0):
        memory.step(replace(LOST, t_s=t_s))
        memory.step(replace(FINE, t_s=t_s + 0.5))
    assert memory.active() == ()
    assert memory.faults[0].count == 3
    assert memory.faults[0].t_s == 3.0


@pytest.mark.parametrize(
    ("fault", "code"),
    [("camera: x", Code.CAMERA), ("engine: x", Code.ENGINE), ("bridge: x", Code.BRIDGE),
     ("vehicle: x", Code.VEHICLE), ("store: x", Code.STORE), ("clock: x", Code.OTHER),
     ("", Code.OTHER)],
)  # fmt: skip
def test_every_fault_has_a_code(fault, code):
    assert codes_of(replace(FINE, faults=(Fault.from_text(fault),))) == {code: fault}


def test_a_driver_who_cannot_be_observed_is_a_code_too():
    alert = ActiveAlert(Kind.DEGRADED, Level.ADVISORY, 1.0, "sunglasses")
    assert codes_of(replace(FINE, active=(alert,))) == {Code.BLOCKED: "sunglasses"}


def test_codes_as_a_workshop_writes_them():
    assert [code.text for code in Code] == [
        "B1A01-31", "B1A02-49", "B1A03-97", "U0073-88", "U0146-87", "B1A04-44", "B1A0F-00",
    ]  # fmt: skip


def test_the_file_outlives_the_process(tmp_path):
    file = tmp_path / "deep" / "faults.json"
    FaultMemory(file).step(LOST)
    again = FaultMemory(file)
    assert [fault.code for fault in again.faults] == [Code.CAMERA, Code.BRIDGE]
    assert again.active() == ()  # whether they still are, the first state will say
    again.step(LOST)
    assert again.faults[0].count == 2
    again.clear([Code.CAMERA])
    assert [fault.code for fault in read(file)] == [Code.BRIDGE]
    again.clear()
    assert read(file) == []


def test_a_damaged_file_starts_anew(tmp_path, caplog):
    file = tmp_path / "faults.json"
    file.write_text("{broken")
    memory = FaultMemory(file)
    assert memory.faults == ()
    assert "start anew" in caplog.text
    memory.step(LOST)
    assert len(read(file)) == 2


def test_a_place_that_cannot_be_written_is_told_and_survived(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    memory = FaultMemory(tmp_path / "file" / "faults.json")
    memory.step(LOST)
    assert "cannot be kept" in caplog.text
    assert len(memory.faults) == 2


def test_clearing_is_told_once_and_writes_only_where_there_was_something(tmp_path):
    memory = FaultMemory(tmp_path / "faults.json")
    memory.step(LOST)
    memory.clear([Code.CAMERA])
    memory.clear()
    assert memory.take_cleared() == ("fault codes cleared (B1A01-31)", "fault codes cleared (all)")
    written = (tmp_path / "faults.json").stat().st_mtime_ns
    for _ in range(1000):
        memory.clear()
    assert memory.take_cleared() == ()
    assert (tmp_path / "faults.json").stat().st_mtime_ns == written


def test_a_pipe_in_place_of_the_file_is_no_records(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert read(tmp_path / "pipe") == []
