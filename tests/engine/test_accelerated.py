"""The change from CPU to GPU and back, with the real pycuda on the emulated driver."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the nets of these tests are made with onnx")
from dms.engine.backends import open_engine
from dms.engine.frame_nets import FrameNets
from dms.engine.preparation import Preparation
from dms.engine.prepare import key_of
from dms.errors import EngineError
from dms.perception import accelerated as room
from dms.perception.accelerated import AcceleratedNets
from dms.perception.expression import ExpressionNet
from dms.perception.eye_net import EyeStateNet
from tests import small_nets
from tests.plan_bench import ORIN, PlanBench

ANCHORS = np.array([(300, 200), (360, 205), (303, 270), (350, 273)], np.float32)


def picture(seed: int = 1) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (48, 64), np.uint8)
    return np.kron(coarse, np.ones((10, 10), np.uint8))


class Bench(PlanBench):
    """The nets on the CPU beside the plans."""

    def __init__(self, trt, engines: Path, folder: Path) -> None:
        super().__init__(trt, engines, folder)
        eyes, face = self.nets.values()
        self.expression = ExpressionNet(open_engine(face), face)
        self.eye_state = EyeStateNet(open_engine(eyes), eyes)

    def open(self, **more: object) -> AcceleratedNets:
        given = {"module": self.trt, "builder": self.build, **more}
        preparation = Preparation(self.nets, self.store, **given)
        return AcceleratedNets(self.expression, self.eye_state, preparation)


@pytest.fixture
def bench(trt, engines: Path, plan_folder: Path) -> Bench:
    return Bench(trt, engines, plan_folder)


def same(nets: AcceleratedNets, bench: Bench, seed: int = 1) -> bool:
    """Whether both ways give the same numbers on one frame."""
    gray = picture(seed)
    # The expression first, as perception asks where it is due.
    face, eyes = nets.expression.read(gray, ANCHORS), nets.eye_state.read(gray, ANCHORS)
    expected_eyes = bench.eye_state.read(gray, ANCHORS)
    expected_face = bench.expression.read(gray, ANCHORS)
    return np.allclose(
        [*face.probabilities, *(e.open_probability for e in eyes)],
        [*expected_face.probabilities, *(e.open_probability for e in expected_eyes)],
        atol=2e-6,
    )


def test_kept_plans_are_loaded_without_building(bench: Bench) -> None:
    bench.keep()
    with bench.open() as nets:
        assert nets.wait(120)
        assert same(nets, bench)
    assert bench.built == []


def test_both_nets_share_one_synchronise_a_frame(bench: Bench, gpu_counts) -> None:
    bench.keep()
    with bench.open() as nets:
        nets.wait(120)
        assert same(nets, bench)
        gpu_counts.forget()
        for seed in range(2, 7):
            assert same(nets, bench, seed)
        assert gpu_counts.synchronisations == 5


def test_a_net_that_is_not_due_is_not_run(bench: Bench, gpu_counts) -> None:
    bench.keep()
    with bench.open() as nets:
        assert nets.wait(120)
        frames, asked = nets._opening.result(), []
        run = frames.run
        frames.run = lambda gray, crops: asked.append(sorted(crops)) or run(gray, crops)
        gpu_counts.forget()
        for seed in range(6):
            if seed % 3 == 0:
                assert same(nets, bench, seed)
            else:
                nets.eye_state.read(picture(seed), ANCHORS)
        del frames.run
        assert gpu_counts.synchronisations == 6  # one a frame
    both = ["expression", "eye_state"]
    assert asked == [both, ["eye_state"], ["eye_state"]] * 2


def test_the_cpu_watches_while_plans_are_built_then_they_swap(bench: Bench, caplog) -> None:
    bench.gate.clear()
    with caplog.at_level(logging.INFO), bench.open() as nets:
        for seed in range(3):
            assert same(nets, bench, seed)  # no gap before
        assert not nets.on_gpu
        bench.gate.set()
        assert nets.wait(120)
        for seed in range(3):
            assert same(nets, bench, seed)  # nor after
    (arguments,) = bench.built
    assert arguments[:2] == ["eye_state", "expression"]
    assert "--folder" in arguments
    told = caplog.text
    assert "building eye_state and expression, which takes minutes; the CPU watches" in told
    assert "Tactics 50%" in told
    assert "run on the GPU now" in told


def test_a_failing_build_leaves_the_cpu_watching(bench: Bench, caplog) -> None:
    bench.script, bench.makes_plans = "raise SystemExit(4)", False
    with bench.open() as nets:
        assert not nets.wait(120)
        assert same(nets, bench)
    assert "the nets stay on the CPU: building the plans failed with code 4" in caplog.text


def test_no_gpu_leaves_the_cpu_watching(bench: Bench, caplog, monkeypatch) -> None:
    monkeypatch.setenv("EMU_NO_GPU", "1")
    with bench.open() as nets:
        assert not nets.wait(120)
        assert same(nets, bench)
    assert "the nets stay on the CPU: no NVIDIA GPU answers" in caplog.text


def test_a_gpu_that_comes_late_is_taken_and_told_once(bench: Bench, caplog, monkeypatch) -> None:
    monkeypatch.setattr(room, "RETRY_S", (0.01,))
    monkeypatch.setenv("EMU_NO_GPU", "1")
    bench.keep()
    with caplog.at_level(logging.INFO), bench.open() as nets:
        assert not nets.wait(120)
        assert same(nets, bench)
        monkeypatch.delenv("EMU_NO_GPU")
        assert nets._opening.result(60) is not None
        assert nets.on_gpu
        assert same(nets, bench, 2)
    assert caplog.text.count("it is tried again") == 1
    assert "run on the GPU now" in caplog.text


def test_waiting_for_a_gpu_ends_at_once_when_the_service_stops(bench: Bench, monkeypatch) -> None:
    monkeypatch.setenv("EMU_NO_GPU", "1")
    nets = bench.open()
    assert not nets.wait(120)
    nets.close()
    assert nets._opening.result(10) is None


@pytest.mark.parametrize("error", [EngineError("CUDA failed"), TypeError("a fault of ours")])
def test_a_gpu_that_fails_later_hands_back_to_the_cpu(bench: Bench, caplog, error) -> None:
    bench.keep()
    with bench.open() as nets:
        nets.wait(120)
        assert same(nets, bench)

        def fail(*_: object) -> None:
            raise error

        nets._opening.result().run = fail
        assert same(nets, bench, 2)
        assert not nets.on_gpu
        del nets._opening.result().run
    assert caplog.text.count("the nets go back to the CPU") == 1


def test_an_error_of_the_gpu_that_persists_leaves_the_cpu_watching(
    bench: Bench, caplog, monkeypatch, gpu_counts
) -> None:
    bench.keep()
    with bench.open() as nets:
        assert nets.wait(120)
        monkeypatch.setenv("EMU_BROKEN", "1")  # as after an illegal memory access
        for seed in range(3):
            assert same(nets, bench, seed)
        assert not nets.on_gpu
    assert caplog.text.count("the nets go back to the CPU: CUDA or TensorRT failed") == 1
    assert "memory of the GPU stays taken" in caplog.text
    monkeypatch.delenv("EMU_BROKEN")
    gc.collect()
    gpu_counts.abandon()


def test_an_answer_that_is_no_number_hands_back_to_the_cpu(bench: Bench, caplog) -> None:
    bench.keep()
    face = bench.nets["expression"]
    bad = small_nets.poisoned(face.path("fp32"), bench.store.folder / "bad.onnx")
    bench.store.write(key_of(face, ORIN), bench.trt.plan_of(bad, 1), {})
    with bench.open() as nets:
        assert nets.wait(120)
        assert same(nets, bench)
        assert not nets.on_gpu
    assert "of the net is not finite" in caplog.text


def test_a_gpu_that_hangs_while_it_is_freed_holds_nobody_up(bench: Bench, monkeypatch) -> None:
    monkeypatch.setattr(room, "CLOSE_TIMEOUT_S", 0.05)
    bench.keep()
    release, freed = threading.Event(), threading.Event()
    nets = bench.open()
    assert nets.wait(120)
    opened = nets._opening.result()

    def hangs() -> None:
        release.wait()
        FrameNets.close(opened)
        freed.set()

    def fail(*_: object) -> None:
        raise EngineError("the GPU did not answer within 2 s")

    opened.run, opened.close = fail, hangs
    for seed in range(3):
        assert same(nets, bench, seed)
    nets.close()
    nets.close()
    assert not freed.is_set()
    release.set()
    assert freed.wait(120)
    nets._worker.stop(120)
    del opened.run, opened.close


def test_the_first_frame_costs_what_the_others_do(bench: Bench, gpu_counts) -> None:
    bench.keep()
    with bench.open() as nets:
        assert nets.wait(120)
        alive = gpu_counts.alive
        costs = []
        for seed in range(2):
            gpu_counts.forget()
            assert same(nets, bench, seed)
            costs.append(
                (gpu_counts.graph_launches, gpu_counts.launches, gpu_counts.synchronisations)
            )
        assert costs == [(1, 2, 1)] * 2
        assert gpu_counts.alive == alive


def test_closing_while_plans_are_loaded_frees_them(bench: Bench, monkeypatch) -> None:
    monkeypatch.setattr(room, "CLOSE_TIMEOUT_S", 0.05)
    bench.keep()
    go_on = threading.Event()
    open_ = Preparation.open

    def slow(self: Preparation) -> FrameNets:
        go_on.wait()
        return open_(self)

    monkeypatch.setattr(Preparation, "open", slow)
    nets = bench.open()
    nets.close()
    go_on.set()
    assert nets._worker.stop(120)
    assert nets._opening.result() is not None  # it did get ready, and the fixtures see no leak
    assert not nets.on_gpu


def test_roles_count_and_not_what_the_nets_are_called(bench: Bench) -> None:
    bench.nets["expression"] = replace(bench.nets["expression"], name="faces")
    bench.keep(["eye_state", "faces"])
    with bench.open() as nets:
        assert nets.wait(120)
        assert same(nets, bench)
        assert nets.on_gpu


def test_a_frame_of_other_people_is_never_answered_with_the_last(bench: Bench) -> None:
    bench.keep()
    with bench.open() as nets:
        nets.wait(120)
        gray = picture()
        nets.eye_state.read(gray, ANCHORS)
        moved = ANCHORS + np.float32(15)
        expected = bench.expression.read(gray, moved).probabilities
        assert nets.expression.read(gray, moved).probabilities == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("error", [OSError(12, "Cannot allocate memory"), TypeError("ours")])
def test_whatever_fails_in_the_preparation_leaves_the_cpu_watching(
    bench: Bench, caplog, error
) -> None:
    def builder(_: Sequence[str]) -> subprocess.Popen[str]:
        raise error

    with bench.open(builder=builder) as nets:
        assert not nets.wait(120)
        assert same(nets, bench)
    assert caplog.text.count("the nets stay on the CPU") == 1


def test_closing_during_a_build_ends_it(bench: Bench) -> None:
    started = threading.Event()

    def forever(_: Sequence[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.PIPE, text=True
        )
        started.set()
        return process

    with bench.open(builder=forever) as nets:
        assert started.wait(120)
        assert same(nets, bench)
    assert not nets.on_gpu
