"""``dms doctor --engine`` on the emulated GPU, with the nets that ship."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dms.cli import main
from dms.engine import report as room
from dms.engine.manifest import load_manifest
from dms.engine.plans import PlanStore
from dms.engine.prepare import Machine, key_of
from dms.engine.report import Row, engine_report, timed

ORIN = Machine("10.3.0", "8.7")


@pytest.fixture
def store(trt, cubins: Path, tmp_path: Path) -> PlanStore:
    kept = PlanStore(tmp_path / "plans")
    for name in room.NETS:
        manifest = load_manifest(name)
        key = key_of(manifest, ORIN)
        kept.write(key, trt.plan_of(manifest.path("int8-qdq"), key.batch), {})
    for cubin in cubins.iterdir():
        os.link(cubin, kept.folder / cubin.name)
    return kept


def test_measures_everything_and_judges_it(trt, store: PlanStore) -> None:
    rows = list(engine_report(store=store, module=trt, count=3))
    by_name = {(row.part, row.what): row for row in rows}
    for net in room.NETS:
        assert by_name[net, "CPU INT8 against FP32"].good
        assert by_name[net, "TensorRT INT8 against FP32"].good
        assert by_name[net, "GPU crops against CPU crops"].value == "max 0.000000"
        told = by_name[net, "TensorRT against the same Q/DQ file in ONNX Runtime, not optimised"]
        assert float(told.value.split("max ")[1]) < 0.02
    assert by_name["GPU", "device"].value == "emulated GPU, compute capability 8.7"
    assert "p99" in by_name["frame", "1280x720: copy, crops and all nets on the GPU"].value
    assert "MiB free" in by_name["GPU", "memory"].value


def test_a_net_that_differs_is_bad(trt, store: PlanStore) -> None:
    other = load_manifest("expression")
    key = key_of(other, ORIN)
    from tests import tiny_nets

    path = store.folder / "wrong.onnx"
    tiny_nets.write_net(path, 48, dict(other.outputs))
    store.write(key, trt.plan_of(path, 1), {})
    rows = list(engine_report(store=store, module=trt, count=3))
    bad = [row for row in rows if row.good is False]
    assert [(row.part, row.what) for row in bad] == [("expression", "TensorRT INT8 against FP32")]
    assert "rebuild it" in bad[0].value


def test_without_tensorrt_the_cpu_is_measured_and_the_reason_told(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    if __import__("importlib.util").util.find_spec("tensorrt"):
        pytest.skip("TensorRT is installed here")
    rows = list(engine_report(names=["eye_state"], store=PlanStore(tmp_path), count=3))
    assert [row.good for row in rows if row.part == "eye_state"] == [True, None]
    assert [row.what for row in rows if row.good is False] == ["not measured"]


def test_percentiles_are_of_the_calls() -> None:
    calls = []
    told = timed(lambda: calls.append(1), 50)
    assert len(calls) == 70
    assert 0 <= told.p50_us <= told.p99_us


def test_example_crops_lie_in_the_frame() -> None:
    for name in room.NETS:
        net = load_manifest(name)
        crops = room.cpu_crops(np.full(room.FRAME, 9, np.uint8), net, room.example_crops(net))
        assert (crops == 9).all()


def test_the_command_prints_a_table_to_paste(capsys, monkeypatch) -> None:
    rows = [Row("GPU", "device", "Orin"), Row("expression", "gate", "differs", good=False)]
    monkeypatch.setattr(room, "engine_report", lambda: iter(rows))
    assert main(["doctor", "--engine"]) == 1
    assert capsys.readouterr().out.splitlines()[2:] == [
        "| GPU | device | Orin |  |",
        "| expression | gate | differs | BAD |",
    ]
    monkeypatch.setattr(room, "engine_report", lambda: iter(rows[:1]))
    assert main(["doctor", "--engine", "--json"]) == 0
