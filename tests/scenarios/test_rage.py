"""Stories of anger, of what only looks like it, and of what the vehicle's context makes of it."""

import pytest

from dms.decision.emotion.context import RULES
from dms.decision.emotion.rage import RageSettings
from dms.decision.policy import PolicySettings
from dms.decision.settings import CoreSettings
from dms.values import EmotionBy, Indicator, Kind, Level, Unseen
from tests.scenarios.drive import Drive
from tests.scenarios.faces import Face, head

pytestmark = pytest.mark.whole  # tools/test --quick leaves it out

RAGE = Kind.ROAD_RAGE
LEFT, RIGHT = Indicator.LEFT, Indicator.RIGHT
SWERVE: dict[str, object] = {"steering_rate_dps": 400.0}
CALM: dict[str, object] = {"horn": False}


def calm(seconds: float = 70.0, **parts: object) -> Drive:
    drive = Drive(fps=15, **parts).drives(80).looks_like()  # type: ignore[arg-type]
    return drive.blinks(seconds=seconds).watches(0.5)


def at_rest() -> Drive:
    """The same of a net that reads a face against its own rest."""
    drive = Drive(fps=15, head=head()).drives(80).looks_like().shows(Face())
    return drive.blinks(seconds=40.0).watches(0.5)


def rages(drive: Drive) -> list[Level]:
    return [e.level for e in drive.alerts if e.kind is RAGE]


def test_sustained_anger_is_stress_then_rage() -> None:
    drive = calm().looks_like(anger=0.8).watches(15)
    assert rages(drive) == [Level.ADVISORY, Level.WARNING]
    assert [e.wording for e in drive.alerts] == ["suggest_break", "calm_down"]


def test_disgust_adds_to_anger() -> None:
    drive = calm().looks_like(anger=0.45, disgust=0.35).watches(15)
    assert Level.WARNING in rages(drive)


def test_single_frames_of_anger_are_noise() -> None:
    drive = calm()
    for _ in range(60):
        drive.looks_like(anger=0.95).watches(1 / 15).looks_like().watches(0.5)
    assert rages(drive) == []


def test_naturally_stern_face() -> None:
    drive = Drive(fps=15).drives(80).looks_like(anger=0.4).blinks(seconds=300)
    assert rages(drive) == []
    drive.looks_like(anger=0.95).watches(20)
    assert Level.WARNING in rages(drive)


def test_until_the_resting_face_is_known_nothing_is_judged() -> None:
    drive = Drive(fps=15).drives(80).looks_like(anger=0.95).blinks(seconds=15)
    assert rages(drive) == []
    assert "not known" in drive.core.rage_reason


@pytest.mark.parametrize("rage", [RageSettings(enabled=False), RageSettings(workplace=True)])
def test_where_the_owner_wants_no_emotion_none_is_inferred(rage: RageSettings) -> None:
    drive = calm(settings=CoreSettings(rage=rage)).tells(rage=True)
    drive.looks_like(anger=0.95).watches(20)
    assert rages(drive) == []
    assert {state.rage_on for state in drive.states} == {False}
    seen = [(state.expression, state.rage, state.valence) for state in drive.states]
    assert set(seen) == {(None, None, None)}


def test_at_a_workplace_the_owner_may_decide_otherwise() -> None:
    rage = RageSettings(workplace=True, enabled=True)
    drive = calm(settings=CoreSettings(rage=rage)).looks_like(anger=0.95).watches(15)
    assert rages(drive) == [Level.ADVISORY, Level.WARNING]


def test_anger_of_a_turned_head_is_not_believed() -> None:
    drive = calm().looks_off(yaw_deg=22).looks_like(anger=0.9).watches(20)
    assert rages(drive) == []


def test_unsure_scores_are_not_believed() -> None:
    drive = calm().looks_like(anger=0.9, sure=False).watches(20)
    assert rages(drive) == []


def test_shouting_for_joy_is_not_rage() -> None:
    drive = calm().looks_like(anger=0.5, happiness=0.45).watches(20)
    assert rages(drive) == []


def test_pleasant_valence_is_not_rage() -> None:
    drive = calm().looks_like(anger=0.8, valence=0.6).watches(20)
    assert rages(drive) == []


def test_screaming_fan_standing_still() -> None:
    drive = calm().drives(0, loudness_db=95.0).looks_like(anger=0.7, surprise=0.3, valence=0.5)
    drive.watches(20).drives(5, loudness_db=95.0).watches(5)
    assert rages(drive) == []


def test_loud_company_weakens_it() -> None:
    drive = calm().drives(80, loudness_db=95.0).looks_like(anger=0.7).watches(10)
    assert rages(drive) == []
    assert "loud company" in drive.core.rage_reason


def test_startle_after_a_hard_brake() -> None:
    drive = calm().drives(80, acceleration_mps2=-7.0).watches(0.5)
    for _ in range(5):
        drive.drives(80, acceleration_mps2=0.0).looks_like(anger=0.9).watches(1.5)
        drive.looks_like().drives(80, acceleration_mps2=-7.0).watches(0.3)
    assert rages(drive) == []


def test_startle_after_a_swerve() -> None:
    drive = calm().drives(80, steering_rate_dps=400.0).looks_like(anger=0.9).watches(4)
    assert rages(drive) == []


# What the vehicle says before and during the anger; how the evidence compares with a silent one.
ROWS: list[tuple[str, list[dict[str, object]], int]] = [
    ("startle by braking", [{"acceleration_mps2": -7.0}], -1),
    ("startle by swerving", [SWERVE], -1),
    ("repeated horn", [{"horn": True}, {"horn": False}, {"horn": True}, {"horn": False}], 1),
    ("horn", [{"horn": True}, {"horn": False}], 1),
    ("hard pedal", [{"accelerator": 1.0}], 1),
    ("hard pedal", [{"acceleration_mps2": 3.5}], 1),
    ("hard braking", [{"acceleration_mps2": -7.0, "horn": True}, {"horn": False}, CALM, CALM], 1),
    ("swerving", [{**SWERVE, "horn": True}, {"horn": False}], 1),
    ("weaving", [{"indicator": side} for side in (LEFT, RIGHT, LEFT, RIGHT)], 1),
    ("speeding", [{"speed_limit_kmh": 50.0}], 1),
    ("shouting", [{"loudness_db": 90.0, "horn": True}], 1),
    ("loud company", [{"loudness_db": 90.0}], -1),
    ("stuck in traffic", [{"speed_kmh": 6.0}], -1),
]


def test_every_row_of_the_context_table_has_its_story() -> None:
    assert {name for name, _, _ in ROWS} == {rule.name for rule in RULES}


def angry(drive: Drive, *, own: bool) -> Drive:
    """Look angry from now on: against the driver's ``own`` rest, or by the scores alone."""
    return drive.shows(Face(), anger=2.0) if own else drive.looks_like(anger=0.6)


@pytest.mark.parametrize("own", [False, True], ids=["scores", "against rest"])
@pytest.mark.parametrize(("name", "said", "way"), ROWS)
def test_the_same_face_in_another_context(
    name: str, said: list[dict[str, object]], way: int, own: bool
) -> None:
    plain, drive = (at_rest() if own else calm() for _ in range(2))
    for parts in said:  # half a second each, the face still calm
        plain.watches(0.5)
        drive.drives(**{"speed_kmh": 80.0, **parts}).watches(0.5)
    if name == "hard braking":  # the startle is over
        plain.watches(2.0)
        drive.watches(2.0)
    angry(plain, own=own).watches(4)
    angry(drive, own=own)
    for _ in range(4):
        drive.drives(**{"speed_kmh": 80.0, **said[-1]}).watches(1)
    assert plain.state.emotion_by is (EmotionBy.REST if own else EmotionBy.ABSOLUTE)
    assert name in drive.core.rage_reason or name.startswith("startle")
    difference = (drive.state.rage or 0.0) - (plain.state.rage or 0.0)
    assert difference * way > 0.01


def test_repeated_horn_and_pedal_make_rage_of_the_same_face() -> None:
    plain = calm().looks_like(anger=0.42).watches(24)
    drive = calm().looks_like(anger=0.42)
    for _ in range(12):
        drive.drives(80, horn=True, accelerator=1.0).watches(0.5)
        drive.drives(80, horn=False, accelerator=1.0).watches(1.5)
    assert rages(plain) == []
    assert rages(drive) == [Level.ADVISORY, Level.WARNING]
    assert "repeated horn" in drive.core.rage_reason


def test_anger_in_a_traffic_jam_is_stress() -> None:
    drive = calm().drives(6).looks_like(anger=0.95).watches(60)
    assert rages(drive) == [Level.ADVISORY]
    assert "reads as stress" in drive.core.rage_reason


def test_an_indicated_lane_change_is_no_startle() -> None:
    drive = calm().drives(80, indicator=LEFT).watches(1)
    drive.drives(80, indicator=LEFT, **SWERVE).looks_like(anger=0.9).watches(12)
    assert Level.WARNING in rages(drive)


def test_missing_context_changes_nothing() -> None:
    known = calm().drives(80, horn=False, accelerator=0.2, acceleration_mps2=0.0)
    known.looks_like(anger=0.6).watches(6)
    unknown = calm()
    unknown.drives().looks_like(anger=0.6).watches(6)
    assert known.state.rage == pytest.approx(unknown.state.rage, abs=0.01)


def test_never_nags() -> None:
    settings = CoreSettings(policy=PolicySettings(rage_quiet_s=60.0, rage_most=2))
    drive = calm(settings=settings)
    for _ in range(8):
        drive.looks_like(anger=0.9).watches(15).looks_like().watches(40)
    episodes = [e for e in drive.events if e.kind is RAGE and e.level is Level.NONE]
    assert len(episodes) == 8
    # Two episodes are told, the second late, once the cool-down is over.
    assert rages(drive) == [Level.ADVISORY, Level.WARNING, Level.WARNING]
    assert drive.alerts[2].t_s - drive.alerts[1].t_s >= 60.0


def test_switched_off() -> None:
    drive = calm().tells(rage=False).looks_like(anger=0.9).watches(20)
    assert rages(drive) == []
    assert not drive.state.rage_on


def test_episode_has_start_peak_and_end() -> None:
    drive = calm()
    start_s = drive.t_s
    drive.looks_like(anger=0.9).watches(15).looks_like()
    end_s = drive.t_s
    drive.watches(60)
    (episode,) = [e for e in drive.events if e.kind is RAGE and e.level is Level.NONE]
    assert start_s < episode.start_s < start_s + 5  # type: ignore[operator]
    assert start_s + 5 < float(episode.values["peak_s"] or 0) <= end_s + 2
    assert episode.end_s is not None
    assert episode.end_s > end_s


def test_turning_away_does_not_end_rage() -> None:
    drive = calm().looks_like(anger=0.9).watches(15).drives(15)
    drive.disappears(60, Unseen.TURNED_AWAY)
    assert RAGE in {alert.kind for alert in drive.state.active}
