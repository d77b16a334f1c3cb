"""The tracks of the expression over time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dms.decision.emotion.affect import Affect, AffectSettings, AffectTracks
from dms.values import EXPRESSIONS, ExpressionScores, HeadPose

S = AffectSettings()
DT = 0.1
CALM = -0.3  # log odds from which on they are evidence
AHEAD = HeadPose(0.0, 0.0, 0.0)
ANGER, HAPPY = EXPRESSIONS.index("anger"), EXPRESSIONS.index("happiness")


def face(valence: float | None = None, *, sure: bool = True, **scores: float) -> ExpressionScores:
    row = {"neutral": 1.0 - sum(scores.values()), **scores}
    values = tuple(row.get(name, 0.0) for name in EXPRESSIONS)
    return ExpressionScores(values, sure, max(values), valence, 0.5)


class Watched:
    def __init__(self) -> None:
        self.tracks, self.t_s = AffectTracks(S, CALM), 0.0

    def see(
        self, seconds: float, scores: ExpressionScores | None, pose: HeadPose | None = AHEAD
    ) -> Affect:
        for _ in range(round(seconds / DT)):
            now = self.tracks.step(round(self.t_s, 6), scores, pose)
            self.t_s += DT
        return now


def test_nothing_seen_is_unknown() -> None:
    assert Watched().see(5, None) == Affect(None, None, None)


@pytest.mark.parametrize(
    ("pose", "counts"),
    [(AHEAD, True), (HeadPose(15.0, -15.0, 40.0), True), (HeadPose(15.1, 0.0, 0.0), False),
     (HeadPose(0.0, 15.1, 0.0), False), (None, False)],
)  # fmt: skip
def test_frontal_only(pose: HeadPose | None, counts: bool) -> None:
    assert (Watched().see(5, face(anger=0.9), pose).scores is not None) is counts


def test_unsure_scores_do_not_count() -> None:
    assert Watched().see(5, face(anger=0.9, sure=False)).scores is None


def test_scores_follow_with_their_time_constant() -> None:
    watched = Watched()
    watched.see(20, face())
    scores = watched.see(S.smooth_s, face(anger=1.0)).scores
    assert scores is not None
    assert scores[ANGER] == pytest.approx(0.632, abs=0.02)


def test_scores_grow_old() -> None:
    watched = Watched()
    watched.see(5, face(anger=0.9))
    assert watched.see(S.hold_s - DT, None).scores is not None
    assert watched.see(3 * DT, None) == Affect(None, None, None)


def test_a_glance_aside_does_not_wipe_the_tracks() -> None:
    watched = Watched()
    watched.see(10, face(anger=0.9))
    watched.see(S.forget_s - 1, None)
    scores = watched.see(DT, face(anger=0.9)).scores
    assert scores is not None
    assert scores[ANGER] > 0.8


def test_after_a_long_time_unseen_one_frame_is_noise_again() -> None:
    watched = Watched()
    watched.see(5, face(anger=0.9))
    watched.see(S.forget_s + 1, None)
    scores = watched.see(DT, face(happiness=1.0)).scores
    assert scores is not None
    assert scores[0] > 0.9
    assert scores[HAPPY] < 0.1


def test_valence_and_arousal_are_smoothed() -> None:
    watched = Watched()
    assert watched.see(DT, face(0.8)).valence == pytest.approx(0.8)
    later = watched.see(S.smooth_s, face(-0.2)).valence
    assert later == pytest.approx(-0.2 + 1.0 * 0.368, abs=0.03)
    assert watched.see(DT, face(-0.2)).arousal == pytest.approx(0.5)


def against(odds: float) -> ExpressionScores:
    known = {"rage_log_odds": odds, "rest_known": True, "rest_progress": 1.0}
    return replace(face(), relative=face().probabilities, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(("first", "told"), [(4.0, CALM), (-2.0, -2.0)])
def test_a_first_look_is_no_evidence_against_rest(first: float, told: float) -> None:
    watched = Watched()
    assert watched.see(DT, against(first)).odds == told
    watched.see(S.forget_s + 1, None)
    assert watched.see(DT, against(4.0)).odds == CALM
    assert (watched.see(3 * S.smooth_s, against(4.0)).odds or 0.0) > 3.0


def test_what_is_forgotten_is_unknown_at_once() -> None:
    watched = Watched()
    watched.see(5, against(3.0))
    watched.tracks.forget()
    now = watched.see(DT, None)
    assert (now.scores, now.odds, now.valence) == (None, None, None)
    assert (now.rest_known, now.rest_progress) == (False, 0.0)
    plain = Watched()
    plain.see(5, face(anger=0.9))
    plain.tracks.forget()
    assert plain.see(DT, None) == Affect(None, None, None)
