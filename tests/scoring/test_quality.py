import numpy as np
import pytest

from dms.scoring.labels import Labels, Stretch, Truth
from dms.scoring.match import Tally
from dms.scoring.quality import QualitySettings, Scored, by_group, measure, score_frames
from dms.values import Kind

SETTINGS = QualitySettings(draws=2000)


def scored(name, found, missed, false, hours=1.0, delays=(), **groups):
    tallies = {Kind.BLINK: Tally(found, missed, false, delays)}
    return Scored(name, hours * 3600, 100, 90, tallies, groups=groups)


def test_figures_pool_all_recordings():
    quality = measure([scored("a", 9, 1, 0), scored("b", 1, 9, 5, hours=3.0)], SETTINGS)
    blink = quality.kinds[Kind.BLINK]
    assert (blink.labelled, blink.found, blink.false) == (20, 10, 5)
    assert blink.recall.value == 0.5
    assert blink.precision.value == pytest.approx(2 / 3)
    assert blink.false_per_hour.value == 1.25
    assert quality.availability == 0.9


def test_interval_is_as_wide_as_recordings_differ():
    alike = [scored(str(i), 8, 2, 1) for i in range(20)]
    unlike = [scored(str(i), 10 * (i % 2), 10 * ((i + 1) % 2), 1) for i in range(20)]
    narrow = measure(alike, SETTINGS).kinds[Kind.BLINK].recall.interval
    wide = measure(unlike, SETTINGS).kinds[Kind.BLINK].recall.interval
    assert narrow == pytest.approx((0.8, 0.8))
    assert wide[0] < 0.35 < 0.65 < wide[1]


def test_interval_of_a_proportion_agrees_with_theory():
    # 200 recordings of one label each: the normal approximation of a binomial share.
    many = [scored(str(i), int(i < 120), int(i >= 120), 0) for i in range(200)]
    low, high = measure(many, SETTINGS).kinds[Kind.BLINK].recall.interval
    half = 1.96 * np.sqrt(0.6 * 0.4 / 200)
    assert (low, high) == pytest.approx((0.6 - half, 0.6 + half), abs=0.02)


def test_one_recording_gives_no_interval_and_no_label_no_recall():
    quality = measure([scored("a", 0, 0, 3)], SETTINGS)
    assert quality.kinds[Kind.BLINK].recall.value is None
    assert quality.kinds[Kind.BLINK].false_per_hour.value == 3.0
    assert quality.kinds[Kind.BLINK].false_per_hour.interval is None


def test_the_same_run_says_the_same_twice():
    run = [scored(str(i), i, 3, 1) for i in range(7)]
    assert measure(run, SETTINGS) == measure(run, SETTINGS)


def test_delays_are_pooled():
    one = measure([scored("a", 3, 0, 0, delays=(0.1, 0.2, 0.9))], SETTINGS).kinds[Kind.BLINK]
    assert one.delay_median_s == 0.2
    assert one.delay_p95_s == pytest.approx(0.83)


def test_groups_are_measured_apart():
    run = [
        scored("a", 1, 0, 0, glasses="yes"),
        scored("b", 0, 1, 0, glasses="no"),
        scored("c", 1, 1, 0),
    ]
    groups = by_group(run, "glasses", SETTINGS)
    assert {name: q.kinds[Kind.BLINK].recall.value for name, q in groups.items()} == {
        "no": 0.0,
        "yes": 1.0,
    }


def frames(closed, openness=None):
    t_s = np.arange(len(closed)) / 10.0
    known = np.where(closed > 0, 0.0, 1.0) if openness is None else openness
    nothing = np.zeros_like(t_s)
    return {
        "t_s": t_s,
        "closed_s": closed,
        "openness": known,
        "away_s": nothing,
        "yaw_deg": nothing,
        "perclos": nothing + 0.1,
    }


def labels(*stretches):
    return Labels("x", (), frozenset(), stretches)


def test_states_are_compared_frame_by_frame_where_the_truth_is_known():
    closed = np.zeros(1000)
    closed[105:150] = 1.0
    openness = np.where(closed > 0, 0.0, 1.0)
    openness[20:30] = np.nan
    truth = labels(Stretch(Truth.EYES_CLOSED, 10.0, 15.0), Stretch(Truth.EYES_OPEN, 0.0, 10.0))
    confusion, _ = score_frames(frames(closed, openness), truth, SETTINGS)
    assert confusion == {
        ("eyes_closed", "eyes_closed"): 45,
        ("eyes_closed", "eyes_open"): 5,
        ("eyes_open", "eyes_open"): 90,
        ("eyes_open", "unknown"): 10,
    }


def test_error_of_perclos_is_against_the_true_share():
    # 6 s closed of each 60 s: 0.1, as told; the error before the window is full is not zero.
    closed = np.zeros(1200)
    spans = [Stretch(Truth.EYES_CLOSED, start, start + 6.0) for start in (30.0, 90.0)]
    for span in spans:
        closed[round(span.start_s * 10) : round(span.end_s * 10)] = 1.0
    _, right = score_frames(frames(closed), labels(*spans), SETTINGS)
    _, wrong = score_frames(
        {**frames(closed), "perclos": np.full(1200, 0.3)}, labels(*spans), SETTINGS
    )
    assert right < 0.05
    assert wrong == pytest.approx(0.2, abs=0.03)
    assert score_frames(frames(closed), labels(), SETTINGS) == ({}, None)


def test_hours_in_which_a_kind_was_not_labelled_do_not_dilute_its_false_alarms():
    judged = scored("a", 1, 0, 2, hours=1.0)
    unlabelled = Scored("b", 9 * 3600.0)
    quiet = Scored("c", 3600.0, tallies={Kind.BLINK: Tally(), Kind.SLEEP: Tally()})
    blink = measure([judged, unlabelled], SETTINGS).kinds[Kind.BLINK]
    assert blink.false_per_hour.value == 2.0
    assert blink.false_per_hour.interval is None  # one recording tells nothing of the spread
    kinds = measure([judged, unlabelled, quiet], SETTINGS).kinds
    assert kinds[Kind.BLINK].false_per_hour.value == 1.0
    assert kinds[Kind.SLEEP].false_per_hour.value == 0.0
