"""The nets of engines/ as TensorRT gets them: built for real, refused for real, gated for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from dms.crop import to_batch
from dms.engine.build import BuildOptions, build_plan
from dms.engine.gate import check
from dms.engine.manifest import FOLDER, Manifest, load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.prepare import batch_of
from dms.errors import EngineError

TARGET = "SM86"  # the nearest to Orin (SM87) that TensorRT-RTX has
NETS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@pytest.fixture(params=NETS)
def manifest(request: pytest.FixtureRequest) -> Manifest:
    found = load_manifest(request.param)
    if "int8-qdq" not in found.files:
        pytest.skip(f"{found.name} has no file for TensorRT")
    return found


@pytest.fixture(scope="module")
def rtx():
    reason = "tensorrt-rtx is not installed; tools/gpu-less-test installs and runs it"
    return pytest.importorskip("tensorrt_rtx", reason=reason)


def test_int8_builds_with_int8_layers_and_a_third_of_the_weights(rtx, manifest: Manifest) -> None:
    options = BuildOptions(batch=batch_of(manifest), target=TARGET)
    plain = build_plan(rtx, manifest.path("fp32").read_bytes(), options)
    small = build_plan(rtx, manifest.path("int8-qdq").read_bytes(), options)
    assert plain.int8_layers == 0
    assert small.int8_layers > 0
    assert small.weight_bytes < 0.35 * plain.weight_bytes


def test_the_file_for_the_cpu_is_refused_with_advice(rtx, manifest: Manifest) -> None:
    with pytest.raises(EngineError, match=r"symmetric signed INT8 Q/DQ.*docs/tensorrt\.md"):
        build_plan(rtx, manifest.path("int8").read_bytes(), BuildOptions(target=TARGET))


def test_symmetric_int8_passes_the_gate(manifest: Manifest) -> None:
    with OnnxEngine(manifest.path("int8-qdq"), optimise=False) as engine:
        result = check(engine, manifest)  # raises beyond the gate's limits
    assert result.crops >= 200
    assert 0 < result.mean_loss < 0.01


@pytest.mark.data
def test_symmetric_int8_loses_what_the_manifest_says(manifest: Manifest, data: Path) -> None:
    from tools.nets.calibration_crops import from_data
    from tools.quantize import loss

    probe = to_batch(from_data(manifest, data)[1::2])
    with OnnxEngine(manifest.path("fp32")) as engine:
        reference = engine.infer(probe)
    with OnnxEngine(manifest.path("int8-qdq"), optimise=False) as engine:
        found = loss(reference, engine.infer(probe))
    told = manifest.figures["int8_loss"]["int8_qdq"]
    assert found["mean"] == pytest.approx(told["mean"], rel=0.25)
    assert found["max"] == pytest.approx(told["max"], rel=0.5)
