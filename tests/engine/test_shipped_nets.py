"""The nets of engines/ as TensorRT gets them: built for real, refused for real, gated for real."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from dms.engine.build import BuildOptions, build_plan
from dms.engine.gate import check
from dms.engine.manifest import ACCELERATED, FOLDER, Manifest, load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.prepare import batch_of
from dms.engine.preprocess.crop import to_batch
from dms.errors import EngineError

TARGET = "SM86"  # the nearest to Orin (SM87) that TensorRT-RTX has
SHIPPED = [load_manifest(path.stem) for path in sorted(FOLDER.glob("*.yaml"))]
FOR_TENSORRT = [found for found in SHIPPED if "int8-qdq" in found.files]


@pytest.fixture(params=FOR_TENSORRT, ids=lambda found: found.name)
def manifest(request: pytest.FixtureRequest) -> Manifest:
    return request.param


@pytest.fixture(scope="module")
def rtx():
    reason = "tensorrt-rtx is not installed; tools/gpu-less-test installs and runs it"
    return pytest.importorskip("tensorrt_rtx", reason=reason)


def test_all_that_run_on_the_gpu_have_a_file_for_it() -> None:
    assert {found.name for found in FOR_TENSORRT} >= set(ACCELERATED)


def test_int8_builds_with_a_third_of_the_weights(rtx, manifest: Manifest) -> None:
    options = BuildOptions(batch=batch_of(manifest), target=TARGET)
    plain = build_plan(rtx, manifest.path("fp32").read_bytes(), options)
    small = build_plan(rtx, manifest.path("int8-qdq").read_bytes(), options)
    assert small.weight_bytes < 0.35 * plain.weight_bytes


def test_the_file_for_the_cpu_is_refused_with_advice(rtx, manifest: Manifest) -> None:
    with pytest.raises(EngineError, match=r"symmetric signed INT8 Q/DQ.*docs/tensorrt\.md"):
        build_plan(rtx, manifest.path("int8").read_bytes(), BuildOptions(target=TARGET))


def test_symmetric_int8_passes_the_gate(manifest: Manifest) -> None:
    with OnnxEngine(manifest.path("int8-qdq"), optimise=False) as engine:
        result = check(engine, manifest)  # raises beyond the gate's limits
    assert result.crops >= 200
    assert result.mean_loss > 0  # it is another file than FP32


@pytest.mark.data
def test_symmetric_int8_loses_what_the_manifest_says(manifest: Manifest, data: Path) -> None:
    from tools.drawing.calibration_crops import from_data
    from tools.quantize import loss

    probe = to_batch(from_data(manifest, data)[1::2])
    with OnnxEngine(manifest.path("fp32")) as engine:
        reference = engine.infer(probe)
    with OnnxEngine(manifest.path("int8-qdq"), optimise=False) as engine:
        found = loss(reference, engine.infer(probe))
    told = manifest.figures["int8_loss"]["int8_qdq"]
    assert found["mean"] == pytest.approx(told["mean"], rel=0.25)
    assert found["max"] == pytest.approx(told["max"], rel=0.5)


@pytest.mark.data
def test_symmetric_int8_is_as_accurate_as_the_card_says(data: Path, monkeypatch) -> None:
    """TensorRT's file, run with optimisations off, on the eyes of people it has not seen."""
    from tools.evaluation import eyes
    from tools.nets import shipped

    monkeypatch.setattr(shipped, "PRECISIONS", ("int8-qdq",))
    monkeypatch.setattr(eyes, "beside", lambda found: found["int8-qdq"])
    mrl = Namespace(engines=FOLDER, data=data / "mrl_eyes_64", all_subjects=False, zju=None)
    found = eyes.measure(mrl)
    told = load_manifest("eye_state").figures["eyes"]["int8_qdq"]
    assert found["pictures"] == told["pictures"]
    for figure in ("balanced_accuracy", "balanced_accuracy_strong_reflections", "auroc"):
        assert found[figure] == pytest.approx(told[figure], abs=0.003), figure
    card = (FOLDER / "eye_state.md").read_text(encoding="utf-8")
    assert f"| {told['balanced_accuracy']:.3f} |" in card
