"""What one user of the GPU holds there, on the emulated driver."""

from __future__ import annotations

import numpy as np
import pytest

from dms.engine.gpu import lease
from dms.engine.session import GpuSession
from dms.errors import EngineError

pytestmark = pytest.mark.usefixtures("gpu_counts")


@pytest.mark.parametrize("integrated", ["0", "1"])
def test_all_that_was_allocated_is_freed_the_latest_first(gpu_counts, monkeypatch, integrated):
    monkeypatch.setenv("EMU_INTEGRATED", integrated)
    freed = []

    def load(session: GpuSession) -> None:
        session.keep(lambda: freed.append("first"))
        session.shared((8,), np.uint8)
        session.device(16)
        session.keep(lambda: freed.append("last"))

    holder = lease.take()  # so that the GPU itself stays open
    at_first = gpu_counts.alive
    with GpuSession(load):
        assert gpu_counts.alive > at_first
    assert gpu_counts.alive == at_first
    assert freed == ["last", "first"]
    assert holder.usable
    lease.give_back()


def test_one_session_leaves_the_memory_of_another_alone(gpu_counts) -> None:
    buffers = []

    def load(session: GpuSession) -> None:
        buffers.append(session.shared((4,), np.float32))

    first = GpuSession(load)
    with GpuSession(load) as second:
        first.close()
        address, size = buffers[1].address, buffers[1].host.nbytes
        assert gpu_counts.on_device(address, size)
        assert second.run(lambda: buffers[1].host.fill(1)) is None


def test_a_load_that_fails_leaves_nothing_behind(gpu_counts) -> None:
    def load(session: GpuSession) -> None:
        session.device(16)
        raise EngineError("no such plan")

    at_first = gpu_counts.alive
    with pytest.raises(EngineError, match="no such plan"):
        GpuSession(load)
    assert gpu_counts.alive == at_first


def test_one_thing_that_cannot_be_freed_does_not_keep_the_others(gpu_counts, caplog) -> None:
    def stuck() -> None:
        raise EngineError("cuGraphExecDestroy failed with CUDA error 1")

    def load(session: GpuSession) -> None:
        session.device(16)
        session.keep(stuck)

    at_first = gpu_counts.alive
    GpuSession(load).close()
    assert gpu_counts.alive == at_first
    assert "cuGraphExecDestroy failed" in caplog.text


def test_a_closed_session_says_so() -> None:
    session = GpuSession(lambda _: None)
    session.close()
    session.close()
    with pytest.raises(EngineError, match="is closed"):
        session.run(int)


@pytest.mark.parametrize("graphs", ["", "1"])
def test_queued_work_is_replayed_with_or_without_a_graph(gpu_counts, monkeypatch, graphs) -> None:
    monkeypatch.setenv("EMU_NO_GRAPHS", graphs)
    monkeypatch.setenv("EMU_INTEGRATED", "0")
    kept = []

    def load(session: GpuSession) -> None:
        buffer = session.shared((4,), np.float32)
        kept.extend([buffer, session.replayable(lambda: session.gpu.to_device(buffer))])

    def work() -> np.ndarray:
        buffer, replay = kept
        buffer.host[:] = 5
        replay()
        session.gpu.synchronize()
        buffer.host[:] = 0
        session.gpu.to_host(buffer)
        session.gpu.synchronize()
        return buffer.host.copy()

    with GpuSession(load) as session:
        assert session.run(work).tolist() == [5, 5, 5, 5]
        kept.clear()
    assert gpu_counts.graph_launches == (0 if graphs else 1)


def test_work_that_cannot_be_captured_is_launched_by_itself(monkeypatch) -> None:
    queued = []

    def load(session: GpuSession) -> None:
        def queue() -> None:
            queued.append(1)
            if len(queued) == 2:  # the capture
                raise session.gpu.cuda.LogicError(
                    "operation not permitted when stream is capturing"
                )

        session.replayable(queue)()

    with GpuSession(load):
        assert len(queued) == 3
