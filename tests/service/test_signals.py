"""Signals, however many: heard, and none ends the service but those that should."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
    import threading, time
    from dms.service.signals import catch_signals

    heard, ended = [], threading.Event()
    catch_signals(ended.set, lambda: heard.append(1) or time.sleep(0.01))

    def busy():  # wants Python's lock, so that a handler takes its time
        while True:
            sum(range(999))

    for _ in range(2):
        threading.Thread(target=busy, daemon=True).start()
    print("up", flush=True)
    while not ended.is_set():
        sum(range(999))
    print(len(heard), flush=True)
"""


@pytest.mark.whole
def test_a_storm_of_reloads_is_a_few_and_the_end_is_heard():
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD)], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout.readline() == "up\n"
        for _ in range(3000):
            os.kill(child.pid, signal.SIGHUP)
            time.sleep(0.0005)
        os.kill(child.pid, signal.SIGTERM)
        out, err = child.communicate(timeout=120)
    assert err == ""
    assert child.returncode == 0
    assert int(out) > 3
