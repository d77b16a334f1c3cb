import numpy as np

from dms.report.thinning import AROUND_S, thinned

RATE = 30


def drive(hours, seed=1):
    """Open eyes with a blink every 4 s."""
    t_s = np.arange(0, hours * 3600, 1 / RATE)
    openness = 0.9 + 0.05 * np.random.default_rng(seed).standard_normal(len(t_s))
    openness[(t_s % 4) < 0.2] = 0.05
    return {"t_s": t_s, "openness": openness, "yaw_deg": np.sin(t_s)}


def test_a_short_drive_stays_whole():
    frames = drive(0.1)
    assert thinned(frames, [3.0]) is frames


def test_a_long_drive_keeps_every_frame_about_its_alerts_and_every_blink():
    frames = drive(8)
    alerts_s = [100.0, 20_000.0]
    kept = thinned(frames, alerts_s, 108_000)
    assert len(kept["t_s"]) <= 110_000
    assert {len(values) for values in kept.values()} == {len(kept["t_s"])}
    assert (np.diff(kept["t_s"]) > 0).all()
    for at_s in alerts_s:
        near = np.abs(kept["t_s"] - at_s) < AROUND_S - 0.1
        assert near.sum() >= (2 * AROUND_S - 0.3) * RATE
    shut = np.unique(kept["t_s"][kept["openness"] < 0.2] // 4)
    assert len(shut) == 8 * 3600 / 4


def test_more_alerts_than_a_page_holds_are_kept_closer_and_unseen_stretches_stay_unseen():
    frames = drive(2)
    frames["openness"][RATE * 600 : RATE * 1200] = np.nan
    kept = thinned(frames, list(np.arange(0.0, 7200.0, 5.0)), 20_000)
    assert len(kept["t_s"]) <= 21_000
    unseen = (kept["t_s"] > 601) & (kept["t_s"] < 1199)
    assert unseen.sum() > 100
    assert np.isnan(kept["openness"][unseen]).all()
    assert len(thinned({"t_s": frames["t_s"]}, [], 1000)["t_s"]) <= 1001
