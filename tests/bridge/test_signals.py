from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms.bridge import signals
from dms.bridge.codec import SNA, Codec, contract
from dms.values import (
    EXPRESSIONS,
    ActiveAlert,
    AttentionBy,
    DriverState,
    EmotionBy,
    EyesState,
    Fault,
    Gaze,
    GazeZone,
    HeadPose,
    Kind,
    Level,
    LidsState,
    Part,
    PauseReason,
    Unseen,
    Wording,
)

CODEC = Codec()
KNOWN = DriverState(
    12.34,
    level=Level.WARNING,
    kind=Kind.DROWSY,
    active=(ActiveAlert(Kind.DROWSY, Level.WARNING, 2.0, "closures"),),
    eyes=EyesState.OPEN,
    eyes_unseen=None,
    openness=0.83,
    closed_s=0.0,
    perclos=0.125,
    blink_rate_hz=0.25,
    blink_s=0.11,
    drowsiness=8,
    yawning=False,
    face_seen=True,
    away=False,
    pose=HeadPose(20.0, -10.0, 3.0),
    expression=(0.5, 0.1, 0.1, 0.1, 0.1, 0.04, 0.04, 0.02),
    rage=0.3,
    valence=-0.4,
    arousal=0.2,
    baseline_progress=1.0,
)


def sent(name, words):
    return CODEC.decode(name, CODEC.protect(CODEC.frame(name, words, 0.0)))


def state_of(state):
    return sent("DMS_State", signals.state_signals(state, "NoCommand", 0))


def test_a_known_state_arrives_as_it_was():
    got = state_of(KNOWN)
    assert got["ActiveLevel"] == "Warning"
    assert got["ActiveKind"] == "Drowsy"
    assert got["Drowsiness"] == "SleepySomeEffort"  # 8
    assert got["DrowsinessWarning"] == "Warning"
    assert got["DistractionState"] == "NotDistracted"
    assert got["DistractionWarning"] == "NoWarning"
    assert (got["Eyes"], got["EyesReason"], got["Face"]) == ("Open", "Seen", "Seen")
    assert (got["Openness"], got["BaselineProgress"]) == (83, 100)
    assert (got["Health"], got["Pause"]) == ("Ok", "NotPaused")
    assert got["CameraOn"] == "Off"
    assert state_of(replace(KNOWN, camera_on=True))["CameraOn"] == "On"
    got = sent("DMS_Attention", signals.attention_signals(KNOWN))
    assert got["Perclos"] == 12.5
    assert (got["HeadYaw"], got["HeadPitch"], got["HeadRoll"]) == (20, -10, 3)
    assert (got["BlinkRate"], got["BlinkDuration"]) == (15, 110)
    assert (got["ClosedTime"], got["Yawning"]) == (0, "No")
    got = sent("DMS_Emotion", signals.emotion_signals(KNOWN))
    assert (got["Anger"], got["Neutral"], got["Rage"]) == (10, 50, 30)
    assert got["Valence"] == pytest.approx(-0.4)
    by_rest = replace(KNOWN, emotion_by=EmotionBy.REST, rest_progress=1.0)
    assert sent("DMS_Rest", signals.rest_signals(by_rest)) == {
        "EmotionBy": "OwnRest",
        "RestProgress": 100,
    }
    learning = replace(KNOWN, emotion_by=EmotionBy.ABSOLUTE, rest_progress=0.5)
    assert sent("DMS_Rest", signals.rest_signals(learning))["EmotionBy"] == "Absolute"


def test_gaze_lids_and_zone_arrive_as_they_were():
    state = replace(
        KNOWN, lids=LidsState.AWAY_OR_CLOSED, gaze=Gaze(-26.4, 8.0, 3.2), road_learned=True,
        gaze_zone=GazeZone.MIRROR, away=True, attention_by=AttentionBy.GAZE,
    )  # fmt: skip
    got = sent("DMS_Gaze", signals.gaze_signals(state))
    assert got == {
        "Lids": "AwayOrClosed", "AttentionBy": "Gaze", "EyesOnRoad": "No", "GazeZone": "Mirror",
        "GazeValidity": "Valid", "GazeYaw": -26, "GazePitch": 8, "GazeDeviation": 3,
    }  # fmt: skip
    ahead = replace(KNOWN, gaze=Gaze(0.0, 0.0, 40.0), gaze_zone=GazeZone.ROAD)
    got = sent("DMS_Gaze", signals.gaze_signals(ahead))
    assert (got["AttentionBy"], got["EyesOnRoad"]) == ("None", "Yes")
    assert (got["GazeYaw"], got["GazeDeviation"], got["GazeValidity"]) == (0, 31, "Learning")


def test_no_gaze_is_not_available_and_says_so():
    got = sent("DMS_Gaze", signals.gaze_signals(DriverState(0.0)))
    assert got.pop("GazeValidity") == "NotRead"
    assert set(got.values()) == {SNA}


def test_every_zone_and_lid_has_its_word():
    for zone, lids, by in itertools.product(GazeZone, LidsState, AttentionBy):
        state = DriverState(0.0, gaze_zone=zone, lids=lids, away=True, attention_by=by)
        got = sent("DMS_Gaze", signals.gaze_signals(state))
        assert (got["GazeZone"] == SNA) == (zone is GazeZone.UNKNOWN)
        assert (got["Lids"] == SNA) == (lids is LidsState.UNKNOWN)


def test_an_unknown_state_is_not_available_and_never_zero():
    unknown = DriverState(0.0)
    got = state_of(unknown)
    for name in ("Drowsiness", "DistractionState", "Eyes", "Openness"):
        assert got[name] == SNA
    assert got["EyesReason"] == "NoFace"
    assert set(sent("DMS_Attention", signals.attention_signals(unknown)).values()) == {SNA}
    assert set(sent("DMS_Emotion", signals.emotion_signals(unknown)).values()) == {SNA}
    assert set(sent("DMS_Rest", signals.rest_signals(unknown)).values()) == {SNA}


def test_known_zero_is_zero():
    state = replace(KNOWN, perclos=0.0, openness=0.0, rage=0.0)
    assert state_of(state)["Openness"] == 0
    assert sent("DMS_Attention", signals.attention_signals(state))["Perclos"] == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_not_a_number_is_not_available(value):
    state = replace(KNOWN, openness=value, valence=value)
    assert state_of(state)["Openness"] == SNA
    assert sent("DMS_Emotion", signals.emotion_signals(state))["Valence"] == SNA


def test_every_member_of_every_enumeration_has_its_word():
    for kind, level in itertools.product(Kind, Level):
        alert = ActiveAlert(kind, level, 0.0, "")
        state = replace(KNOWN, kind=kind, level=level, active=(alert,))
        assert state_of(state)["ActiveKind"] not in {SNA, "None"}
        for action in ("Raised", "Changed", "Ended"):
            got = sent("DMS_Alert", signals.alert_signals(alert, action, 3, 1.0))
            assert got["AlertAction"] == action
    seen = {state_of(replace(KNOWN, eyes_unseen=reason))["EyesReason"] for reason in Unseen}
    assert len(seen) == len(Unseen)
    assert not seen & {SNA, "Seen"}
    paused = {
        state_of(replace(KNOWN, paused=True, pause_reason=reason))["Pause"]
        for reason in PauseReason
    }
    assert len(paused) == len(PauseReason)
    assert not paused & {SNA, "NotPaused"}
    assert state_of(replace(KNOWN, paused=True))["Pause"] == "Other"


@pytest.mark.parametrize(
    ("kind", "level", "word"),
    [
        (Kind.ROAD_RAGE, Level.ADVISORY, "SuggestBreak"),
        (Kind.ROAD_RAGE, Level.WARNING, "CalmDown"),
        (Kind.DROWSY, Level.WARNING, "SuggestBreak"),
        (Kind.SLEEP, Level.CRITICAL, "None"),
    ],
)
def test_the_wording_for_the_head_unit(kind, level, word):
    words = signals.alert_signals(ActiveAlert(kind, level, 0.0, ""), "Raised", 1, 1.0)
    assert sent("DMS_Alert", words)["AlertWording"] == word


def test_every_wording_has_its_value_in_the_contract():
    choices = contract().get_message_by_name("DMS_Alert").get_signal_by_name("AlertWording").choices
    told = {str(word) for word in choices.values()}
    assert told == {"None", *("".join(p.capitalize() for p in w.value.split("_")) for w in Wording)}


def test_faults_and_degraded_show_in_health():
    degraded = ActiveAlert(Kind.DEGRADED, Level.ADVISORY, 0.0, "")
    assert state_of(replace(KNOWN, active=(degraded,)))["Health"] == "Degraded"
    assert (
        state_of(replace(KNOWN, active=(degraded,), faults=(Fault(Part.CAMERA, "x"),)))["Health"]
        == "Fault"
    )


def test_a_full_store_is_no_reason_not_to_rely_on_the_message():
    advice = ActiveAlert(Kind.FAULT, Level.ADVISORY, 0.0, "store: disk full")
    told = replace(
        KNOWN, level=Level.ADVISORY, active=(advice,), faults=(Fault(Part.STORE, "disk full"),)
    )
    assert state_of(told)["Health"] == "Ok"
    lost = ActiveAlert(Kind.FAULT, Level.WARNING, 0.0, "camera: x")
    assert state_of(replace(told, active=(lost,)))["Health"] == "Fault"


def test_the_last_state_says_off_and_knows_nothing():
    got = sent("DMS_State", signals.off_signals())
    assert got["Health"] == "Off"
    assert got["ActiveLevel"] == SNA


def test_diagnostics():
    got = sent("DMS_Diag", signals.diag_signals((0xC07388, 1), 300, 2))
    assert (got["FaultCount"], got["FaultCode"], got["CommandErrors"]) == (2, 0xC07388, 44)
    assert sent("DMS_Diag", signals.diag_signals((), 0, 0))["FaultCode"] == "NoFault"


SOME = st.one_of(st.none(), st.floats(-1e6, 1e6))


@given(
    st.floats(0, 1e7), SOME, SOME, SOME, SOME, SOME, SOME,
    st.one_of(st.none(), st.integers(-5, 20)),
    st.lists(st.floats(-1, 2), min_size=8, max_size=8), st.floats(-1e4, 1e4),
)  # fmt: skip
def test_any_state_can_be_sent(t_s, openness, perclos, rate, blink, valence, rage, kss, scores, x):
    assert len(scores) == len(EXPRESSIONS)
    state = DriverState(
        t_s, openness=openness, perclos=perclos, blink_rate_hz=rate, blink_s=blink, valence=valence,
        rage=rage, drowsiness=kss, expression=tuple(scores), pose=HeadPose(x, -x, x),
        closed_s=abs(x), away=True, away_s=abs(x), baseline_progress=x,
    )  # fmt: skip
    alert = ActiveAlert(Kind.SLEEP, Level.CRITICAL, x, "")
    for name, words in (
        ("DMS_State", signals.state_signals(state, "Accepted", 15)),
        ("DMS_Attention", signals.attention_signals(state)),
        ("DMS_Emotion", signals.emotion_signals(state)),
        ("DMS_Gaze", signals.gaze_signals(replace(state, gaze=Gaze(x, -x, abs(x))))),
        ("DMS_Alert", signals.alert_signals(alert, "Raised", 1000, t_s)),
    ):
        assert len(CODEC.protect(CODEC.frame(name, words, t_s))) == 8
