"""Plans found, built anew, or neither: what the preparation does and says."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="the nets of these tests are made with onnx")
from dms.engine import preparation as room
from dms.engine.preparation import Preparation
from dms.engine.prepare import key_of
from dms.errors import EngineError
from tests.plan_bench import ORIN, ROLES, PlanBench


class Bench(PlanBench):
    """Prepares and closes at once."""

    def prepare(self, **more: object) -> None:
        given = {"module": self.trt, "builder": self.build, **more}
        Preparation(self.nets, self.store, **given).open().close()


@pytest.fixture
def bench(trt, engines: Path, plan_folder: Path) -> Bench:
    return Bench(trt, engines, plan_folder)


def test_only_what_is_missing_is_built(bench: Bench) -> None:
    bench.keep(["eye_state"])
    bench.prepare()
    assert [arguments[0] for arguments in bench.built] == ["expression"]
    bench.prepare()
    assert len(bench.built) == 1


def test_a_damaged_plan_alone_is_rebuilt_and_told_in_one_sentence(bench: Bench, caplog) -> None:
    bench.keep()
    damaged = bench.store.find(key_of(bench.nets["expression"], ORIN))
    damaged.path.write_bytes(b"half")
    sound = bench.store.find(key_of(bench.nets["eye_state"], ORIN))
    bench.prepare()
    assert [arguments[0] for arguments in bench.built] == ["expression"]
    assert bench.store.find(sound.key) == sound
    told = [record.message for record in caplog.records if "which takes minutes" in record.message]
    assert len(told) == 1
    assert "is damaged: building expression" in told[0]


def test_plans_that_do_not_fit_are_rebuilt_and_told_in_one_sentence(bench: Bench, caplog) -> None:
    bench.keep(version="9.9")
    bench.prepare()
    assert len(bench.built) == 1
    assert bench.built[0][:2] == list(ROLES)
    assert "--force" in bench.built[0]
    told = [record.message for record in caplog.records if "which takes minutes" in record.message]
    assert len(told) == 1
    assert "does not fit this machine" in told[0]


def test_an_older_plan_that_does_not_fit_beside_a_new_one_is_rebuilt(bench: Bench) -> None:
    bench.keep(["eye_state"], version="9.9")
    bench.prepare()
    assert [arguments[0] for arguments in bench.built] == ["expression", "eye_state"]


def test_plans_that_never_fit_are_built_once_and_given_up(bench: Bench) -> None:
    bench.makes_plans = False
    bench.keep(version="9.9")
    with pytest.raises(EngineError, match="does not fit this machine"):
        bench.prepare()
    assert len(bench.built) == 1


def test_a_build_that_makes_no_plan_is_told(bench: Bench) -> None:
    bench.makes_plans = False
    with pytest.raises(EngineError, match="the build made no plan for eye_state"):
        bench.prepare()


def test_a_failing_build_is_told_with_its_code(bench: Bench) -> None:
    bench.script = "raise SystemExit(4)"
    with pytest.raises(EngineError, match="failed with code 4"):
        bench.prepare(precision="fp32")
    assert len(bench.built) == 1


def test_where_int8_cannot_be_built_fp32_is_and_kept_for_the_next_start(
    bench: Bench, caplog
) -> None:
    """As TensorRT 10.16 on Orin, which fails on sound Q/DQ files (NVIDIA/TensorRT#4832)."""
    bench.fails = "int8"
    bench.prepare()
    precisions = [arguments[arguments.index("--precision") + 1] for arguments in bench.built]
    assert precisions == ["int8", "fp32"]
    assert "failed with code 4" in caplog.text
    assert "the FP32 files are taken instead" in caplog.text
    caplog.clear()
    bench.prepare()
    assert len(bench.built) == 2
    assert "'dms engine build' tries it again" in caplog.text


def test_fp32_plans_that_were_built_for_another_reason_do_not_stand_in(bench: Bench) -> None:
    bench.keep(precision="fp32")
    bench.prepare()
    (arguments,) = bench.built
    assert arguments[arguments.index("--precision") + 1] == "int8"


def test_where_neither_can_be_built_that_is_told(bench: Bench) -> None:
    bench.script = "raise SystemExit(4)"
    with pytest.raises(EngineError, match="failed with code 4"):
        bench.prepare()
    assert len(bench.built) == 2


def test_a_dla_core_is_part_of_the_key_and_leaves_plans_for_the_gpu_alone(bench: Bench) -> None:
    bench.keep()
    for_gpu = bench.store.plans()
    bench.prepare(dla_core=1)
    (arguments,) = bench.built
    assert arguments[-2:] == ["--dla", "1"]
    bench.prepare(dla_core=1)
    assert len(bench.built) == 1
    assert all(bench.store.find(plan.key) == plan for plan in for_gpu)
    bench.prepare()
    assert len(bench.built) == 1


def test_what_a_build_says_is_passed_on(bench: Bench, caplog) -> None:
    with caplog.at_level(logging.INFO):
        bench.prepare()
    assert "building: eye_state: Tactics 50%" in caplog.text


def test_a_build_that_says_nothing_is_still_heard_of(bench: Bench, caplog, monkeypatch) -> None:
    monkeypatch.setattr(room, "TOLD_EVERY_S", 0.02)
    bench.script = "import sys; sys.stdin.read()"  # until it is told to end

    class Ends(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "still building" in record.getMessage():
                bench.process.stdin.close()

    ends = Ends()
    logging.getLogger(room.__name__).addHandler(ends)
    try:
        bench.prepare()
    finally:
        logging.getLogger(room.__name__).removeHandler(ends)
    assert "still building eye_state and expression" in caplog.text
    assert "nothing heard yet" in caplog.text


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="only Linux builds")
def test_a_build_is_the_first_to_go_where_memory_runs_out() -> None:
    with room.start_build(["--help"]) as process:
        standing = Path(f"/proc/{process.pid}/oom_score_adj").read_text()
        priority = os.getpriority(os.PRIO_PROCESS, process.pid)
        said = process.stdout.read()
    assert int(standing) == 1000 > int(Path("/proc/self/oom_score_adj").read_text())
    assert priority == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 15)
    assert "--precision" in said
    assert process.returncode == 0
