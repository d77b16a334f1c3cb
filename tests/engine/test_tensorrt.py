"""The runtime's whole control flow: real pycuda, emulated driver, ONNX Runtime for TensorRT."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the nets of these tests are made with onnx")
from dms.engine.gpu import Gpu
from dms.engine.onnx import OnnxEngine
from dms.engine.session import GpuSession
from dms.engine.tensorrt import TensorRTEngine, load_net, tensorrt_module
from dms.errors import EngineError, GpuMissingError
from tests import small_nets as nets


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nets.plain(tmp_path_factory.mktemp("nets") / "fp32.onnx")


@pytest.fixture(params=["discrete", "integrated", "no graphs"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("EMU_INTEGRATED", "1" if request.param == "integrated" else "0")
    monkeypatch.setenv("EMU_NO_GRAPHS", "1" if request.param == "no graphs" else "0")
    return request.param


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("rows", [0, 1, 2, 5])
@pytest.mark.usefixtures("kind")
def test_answers_as_the_cpu_engine_does(trt, net: Path, batch: int, rows: int) -> None:
    given = nets.crops(rows) if rows else np.empty((0, 1, nets.SIDE, nets.SIDE), np.float32)
    with TensorRTEngine(trt.plan_of(net, batch), module=trt) as engine:
        got = engine.infer(given)
        again = engine.infer(given)
    with OnnxEngine(net) as cpu:
        expected = cpu.infer(given)
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        assert got[name].shape == value.shape
        np.testing.assert_allclose(got[name], value, atol=1e-6)
        np.testing.assert_array_equal(again[name], got[name])


def test_a_graph_is_replayed_with_one_synchronise_a_call(gpu_counts, trt, net: Path) -> None:
    with TensorRTEngine(trt.plan_of(net, 1), module=trt) as engine:
        gpu_counts.forget()
        for _ in range(5):
            engine.infer(nets.crops(1))
        assert gpu_counts.graph_launches == 5
        assert gpu_counts.synchronisations == 5


def test_outputs_are_the_callers_own(trt, net: Path) -> None:
    first, second = nets.crops(2)[:1], nets.crops(2)[1:]
    with TensorRTEngine(trt.plan_of(net, 1), module=trt) as engine:
        kept = engine.infer(first)["y"]
        copy = kept.copy()
        engine.infer(second)
    assert np.array_equal(kept, copy)


def test_a_missing_synchronise_would_be_seen(trt, net: Path, monkeypatch) -> None:
    with TensorRTEngine(trt.plan_of(net, 1), module=trt) as engine, OnnxEngine(net) as cpu:
        expected = cpu.infer(nets.crops(1))["y"]
        with monkeypatch.context() as patch:
            patch.setattr(Gpu, "synchronize", lambda _: None)
            stale = engine.infer(nets.crops(1))["y"]
        assert not np.allclose(stale, expected, atol=1e-3)


def test_use_after_free_would_be_seen(emulated, trt, net: Path, monkeypatch) -> None:
    monkeypatch.setenv("EMU_INTEGRATED", "0")
    with TensorRTEngine(trt.plan_of(net, 1), module=trt) as engine:
        engine._session.run(engine._net.input.allocation.free)  # under it
        with pytest.raises(EngineError, match="CUDA or TensorRT failed"):
            engine.infer(nets.crops(1))
    assert emulated.faults > 0
    emulated.forget()


def test_tensorrt_lets_go_context_first(trt, net: Path) -> None:
    TensorRTEngine(trt.plan_of(net, 1), module=trt).close()
    assert trt.freed[-3:] == ["context", "engine", "runtime"]


def test_a_plan_of_another_version_is_refused_with_its_reason(trt, net: Path) -> None:
    with pytest.raises(EngineError, match=r"does not fit this machine.*9\.9.*rebuild"):
        TensorRTEngine(trt.plan_of(net, 1, version="9.9"), module=trt)


def test_a_runtime_that_cannot_start_is_one_sentence(trt, net: Path, monkeypatch) -> None:
    def runtime(_logger):
        raise TypeError("pybind11::init(): factory function returned nullptr")

    monkeypatch.setattr(trt, "Runtime", runtime)
    with pytest.raises(EngineError, match="TensorRT cannot start"):
        TensorRTEngine(trt.plan_of(net, 1), module=trt)


def test_rubbish_is_refused(trt) -> None:
    with pytest.raises(EngineError, match="does not fit"):
        TensorRTEngine(b"rubbish", module=trt)


def test_half_precision_tensors_are_refused(trt, net: Path, monkeypatch) -> None:
    monkeypatch.setattr(trt.ICudaEngine, "get_tensor_dtype", lambda *_: trt.DataType.INT8)
    plan = trt.plan_of(net, 1)
    with pytest.raises(EngineError, match="not float32"):
        GpuSession(lambda session: load_net(session, trt, plan))


def test_work_that_is_not_taken_is_an_error(trt, net: Path, monkeypatch) -> None:
    with TensorRTEngine(trt.plan_of(net, 1), module=trt) as engine:
        monkeypatch.setenv("EMU_NO_GRAPHS", "1")
        engine._replay = engine._queue
        monkeypatch.setattr(trt.IExecutionContext, "execute_async_v3", lambda *_: False)
        with pytest.raises(EngineError, match="did not take the work"):
            engine.infer(nets.crops(1))


def test_closed_engine_says_so(trt, net: Path) -> None:
    engine = TensorRTEngine(trt.plan_of(net, 1), module=trt)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="is closed"):
        engine.infer(nets.crops(1))


def test_missing_tensorrt_is_one_clear_sentence(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(EngineError, match=r"nvidia-jetpack.*\.\[tensorrt\]"):
        tensorrt_module()


def test_tensorrt_without_the_drivers_libcuda_is_a_gpu_that_comes_late(monkeypatch) -> None:
    def fail(name: str) -> None:
        raise ImportError(f"libcuda.so.1: cannot open shared object file ({name})")

    monkeypatch.setattr("dms.engine.tensorrt.importlib.import_module", fail)
    with pytest.raises(GpuMissingError, match="no CUDA driver yet"):
        tensorrt_module()
