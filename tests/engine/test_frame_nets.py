"""The nets on one frame: real pycuda and the product's own kernel on the emulated driver."""

from __future__ import annotations

from math import cos, sin
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the nets of these tests are made with onnx")
from dms.engine import frame_nets as room
from dms.engine.frame_nets import Crop, FrameNets
from dms.engine.onnx import OnnxEngine
from dms.engine.preprocess.crop import cut, to_batch
from dms.errors import EngineError
from tests import small_nets as nets


def frame(seed: int = 2, width: int = 320, height: int = 240) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def matrix(scale: float, angle: float, x: float, y: float) -> np.ndarray:
    a, b, half = scale * cos(angle), scale * sin(angle), nets.SIDE / 2
    return np.array([[a, -b, half - (a * x - b * y)], [b, a, half - (b * x + a * y)]])


FACE = [Crop(matrix(0.2, 0.1, 160, 120))]
EYES = [Crop(matrix(0.6, 0.1, 130, 100)), Crop(matrix(0.6, 0.1, 190, 100), mirror=True)]


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nets.plain(tmp_path_factory.mktemp("nets") / "face.onnx", seed=1)


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nets.plain(tmp_path_factory.mktemp("nets") / "eyes.onnx", seed=2, classes=2)


@pytest.fixture(params=["discrete", "integrated", "no graphs"])
def frame_nets(request, trt, face: Path, eyes: Path, cubins: Path, monkeypatch):
    monkeypatch.setenv("EMU_INTEGRATED", "1" if request.param == "integrated" else "0")
    monkeypatch.setenv("EMU_NO_GRAPHS", "1" if request.param == "no graphs" else "0")
    plans = {"face": trt.plan_of(face, 1), "eyes": trt.plan_of(eyes, 2)}
    with FrameNets(plans, module=trt, cubins=cubins) as opened:
        yield opened


def on_cpu(net: Path, picture: np.ndarray, crops: list[Crop]) -> np.ndarray:
    cuts = [cut(picture, crop.matrix, nets.SIDE) for crop in crops]
    flipped = [c[:, ::-1] if crop.mirror else c for c, crop in zip(cuts, crops, strict=True)]
    with OnnxEngine(net) as engine:
        return engine.infer(to_batch(np.stack(flipped)))["y"]


def test_answers_as_the_cpu_path_does(frame_nets: FrameNets, face: Path, eyes: Path) -> None:
    for seed in (2, 3):
        got = frame_nets.run(frame(seed), {"face": FACE, "eyes": EYES})
        expected = {
            "face": on_cpu(face, frame(seed), FACE),
            "eyes": on_cpu(eyes, frame(seed), EYES),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(got[name]["y"], value, atol=1e-6)


def test_eyes_alone_then_both(frame_nets: FrameNets, eyes: Path) -> None:
    alone = frame_nets.run(frame(), {"eyes": EYES})
    both = frame_nets.run(frame(), {"face": FACE, "eyes": EYES})
    again = frame_nets.run(frame(), {"eyes": EYES})
    assert alone.keys() == {"eyes"}
    np.testing.assert_allclose(alone["eyes"]["y"], on_cpu(eyes, frame(), EYES), atol=1e-6)
    np.testing.assert_array_equal(alone["eyes"]["y"], both["eyes"]["y"])
    np.testing.assert_array_equal(alone["eyes"]["y"], again["eyes"]["y"])


def test_another_frame_size_is_taken(frame_nets: FrameNets, face: Path) -> None:
    for picture in (frame(), frame(4, 640, 480), frame(5)):
        got = frame_nets.run(picture, {"face": FACE})
        np.testing.assert_allclose(got["face"]["y"], on_cpu(face, picture, FACE), atol=1e-6)


def test_one_frame_costs_one_copy_in_one_graph_one_synchronise(
    gpu_counts, trt, face: Path, eyes: Path, cubins: Path, monkeypatch
) -> None:
    monkeypatch.setenv("EMU_INTEGRATED", "0")
    plans = {"face": trt.plan_of(face, 1), "eyes": trt.plan_of(eyes, 2)}
    with FrameNets(plans, module=trt, cubins=cubins) as opened:
        opened.run(frame(), {"face": FACE, "eyes": EYES})
        gpu_counts.forget()
        opened.run(frame(), {"face": FACE, "eyes": EYES})
        assert gpu_counts.synchronisations == 1
        assert gpu_counts.graph_launches == 1
        assert gpu_counts.launches == 2  # coordinate terms, then all crops
        assert gpu_counts.copies == 4  # frame and jobs in, one output of each net out


def test_integrated_gpu_copies_nothing(gpu_counts, trt, face, cubins, monkeypatch) -> None:
    monkeypatch.setenv("EMU_INTEGRATED", "1")
    with FrameNets({"face": trt.plan_of(face, 1)}, module=trt, cubins=cubins) as opened:
        opened.run(frame(), {"face": FACE})
    assert gpu_counts.copies == 0


def test_ten_bit_frames(trt, face: Path, cubins: Path) -> None:
    deep = frame().astype(np.uint16) << 2
    with FrameNets({"face": trt.plan_of(face, 1)}, module=trt, bits=10, cubins=cubins) as opened:
        got = opened.run(deep, {"face": FACE})
        with pytest.raises(EngineError, match="frames of 10 bits"):
            opened.run(frame(), {"face": FACE})
    np.testing.assert_allclose(got["face"]["y"], on_cpu(face, frame(), FACE), atol=1e-6)


def test_an_output_that_is_no_number_is_an_error(trt, face: Path, cubins: Path) -> None:
    bad = nets.poisoned(face, face.with_name("bad.onnx"))
    with (
        FrameNets({"face": trt.plan_of(bad, 1)}, module=trt, cubins=cubins) as opened,
        pytest.raises(EngineError, match="output 'y' of the net is not finite"),
    ):
        opened.run(frame(), {"face": FACE})


def test_the_first_frame_finds_all_in_place(gpu_counts, frame_nets: FrameNets, face, eyes) -> None:
    alive = gpu_counts.alive
    gpu_counts.forget()
    got = frame_nets.run(frame(), {"eyes": EYES, "face": FACE})
    assert gpu_counts.synchronisations == 1
    assert gpu_counts.alive == alive
    np.testing.assert_allclose(got["face"]["y"], on_cpu(face, frame(), FACE), atol=1e-6)
    np.testing.assert_allclose(got["eyes"]["y"], on_cpu(eyes, frame(), EYES), atol=1e-6)


def test_a_frame_larger_than_usual_replaces_the_memory_once(
    gpu_counts, frame_nets: FrameNets, face: Path
) -> None:
    large = frame(4, 1600, 1200)
    assert large.nbytes > room.USUAL_FRAME_BYTES
    alive = gpu_counts.alive
    for _ in range(2):
        got = frame_nets.run(large, {"face": FACE, "eyes": EYES})
        np.testing.assert_allclose(got["face"]["y"], on_cpu(face, large, FACE), atol=1e-6)
    assert gpu_counts.alive == alive


@pytest.mark.parametrize("crops", [{"face": EYES}, {"nose": FACE}])
def test_wrong_crops_are_refused(frame_nets: FrameNets, crops: dict) -> None:
    with pytest.raises(EngineError, match="the plans take"):
        frame_nets.run(frame(), crops)


def test_a_failing_load_leaves_nothing_behind(trt, face: Path, cubins: Path) -> None:
    plans = {"face": trt.plan_of(face, 1), "eyes": b"rubbish"}
    with pytest.raises(EngineError, match="does not fit"):
        FrameNets(plans, module=trt, cubins=cubins)


def test_closed_nets_say_so(frame_nets: FrameNets) -> None:
    frame_nets.close()
    with pytest.raises(EngineError, match="closed"):
        frame_nets.run(frame(), {"face": FACE})


def test_kernel_that_cannot_be_compiled_names_the_way_out(trt, face, monkeypatch) -> None:
    def broken(*_: object) -> bytes:
        raise EngineError("the crop kernel cannot be compiled; install CUDA's nvrtc or nvcc")

    monkeypatch.setattr(room, "compiled", broken)
    with pytest.raises(EngineError, match="nvrtc or nvcc"):
        FrameNets({"face": trt.plan_of(face, 1)}, module=trt)
