from __future__ import annotations

from tools.speed.bus import measure


def test_every_alert_arrives_and_is_timed(tmp_path):
    result = measure(tmp_path, 40, 200.0, busy=False)
    assert result["alerts"] == 40
    assert 0 < result["wire_p50_ms"] <= result["wire_p99_ms"]
    assert result["load_percent_500k"] == 1.0  # with DMS_Gaze and DMS_Rest; 0.59 before
