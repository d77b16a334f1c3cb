"""The rage meter: evidence, levels, episodes."""

from __future__ import annotations

import pytest

from dms.context import Mood
from dms.rage import Rage, RageMeter, RageSettings
from dms.values import EXPRESSIONS, ExpressionScores, HeadPose, Level

S = RageSettings()
DT = 0.1
NEUTRAL = tuple(1.0 if name == "neutral" else 0.0 for name in EXPRESSIONS)
AHEAD = HeadPose(0.0, 0.0, 0.0)


def face(valence: float | None = None, *, sure: bool = True, **scores: float) -> ExpressionScores:
    row = {"neutral": 1.0 - sum(scores.values()), **scores}
    values = tuple(row.get(name, 0.0) for name in EXPRESSIONS)
    return ExpressionScores(values, sure, max(values), valence, 0.5)


class Meter:
    def __init__(self) -> None:
        self.it = RageMeter(S)
        self.t_s = 0.0
        self.ended: list[Rage] = []

    def see(
        self,
        seconds: float,
        scores: ExpressionScores | None,
        pose: HeadPose | None = AHEAD,
        rest: tuple[float, ...] = NEUTRAL,
        mood: Mood = Mood(),  # noqa: B008
    ) -> Rage:
        for _ in range(round(seconds / DT)):
            now = self.it.step(round(self.t_s, 6), scores, pose, rest, mood)
            if now.ended is not None:
                self.ended.append(now)
            self.t_s += DT
        return now


def test_nothing_seen() -> None:
    found = Meter().see(5, None)
    assert (found.evidence, found.smoothed, found.level) == (None, None, Level.NONE)


def test_anger_grows_by_its_excess() -> None:
    meter = Meter()
    meter.see(20, face())
    meter.see(5 * S.smooth_s, face(anger=S.excess + 0.2))
    before = meter.see(DT, face(anger=S.excess + 0.2)).evidence or 0.0
    after = meter.see(1.0, face(anger=S.excess + 0.2)).evidence or 0.0
    assert after - before == pytest.approx(0.2 * S.gain_hz - before / S.decay_s, abs=0.005)


@pytest.mark.parametrize(
    ("scores", "grows"),
    [
        (face(anger=0.29), False), (face(anger=0.5), True), (face(anger=0.25, disgust=0.25), True),
        (face(fear=0.9), False), (face(sadness=0.9), False),
        (face(anger=0.5, happiness=0.5), False),
        (face(0.3, anger=0.9), False), (face(-0.6, anger=0.9), True),
        (face(sure=False, anger=0.9), False),
    ],
)  # fmt: skip
def test_what_grows_evidence(scores: ExpressionScores, grows: bool) -> None:
    meter = Meter()
    meter.see(5, face(scores.valence))
    assert ((meter.see(10, scores).evidence or 0.0) > 0.05) is grows


@pytest.mark.parametrize(
    ("pose", "counts"),
    [(AHEAD, True), (HeadPose(15.0, -15.0, 40.0), True), (HeadPose(15.1, 0.0, 0.0), False),
     (HeadPose(0.0, 15.1, 0.0), False), (None, False)],
)  # fmt: skip
def test_frontal_only(pose: HeadPose | None, counts: bool) -> None:
    assert ((Meter().see(10, face(anger=0.9), pose).evidence or 0.0) > 0.1) is counts


def test_resting_anger_is_taken_off_but_not_without_bound() -> None:
    stern = face(anger=0.45)
    assert (Meter().see(20, stern, rest=stern.probabilities).evidence or 0.0) == 0.0
    always = face(anger=0.95)
    assert (Meter().see(20, always, rest=always.probabilities).evidence or 0.0) > 0.2


def test_levels_with_hysteresis() -> None:
    meter = Meter()
    while (now := meter.see(DT, face(anger=0.9))).level is not Level.WARNING:
        assert meter.t_s < 20
    assert now.evidence is not None
    assert now.evidence >= S.rage_above
    while (now := meter.see(DT, face())).level is Level.WARNING:
        assert now.evidence is not None
    assert now.level is Level.ADVISORY
    assert (now.evidence or 0) < S.rage_above - S.back
    while (now := meter.see(DT, face())).level is not Level.NONE:
        assert meter.t_s < 60
    assert (now.evidence or 0) < S.stress_above - S.back


def test_scores_grow_old() -> None:
    meter = Meter()
    meter.see(5, face(anger=0.9))
    held = meter.see(S.hold_s - DT, None)
    assert held.smoothed is not None
    assert meter.see(3 * DT, None).smoothed is None
    assert meter.see(DT, None).valence is None


def test_hidden_face_keeps_a_level_but_no_mere_evidence() -> None:
    angry = Meter()
    angry.see(8, face(anger=0.95))
    assert angry.see(120, None).level is not Level.NONE
    annoyed = Meter()
    annoyed.see(3, face(anger=0.95))
    assert 0 < (annoyed.see(S.hold_s, None).evidence or 0) < S.stress_above
    assert (annoyed.see(120, None).evidence or 0) < 0.01


def test_after_a_long_time_unseen_one_frame_is_noise_again() -> None:
    meter = Meter()
    meter.see(5, face(anger=0.9))
    meter.see(60, None)
    now = meter.see(DT, face(happiness=1.0))
    assert now.smoothed is not None
    assert now.smoothed[0] > 0.9


def test_mood_scales_and_names() -> None:
    plain = Meter().see(6, face(anger=0.7)).evidence or 0.0
    twice = Meter().see(6, face(anger=0.7), mood=Mood(2.0, "rage", ("horn",)))
    assert twice.evidence == pytest.approx(2 * plain, rel=0.01)
    assert twice.reason.endswith("(horn)")
    assert Meter().see(6, face(anger=0.9), mood=Mood(0.0)).evidence == 0.0


def test_valence_and_arousal_are_smoothed() -> None:
    meter = Meter()
    assert meter.see(DT, face(0.8)).valence == pytest.approx(0.8)
    later = meter.see(S.smooth_s, face(-0.2)).valence
    assert later == pytest.approx(-0.2 + 1.0 * 0.368, abs=0.03)
    assert meter.see(DT, face(-0.2)).arousal == pytest.approx(0.5)


def test_episode() -> None:
    meter = Meter()
    meter.see(10, face(anger=0.9))
    meter.see(60, face())
    (rage,) = meter.ended
    assert rage.ended is not None
    assert 0 < rage.ended.start_s < rage.ended.peak_s <= 12 < rage.ended.end_s
    assert rage.ended.peak == pytest.approx(1.0, abs=0.1)


def test_a_short_annoyance_is_no_episode() -> None:
    meter = Meter()
    meter.see(4, face(anger=0.75))
    meter.see(60, face())
    assert meter.ended == []
