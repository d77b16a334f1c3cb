"""What the table of speeds says where a run has shown less than it could."""

from tools import bench_speed


def report(most_ms):
    run = {
        "cpu_share": 0.1,
        "drops": 0,
        "frames": 600,
        "age_median_ms": 3.8,
        "age_p99_ms": 9.0,
        "age_at_alert_most_ms": most_ms,
        "alerts": 0 if most_ms is None else 1,
        "seconds": 20.0,
    }
    spells = dict.fromkeys(
        (
            "lost_p99_ms",
            "lost_p99_over_median",
            "lost_most_ms",
            "found_again_s",
            "empty_seat_share",
            "empty_seat_found_s",
            "moving_seat_share",
            "moving_seat_found_s",
        ),
        1.0,
    )
    start = {"start_to_first_result_s": 0.9, "cpu_s": 0.7, "peak_rss_mb": 146.0}
    row = dict.fromkeys(("cpu_median_ms", "cpu_mean_ms", "cpu_p95_ms", "cpu_p99_ms"), 2.0)
    race = {"dms, whole chain": {**row, "wall_p99_ms": 3.0}, "fer": {"absent": "not installed"}}
    return {
        "races": {"640x480": race},
        "stages": {"decision": {"ms": 0.3, "calls": 1.0}},
        "summary": {},
        "precision": {},
        "spells": spells,
        "start_up": start,
        "live": run,
    }


def test_a_run_without_an_alert_says_so_and_shows_no_nan(capsys):
    bench_speed.show(report(None))
    told = capsys.readouterr().out
    assert "no alert in it" in told
    assert "nan" not in told
    bench_speed.show(report(4.2))
    assert "at most 4.2 ms at 1 alerts" in capsys.readouterr().out
