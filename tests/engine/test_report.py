"""``dms doctor --engine`` on the emulated GPU, with the nets that ship."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dms.cli import main
from dms.engine import report as room
from dms.engine.manifest import ACCELERATED, load_manifest
from dms.engine.plans import PlanStore
from dms.engine.prepare import key_of
from dms.engine.report import Row, Wanted, engine_report, timed
from dms.errors import EngineError
from tests.plan_bench import ORIN


@pytest.fixture
def store(trt, plan_folder: Path) -> PlanStore:
    kept = PlanStore(plan_folder)
    for name in ACCELERATED:
        manifest = load_manifest(name)
        key = key_of(manifest, ORIN)
        kept.write(key, trt.plan_of(manifest.path("int8-qdq"), key.batch), {})
    return kept


def test_measures_everything_and_judges_it(trt, store: PlanStore) -> None:
    rows = list(engine_report(Wanted(count=3), store=store, module=trt))
    by_name = {(row.part, row.what): row for row in rows}
    for net in ACCELERATED:
        assert by_name[net, "CPU INT8 against FP32"].good
        assert by_name[net, "TensorRT INT8 against FP32"].good
        assert by_name[net, "GPU crops against CPU crops"].value == "max 0.000000"
        told = by_name[net, "TensorRT against the same Q/DQ file in ONNX Runtime, not optimised"]
        # Of one rounding step of the eye net's iris and lids; 0.0298 where ONNX Runtime fuses.
        assert float(told.value.split("max ")[1]) < 0.04
    assert by_name["GPU", "device"].value == "emulated GPU, compute capability 8.7"
    assert "p99" in by_name["frame", "1280x720: copy, crops and all nets on the GPU"].value
    taken, _ = by_name["GPU", "memory in use"].value.split(" MiB by all nets together, ")
    assert 0 < float(taken) < 100  # while they are loaded, not after


@pytest.mark.parametrize("wrong", ["missing", "damaged", "foreign"])
def test_a_plan_that_cannot_be_used_is_built_and_told(
    trt, store: PlanStore, monkeypatch, caplog, wrong: str
) -> None:
    net = load_manifest("eye_state")
    key, told = key_of(net, ORIN), []
    plan = trt.plan_of(net.path("int8-qdq"), key.batch)
    kept = store.find(key)
    if wrong == "missing":
        store.remove(kept)
    elif wrong == "damaged":
        kept.path.write_bytes(b"half a plan")
    else:
        store.write(key, trt.plan_of(net.path("int8-qdq"), key.batch, "10.2.0"), {})

    def build(manifest, key, _module, store, *, gate, say):
        assert manifest.name == net.name
        say("Tactics", 0.5)
        gate(plan, manifest)
        return store.write(key, plan, {})

    monkeypatch.setattr(room, "build_and_keep", build)
    wanted = Wanted(["eye_state"], count=3)
    say = lambda *what: told.append(what)  # noqa: E731
    rows = list(engine_report(wanted, store=store, module=trt, say=say))
    assert not [row for row in rows if row.good is False]
    assert told == [("Tactics", 0.5)]
    assert ("building eye_state anew" in caplog.text) == (wrong != "missing")


def test_where_int8_cannot_be_built_the_gpu_is_measured_in_fp32(
    trt, store: PlanStore, monkeypatch
) -> None:
    net = load_manifest("eye_state")
    store.remove(store.find(key_of(net, ORIN)))

    def build(manifest, key, _module, store, *, gate, say):
        if key.precision != "fp32":
            raise EngineError("TensorRT cannot build the net")  # NVIDIA/TensorRT#4832
        plan = trt.plan_of(manifest.path("fp32"), key.batch)
        return store.write(key, plan, {})

    monkeypatch.setattr(room, "build_and_keep", build)
    rows = list(engine_report(Wanted(["eye_state"], count=3), store=store, module=trt))
    bad = [(row.what, row.value) for row in rows if row.good is False]
    assert bad == [("plan in int8", "TensorRT cannot build the net")]
    assert "TensorRT FP32, 2 a call" in [row.what for row in rows]


def test_a_net_that_differs_is_bad(trt, store: PlanStore) -> None:
    other = load_manifest("expression")
    key = key_of(other, ORIN)
    from tests import tiny_nets

    path = store.folder / "wrong.onnx"
    tiny_nets.write_net(path, other.input.shape[1], dict(other.outputs))
    store.write(key, trt.plan_of(path, 1), {})
    rows = list(engine_report(Wanted(count=3), store=store, module=trt))
    bad = [row for row in rows if row.good is False]
    assert [(row.part, row.what) for row in bad] == [("expression", "TensorRT INT8 against FP32")]
    assert "rebuild it" in bad[0].value


def test_without_tensorrt_the_cpu_is_measured_and_the_reason_told(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    if __import__("importlib.util").util.find_spec("tensorrt"):
        pytest.skip("TensorRT is installed here")
    wanted = Wanted(["eye_state"], on_cpu_only=["landmarks_eye"], count=3)
    rows = list(engine_report(wanted, store=PlanStore(tmp_path)))
    assert [row.what for row in rows if row.part == "landmarks_eye"] == ["CPU INT8, 1 a call"]
    assert [row.good for row in rows if row.part == "eye_state"] == [True, None]
    assert [row.what for row in rows if row.good is False] == ["not measured"]


def test_percentiles_are_of_the_calls() -> None:
    calls = []
    told = timed(lambda: calls.append(1), 50)
    assert len(calls) == 70
    assert 0 <= told.p50_us <= told.p99_us


def test_example_crops_lie_in_the_frame() -> None:
    for name in ACCELERATED:
        net = load_manifest(name)
        crops = room.cpu_crops(np.full(room.FRAME, 9, np.uint8), net, room.example_crops(net))
        assert (crops == 9).all()


def test_the_command_prints_a_table_to_paste(capsys, monkeypatch) -> None:
    rows = [Row("GPU", "device", "Orin"), Row("expression", "gate", "differs", good=False)]
    monkeypatch.setattr(room, "engine_report", lambda *_, **__: iter(rows))
    assert main(["doctor", "--engine"]) == 1
    assert capsys.readouterr().out.splitlines()[2:] == [
        "| GPU | device | Orin |  |",
        "| expression | gate | differs | BAD |",
    ]
    monkeypatch.setattr(room, "engine_report", lambda *_, **__: iter(rows[:1]))
    assert main(["doctor", "--engine", "--json"]) == 0


def test_the_command_measures_what_the_settings_name(capsys, monkeypatch, tmp_path) -> None:
    asked = []
    monkeypatch.setattr(room, "engine_report", lambda wanted, **_: asked.append(wanted) or iter([]))
    config = tmp_path / "dms.yaml"
    nets = "nets: {expression: null, precision: fp32, dla_core: 1}\n"
    config.write_text(nets + "landmarks: {model: dlib68}\n")
    assert main(["doctor", "--engine", "--config", str(config)]) == 0
    (wanted,) = asked
    assert wanted == Wanted(["eye_state"], "fp32", 1, ("mouth",))
    assert wanted.on_gpu == "TensorRT on DLA 1, FP16"
    assert wanted.on_cpu_only == ("mouth",)
    config.write_text("landmarks: {model: dms56}\nnets: {mouth: null}\n")
    assert main(["doctor", "--engine", "--config", str(config)]) == 0
    assert asked[1].on_cpu_only == room.LANDMARK_NETS
    config.write_text("nets: {nose: 1}\n")
    assert main(["doctor", "--engine", "--config", str(config)]) == 2


def test_full_precision_is_measured_where_it_is_asked_for(trt, plan_folder) -> None:
    kept = PlanStore(plan_folder)
    manifest = load_manifest("eye_state")
    key = key_of(manifest, ORIN, "fp32")
    kept.write(key, trt.plan_of(manifest.path("fp32"), key.batch), {})
    rows = list(engine_report(Wanted(["eye_state"], "fp32", count=3), store=kept, module=trt))
    said = {row.what for row in rows}
    assert {"CPU FP32 against FP32", "TensorRT FP32 against FP32"} <= said
    assert not any("Q/DQ" in what or "INT8" in what for what in said)


def test_a_net_that_the_gate_does_not_know_is_one_sentence(engines, tmp_path, capsys) -> None:
    from dms.errors import EngineError

    np.savez(engines / "gate.npz", nothing=np.zeros(1))
    with pytest.raises(EngineError, match="cannot be read for eye_state"):
        list(engine_report(Wanted(["eye_state"]), engines=engines, store=PlanStore(tmp_path)))
