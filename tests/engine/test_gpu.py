"""The GPU's thread, memory and stream on the emulated driver."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from dms.engine.gpu import Gpu, lease
from dms.errors import EngineError

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
def test_memory_is_freed_back_to_a_mark(gpu_counts) -> None:
    with Gpu() as gpu:
        at_first = gpu_counts.alive
        mark = gpu.run(gpu.mark)
        gpu.run(lambda: [gpu.shared((8,), np.uint8), gpu.device(16)])
        assert gpu_counts.alive > at_first
        gpu.run(lambda: gpu.free_since(mark))
        assert gpu_counts.alive == at_first


@pytest.mark.usefixtures("kind")
def test_closing_frees_what_is_left() -> None:
    gpu = Gpu()
    gpu.run(lambda: gpu.shared((8,), np.uint8))
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


def test_a_gpu_that_hangs_is_lost_not_waited_for() -> None:
    gpu = Gpu(call_timeout_s=0.05)
    release = threading.Event()
    with pytest.raises(EngineError, match="did not answer within"):
        gpu.run(release.wait)
    assert not gpu.usable
    with pytest.raises(EngineError, match="has stopped answering"):
        gpu.run(int)
    release.set()
    gpu._lost = False  # it came back: the test cleans up what the product leaves alone
    time.sleep(0.01)
    gpu.close()


def test_a_cuda_error_becomes_ours() -> None:
    with Gpu() as gpu, pytest.raises(EngineError, match="CUDA failed"):
        gpu.run(lambda: gpu.kernels(b"no cubin at all", ["dms_crop"]))


def test_the_lease_shares_one_gpu_and_closes_with_the_last() -> None:
    first, second = lease.take(), lease.take()
    assert first is second
    lease.give_back()
    assert first.usable
    lease.give_back()
    assert not first.usable


@pytest.mark.parametrize("graphs", ["", "1"])
def test_queued_work_is_replayed_with_or_without_a_graph(gpu_counts, monkeypatch, graphs) -> None:
    monkeypatch.setenv("EMU_NO_GRAPHS", graphs)
    monkeypatch.setenv("EMU_INTEGRATED", "0")

    def work() -> np.ndarray:
        buffer = gpu.shared((4,), np.float32)
        replay = gpu.replayable(lambda: gpu.to_device(buffer))
        buffer.host[:] = 5
        replay()
        gpu.synchronize()
        buffer.host[:] = 0
        gpu.to_host(buffer)
        gpu.synchronize()
        return buffer.host.copy()

    with Gpu() as gpu:
        assert gpu.run(work).tolist() == [5, 5, 5, 5]
    assert gpu_counts.graph_launches == (0 if graphs else 1)
