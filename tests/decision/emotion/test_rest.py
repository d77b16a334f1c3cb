from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from dms.decision.emotion.rest import RestingFace, RestSettings, bare
from dms.values import EXPRESSIONS, DriverObservation, Embedding, ExpressionScores
from tests.scenarios.faces import ANGER, SIZE, Face, head

S = RestSettings()
HEAD = head()
NEUTRAL = ExpressionScores(tuple(float(name == "neutral") for name in EXPRESSIONS), True, 1.0)
GLAD = ExpressionScores(tuple(float(name == "happiness") for name in EXPRESSIONS), True, 1.0)


class Learned:
    """A resting face and the time that has gone by."""

    def __init__(self, settings: RestSettings = S) -> None:
        self.it, self.t_s = RestingFace(settings, HEAD), 0.0

    def see(
        self,
        numbers: np.ndarray,
        scores: ExpressionScores = NEUTRAL,
        openness: float | None = 1.0,
        speaking: bool = False,
        dt_s: float = 0.1,
    ) -> ExpressionScores:
        self.t_s = round(self.t_s + dt_s, 6)
        scores = replace(scores, embedding=Embedding(numbers))
        seen = self.it.read(DriverObservation(self.t_s, expression=scores), private=False)
        self.it.learn(seen, openness, speaking=speaking)
        assert seen.expression is not None
        return seen.expression

    def watch(self, face: Face, seconds: float, anger: float = 0.0, **how) -> ExpressionScores:
        for _ in range(round(seconds / how.get("dt_s", 0.1))):
            told = self.see(face.shows(anger), **how)
        return told

    @property
    def rest(self) -> np.ndarray:
        assert self.it._rest is not None
        return self.it._rest


def test_it_is_known_after_twenty_seconds_of_calm():
    learned, face = Learned(), Face()
    told = learned.watch(face, S.least_s - 1)
    assert told.rest_known is False
    assert told.rest_progress == pytest.approx(0.95, abs=0.02)
    assert (told.rage_log_odds, told.relative) == (None, None)
    told = learned.watch(face, 2)
    assert (told.rest_known, told.rest_progress) == (True, 1.0)
    assert told.rage_log_odds == pytest.approx(-2.0, abs=0.6)
    assert told.relative is not None
    assert len(told.relative) == len(EXPRESSIONS)


@pytest.mark.parametrize("dt_s", [1 / 60, 1 / 15, 0.2])
def test_the_time_counts_not_the_frames(dt_s):
    learned = Learned()
    learned.watch(Face(), S.least_s * 0.5, dt_s=dt_s)
    assert learned.it.progress == pytest.approx(0.5, abs=0.05)
    assert len(learned.it._first) <= S.least_s / 2 / S.apart_s + 1


def test_outliers_are_left_out():
    learned, face = Learned(), Face(noise=0.02)
    for number in range(220):
        learned.see(face.shows(8.0 if number % 5 == 0 else 0.0))
    assert abs(learned.rest[ANGER]) < 0.05


@pytest.mark.parametrize(
    "how", [{"scores": GLAD}, {"openness": 0.2}, {"openness": None}, {"speaking": True}]
)
def test_what_is_no_resting_face_teaches_nothing(how):
    learned = Learned()
    learned.watch(Face(), 30, **how)
    assert learned.it.progress == 0.0


def test_who_gets_in_angry_is_bounded_by_the_population():
    learned, face = Learned(), Face()
    learned.watch(face, 25, anger=4.0)
    limit = S.angry_sds * HEAD.population_sd / HEAD.rage_change[ANGER]
    assert learned.rest[ANGER] == pytest.approx(limit)
    told = learned.see(face.shows(4.0))
    assert (told.rage_log_odds or 0.0) > 1.0  # and is found angry all the same


def test_it_drifts_slowly_within_bounds_and_not_with_anger():
    learned, face = Learned(), Face(noise=0.05)
    learned.watch(face, 25)
    before = learned.rest.copy()
    learned.watch(face, 120, anger=3.0)
    assert np.allclose(learned.rest, before)
    moved = Face(noise=0.05)
    moved._own = moved._own + 0.03
    learned.watch(moved, 900)
    far = float(np.linalg.norm(learned.rest - before))
    assert 0.01 < far <= S.drift_most * learned.it._spread + 0.01


def test_numbers_that_are_none_and_other_sizes_are_passed_by():
    learned = Learned()
    for numbers in (np.full(SIZE, math.nan), np.zeros(SIZE + 1)):
        told = learned.see(numbers.astype(np.float32))
        assert (told.embedding, told.rest_known) == (None, None)
    assert learned.it.progress == 0.0


def test_without_a_head_the_embedding_is_taken_off_all_the_same():
    seen = DriverObservation(
        1.0, expression=replace(NEUTRAL, embedding=Embedding(np.ones(SIZE, np.float32)))
    )
    for told in (RestingFace(S, None).read(seen, private=False), bare(seen)):
        assert told.expression == NEUTRAL
        assert told.expression is not None
        assert told.expression.embedding is None
        assert told.expression.rest_known is None


def test_a_reload_keeps_the_face_another_net_does_not():
    learned = Learned()
    learned.watch(Face(), 25)
    same, other = RestingFace(S, head()), RestingFace(S, head(population=np.ones(SIZE)))
    same.succeed(learned.it)
    other.succeed(learned.it)
    assert (same.progress, other.progress) == (1.0, 0.0)


def test_the_first_frames_are_forgotten_once_rest_is_known():
    learned = Learned()
    learned.watch(Face(), 25)
    assert learned.it._first == []


@pytest.mark.parametrize(
    ("stern", "most", "told"), [(1.0, 2.0, -2.0), (1.0, 0.1, -1.8), (-1.0, 2.0, -2.3)]
)
def test_a_rest_that_reads_angrier_than_peoples_takes_that_off(stern, most, told):
    learned = Learned(RestSettings(stern_most=most))
    said = learned.watch(Face(stern=stern, noise=0.0), S.least_s + 1)
    assert said.rage_log_odds == pytest.approx(told, abs=0.01)


def test_what_a_stern_rest_takes_off_the_odds_it_takes_off_the_seven_scores_too():
    told = {}
    for most in (0.1, 2.0):
        learned = Learned(RestSettings(stern_most=most))
        told[most] = learned.watch(Face(stern=1.0, noise=0.0), S.least_s + 1)
    less = told[0.1].rage_log_odds - told[2.0].rage_log_odds
    assert less > 0.1
    angry, neutral = EXPRESSIONS.index("anger"), EXPRESSIONS.index("neutral")
    ratio = [one.relative[angry] / one.relative[neutral] for one in told.values()]
    assert math.log(ratio[0] / ratio[1]) == pytest.approx(less, abs=1e-3)
    for one in told.values():
        assert sum(one.relative) == pytest.approx(1.0, abs=1e-5)


def test_a_rest_learned_in_anger_gives_way_to_a_milder_face_seen_for_as_long():
    learned, face = Learned(), Face()
    learned.watch(face, 20, anger=3.0)
    assert learned.it._mean[ANGER] == pytest.approx(3.0, abs=0.1)
    learned.watch(face, S.least_s - 1)
    assert learned.it._mean[ANGER] > 2.0
    learned.watch(face, 2)
    assert learned.it._mean[ANGER] == pytest.approx(0.0, abs=0.1)
    assert learned.rest[ANGER] == pytest.approx(0.0, abs=0.1)
    assert learned.it._stern < 0.1


def test_but_not_to_one_seen_for_less_long():
    learned, stern = Learned(), Face(stern=1.0)
    learned.watch(stern, 100)
    learned.watch(Face(), 60)
    assert learned.it._mean[ANGER] > 0.9
    assert len(learned.it._first) <= S.least_s / S.apart_s + 1  # the newest 20 s
    learned.watch(stern, 70)
    assert learned.it._first == []
    learned.watch(Face(), 60)  # the minute before is outweighed
    assert learned.it._mean[ANGER] > 0.9


def test_one_that_takes_its_place_is_made_of_many_frames_however_the_two_took_turns():
    learned, stern = Learned(), Face(stern=1.5)
    learned.watch(stern, 220)
    learned.watch(Face(), 150)
    learned.watch(stern, 20)
    assert learned.it._milder_s == pytest.approx(130, abs=2)  # 20 s against it take off 20 s
    learned.watch(Face(), 120)
    assert learned.it._mean[ANGER] == pytest.approx(0.0, abs=0.2)
    assert learned.it._spread > 0  # else no face would be near enough for it to follow
    assert learned.it._scatter > 0


def test_a_rest_of_a_moment_gives_way_without_a_crash_as_well():
    learned = Learned(RestSettings(least_s=0.3, apart_s=0.3))
    learned.watch(Face(stern=1.5), 1)
    learned.watch(Face(), 30)
    assert learned.it._mean[ANGER] < 1.0


@pytest.mark.parametrize(("stern", "milder"), [(0.0, -1.5), (1.0, 0.8)])
def test_nor_does_a_rest_no_angrier_than_peoples_nor_for_a_face_much_like_it(stern, milder):
    learned = Learned()
    learned.watch(Face(stern=stern, noise=0.05), S.least_s + 1)
    learned.watch(Face(stern=milder, noise=0.05), 200)
    assert learned.it._mean[ANGER] == pytest.approx(stern, abs=0.25)


def test_what_is_kept_of_a_milder_face_is_forgotten_too():
    learned, face = Learned(), Face()
    learned.watch(face, 25, anger=3.0)
    learned.watch(face, 5)
    assert learned.it._first
    learned.it.forget()
    assert (learned.it._first, learned.it._milder_s, learned.it._mean) == ([], 0.0, None)
