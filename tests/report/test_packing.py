import base64
import gzip

import numpy as np

from dms.report.packing import UNKNOWN, pack


def test_lines_come_back_within_half_a_step_and_unknown_stays_unknown():
    t_s = np.array([0.0, 0.033, 0.067, 90_000.5])
    yaw = np.array([-35.04, np.nan, 12.26, 1e9])
    made = pack({"t_s": t_s, "yaw_deg": yaw}, {"yaw_deg": 0.1})
    raw = gzip.decompress(base64.b64decode(made["data"]))
    ticks = np.cumsum(np.frombuffer(raw, "<i4", made["count"]))
    values = np.frombuffer(raw, "<i2", made["count"], 4 * made["count"])
    assert ticks.tolist() == [0, 33, 67, 90_000_500]
    assert values.tolist() == [-350, UNKNOWN, 123, 32767]
    assert made["columns"] == [{"name": "yaw_deg", "step": 0.1}]


def test_times_of_a_clock_come_back():
    """Recorded observations keep the clock that they were recorded with."""
    t_s = 1_700_000_000.0 + np.array([0.0, 0.033, 0.067])
    made = pack({"t_s": t_s}, {})
    raw = gzip.decompress(base64.b64decode(made["data"]))
    ticks = made["start"] + np.cumsum(np.frombuffer(raw, "<i4", made["count"]), dtype=np.int64)
    assert ticks.tolist() == [1_700_000_000_000, 1_700_000_000_033, 1_700_000_000_067]


def test_the_same_frames_give_the_same_bytes():
    frames = {"t_s": np.arange(100.0), "mar": np.linspace(0, 1, 100)}
    assert pack(frames, {"mar": 0.005}) == pack(frames, {"mar": 0.005})
