"""The comparison of engines: it must find the layer at which two nets part."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import onnx
import pytest

from dms.engine.build import Built
from dms.engine.manifest import load_manifest
from tests import small_nets
from tools import compare_engines as room


def test_the_layer_at_which_nets_part_is_found(tmp_path: Path) -> None:
    plain = small_nets.plain(tmp_path / "plain.onnx")
    model = onnx.load(str(plain))
    (weight,) = [tensor for tensor in model.graph.initializer if tensor.name == "w1"]
    altered = onnx.numpy_helper.to_array(weight) * np.float32(1.3)
    weight.CopyFrom(onnx.numpy_helper.from_array(altered, "w1"))
    other = tmp_path / "other.onnx"
    onnx.save(model, str(other))

    one, names = room.with_layers(plain, None)
    two, same = room.with_layers(other, names)
    assert names == same >= {"c0", "r0", "c1", "r1", "c2", "r2"}
    crops = np.random.default_rng(1).random((4, 1, 32, 32), np.float32)
    net = load_manifest("eye_state")
    with ExitStack() as stack:
        engines = [room.open_one(each, net, "onnxruntime", True, stack) for each in (one, two)]
        rows = room.differences(*(engine.infer(crops) for engine in engines))
    apart = {row.name: row.largest for row in rows}
    assert apart["c0"] == apart["r0"] == 0
    assert apart["c1"] > 0.01 < apart["r2"]
    assert [row.signal_db for row in rows] == sorted(row.signal_db for row in rows)
    c1 = next(row for row in rows if row.name == "c1")
    assert 9 < c1.signal_db < 14  # 30 % apart but for the bias: 20 log10(1 / 0.3) = 10.5 dB


@pytest.mark.parametrize("layers", [False, True])
def test_shipped_files_are_compared_on_the_gates_crops(layers: bool) -> None:
    rows = room.compare(load_manifest("eye_state"), "int8-qdq", layers=layers, count=8)
    assert {"open", "visible"} <= {row.name for row in rows}
    assert (len(rows) > 8) == layers
    rounded = [row for row in rows if "Conv" in row.name or row.name in {"open", "visible"}]
    assert all(0 < row.mean <= row.largest for row in rounded)  # what comes before stays FP32
    assert min(row.signal_db for row in rows) > 10  # no layer is beyond recognition


def test_the_other_side_may_be_tensorrt(trt, tmp_path: Path, monkeypatch) -> None:
    def build(module, content: bytes, options) -> Built:
        assert (module, options.batch) == (trt, 2)
        path = tmp_path / "built.onnx"
        path.write_bytes(content)
        return Built(trt.plan_of(path, options.batch), 1, None)

    monkeypatch.setattr(room, "tensorrt_module", lambda: trt)
    monkeypatch.setattr(room, "build_plan", build)
    net = load_manifest("eye_state")
    on_gpu = room.compare(net, "int8-qdq", "tensorrt", layers=True, count=4)
    on_cpu = room.compare(net, "int8-qdq", layers=True, count=4)
    assert {row.name for row in on_gpu} == {row.name for row in on_cpu}
    assert max(row.largest for row in on_gpu) == pytest.approx(
        max(row.largest for row in on_cpu), rel=0.2
    )


def test_the_table_goes_from_the_worst_to_the_best(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["compare_engines.py", "eye_state", "--against", "int8"])
    room.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["tensor", "mean", "largest", "signal/noise"]
    assert {line.split()[0] for line in lines[1:]} == {"open", "visible", "lids", "iris"}


def test_an_unknown_net_is_one_sentence(monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["compare_engines.py", "nose"])
    with pytest.raises(SystemExit, match=r"no manifest .*nose"):
        room.main()
