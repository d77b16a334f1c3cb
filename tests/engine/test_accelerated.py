"""The change from CPU to GPU and back, with the real pycuda on the emulated driver."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the nets of these tests are made with onnx")
from dms.engine.accelerated import AcceleratedNets, Preparation
from dms.engine.load import open_engine
from dms.engine.manifest import load_manifest
from dms.engine.plans import PlanStore
from dms.engine.prepare import Machine, key_of
from dms.errors import EngineError
from dms.expression import ExpressionNet
from dms.eye_state import EyeStateNet

ANCHORS = np.array([(300, 200), (360, 205), (303, 270), (350, 273)], np.float32)
ORIN = Machine("10.3.0", "8.7")


def picture(seed: int = 1) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (48, 64), np.uint8)
    return np.kron(coarse, np.ones((10, 10), np.uint8))


class Bench:
    """Nets, a plan store and what stands in for the building process."""

    def __init__(self, trt, engines: Path, folder: Path) -> None:
        self.trt, self.engines = trt, engines
        self.store = PlanStore(folder)
        self.manifests = [load_manifest(name, engines) for name in ("eye_state", "expression")]
        self.expression = ExpressionNet(open_engine(self.manifests[1]), self.manifests[1])
        self.eye_state = EyeStateNet(open_engine(self.manifests[0]), self.manifests[0])
        self.built: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()

    def keep(self, names: Sequence[str], version: str = ORIN.tensorrt) -> None:
        for manifest in self.manifests:
            if manifest.name in names:
                key = key_of(manifest, ORIN)
                path = manifest.path("fp32")
                self.store.write(key, self.trt.plan_of(path, key.batch, version), {})

    def builder(self, code: int = 0) -> Callable[[Sequence[str]], subprocess.Popen[str]]:
        def start(arguments: Sequence[str]) -> subprocess.Popen[str]:
            self.built.append(list(arguments))
            self.gate.wait(120)
            if not code:
                self.keep([name for name in ("eye_state", "expression") if name in arguments])
            script = f"print('eye_state: Tactics 50%'); raise SystemExit({code})"
            return subprocess.Popen(
                [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
            )

        return start

    def open(self, code: int = 0) -> AcceleratedNets:
        preparation = Preparation(
            self.manifests, self.store, module=self.trt, builder=self.builder(code)
        )
        return AcceleratedNets(self.expression, self.eye_state, preparation)


@pytest.fixture
def bench(trt, engines: Path, cubins: Path, tmp_path: Path) -> Bench:
    folder = tmp_path / "plans"
    folder.mkdir()
    for cubin in cubins.iterdir():
        os.link(cubin, folder / cubin.name)
    return Bench(trt, engines, folder)


def same(nets: AcceleratedNets, bench: Bench, seed: int = 1) -> bool:
    """Whether both ways give the same numbers on one frame."""
    gray = picture(seed)
    eyes, face = nets.eye_state.read(gray, ANCHORS), nets.expression.read(gray, ANCHORS)
    expected_eyes = bench.eye_state.read(gray, ANCHORS)
    expected_face = bench.expression.read(gray, ANCHORS)
    return np.allclose(
        [*face.probabilities, *(e.open_probability for e in eyes)],
        [*expected_face.probabilities, *(e.open_probability for e in expected_eyes)],
        atol=2e-6,
    )


def test_kept_plans_are_loaded_without_building(bench: Bench) -> None:
    bench.keep(["eye_state", "expression"])
    with bench.open() as nets:
        assert nets.wait(120)
        assert same(nets, bench)
    assert bench.built == []


def test_both_nets_share_one_synchronise_a_frame(bench: Bench, gpu_counts) -> None:
    bench.keep(["eye_state", "expression"])
    with bench.open() as nets:
        nets.wait(120)
        assert same(nets, bench)
        gpu_counts.forget()
        for seed in range(2, 7):
            assert same(nets, bench, seed)
        assert gpu_counts.synchronisations == 5


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


def test_only_what_is_missing_is_built(bench: Bench) -> None:
    bench.keep(["eye_state"])
    with bench.open() as nets:
        assert nets.wait(120)
    assert [arguments[0] for arguments in bench.built] == ["expression"]


@pytest.mark.parametrize("harm", ["version", "damage"])
def test_a_plan_that_does_not_fit_is_rebuilt_and_told_in_one_sentence(
    bench: Bench, caplog, harm: str
) -> None:
    bench.keep(["eye_state", "expression"], version="9.9" if harm == "version" else "10.3.0")
    if harm == "damage":
        bench.store.plans()[0].path.write_bytes(b"half")
    with bench.open() as nets:
        assert nets.wait(120)
        assert same(nets, bench)
    assert len(bench.built) == 1
    told = [record.message for record in caplog.records if "which takes minutes" in record.message]
    assert len(told) == 1
    assert ("does not fit this machine" if harm == "version" else "is damaged") in told[0]


def test_a_failing_build_leaves_the_cpu_watching(bench: Bench, caplog) -> None:
    with bench.open(code=4) as nets:
        assert not nets.wait(120)
        assert same(nets, bench)
    assert "the nets stay on the CPU: building the plans failed with code 4" in caplog.text


def test_no_gpu_leaves_the_cpu_watching(bench: Bench, caplog, monkeypatch) -> None:
    monkeypatch.setenv("EMU_NO_GPU", "1")
    with bench.open() as nets:
        assert not nets.wait(120)
        assert same(nets, bench)
    assert "the nets stay on the CPU: no NVIDIA GPU answers" in caplog.text


def test_a_gpu_that_fails_later_hands_back_to_the_cpu(bench: Bench, caplog, monkeypatch) -> None:
    bench.keep(["eye_state", "expression"])
    with bench.open() as nets:
        nets.wait(120)
        assert same(nets, bench)

        def fail(*_: object) -> None:
            raise EngineError("CUDA failed (an illegal memory access)")

        monkeypatch.setattr(nets._nets, "run", fail)
        assert same(nets, bench, 2)
        assert not nets.on_gpu
    assert caplog.text.count("the nets go back to the CPU: CUDA failed") == 1


def test_a_frame_of_other_people_is_never_answered_with_the_last(bench: Bench) -> None:
    bench.keep(["eye_state", "expression"])
    with bench.open() as nets:
        nets.wait(120)
        gray = picture()
        nets.eye_state.read(gray, ANCHORS)
        moved = ANCHORS + np.float32(15)
        expected = bench.expression.read(gray, moved).probabilities
        assert nets.expression.read(gray, moved).probabilities == pytest.approx(expected, abs=2e-6)


def test_closing_during_a_build_ends_it(bench: Bench) -> None:
    started = threading.Event()

    def forever(_: Sequence[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.PIPE, text=True
        )
        started.set()
        return process

    preparation = Preparation(bench.manifests, bench.store, module=bench.trt, builder=forever)
    with AcceleratedNets(bench.expression, bench.eye_state, preparation) as nets:
        assert started.wait(120)
        assert same(nets, bench)
    assert not nets.on_gpu


def test_a_long_build_is_heard_from(bench: Bench, caplog, monkeypatch) -> None:
    monkeypatch.setattr("dms.engine.accelerated.TOLD_EVERY_S", 0.0)
    with bench.open() as nets:
        assert nets.wait(120)
    assert "building: eye_state: Tactics 50%" in caplog.text


def test_a_dla_core_is_passed_on_and_part_of_the_key(bench: Bench) -> None:
    preparation = Preparation(
        bench.manifests, bench.store, module=bench.trt, dla_core=1, builder=bench.builder()
    )
    with AcceleratedNets(bench.expression, bench.eye_state, preparation) as nets:
        assert not nets.wait(120)  # what stands in for the build keeps plans for the GPU only
    (arguments,) = bench.built
    assert arguments[-2:] == ["--dla", "1"]
