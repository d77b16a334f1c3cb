from __future__ import annotations

import json
import time

import can
import pytest

from dms.bridge.pace import Pace
from dms.cli import main
from dms.values import DriverState


def paced(times, work_s=0.0):
    now = [1000.0]

    def sleep(seconds):
        now[0] += seconds

    pace, told = Pace(lambda: now[0], sleep), []
    pace.open()
    for t_s in times:
        pace.publish(DriverState(t_s))
        told.append(round(now[0] - 1000.0, 3))
        now[0] += work_s
    return told


def test_states_come_at_the_recordings_own_times():
    assert paced([5.0, 5.1, 5.2, 7.0]) == [0.0, 0.1, 0.2, 2.0]


def test_what_takes_longer_than_a_frame_is_made_up_for_in_the_next_pause():
    assert paced([0.0, 0.1, 0.2, 1.0], work_s=0.15) == [0.0, 0.15, 0.3, 1.0]


def test_another_recording_begins_at_once():
    assert paced([50.0, 51.0, 0.0, 1.0]) == [0.0, 1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("more", "least_s", "most_s"), [(["--real-time"], 1.9, 60.0), ([], 0, 60.0)]
)
def test_bench_sends_in_real_time_when_it_is_asked_to(tmp_path, more, least_s, most_s, capsys):
    recording = tmp_path / "drive.jsonl"
    lines = [{"observation": {"t_s": number / 10, "mar": 0.1}} for number in range(21)]
    recording.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with can.Bus(interface="virtual", channel="paced") as ears:
        began_s = time.monotonic()
        words = ["bench", str(recording), "--quiet", "--set",
                 "bridges=[{kind: virtual, channel: paced}]", *more]  # fmt: skip
        assert main(words) == 0
        taken_s = time.monotonic() - began_s
        states = [m for m in iter(lambda: ears.recv(0.1), None) if m.arbitration_id == 0x401]
    assert least_s <= taken_s <= most_s
    assert len(states) >= 20
