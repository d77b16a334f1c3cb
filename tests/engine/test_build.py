"""The builder, run for real by TensorRT-RTX, which needs no GPU to compile."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("onnx", reason="the nets of these tests are made with onnx")
pytest.importorskip("onnxruntime.quantization")
from dms.engine import build as room
from dms.engine.build import BuildOptions, Report, build_plan
from dms.errors import EngineError
from tests import small_nets as nets

TARGET = "SM86"  # the nearest to Orin (SM87) that TensorRT-RTX has


@pytest.fixture(scope="module")
def rtx():
    reason = "tensorrt-rtx is not installed; tools/gpu-less-test installs and runs it"
    return pytest.importorskip("tensorrt_rtx", reason=reason)


@pytest.fixture(scope="module")
def fp32(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nets.plain(tmp_path_factory.mktemp("nets") / "fp32.onnx")


@pytest.fixture(scope="module")
def int8(fp32: Path) -> Path:
    return nets.quantised(fp32, fp32.with_name("int8.onnx"))


@pytest.mark.parametrize("batch", [1, 2])
def test_symmetric_qdq_becomes_an_int8_plan(rtx, fp32: Path, int8: Path, batch: int) -> None:
    options = BuildOptions(batch=batch, target=TARGET)
    plain = build_plan(rtx, fp32.read_bytes(), options)
    small = build_plan(rtx, int8.read_bytes(), options)
    assert plain.weight_bytes
    assert small.weight_bytes
    assert small.weight_bytes < 0.35 * plain.weight_bytes
    assert len(small.plan) > small.weight_bytes


def test_progress_is_told_and_stays_within_bounds(rtx, int8: Path) -> None:
    told: list[tuple[str, float]] = []
    build_plan(
        *(rtx, int8.read_bytes(), BuildOptions(target=TARGET)),
        say=lambda phase, share: told.append((phase, share)),
    )
    assert told
    assert all(0 <= share <= 1 for _, share in told)
    assert {share for _, share in told} >= {0.0, 1.0}


@pytest.mark.parametrize("kind", ["default", "unsigned"])
def test_quantisation_that_tensorrt_cannot_take_is_refused_with_advice(
    rtx, fp32: Path, tmp_path: Path, kind: str
) -> None:
    bad = nets.quantised(fp32, tmp_path / "bad.onnx", kind)
    with pytest.raises(EngineError, match=r"symmetric signed INT8 Q/DQ.*docs/tensorrt\.md"):
        build_plan(rtx, bad.read_bytes(), BuildOptions(target=TARGET))


def test_a_file_that_is_no_net_is_refused(rtx) -> None:
    with pytest.raises(EngineError, match="refuses the net"):
        build_plan(rtx, b"nothing", BuildOptions(target=TARGET))


def test_free_picture_size_is_refused(rtx, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(nets.plain(tmp_path / "net.onnx")))
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    with pytest.raises(EngineError, match="fixed picture size"):
        build_plan(rtx, model.SerializeToString(), BuildOptions(target=TARGET))


def test_fixed_batch_that_differs_is_refused(rtx, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(nets.plain(tmp_path / "net.onnx")))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    with pytest.raises(EngineError, match="free batch"):
        build_plan(rtx, model.SerializeToString(), BuildOptions(batch=2, target=TARGET))


def test_missing_dla_says_to_leave_it_out(rtx, int8: Path) -> None:
    with pytest.raises(EngineError, match="leave out --dla"):
        build_plan(rtx, int8.read_bytes(), BuildOptions(dla_core=0, target=TARGET))


class FlagConfig:
    """The part of a builder's configuration that says where and how to compute."""

    def __init__(self) -> None:
        self.flags: list[str] = []
        self.default_device_type = self.DLA_core = None

    def set_flag(self, flag: str) -> None:
        self.flags.append(flag)


def of_version(version: str, **flags: str) -> SimpleNamespace:
    types = SimpleNamespace(DLA="DLA")
    flags = SimpleNamespace(GPU_FALLBACK="GPU_FALLBACK", **flags)
    return SimpleNamespace(__version__=version, BuilderFlag=flags, DeviceType=types)


def test_a_dla_core_computes_in_fp16_with_the_gpu_for_the_rest() -> None:
    config = FlagConfig()
    module = of_version("10.3.0", FP16="FP16")
    room._place(module, SimpleNamespace(num_DLA_cores=2), config, BuildOptions(dla_core=1))
    assert (config.default_device_type, config.DLA_core) == ("DLA", 1)
    assert config.flags == ["FP16", "GPU_FALLBACK"]


@pytest.mark.parametrize(
    ("module", "cores"),
    [
        (of_version("10.3.0", FP16="FP16"), 0),  # Orin Nano
        (of_version("10.3.0", FP16="FP16"), 1),  # no second core
        (of_version("10.16.1", FP16="FP16"), 0),  # no DLA from 10.8 on
        (of_version("11.4.1"), 2),  # a DLA again, but no FP16 flag
    ],
)
def test_a_dla_core_that_cannot_be_used_is_one_sentence(module, cores: int) -> None:
    with pytest.raises(EngineError, match=r"10\.0 to 10\.7.*leave out --dla and nets\.dla_core"):
        room._place(
            module, SimpleNamespace(num_DLA_cores=cores), FlagConfig(), BuildOptions(dla_core=1)
        )


def test_unknown_target_is_refused(rtx, int8: Path) -> None:
    with pytest.raises(EngineError, match="build on the device"):
        build_plan(rtx, int8.read_bytes(), BuildOptions(target="SM87"))


class TimingConfig:
    """Keeps the timings it is given, as the bindings do: no cache is a TypeError."""

    def __init__(self, fits: bool) -> None:
        self.fits, self.kept = fits, []

    def create_timing_cache(self, kept: bytes) -> bytes | None:
        return None if kept == b"damaged" else b"cache of " + kept

    def set_timing_cache(self, cache: bytes | None, _ignore_mismatch: bool) -> bool:
        if cache is None:
            raise TypeError("incompatible function arguments")
        self.kept.append(cache)
        return self.fits or cache == b"cache of "


@pytest.mark.parametrize(
    ("kept", "fits", "used", "told"),
    [
        (b"", True, b"cache of ", False),
        (b"timings", True, b"cache of timings", False),
        (b"foreign", False, b"cache of ", True),
        (b"damaged", True, b"cache of ", True),
    ],
)
def test_timings_that_do_not_fit_do_not_stop_a_build(kept, fits, used, told, caplog) -> None:
    config = TimingConfig(fits)
    room._use_timings(config, kept)
    assert config.kept[-1] == used
    assert ("do not fit" in caplog.text) == told


@pytest.mark.parametrize(
    ("said", "reason"),
    [(["CUDA initialization failure with error: 35"], "failure with error: 35"), ([], "nullptr")],
)
def test_a_builder_that_cannot_start_is_one_sentence(said: list[str], reason: str) -> None:
    """What the bindings raise where the driver is older than CUDA (NVIDIA/TensorRT issue 2913)."""

    class Logger:
        def __init__(self) -> None:
            pass

    def builder(logger):
        for line in said:
            logger.log("ERROR", line)
        raise TypeError("pybind11::init(): factory function returned nullptr")

    Logger.Severity, Logger.ERROR, Logger.INTERNAL_ERROR = str, "ERROR", "INTERNAL_ERROR"
    module = SimpleNamespace(Builder=builder, ILogger=Logger)
    with pytest.raises(EngineError, match=rf"cannot start \(.*{reason}.*belong together"):
        build_plan(module, b"")


def test_report_reads_one_number_and_one_reason() -> None:
    report = Report(errors=["first\n of two"], lines=["x", "Total Weights Memory: 12 bytes"])
    assert report.number(r"Total Weights Memory: (\d+) bytes") == 12
    assert report.number(r"Nothing: (\d+)") is None
    assert report.reason() == "first of two"
    assert Report().reason() == "it gave no reason"
