"""The thread that owns the GPU."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dms.engine.worker import Worker


def test_work_is_done_in_order_in_one_thread() -> None:
    worker = Worker("dms-test")
    done = [worker.submit(lambda at=at: (at, threading.current_thread().name)) for at in range(5)]
    assert worker.stop(120)
    assert [one.result() for one in done] == [(at, "dms-test") for at in range(5)]


def test_what_work_raises_is_the_callers() -> None:
    worker = Worker("dms-test")
    task = worker.submit(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        task.result(120)
    assert worker.submit(lambda: "goes on").result(120) == "goes on"
    assert worker.stop(120)


def test_what_work_held_is_let_go_before_the_next_wait() -> None:
    class Held:
        def __del__(self) -> None:
            freed.append(threading.current_thread().name)

    freed: list[str] = []
    worker = Worker("dms-test")
    held = Held()
    worker.submit(lambda kept=held: None)
    del held
    worker.stop(120)
    assert freed == ["dms-test"]


def test_work_that_never_returns_does_not_keep_the_process() -> None:
    script = (
        "import threading; from dms.engine.worker import Worker; "
        "worker = Worker('stuck'); worker.submit(threading.Event().wait); print(worker.stop(0.01))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "False\n"
