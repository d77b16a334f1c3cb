"""What is learned of one driver, how fast, and what is not."""

from __future__ import annotations

import math

import pytest

from dms.decision.baseline import Baseline, ear_scale, logit_scale
from dms.decision.learning import Angle, BaselineSettings, OpenLevel
from dms.odds import LOGIT_MOST, logit
from dms.values import EXPRESSIONS, HeadPose

S = BaselineSettings()
DT = 0.1


def ear(*spans: tuple[float, float], settled: bool = False) -> OpenLevel:
    """Learn (value, seconds) one after another, as if the first minute were over if settled."""
    level = OpenLevel(ear_scale(S), S)
    for n, (value, seconds) in enumerate(spans):
        if settled and n == 1:
            level.settle()
        for _ in range(round(seconds / DT)):
            level.learn(value, DT)
    return level


def test_population_answers_first() -> None:
    assert ear().value == S.ear
    assert OpenLevel(logit_scale(S), S).value == S.logit


def test_own_value_within_seconds() -> None:
    assert ear((0.33, 3.0)).value == pytest.approx(0.33, abs=0.01)
    assert ear((0.24, 3.0)).value == pytest.approx(0.24, abs=0.01)


def test_what_was_summed_before_changes_no_quantile() -> None:
    kept, anew = OpenLevel(ear_scale(S), S), OpenLevel(ear_scale(S), S)
    for n in range(3000):
        value = 0.30 + 0.05 * math.sin(n / 7) - (0.2 if n % 40 < 3 else 0.0)
        anew._below = None
        kept.learn(value, DT)
        anew.learn(value, DT)
        assert kept.value == anew.value


def test_blinks_do_not_pull_the_open_eye_down() -> None:
    spans = [(0.30, 0.8), (0.12, 0.2)] * 20
    assert ear(*spans).value == pytest.approx(0.30, abs=0.012)


@pytest.mark.parametrize(("value", "wanted"), [(0.15, S.ear_lowest_early), (0.50, S.ear_highest)])
def test_population_bounds_hold_before_it_is_learned(value: float, wanted: float) -> None:
    assert ear((value, 30.0)).value == wanted


def test_narrow_eyes_are_accepted_once_learned() -> None:
    assert ear((0.19, 60.0), (0.19, 5.0), settled=True).value == pytest.approx(0.19, abs=0.01)
    assert ear((0.15, 60.0), (0.15, 5.0), settled=True).value == pytest.approx(S.ear_lowest)


def test_drooping_lids_do_not_become_normal() -> None:
    level = ear((0.30, 60.0), (0.20, 1200.0), settled=True)
    learned = ear((0.30, 60.0), (0.30, 1.0), settled=True).value
    assert level.value == pytest.approx(learned * (1 - S.ear_drop), abs=0.003)


def test_who_began_half_asleep_is_known_by_his_waking_eyes() -> None:
    level = ear((0.22, 60.0), (0.30, 300.0), settled=True)
    assert level.value == pytest.approx(0.30, abs=0.01)


def test_it_never_rises_beyond_the_population() -> None:
    assert ear((0.30, 60.0), (0.50, 1200.0), settled=True).value == S.ear_highest
    narrow = ear((0.20, 60.0), (0.40, 1200.0), settled=True)
    assert narrow.value == pytest.approx(0.20 * (1 + S.ear_rise), abs=0.01)


def test_eye_that_was_hidden_at_first_is_learned_later() -> None:
    base = Baseline(S)
    base.advance(S.learn_s)
    for _ in range(100):
        base.learn_eyes((0.24, None), (None, None), DT, closed=False)
        base.advance(DT)
    assert base.right_ear.value == pytest.approx(0.24, abs=0.01)


def test_how_much_of_it_is_the_drivers_own() -> None:
    assert ear().own == 0.0
    assert ear((0.3, S.open_prior_s)).own == pytest.approx(0.5)
    assert ear((0.3, 60.0)).own > 0.98
    assert OpenLevel(ear_scale(S), S, known=0.25).own == 1.0


def test_nonsense_is_not_learned() -> None:
    assert ear((0.0, 60.0), (-1.0, 5.0)).value == S.ear


def test_long_drives_keep_their_precision() -> None:
    level = OpenLevel(ear_scale(S), S)
    for _ in range(4000):
        level.learn(0.25, 5.0)
    assert level.value == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    ("probability", "wanted"),
    [(0.5, 0.0), (0.0, -LOGIT_MOST), (1.0, LOGIT_MOST), (0.9999, LOGIT_MOST), (0.7311, 1.0)],
)
def test_logit(probability: float, wanted: float) -> None:
    assert logit(probability) == pytest.approx(wanted, abs=1e-3)


def test_logit_of_a_sleeper_is_not_learned_as_open() -> None:
    level = OpenLevel(logit_scale(S), S)
    for _ in range(600):
        level.learn(-3.0, DT)
    assert level.value == S.logit_lowest_early


def angle(*spans: tuple[float, float]) -> Angle:
    found = Angle(S, 0.0, 25.0)
    for value, seconds in spans:
        for _ in range(round(seconds / DT)):
            found.learn(value, DT)
    return found


def test_angle_starts_from_the_mount_and_follows() -> None:
    assert Angle(S, 7.0, 25.0).value_deg == 7.0
    assert angle((10.0, 3.0)).value_deg == pytest.approx(10.0 * 3 / 6, abs=0.2)
    assert angle((10.0, 60.0)).value_deg == pytest.approx(10.0, abs=1.0)


def test_looks_away_hardly_move_it() -> None:
    assert abs(angle((0.0, 10.0), (40.0, 4.0)).value_deg) < 1.5


def test_angle_is_clamped() -> None:
    assert angle((24.0, 300.0), (35.0, 3000.0)).value_deg == pytest.approx(25.0)
    assert angle((-24.0, 300.0), (-35.0, 3000.0)).value_deg == pytest.approx(-25.0)


def test_learned_angle_drifts_only_a_little() -> None:
    found = angle((0.0, 60.0))
    found.settle()
    for _ in range(20000):
        found.learn(-11.0, DT)
    assert found.value_deg == pytest.approx(-S.pose_drift_deg, abs=0.3)


def test_progress_and_settling() -> None:
    base = Baseline(S)
    assert (base.progress, base.learned) == (0.0, False)
    base.advance(S.learn_s / 2)
    assert base.progress == pytest.approx(0.5)
    base.advance(S.learn_s)
    assert (base.progress, base.learned) == (1.0, True)


def test_relative_pose() -> None:
    base = Baseline(BaselineSettings(yaw_deg=10.0, pitch_deg=5.0))
    assert base.relative(HeadPose(12.0, -5.0, 3.0)) == HeadPose(2.0, -10.0, 3.0)


def test_closed_eyes_teach_slowly_after_the_first_seconds() -> None:
    base = Baseline(S)
    for _ in range(600):
        base.learn_eyes((0.30, 0.31), (4.5, None), DT, closed=False)
        base.advance(DT)
    for _ in range(300):
        base.learn_eyes((0.13, None), (None, None), DT, closed=True)
    assert base.right_ear.value == pytest.approx(0.30, abs=0.01)
    assert base.left_ear.value == pytest.approx(0.31, abs=0.01)
    assert base.right_net.value == pytest.approx(4.5, abs=0.1)
    assert base.left_net.value == S.logit


def resting(anger: float, seconds: float, base: Baseline, *, calm: bool, t_s: float = 0.0) -> float:
    row = [0.0] * len(EXPRESSIONS)
    row[EXPRESSIONS.index("anger")], row[0] = anger, 1.0 - anger
    for n in range(round(seconds / DT)):
        base.learn_rest(row, t_s + n * DT, calm=calm)
    return base.rest[EXPRESSIONS.index("anger")]


def test_rest_starts_neutral_and_follows() -> None:
    base = Baseline(S)
    assert base.rest[0] == 1.0
    assert resting(0.4, 60.0, base, calm=True) == pytest.approx(0.4, abs=0.03)
    assert base.rest_known


def test_an_angry_face_hardly_teaches() -> None:
    base = Baseline(S)
    resting(0.0, 60.0, base, calm=True)
    assert resting(0.9, 15.0, base, calm=False, t_s=60.0) < 0.05


@pytest.mark.parametrize("wrong", [{"ear_highest": 0.0}, {"ear_lowest": 0.3}, {"ear": 0.45}])
def test_bounds_of_the_open_ear_that_contradict_each_other_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must rise from at least 0\.1 to at most 0\.5"):
        BaselineSettings(**wrong)


def test_bounds_of_the_open_logit_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="must rise from at least 0, got"):
        BaselineSettings(logit_lowest=3.0)
