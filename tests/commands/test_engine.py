"""``dms engine``: built for real by TensorRT-RTX where it is installed, kept, checked, cleaned."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from dms.cli import main
from dms.commands import engine as room
from dms.engine.manifest import load_manifest
from dms.engine.plans import PlanStore
from dms.engine.prepare import Machine, key_of
from dms.errors import EngineError

ORIN = Machine("10.3.0", "8.7")


@pytest.fixture
def engines(tmp_path: Path) -> Path:
    """One net with a file for TensorRT; its content is only read by tests that build."""
    folder = tmp_path / "engines"
    folder.mkdir()
    write(folder, b"a net")
    return folder


def write(folder: Path, onnx: bytes) -> None:
    (folder / "eye_state.onnx").write_bytes(onnx)
    entry = {"file": "eye_state.onnx", "sha256": hashlib.sha256(onnx).hexdigest()}
    content = {
        "name": "eye_state",
        "files": {"int8": entry, "int8-qdq": entry, "fp32": entry},
        "input": {"shape": [1, 32, 32], "range": [0.0, 1.0], "alignment": {}},
        "outputs": {"open": 1, "visible": 1},
        "classes": {},
        "decision": {},
        "figures": {},
        "revision": "test",
    }
    (folder / "eye_state.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


@pytest.fixture
def store(tmp_path: Path) -> PlanStore:
    return PlanStore(tmp_path / "plans")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a GPU whose gate passes every plan."""
    monkeypatch.setattr(room, "tensorrt_module", lambda *_: object())
    monkeypatch.setattr(room, "this_machine", lambda _: ORIN)
    monkeypatch.setattr(room, "pass_gate", lambda _: lambda _plan, _net: {})


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object):
        raise EngineError("TensorRT cannot be loaded")

    monkeypatch.setattr(room, "tensorrt_module", missing)


def dms_engine(what: str, store: PlanStore, engines: Path, *more: str) -> int:
    return main(["engine", what, *more, "--folder", str(store.folder), "--engines", str(engines)])


def keep(store: PlanStore, engines: Path, machine: Machine = ORIN) -> None:
    key = key_of(load_manifest("eye_state", engines), machine)
    store.write(key, b"plan", {"gate": {"mean_loss": 0.001, "agreement": 1.0}})


def test_builds_for_a_gpu_that_is_not_here(store, engines, capsys) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tools/gpu-less-test installs tensorrt-rtx")
    pytest.importorskip("onnx")
    from tests import small_nets

    plain = small_nets.plain(engines / "plain.onnx")
    write(engines, small_nets.quantised(plain, engines / "q.onnx").read_bytes())
    assert dms_engine("build", store, engines, "eye_state", "--target", "SM86") == 0
    out, err = capsys.readouterr()
    assert "eye_state: int8-qdq, batch 2, TensorRT rtx-" in out
    assert "gate not run" in out
    assert "eye_state: " in err  # progress
    assert dms_engine("build", store, engines, "eye_state", "--target", "SM86") == 0
    assert "is kept" in capsys.readouterr().out
    sidecar = json.loads(next(store.folder.glob("*.json")).read_text())
    assert sidecar["key"]["capability"] == "8.6"


@pytest.mark.parametrize("target", ["87", "SMx", "SM8"])
def test_a_wrong_target_is_one_sentence(store, engines, target, capsys) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tools/gpu-less-test installs tensorrt-rtx")
    assert dms_engine("build", store, engines, "eye_state", "--target", target) == 4
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.usefixtures("nowhere")
def test_building_without_tensorrt_is_one_sentence(store, engines, capsys) -> None:
    assert dms_engine("build", store, engines, "eye_state") == 4
    assert capsys.readouterr().err == "dms engine: TensorRT cannot be loaded\n"


def test_list_tells_plans_and_strays(store, engines, capsys) -> None:
    assert dms_engine("list", store, engines) == 0
    assert "no plans in" in capsys.readouterr().out
    keep(store, engines)
    (store.folder / "half.plan").write_bytes(b"x")
    assert dms_engine("list", store, engines) == 0
    out = capsys.readouterr().out
    assert "eye_state: int8-qdq, batch 2, TensorRT 10.3.0, GPU 8.7" in out
    assert "gate: mean loss 0.0010, same decision 100.0%" in out
    assert "half.plan: half-written" in out


@pytest.mark.usefixtures("here")
def test_verify_passes_a_good_plan(store, engines, capsys) -> None:
    keep(store, engines)
    assert dms_engine("verify", store, engines) == 0
    assert "eye_state: good" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_verify_of_nothing_says_what_makes_plans(store, engines, capsys) -> None:
    assert dms_engine("verify", store, engines) == 0
    assert "no plans in" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("harm", ["damage", "other net", "other machine", "stray", "gate"])
def test_verify_tells_what_is_wrong(store, engines, capsys, harm, monkeypatch) -> None:
    keep(store, engines, Machine("9.9", "8.7") if harm == "other machine" else ORIN)
    if harm == "damage":
        store.plans()[0].path.write_bytes(b"x")
    elif harm == "other net":
        write(engines, b"another net")
    elif harm == "stray":
        (store.folder / "x.part").write_bytes(b"")
    elif harm == "gate":

        def refuse(*_: object):
            raise EngineError("differs from its FP32 net")

        monkeypatch.setattr(room, "pass_gate", lambda _: refuse)
    assert dms_engine("verify", store, engines) == 4
    told = {
        "damage": "is damaged",
        "other net": "built from another eye_state net",
        "other machine": "built for TensorRT 9.9 on 8.7, this is 10.3.0 on 8.7",
        "stray": "x.part: half-written",
        "gate": "differs from its FP32 net",
    }
    assert told[harm] in capsys.readouterr().out


@pytest.mark.usefixtures("nowhere")
def test_verify_says_what_it_could_not_check(store, engines, capsys) -> None:
    keep(store, engines)
    assert dms_engine("verify", store, engines) == 0
    assert "were not checked: TensorRT cannot be loaded" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_clean_keeps_what_is_good(store, engines, capsys) -> None:
    keep(store, engines)
    keep(store, engines, Machine("9.9", "8.7"))
    (store.folder / "half.plan").write_bytes(b"x")
    assert dms_engine("clean", store, engines) == 0
    assert capsys.readouterr().out.count("deleted") == 2
    assert [plan.key.tensorrt for plan in store.plans()] == ["10.3.0"]
    assert dms_engine("clean", store, engines) == 0
    assert "nothing to delete" in capsys.readouterr().out
    assert dms_engine("clean", store, engines, "--all") == 0
    assert store.plans() == []


@pytest.mark.usefixtures("here")
def test_a_damaged_plan_is_built_anew_and_told(store, engines, capsys, monkeypatch) -> None:
    keep(store, engines)
    store.plans()[0].path.write_bytes(b"half")
    built = []

    def build(manifest, key, *_: object, **__: object):
        built.append(key)
        return store.write(key, b"plan", {})

    monkeypatch.setattr(room, "build_and_keep", build)
    for _ in range(2):
        assert dms_engine("build", store, engines, "eye_state") == 0
    out, err = capsys.readouterr()
    assert len(built) == 1
    assert "is damaged" in err
    assert "eye_state: building, which may take minutes" in err
    assert "is kept" in out


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, engines, here, capsys) -> None:
    (tmp_path / "file").write_text("")
    store = PlanStore(tmp_path / "file" / "plans")
    assert dms_engine("build", store, engines, "eye_state") == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot be written" in line
    assert "CACHE_DIRECTORY" in line


def test_progress_off_a_terminal_is_a_line_a_phase(capsys) -> None:
    tell = room.Teller("eye_state")
    for share in (0.0, 0.5, 1.0):
        tell("Tactics", share)
    tell("Serialise", 0.0)
    tell.done()
    assert capsys.readouterr().err.splitlines() == [
        "eye_state: Tactics   0%",
        "eye_state: Serialise   0%",
    ]


def test_progress_of_a_long_phase_off_a_terminal_is_heard_of(capsys, monkeypatch) -> None:
    monkeypatch.setattr(room, "TOLD_EVERY_S", 0.0)
    tell = room.Teller("eye_state")
    for share in (0.0, 0.5):
        tell("Tactics", share)
    assert capsys.readouterr().err.splitlines() == [
        "eye_state: Tactics   0%",
        "eye_state: Tactics  50%",
    ]


def test_progress_moves_on_a_terminal(capsys, monkeypatch) -> None:
    monkeypatch.setattr(room.sys.stderr, "isatty", lambda: True)
    tell = room.Teller("eye_state")
    tell("Tactics", 0.0)
    tell.done()
    assert capsys.readouterr().err == "\r\033[Keye_state: Tactics   0%\r\033[K"
