"""The plan store: keys, atomic writes, damage, two processes."""

from __future__ import annotations

import fcntl
import json
from dataclasses import replace
from pathlib import Path

import pytest

from dms.engine.plans import PlanKey, PlanStore, default_folder
from dms.errors import EngineError

KEY = PlanKey("eye_state", "ab" * 32, "10.3.0", "8.7", "int8", 2)


@pytest.fixture
def store(tmp_path: Path) -> PlanStore:
    return PlanStore(tmp_path / "plans")


def test_a_plan_comes_back_as_it_was_written(store: PlanStore) -> None:
    stored = store.write(KEY, b"plan", {"layers": 7})
    assert store.find(KEY) == stored
    assert stored.load() == b"plan"
    assert (stored.size, stored.figures) == (4, {"layers": 7})
    assert [plan.key for plan in store.plans()] == [KEY]


@pytest.mark.parametrize(
    "change",
    [
        {"net": "expression"},
        {"onnx_sha256": "cd" * 32},
        {"tensorrt": "10.16.1"},
        {"capability": "11.0"},
        {"precision": "fp32"},
        {"batch": 1},
        {"dla_core": 0},
    ],
)
def test_any_difference_is_another_plan(store: PlanStore, change: dict) -> None:
    store.write(KEY, b"plan", {})
    assert store.find(replace(KEY, **change)) is None


def test_a_plan_without_sidecar_does_not_count(store: PlanStore) -> None:
    path = store.write(KEY, b"plan", {}).path
    path.with_suffix(".json").unlink()
    assert store.find(KEY) is None
    assert store.stray() == [path]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"format": 1, "key": {}}'])
def test_a_broken_sidecar_is_no_plan(store: PlanStore, text: str) -> None:
    path = store.write(KEY, b"plan", {}).path
    path.with_suffix(".json").write_text(text)
    assert store.find(KEY) is None
    assert store.plans() == []
    assert len(store.stray()) == 2


def test_a_damaged_plan_is_told(store: PlanStore) -> None:
    stored = store.write(KEY, b"plan", {})
    stored.path.write_bytes(b"plam")
    with pytest.raises(EngineError, match="is damaged"):
        stored.load()
    stored.path.unlink()
    with pytest.raises(EngineError, match="cannot be read"):
        stored.load()


def test_a_power_cut_while_writing_leaves_no_half_plan(store: PlanStore, monkeypatch) -> None:
    store.write(KEY, b"old", {})

    def cut_off(*_: object) -> None:
        raise OSError(5, "power cut")

    monkeypatch.setattr("dms.engine.plans.os.fsync", cut_off)
    with pytest.raises(EngineError, match="cannot be written"):
        store.write(KEY, b"new, much longer", {})
    assert store.find(KEY) is None  # nothing vouches for the old one any more, nothing is half
    monkeypatch.undo()
    assert [path.suffix for path in store.stray()] == [".plan"]
    assert store.write(KEY, b"new", {}).load() == b"new"


def test_removing_takes_plan_and_sidecar(store: PlanStore) -> None:
    store.remove(store.write(KEY, b"plan", {}))
    assert store.plans() == []
    assert store.stray() == []


def test_strays_are_removed_and_plans_stay(store: PlanStore) -> None:
    kept = store.write(KEY, b"plan", {})
    stray = store.folder / "half.plan"
    stray.write_bytes(b"x")
    assert store.remove_stray() == [stray]
    assert store.plans() == [kept]
    assert store.stray() == []


def test_what_may_not_be_deleted_or_locked_is_one_sentence(store: PlanStore, monkeypatch) -> None:
    stored = store.write(KEY, b"plan", {})

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(EngineError, match="cannot be written"):
        store.remove(stored)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(EngineError, match="cannot be written"), store.locked():
        pass
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert store.timing_cache("10.3.0", "8.7") == b""  # only slower


def test_timing_cache_is_kept_per_version_and_device(store: PlanStore) -> None:
    assert store.timing_cache("10.3.0", "8.7") == b""
    store.keep_timing_cache("10.3.0", "8.7", b"timings")
    store.keep_timing_cache("10.3.0", "8.7", b"")
    assert store.timing_cache("10.3.0", "8.7") == b"timings"
    assert store.timing_cache("11.4.0", "8.7") == b""


def test_the_name_says_what_it_is_and_holds_no_path(store: PlanStore) -> None:
    assert KEY.name.startswith("eye_state-int8-b2-trt10.3.0-sm8.7-gpu-")
    assert replace(KEY, dla_core=1).name.startswith("eye_state-int8-b2-trt10.3.0-sm8.7-dla1-")
    sidecar = store.write(KEY, b"plan", {}).path.with_suffix(".json").read_text()
    assert str(store.folder) not in sidecar
    assert json.loads(sidecar)["key"]["onnx_sha256"] == "ab" * 32


def test_folder_is_systemds_then_the_users(monkeypatch) -> None:
    monkeypatch.setenv("CACHE_DIRECTORY", "/var/cache/dms:/other")
    assert default_folder() == Path("/var/cache/dms/plans")
    monkeypatch.delenv("CACHE_DIRECTORY")
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/x/.cache")
    assert default_folder() == Path("/home/x/.cache/dms/plans")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="CACHE_DIRECTORY"):
        PlanStore(tmp_path / "file" / "plans").write(KEY, b"plan", {})


def test_the_lock_is_exclusive_across_processes(store: PlanStore) -> None:
    with (
        store.locked(),
        (store.folder / ".lock").open() as other,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
