"""Stories of the driver's own resting face, by a made-up net that reads a face against it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from dms.decision.core import Core
from dms.decision.emotion.rage import RageSettings
from dms.decision.policy import PolicySettings
from dms.decision.settings import CoreSettings
from dms.files.observations import load, save
from dms.values import Command, EmotionBy, Gear, Kind, Level, Moment, PauseReason, Unseen
from tests.scenarios.drive import Drive
from tests.scenarios.faces import Face, head, shipped_like

RAGE = Kind.ROAD_RAGE
HEAD = head()


def setting_off(face: Face, seconds: float = 40.0, **parts: object) -> Drive:
    drive = Drive(fps=15, head=HEAD, **parts).drives(80).shows(face)  # type: ignore[arg-type]
    return drive.blinks(seconds=seconds)


def rages(drive: Drive) -> list[Level]:
    return [event.level for event in drive.alerts if event.kind is RAGE]


def test_anger_against_own_rest_is_stress_then_rage() -> None:
    face = Face()
    drive = setting_off(face).shows(face, anger=3.0).watches(20)
    assert rages(drive) == [Level.ADVISORY, Level.WARNING]
    assert "above rest" in drive.core.rage_reason


@pytest.mark.whole
@pytest.mark.parametrize("stern", [-0.8, 0.0, 0.8])
def test_a_stern_or_a_mild_face_is_no_anger_and_its_anger_is(stern: float) -> None:
    face = Face(stern=stern)
    drive = setting_off(face, 300.0)
    assert rages(drive) == []
    drive.shows(face, anger=3.2).watches(20)
    assert Level.WARNING in rages(drive)


def test_until_rest_is_known_scores_are_absolute_and_there_is_no_road_rage() -> None:
    face = Face()
    drive = setting_off(face, 15.0).shows(face, anger=4.0).looks_like(anger=0.95).watches(3)
    assert rages(drive) == []
    assert drive.state.emotion_by is EmotionBy.ABSOLUTE
    assert "not known" in drive.core.rage_reason
    told = [state.rest_progress for state in drive.states if state.rest_progress is not None]
    assert told == sorted(told)
    assert 0.7 < told[-1] < 1.0


def test_from_then_on_scores_are_against_rest() -> None:
    face = Face()
    drive = setting_off(face)
    assert (drive.state.emotion_by, drive.state.rest_progress) == (EmotionBy.REST, 1.0)
    absolute = drive.state.expression
    drive.shows(face, joy=3.0).watches(10)
    assert absolute is not None
    assert drive.state.expression is not None
    assert drive.state.expression[1] > absolute[1] + 0.3  # happiness, which the scores do not show
    assert (drive.state.valence or 0.0) > 0.2


def test_a_driver_who_gets_in_angry_does_not_teach_that_this_is_rest() -> None:
    face, settings = Face(), CoreSettings(policy=PolicySettings(rage_quiet_s=0.0))
    drive = Drive(fps=15, head=shipped_like(), settings=settings).drives(80)
    drive.shows(face, anger=2.4).blinks(seconds=40)
    assert Level.WARNING in rages(drive)  # so angry that it is found all the same
    drive.shows(face).watches(60)
    assert drive.core._emotion.rage.level is Level.NONE
    before = len(rages(drive))
    drive.shows(face, anger=1.3).watches(20)  # less angry, and found as after a calm rest
    assert rages(drive)[before:] == [Level.ADVISORY, Level.WARNING]
    assert drive.core._emotion.rage.level is Level.WARNING


@pytest.mark.whole
def test_a_stern_driver_who_brightens_up_for_a_while_is_stern_and_calm_afterwards() -> None:
    stern, mild = Face(stern=0.8), Face(stern=0.0)
    drive = Drive(fps=15, head=shipped_like()).drives(80).shows(stern).blinks(seconds=120)
    drive.shows(mild).blinks(seconds=60).shows(stern).blinks(seconds=120)
    assert rages(drive) == []
    assert max(state.rage or 0.0 for state in drive.states) < 0.1


def test_a_driver_who_gets_in_laughing_or_talking_teaches_it_later() -> None:
    face = Face()
    drive = Drive(fps=15, head=HEAD).drives(80).shows(face, joy=2.0).looks_like(happiness=0.9)
    drive.watches(40)
    assert drive.state.rest_progress == 0.0
    drive.shows(face).looks_like().talks(40)
    assert (drive.state.rest_progress or 0.0) < 0.1
    drive.watches(25)
    assert drive.state.rest_progress == 1.0


def test_closed_eyes_and_turned_heads_teach_no_rest() -> None:
    face = Face()
    drive = Drive(fps=15, head=HEAD).drives(80).shows(face).watches(2).looks_off(yaw_deg=45)
    drive.watches(30)
    assert (drive.state.rest_progress or 0.0) < 0.15
    drive.looks_off().closes(30)
    assert (drive.state.rest_progress or 0.0) < 0.2


def test_talk_with_angry_looking_lips_is_no_rage_but_a_shout_with_the_horn_is() -> None:
    face = Face()
    talk = setting_off(face).shows(face, anger=2.3).talks(30)
    assert rages(talk) == []
    assert "mouth at work" in talk.core.rage_reason
    shout = setting_off(face).shows(face, anger=2.3)
    for _ in range(15):
        shout.drives(80, horn=True).talks(0.5, wide=0.4).drives(80, horn=False).talks(1.5, wide=0.4)
    assert Level.WARNING in rages(shout)


def test_song_in_loud_company_is_no_rage() -> None:
    face = Face()
    drive = setting_off(face).drives(80, loudness_db=95.0).shows(face, anger=2.6)
    assert rages(drive.talks(30, wide=0.5)) == []


def test_single_frames_of_anger_are_noise() -> None:
    face = Face()
    drive = setting_off(face)
    for _ in range(60):
        drive.shows(face, anger=5.0).watches(1 / 15).shows(face).watches(0.5)
    assert rages(drive) == []


def test_another_driver_is_read_against_no_rest_but_their_own() -> None:
    calm, next_one = Face(1), Face(2, stern=2.5)
    drive = setting_off(calm, 70.0).drives(0, gear=Gear.PARK).disappears(30)
    drive.shows(next_one).watches(1)
    assert drive.state.emotion_by is EmotionBy.ABSOLUTE
    assert (drive.state.rest_progress or 0.0) < 0.1
    drive.drives(80).blinks(seconds=15)
    assert rages(drive) == []


COOL_S = PolicySettings().rage_quiet_s + 100.0  # the cool-down hides nothing any more


def furious() -> Drive:
    face = Face()
    drive = setting_off(face).shows(face, anger=3.0).watches(20)
    assert rages(drive) == [Level.ADVISORY, Level.WARNING]
    return drive


def nobody_for(drive: Drive, seconds: float) -> None:
    drive.keep = lambda frame: frame % 6 == 0  # at a low rate, to be quick
    drive.disappears(seconds)
    drive.keep = lambda _: True


@pytest.mark.parametrize("how", ["park", "ignition"])
def test_the_next_driver_does_not_inherit_the_anger_of_the_one_before(how: str) -> None:
    drive = furious()
    before = len(drive.events)
    drive.drives(0, gear=Gear.PARK, ignition=how == "park")
    nobody_for(drive, COOL_S)
    drive.shows(Face(2))
    if how == "ignition":
        drive.drives(0, gear=Gear.PARK, ignition=True).watches(2)
    first = len(drive.states)
    drive.drives(80, ignition=True).blinks(seconds=40)
    assert len(rages(drive)) == 2
    assert max(state.rage or 0.0 for state in drive.states[first:]) == 0.0
    ended = [e for e in drive.events[before:] if e.kind is RAGE and e.level is Level.NONE]
    assert len(ended) == 1
    drive.watches(30).shows(Face(2), anger=3.0).watches(20)  # of their own there is
    assert rages(drive)[2:] == [Level.ADVISORY, Level.WARNING]


@pytest.mark.parametrize("reason", [PauseReason.PRIVACY, PauseReason.WORKSHOP])
def test_no_anger_of_before_a_pause_is_told_after_it(reason: PauseReason) -> None:
    drive = furious()
    drive.core.command(Command(pause=True, pause_reason=reason))
    nobody_for(drive.watches(1), COOL_S)  # the pause ends by itself
    assert drive.core.pause_reason is None
    assert len(rages(drive)) == 2
    drive.shows(Face()).blinks(seconds=40)
    assert len(rages(drive)) == 2


@pytest.mark.parametrize("how", ["privacy", "hold", "ignition", "reset"])
def test_the_face_is_forgotten_at_once(how: str) -> None:
    face = Face()
    drive = setting_off(face)
    assert drive.state.rest_progress == 1.0
    if how == "privacy":
        drive.core.command(Command(pause=True, pause_reason=PauseReason.PRIVACY))
    elif how == "hold":
        drive.core.hold(PauseReason.PRIVACY)
    elif how == "ignition":
        drive.drives(0.0, ignition=False)
    else:
        drive.core.reset()
    drive.watches(5)
    assert "rest" not in {by.value for by in [drive.state.emotion_by] if by}
    assert drive.state.rest_progress == (0.0 if how != "reset" else drive.state.rest_progress)
    if how != "reset":
        assert _arrays(drive.core._emotion._rest) == []


def _arrays(rest: object) -> list[np.ndarray]:
    held = vars(rest).values()
    return [one for one in held if isinstance(one, np.ndarray)] + [
        one for one in held if isinstance(one, list) and one
    ]


def test_another_pause_does_not_forget() -> None:
    face = Face()
    drive = setting_off(face)
    drive.core.command(Command(pause=True, pause_reason=PauseReason.DRIVER))
    assert drive.watches(2).state.rest_progress == 1.0


@pytest.mark.parametrize("rage", [RageSettings(enabled=False), RageSettings(workplace=True)])
def test_where_no_emotion_is_wanted_no_rest_is_computed(rage: RageSettings) -> None:
    face = Face()
    drive = setting_off(face, settings=CoreSettings(rage=rage)).shows(face, anger=4).watches(20)
    assert {(s.rage, s.rest_progress, s.emotion_by) for s in drive.states} == {(None, None, None)}
    kept = [one.expression for one in drive.kept if one.expression]
    assert {(one.embedding, one.rest_known, one.rage_log_odds) for one in kept} == {
        (None, None, None)
    }
    assert _arrays(drive.core._emotion._rest) == []


def test_what_may_be_kept_has_no_embedding(tmp_path) -> None:
    face = Face()
    drive = setting_off(face)
    scores = [one.expression for one in drive.kept if one.expression]
    assert {one.embedding for one in scores} == {None}
    last = scores[-1]
    assert last.rest_known
    assert last.rage_log_odds is not None
    assert last.relative is not None
    assert sum(last.relative) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.whole
def test_a_replay_gives_the_same_alerts_bit_for_bit(tmp_path) -> None:
    face = Face()
    drive = setting_off(face).shows(face, anger=3.0).watches(20).shows(face).watches(40)
    drive.disappears(5, Unseen.NO_FACE).shows(face, anger=3.0).talks(20)
    path = tmp_path / "drive.jsonl"
    vehicles = [vehicle for _, vehicle in drive.observations]
    save(map(Moment, drive.kept, vehicles), path)
    core = Core()  # no head: nothing is read anew
    states = []
    for moment in load(path):
        seen = moment.observation
        states.append(core.step(seen, moment.vehicle, seen.t_s))
    assert [state.events for state in states] == [state.events for state in drive.states]
    assert states == drive.states
    assert core.rest_given
    assert not drive.core.rest_given


def test_recordings_of_an_older_net_play_as_they_did() -> None:
    old = Drive(fps=15).drives(80).looks_like().blinks(seconds=70).looks_like(anger=0.8).watches(15)
    assert rages(old) == [Level.ADVISORY, Level.WARNING]
    assert old.state.rest_progress is None
    assert old.state.emotion_by is EmotionBy.ABSOLUTE


def test_a_pickled_core_has_learned_no_face() -> None:
    drive = setting_off(Face())
    rest = pickle.loads(pickle.dumps(drive.core._emotion._rest))
    assert rest.progress == 0.0
    assert _arrays(rest) == []
