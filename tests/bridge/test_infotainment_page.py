"""What docs/infotainment.md asks to copy and paste is run, with the first seconds of its drive."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import can
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "infotainment.md").read_text(encoding="utf-8")
SECONDS = 4


@pytest.fixture
def group():
    name = "239.74.163.77"
    try:
        with can.Bus(interface="udp_multicast", channel=name, fd=False) as bus:
            bus.send(can.Message(arbitration_id=1))
    except (OSError, can.CanError) as error:
        pytest.skip(f"no multicast here: {error}")
    return name


@pytest.mark.whole
def test_the_page_can_be_tried(tmp_path, group):
    (block,) = re.findall(r"## Try it\n.*?```sh\n(.*?)```", PAGE, re.DOTALL)
    assert block.count("239.74.163.2") == 2
    short = f"sed -i {30 * SECONDS},'$d' {tmp_path}/drive.jsonl\n"
    made, rest = block.split("\n", 1)
    text = f"{made}\n{short}{rest}".replace("out/demo", str(tmp_path))
    text = text.replace("239.74.163.2", group).replace(".venv/bin/python", sys.executable)
    text = text.replace(".venv/bin/dms", f"{sys.executable} -m dms.cli")
    done = subprocess.run(
        ["bash", "-euc", text], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=120, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    silent = [line for line in lines if line.startswith("the driver monitoring is silent")]
    assert 1 <= len(silent) <= 2  # at the end, and before where the start took long
    assert sum(line.startswith("{") for line in lines) >= 2
