"""The rage meter: evidence, levels, episodes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms.decision.emotion.affect import Affect
from dms.decision.emotion.context import Mood
from dms.decision.emotion.rage import Rage, RageMeter, RageSettings
from dms.values import EXPRESSIONS, Level
from tests.decision.ticks import Ticks

S = RageSettings()
DT = 0.1
FORGET_S = 15.0


def row(**scores: float) -> tuple[float, ...]:
    values = {"neutral": 1.0 - sum(scores.values()), **scores}
    return tuple(values.get(name, 0.0) for name in EXPRESSIONS)


def face(valence: float | None = None, **scores: float) -> Affect:
    return Affect(row(**scores), valence, 0.5)


NEUTRAL = row()
PLAIN = Mood()


class Meter:
    def __init__(self) -> None:
        self.it = RageMeter(S, FORGET_S)
        self.tick = Ticks()
        self.t_s = 0.0
        self.ended: list[Rage] = []

    def see(
        self,
        seconds: float,
        affect: Affect,
        rest: tuple[float, ...] | None = NEUTRAL,
        mood: Mood = PLAIN,
    ) -> Rage:
        for _ in range(round(seconds / DT)):
            now = self.it.step(self.tick(round(self.t_s, 6)), affect, rest, mood)
            if now.ended is not None:
                self.ended.append(now)
            self.t_s += DT
        return now


def above(rest: float, excess: float) -> float:
    """The probability that lies ``excess`` log odds above ``rest``."""
    return 1 / (1 + math.exp(-(math.log(rest / (1 - rest)) + excess)))


def test_nothing_seen() -> None:
    found = Meter().see(5, Affect())
    assert (found.evidence, found.level) == (None, Level.NONE)


def test_anger_grows_by_its_excess() -> None:
    meter = Meter()
    angry = face(anger=above(S.rest_least, S.excess + 0.5))
    before = meter.see(DT, angry).evidence or 0.0
    after = meter.see(1.0, angry).evidence or 0.0
    assert after - before == pytest.approx(0.5 * S.gain_hz, abs=0.01)


def test_a_gap_in_the_frames_says_nothing_of_anger() -> None:
    meter = Meter()
    angry = face(anger=above(S.rest_least, S.excess + 0.5))
    before = meter.see(1.0, angry).evidence
    meter.t_s += 3.0
    assert meter.see(DT, angry).evidence == before


@pytest.mark.parametrize(
    ("affect", "grows"),
    [
        (face(anger=0.36), False), (face(anger=0.6), True), (face(anger=0.3, disgust=0.3), True),
        (face(fear=0.9), False), (face(sadness=0.9), False), (face(surprise=0.9), False),
        (face(anger=0.5, happiness=0.5), False),
        (face(0.3, anger=0.9), False), (face(-0.6, anger=0.9), True), (Affect(), False),
    ],
)  # fmt: skip
def test_what_grows_evidence(affect: Affect, grows: bool) -> None:
    assert ((Meter().see(10, affect).evidence or 0.0) > 0.05) is grows


def test_resting_anger_is_taken_off_but_not_without_bound() -> None:
    stern = row(anger=0.45)
    assert (Meter().see(60, face(anger=0.8), stern).evidence or 0.0) == 0.0
    assert (Meter().see(20, face(anger=0.95), stern).evidence or 0.0) > 0.5
    assert (Meter().see(20, face(anger=0.97), row(anger=0.97)).evidence or 0.0) > 0.2


@given(rest=st.floats(0.0, 0.95), change=st.floats(-1.0, 1.0))
def test_what_stays_near_rest_is_never_anger(rest: float, change: float) -> None:
    usual = min(max(rest, S.rest_least), S.rest_most)
    near = face(anger=above(usual, change))
    assert (Meter().see(20, near, row(anger=rest)).evidence or 0.0) == 0.0


def test_without_a_known_rest_nothing_is_judged() -> None:
    found = Meter().see(60, face(anger=0.99), None)
    assert (found.evidence, found.level) == (0.0, Level.NONE)
    assert "resting face is not known" in found.reason


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


def test_hidden_face_keeps_a_level_but_no_mere_evidence() -> None:
    angry = Meter()
    angry.see(8, face(anger=0.95))
    assert angry.see(120, Affect()).level is not Level.NONE
    annoyed = Meter()
    annoyed.see(2, face(anger=0.95))
    assert 0 < (annoyed.see(1, Affect()).evidence or 0) < S.stress_above
    assert (annoyed.see(120, Affect()).evidence or 0) < 0.01


def test_what_was_seen_long_ago_is_no_evidence_when_a_calm_face_is_seen_again() -> None:
    meter = Meter()
    before = meter.see(8, face(anger=0.95))
    soon = meter.see(FORGET_S, Affect())
    assert (soon.evidence, soon.level) == (before.evidence, before.level)
    later = meter.see(100, Affect())
    assert (later.evidence or 0.0) < 0.02
    assert later.level is before.level  # hiding ends nothing
    assert (later.seen, meter.ended) == (False, [])
    back = meter.see(DT, face())
    assert (back.level, back.seen, len(meter.ended)) == (Level.NONE, True, 1)


def test_nor_is_it_after_a_gap_in_the_frames() -> None:
    meter = Meter()
    meter.see(8, face(anger=0.95))
    meter.t_s += 100.0
    now = meter.see(DT, face())
    assert (now.level, (now.evidence or 0.0) < 0.02) == (Level.NONE, True)


def test_no_level_rises_while_nothing_is_seen() -> None:
    stuck = Mood(stress=1.5, names=("stuck in traffic",))
    meter = Meter()
    assert meter.see(20, face(anger=0.95), mood=stuck).level is Level.ADVISORY
    assert meter.see(DT, Affect()).level is Level.ADVISORY


@pytest.mark.parametrize("how", ["forget", "rest"])
def test_without_a_rest_of_the_face_there_is_no_evidence(how: str) -> None:
    meter = Meter()
    meter.see(8, face(anger=0.95))
    if how == "forget":
        meter.it.forget()
        assert meter.see(DT, Affect()).evidence is None
    now = meter.see(DT, face(anger=0.95), None)
    assert (now.evidence, now.level) == (0.0, Level.NONE)
    (rage,) = meter.ended
    assert rage.ended is not None
    assert rage.ended.level is Level.WARNING


@pytest.mark.parametrize("odds", [0.0, 1e-9, 2.0])
def test_a_pleasant_face_counts_no_anger_whatever_its_odds(odds: float) -> None:
    glad = Affect(row(), 0.5, 0.5, odds=odds, rest_known=True)
    assert Meter().it.excess(glad, NEUTRAL) == S.against_rest


def test_mood_scales_and_names() -> None:
    plain = Meter().see(2, face(anger=0.7)).evidence or 0.0
    twice = Meter().see(2, face(anger=0.7), mood=Mood(rage=2.0, names=("horn",)))
    assert twice.evidence == pytest.approx(2 * plain, rel=0.01)
    assert twice.reason.endswith("(horn: reads as rage)")
    startle = Mood(rage=0.0, fear=3.0, names=("startle by braking",))
    assert Meter().see(6, face(anger=0.9), mood=startle).evidence == 0.0


def test_fear_and_joy_weigh_against_anger_as_the_context_says() -> None:
    mixed = face(anger=0.7, surprise=0.3)
    plain = Meter().see(2, mixed).evidence or 0.0
    feared = Meter().see(2, mixed, mood=Mood(fear=3.0, names=("x",))).evidence or 0.0
    assert feared < plain / 2
    glad = face(anger=0.7, happiness=0.2)
    assert (Meter().see(2, glad).evidence or 0.0) > 0.0
    assert Meter().see(2, glad, mood=Mood(joy=3.0, names=("x",))).evidence == 0.0


def test_where_the_context_speaks_of_stress_it_stays_an_advisory() -> None:
    stuck = Mood(rage=0.8, stress=1.5, names=("stuck in traffic",))
    meter = Meter()
    found = meter.see(60, face(anger=0.95), mood=stuck)
    assert found.evidence == pytest.approx(1.0, abs=0.02)
    assert found.level is Level.ADVISORY
    assert meter.see(DT, face(anger=0.95)).level is Level.WARNING
    assert meter.see(DT, face(anger=0.95), mood=stuck).level is Level.WARNING  # not lowered


def test_episode() -> None:
    meter = Meter()
    meter.see(10, face(anger=0.9), mood=Mood(rage=1.3, names=("horn",)))
    meter.see(60, face())
    (rage,) = meter.ended
    assert rage.ended is not None
    assert 0 < rage.ended.start_s < rage.ended.peak_s <= 12 < rage.ended.end_s
    assert rage.ended.peak == pytest.approx(1.0, abs=0.1)
    assert rage.ended.level is Level.WARNING
    assert "horn" in rage.ended.reason


def test_a_short_annoyance_is_no_episode() -> None:
    meter = Meter()
    meter.see(2, face(anger=0.75))
    meter.see(60, face())
    assert meter.ended == []


@pytest.mark.parametrize(
    ("workplace", "enabled", "on"),
    [(False, None, True), (True, None, False), (True, True, True), (False, False, False)],
)
def test_off_at_a_workplace_unless_the_owner_decides(
    workplace: bool, enabled: bool | None, on: bool
) -> None:
    assert RageSettings(workplace=workplace, enabled=enabled).on is on
