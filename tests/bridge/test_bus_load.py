from __future__ import annotations

import pytest

from dms.bridge import BridgeSettings
from dms.bridge.bus_load import bus_load, frame_bits, frames_per_s


@pytest.mark.parametrize(
    ("length", "extended", "bits"),
    [(8, False, 135), (0, False, 55), (8, True, 160), (0, True, 80)],
)
def test_worst_case_bits_of_davis_2007(length, extended, bits):
    assert frame_bits(length, extended=extended) == bits


def test_our_load_at_500_kbit():
    assert frames_per_s() == {
        "DMS_Alert": 1.0, "DMS_State": 10.0, "DMS_Attention": 5.0, "DMS_Emotion": 5.0,
        "DMS_Rest": 5.0, "DMS_Diag": 1.0, "DMS_Gaze": 10.0,
    }  # fmt: skip
    assert bus_load(BridgeSettings()) == pytest.approx(37 * 135 / 500_000)
    assert bus_load(BridgeSettings()) < 0.01


def test_29_bits_cost_more_and_a_faster_data_phase_less():
    plain = bus_load(BridgeSettings())
    assert bus_load(BridgeSettings(extended=True, base_id=0x1A005000)) > plain
    assert bus_load(BridgeSettings(fd=True)) < plain
