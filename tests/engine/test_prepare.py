"""From a net to a plan that is kept: keys, the gate, and what happens when either fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the nets of these tests are made with onnx")
from dms.engine import prepare as room
from dms.engine.build import Built
from dms.engine.gate import GateResult
from dms.engine.manifest import load_manifest
from dms.engine.plans import PlanStore
from dms.engine.prepare import Machine, build_and_keep, key_of, pass_gate, this_machine
from dms.errors import EngineError

ORIN = Machine("10.3.0", "8.7")


def test_key_holds_the_hash_of_tensorrts_own_file(engines: Path) -> None:
    manifest = load_manifest("eye_state", engines)
    key = key_of(manifest, ORIN)
    assert key.precision == "int8-qdq"
    assert key.onnx_sha256 == manifest.files["int8-qdq"].sha256
    assert (key.batch, key_of(load_manifest("expression", engines), ORIN).batch) == (2, 1)


def test_a_dla_core_computes_the_fp32_file(engines: Path) -> None:
    manifest = load_manifest("eye_state", engines)
    key = key_of(manifest, ORIN, "int8", dla_core=0)
    assert (key.precision, key.dla_core) == ("fp32", 0)
    assert key.onnx_sha256 == manifest.files["fp32"].sha256


def test_a_net_without_file_for_tensorrt_names_the_others(engines: Path) -> None:
    manifest = load_manifest("eye_state", engines)
    del manifest.files["int8-qdq"]
    with pytest.raises(EngineError, match=r"no int8-qdq file.*choose one of fp32"):
        key_of(manifest, ORIN)


def test_this_machine_is_what_driver_and_module_say(trt) -> None:
    assert this_machine(trt) == ORIN


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch):
    """Stands in for TensorRT's builder; keeps what it was asked for."""
    asked = []

    def build(_module, onnx, options, **more):
        asked.append((onnx, options, more["timing_cache"]))
        return Built(b"plan", 10, 1000, b"timings")

    monkeypatch.setattr(room, "build_plan", build)
    return asked


def test_a_plan_that_passes_is_kept_with_its_figures(engines: Path, tmp_path, builder) -> None:
    manifest = load_manifest("eye_state", engines)
    store, key = PlanStore(tmp_path / "plans"), key_of(manifest, ORIN, dla_core=1)
    stored = build_and_keep(
        *(manifest, key, object, store), gate=lambda _plan, _net: {"mean_loss": 0.001}
    )
    assert store.find(key) == stored
    assert stored.figures["gate"] == {"mean_loss": 0.001}
    onnx, options, timings = builder[0]
    assert onnx == manifest.path("int8-qdq").read_bytes()
    assert (options.batch, options.dla_core, timings) == (2, 1, b"")
    build_and_keep(manifest, key, object, store, gate=None)
    assert builder[1][2] == b"timings"
    assert "not run" in store.find(key).figures["gate"]


def test_a_plan_that_fails_the_gate_is_not_kept(engines: Path, tmp_path, builder) -> None:
    def refuse(*_: object):
        raise EngineError("the engine of eye_state differs from its FP32 net")

    manifest = load_manifest("eye_state", engines)
    store, key = PlanStore(tmp_path / "plans"), key_of(manifest, ORIN)
    with pytest.raises(EngineError, match="differs from its FP32 net"):
        build_and_keep(manifest, key, object, store, gate=refuse)
    assert store.plans() == []


def test_the_gate_runs_the_plan_itself(trt, engines: Path, monkeypatch) -> None:
    shapes = []

    def check(engine, _manifest):
        shapes.append(engine.infer(np.zeros((3, 1, 32, 32), np.float32))["open"].shape)
        return GateResult(3, 0.0, 0.0, 1.0)

    monkeypatch.setattr(room, "check", check)
    manifest = load_manifest("eye_state", engines)
    figures = pass_gate(trt)(trt.plan_of(manifest.path("fp32"), 2), manifest)
    spread = figures.pop("spread_loss")  # None: the tiny net has probabilities only
    assert spread is None
    assert figures == {"crops": 3, "mean_loss": 0.0, "max_loss": 0.0, "agreement": 1.0}
    assert shapes == [(3, 1)]
