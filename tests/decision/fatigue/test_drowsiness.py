"""The drowsiness level: its curves, its monotony, and its memory."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dms.decision.fatigue.drowsiness import (
    BlinkRecord,
    Drowsiness,
    DrowsinessSettings,
    Evidence,
    SteadyLevel,
    interpolate,
    judge,
)

S = DrowsinessSettings()
share = st.floats(0.0, 1.0)
evidences = st.builds(
    Evidence,
    perclos=share,
    blink_s=share,
    long_share=share,
    microsleeps=st.integers(0, 6),
    nods=st.integers(0, 4),
    yawns=st.integers(0, 6),
)


@pytest.mark.parametrize(
    ("value", "wanted"), [(-1.0, 2.0), (0.0, 2.0), (0.05, 3.0), (0.1, 4.0), (0.3, 8.0), (9.0, 8.0)]
)
def test_interpolate_is_straight_between_points_and_flat_beyond(
    value: float, wanted: float
) -> None:
    curve = ((0.0, 2.0), (0.1, 4.0), (0.3, 8.0))
    assert interpolate(curve, value) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("perclos", "level"), [(0.0, 2), (0.074, 4), (0.075, 5), (0.149, 7), (0.151, 8), (0.25, 9)]
)
def test_published_perclos_thresholds(perclos: float, level: int) -> None:
    assert judge(Evidence(perclos=perclos), S).level == level


@pytest.mark.parametrize(
    ("blink_s", "level"), [(0.11, 2), (0.2, 4), (0.35, 6), (0.5, 8), (0.501, 8), (0.8, 9)]
)
def test_published_blink_durations(blink_s: float, level: int) -> None:
    assert judge(Evidence(blink_s=blink_s, long_share=0.0), S).level == level


@pytest.mark.parametrize(("long_share", "level"), [(0.0, 4), (0.3, 6), (0.6, 8), (1.0, 8)])
def test_share_of_long_blinks_counts_where_it_says_more(long_share: float, level: int) -> None:
    assert judge(Evidence(blink_s=0.2, long_share=long_share), S).level == level


@pytest.mark.parametrize(("count", "level"), [(1, 6), (2, 7), (3, 8), (4, 9), (9, 9)])
def test_microsleeps_alone(count: int, level: int) -> None:
    assert judge(Evidence(microsleeps=count), S).level == level


def test_nothing_seen_is_unknown() -> None:
    found = judge(Evidence(nods=3, yawns=5), S)
    assert (found.level, found.score, found.reason) == (None, None, "not enough seen yet")


def test_yawns_corroborate_only() -> None:
    awake = judge(Evidence(perclos=0.0, yawns=10), S)
    assert awake.score == judge(Evidence(perclos=0.0), S).score
    tired = Evidence(perclos=0.1)
    scores = [judge(replace(tired, yawns=n), S).score or 0.0 for n in range(4)]
    assert scores[1] == pytest.approx(scores[0] + S.yawn_weight)
    assert scores[2] == pytest.approx(scores[0] + 2 * S.yawn_weight)
    assert scores[3] == scores[2]


def test_nods_corroborate_once() -> None:
    plain = judge(Evidence(perclos=0.1), S).score or 0.0
    one, two = (judge(Evidence(perclos=0.1, nods=n), S).score for n in (1, 2))
    assert one == two == pytest.approx(plain + S.nod_weight)


def test_second_source_adds_by_how_much_it_agrees() -> None:
    lead = judge(Evidence(perclos=0.12), S).score or 0.0
    for blink_s, by in ((0.2, 0.0), (0.3125, 0.5), (0.35, 1.0), (0.4, 1.0)):
        found = judge(Evidence(perclos=0.12, blink_s=blink_s, long_share=0.0), S).score
        assert found == pytest.approx(lead + by * S.second_weight, abs=1e-6)


def test_never_above_nine() -> None:
    found = judge(Evidence(0.5, 0.9, 1.0, 9, 9, 9), S)
    assert (found.level, found.score) == (9, 9.0)


def test_reason_names_the_leading_source_first() -> None:
    found = judge(Evidence(perclos=0.2, blink_s=0.15, long_share=0.1, nods=2, yawns=1), S)
    assert found.reason == "PERCLOS 0.200; blinks 150 ms, 10% long; 2 nods; 1 yawns"
    assert judge(Evidence(microsleeps=2), S).reason == "2 microsleeps"


@given(evidences, evidences)
def test_more_evidence_never_lowers_the_level(one: Evidence, two: Evidence) -> None:
    def upper(name: str) -> float:
        return max(getattr(one, name), getattr(two, name))

    most = Evidence(
        upper("perclos"), upper("blink_s"), upper("long_share"),
        int(upper("microsleeps")), int(upper("nods")), int(upper("yawns")),
    )  # fmt: skip
    joint = judge(most, S)
    for part in (one, two):
        assert (judge(part, S).level or 0) <= (joint.level or 0)
    assert 1 <= (joint.level or 0) <= 9


@pytest.mark.parametrize(
    "curve",
    [
        ((0.0, 2.0),),
        ((0.0, 2.0), (0.0, 3.0)),
        ((0.1, 2.0), (0.0, 3.0)),
        ((0.0, 3.0), (1.0, 2.0)),
        ((0.0, 0.5), (1.0, 2.0)),
        ((0.0, 2.0), (1.0, 9.5)),
    ],
)
@pytest.mark.parametrize("name", ["perclos", "blink_s", "long_share", "closures"])
def test_curves_that_do_not_rise_within_the_scale_are_refused(
    name: str, curve: tuple[tuple[float, float], ...]
) -> None:
    with pytest.raises(ValidationError, match=name):
        DrowsinessSettings(**{name: curve})


def test_flat_piece_and_whole_scale_are_allowed() -> None:
    DrowsinessSettings(perclos=((0.0, 1.0), (0.1, 1.0), (0.2, 9.0)))
    DrowsinessSettings(perclos=((0.0, 1.0), (0.2, 9.0)))


def judged(score: float | None) -> Drowsiness:
    return Drowsiness(None if score is None else int(score), score, "")


def test_steady_level_rises_smoothly_and_falls_late() -> None:
    steady = SteadyLevel(DrowsinessSettings(smooth_s=0.0))
    levels = [
        steady.step(t, judged(score)).level
        for t, score in enumerate((4.0, 5.0, 4.5, 4.25, 4.2, 7.9, 7.2, 6.3))
    ]
    assert levels == [4, 5, 5, 5, 4, 7, 7, 6 + 1]
    assert steady.step(9.0, judged(6.2)).level == 6


def test_steady_level_takes_its_time_constant() -> None:
    steady = SteadyLevel(S)
    assert steady.step(0.0, judged(3.0)).score == pytest.approx(3.0)
    after = steady.step(S.smooth_s, judged(8.0)).score
    assert after == pytest.approx(3.0 + 5.0 * (1 - 0.36788), abs=1e-3)
    many = SteadyLevel(S)
    many.step(0.0, judged(3.0))
    for n in range(1, 101):
        found = many.step(S.smooth_s * n / 100, judged(8.0))
    assert found.score == pytest.approx(after, abs=1e-6)


def test_unknown_forgets_the_level() -> None:
    steady = SteadyLevel(S)
    steady.step(0.0, judged(8.0))
    assert steady.step(1.0, judged(None)).level is None
    assert steady.step(2.0, judged(3.0)).level == 3


def record(durations: list[float], every_s: float = 1.0) -> BlinkRecord:
    record = BlinkRecord(S)
    for n, duration_s in enumerate(durations):
        record.add_blink(n * every_s, duration_s)
    return record


def test_too_few_blinks_tell_nothing() -> None:
    assert record([0.1] * (S.blinks_least - 1)).blink_s is None
    assert record([0.1] * S.blinks_least).blink_s == pytest.approx(0.1)


def test_blinks_tell_nothing_before_enough_was_seen() -> None:
    ten = record([0.2] * 10)
    assert ten.evidence(None, S.seen_least_s - 0.1, 0) == Evidence()
    assert ten.evidence(None, S.seen_least_s, 0).blink_s == pytest.approx(0.2)


def test_long_closures_count_limited_in_the_mean_that_decides() -> None:
    ten = record([0.2] * 9 + [0.95])
    assert ten.blink_s == pytest.approx((9 * 0.2 + 0.95) / 10)
    found = ten.evidence(0.1, 60.0, 1)
    assert found.blink_s == pytest.approx((9 * 0.2 + S.limit_s) / 10)
    assert found.long_share == pytest.approx(0.1)
    assert (found.perclos, found.yawns) == (0.1, 1)


def test_a_blink_of_exactly_the_long_length_is_long() -> None:
    assert record([S.long_blink_s] * 5).evidence(None, 60.0, 0).long_share == 1.0
    assert record([S.long_blink_s - 0.01] * 5).evidence(None, 60.0, 0).long_share == 0.0


def test_old_blinks_are_forgotten() -> None:
    ten = record([0.1] * 5 + [0.3] * 5)
    ten.forget(S.blink_window_s + 4.5)
    assert ten.blink_s == pytest.approx(0.3)
    ten.forget(S.blink_window_s + 5.5)
    assert ten.blink_s is None


def test_old_microsleeps_and_nods_are_forgotten() -> None:
    some = BlinkRecord(S)
    some.add_microsleep(0.0)
    some.add_microsleep(10.0)
    some.add_nod(20.0)
    some.forget(S.closure_window_s)
    assert some.evidence(None, 60.0, 0) == Evidence(microsleeps=2, nods=1)
    some.forget(S.closure_window_s + 5.0)
    assert some.evidence(None, 60.0, 0) == Evidence(microsleeps=1, nods=1)
    some.forget(S.closure_window_s + 21.0)
    assert some.evidence(None, 60.0, 0) == Evidence()


def test_blink_rate_is_over_the_time_seen() -> None:
    assert record([0.1] * 6).rate_hz(20.0) == pytest.approx(0.3)
    assert record([0.1] * 6).rate_hz(10.0) == pytest.approx(0.6)
    assert record([0.1] * 6).rate_hz(9.9) is None


def test_a_curve_that_dips_or_overshoots_in_one_place_is_refused() -> None:
    with pytest.raises(ValidationError, match="must rise"):
        DrowsinessSettings(perclos=((0.0, 2.0), (0.1, 4.0), (0.2, 3.0)))
    with pytest.raises(ValidationError, match="must rise"):
        DrowsinessSettings(perclos=((0.0, 2.0), (0.1, 4.0), (0.2, 9.5)))


def test_a_short_time_constant_is_one() -> None:
    steady = SteadyLevel(DrowsinessSettings(smooth_s=0.5))
    steady.step(0.0, Drowsiness(2, 2.0, ""))
    found = steady.step(0.25, Drowsiness(8, 8.0, ""))
    assert found.score == pytest.approx(2.0 + 6.0 * 0.3935, abs=0.001)


def test_reason_tells_blinks_in_milliseconds() -> None:
    assert judge(Evidence(blink_s=0.25, long_share=0.5), S).reason == "blinks 250 ms, 50% long"
