"""A driver's baseline over two drives: only if asked for, and never believed blindly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from dms.decision.baseline import Known
from dms.decision.core import Core
from dms.decision.settings import CoreSettings
from dms.store.drivers import DriverSettings, driver_file, recall, remember
from tests.scenarios.drive import Drive

KNOWN = Known(right_ear=0.22, left_ear=0.21, yaw_deg=12.0, pitch_deg=-3.0)


def slot(folder: Path) -> DriverSettings:
    return DriverSettings(slot="driver-1", folder=str(folder))


def test_nothing_is_kept_by_default(tmp_path: Path) -> None:
    settings = DriverSettings(folder=str(tmp_path))
    remember(settings, KNOWN)
    assert recall(settings) is None
    assert list(tmp_path.iterdir()) == []


def test_kept_and_recalled(tmp_path: Path) -> None:
    settings = slot(tmp_path / "drivers")
    remember(settings, KNOWN)
    assert recall(settings) == KNOWN
    assert [file.name for file in (tmp_path / "drivers").iterdir()] == ["driver-1.json"]


def test_nothing_learned_keeps_what_there_was(tmp_path: Path) -> None:
    remember(slot(tmp_path), KNOWN)
    remember(slot(tmp_path), None)
    assert recall(slot(tmp_path)) == KNOWN


@pytest.mark.parametrize("text", ["", "{", '{"right_ear": 9}', '{"name": "Ann"}'])
def test_spoilt_file_is_told_and_not_used(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "driver-1.json").write_text(text, encoding="utf-8")
    assert recall(slot(tmp_path)) is None
    assert "learned anew" in caplog.text


def test_full_disk_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    remember(slot(tmp_path / "file"), KNOWN)
    assert "not kept" in caplog.text


def test_place_follows_the_service() -> None:
    found = driver_file(DriverSettings(slot="a"), {"STATE_DIRECTORY": "/s/dms:/other"})
    assert found == Path("/s/dms/drivers/a.json")


@pytest.mark.parametrize("name", ["../a", "a b", "", "x" * 33])
def test_slot_is_a_plain_name(name: str) -> None:
    with pytest.raises(ValidationError):
        DriverSettings(slot=name)


def test_next_drive_starts_from_it() -> None:
    core = Core(CoreSettings(), KNOWN)
    assert core.baseline.right_ear.value == pytest.approx(0.22)
    assert core.baseline.yaw.value_deg == pytest.approx(12.0)
    assert core.baseline.known is None  # nothing new was learned yet
    core.reset()
    assert core.baseline.yaw.value_deg == 0.0


def test_another_driver_in_the_slot_is_learned_nevertheless() -> None:
    drive = Drive(fps=10, open_ear=0.33)
    drive.core.reset(KNOWN)
    drive.watches(70)
    found = drive.core.baseline.known
    assert found is not None
    assert found.right_ear == pytest.approx(0.33, abs=0.01)
    assert found.yaw_deg == pytest.approx(0.0, abs=1.0)


def test_values_of_a_wild_file_stay_within_the_populations_bounds() -> None:
    core = Core(CoreSettings(), replace(KNOWN, right_ear=0.1, pitch_deg=-80.0))
    settings = core.settings.baseline
    assert core.baseline.right_ear.value == settings.ear_lowest
    assert core.baseline.pitch.value_deg == -settings.pitch_clamp_deg


def test_what_was_learned_round_trips(tmp_path: Path) -> None:
    drive = Drive(fps=10).looks_like(anger=0.3).watches(70)
    remember(slot(tmp_path), drive.core.baseline.known)
    assert recall(slot(tmp_path)) == drive.core.baseline.known
