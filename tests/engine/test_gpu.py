"""The GPU's thread, memory and stream on the emulated driver."""

from __future__ import annotations

import gc
import threading
from functools import partial

import numpy as np
import pytest

from dms.engine import gpu as room
from dms.engine.gpu import Gpu, lease
from dms.errors import EngineError, GpuMissingError

pytestmark = pytest.mark.usefixtures("gpu_counts")


@pytest.fixture(params=["discrete", "integrated"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("EMU_INTEGRATED", "1" if request.param == "integrated" else "0")
    return request.param


def test_tells_what_the_gpu_is(kind: str) -> None:
    with Gpu() as gpu:
        assert gpu.capability == (8, 7)
        assert gpu.integrated == (kind == "integrated")
        assert gpu.run(gpu.free_bytes) == (4 << 30, 8 << 30)


def test_waits_for_the_gpu_sleep_instead_of_keeping_a_core_busy(gpu_counts) -> None:
    with Gpu():
        assert gpu_counts.schedule == 0x04  # CU_CTX_SCHED_BLOCKING_SYNC


def test_no_gpu_is_one_that_may_yet_come(monkeypatch) -> None:
    monkeypatch.setenv("EMU_NO_GPU", "1")
    with pytest.raises(GpuMissingError, match="no NVIDIA GPU answers"):
        Gpu()


def test_all_work_runs_in_one_thread_of_its_own() -> None:
    with Gpu() as gpu:
        seen = {gpu.run(threading.get_ident) for _ in range(3)}
    assert len(seen) == 1
    assert threading.get_ident() not in seen


def test_copies_arrive_after_the_synchronise_and_not_before(monkeypatch) -> None:
    monkeypatch.setenv("EMU_INTEGRATED", "0")

    def there_and_back() -> tuple[bool, bool]:
        buffer = gpu.shared((4,), np.float32)
        buffer.host[:] = 7
        gpu.to_device(buffer)
        gpu.synchronize()
        buffer.host[:] = 0
        gpu.to_host(buffer)
        before = bool((buffer.host == 7).all())
        gpu.synchronize()
        return before, bool((buffer.host == 7).all())

    with Gpu() as gpu:
        assert gpu.run(there_and_back) == (False, True)


def test_integrated_gpu_copies_nothing(gpu_counts, monkeypatch) -> None:
    monkeypatch.setenv("EMU_INTEGRATED", "1")

    def work() -> None:
        buffer = gpu.shared((4,), np.float32)
        gpu.to_device(buffer)
        gpu.to_host(buffer)
        gpu.synchronize()

    with Gpu() as gpu:
        gpu.run(work)
    assert gpu_counts.copies == 0


@pytest.mark.usefixtures("kind")
def test_a_buffer_is_freed_on_both_sides(gpu_counts) -> None:
    with Gpu() as gpu:
        at_first = gpu_counts.alive
        buffer = gpu.run(lambda: gpu.shared((8,), np.uint8))
        assert gpu_counts.alive > at_first
        gpu.run(buffer.free)
        assert gpu_counts.alive == at_first


def test_a_closed_gpu_says_so() -> None:
    gpu = Gpu()
    gpu.close()
    gpu.close()
    with pytest.raises(EngineError, match="is closed"):
        gpu.run(int)


def test_no_gpu_is_one_clear_sentence(monkeypatch) -> None:
    monkeypatch.setenv("EMU_NO_GPU", "1")
    with pytest.raises(EngineError, match=r"no NVIDIA GPU answers.*onnxruntime"):
        Gpu()


def test_missing_pycuda_is_one_clear_sentence(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pycuda.driver", None)
    with pytest.raises(EngineError, match="pip install pycuda"):
        Gpu()


def test_a_gpu_that_hangs_is_lost_not_waited_for_and_freed_if_it_comes_back(gpu_counts) -> None:
    at_first = gpu_counts.alive
    gpu = Gpu(call_timeout_s=0.05)
    release = threading.Event()
    with pytest.raises(EngineError, match="did not answer within"):
        gpu.run(release.wait)
    assert not gpu.usable
    with pytest.raises(EngineError, match="has stopped answering"):
        gpu.run(int)
    gpu.close()  # does not wait
    assert gpu_counts.alive > at_first
    release.set()
    assert gpu._worker.stop(120)
    assert gpu_counts.alive == at_first


def test_a_gpu_that_hangs_while_it_is_opened_is_freed_if_it_comes_back(
    gpu_counts, monkeypatch
) -> None:
    monkeypatch.setattr(room, "LOAD_TIMEOUT_S", 0.05)
    go_on, workers = threading.Event(), []
    open_ = Gpu._open

    def slow(self: Gpu) -> None:
        workers.append(self._worker)
        go_on.wait()
        open_(self)

    monkeypatch.setattr(Gpu, "_open", slow)
    with pytest.raises(EngineError, match="did not answer within"):
        Gpu()
    go_on.set()
    assert workers[0].stop(120)
    assert gpu_counts.alive == 0


@pytest.fixture
def broken(gpu_counts, monkeypatch):
    """Break the context, as an illegal memory access does; nothing works until the process ends."""

    def breaks() -> None:
        monkeypatch.setenv("EMU_BROKEN", "1")

    yield breaks
    monkeypatch.delenv("EMU_BROKEN", raising=False)
    gc.collect()
    gpu_counts.abandon()


def test_an_error_that_persists_is_told_and_not_raised_when_closing(broken, caplog) -> None:
    with Gpu() as gpu:
        broken()
        with pytest.raises(EngineError, match="CUDA or TensorRT failed"):
            gpu.run(gpu.synchronize)
    assert "some memory of the GPU stays taken until dms ends" in caplog.text


def test_a_broken_gpu_is_one_clear_sentence_when_opened(broken) -> None:
    broken()
    with pytest.raises(EngineError, match="free GPU memory or restart the device"):
        Gpu()


def test_errors_of_the_bindings_become_ours() -> None:
    def raises(error: Exception) -> None:
        raise error

    with Gpu() as gpu:
        for error in (RuntimeError("of pybind11"), MemoryError("none left"), OSError("no file")):
            with pytest.raises(EngineError, match=str(error)):
                gpu.run(partial(raises, error))
        with pytest.raises(TypeError):  # a fault of ours keeps its traceback
            gpu.run(partial(raises, TypeError("ours")))


def test_a_cuda_error_becomes_ours() -> None:
    with Gpu() as gpu, pytest.raises(EngineError, match="CUDA or TensorRT failed"):
        gpu.run(lambda: gpu.kernels(b"no cubin at all", ["dms_crop"]))


def test_the_lease_shares_one_gpu_and_closes_with_the_last() -> None:
    first, second = lease.take(), lease.take()
    assert first is second
    lease.give_back()
    assert first.usable
    lease.give_back()
    assert not first.usable
