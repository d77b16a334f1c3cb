"""The rules one by one, on made-up situations at 10 Hz."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dms.decision.gates import Gates, GateSettings
from dms.decision.policy import Policy, PolicySettings
from dms.decision.profiles import EU_GSR, Rules
from dms.decision.profiles import EURO_NCAP_2026 as RULES
from dms.decision.situation import Situation
from dms.decision.switches import Switches
from dms.values import Event, EyesState, Fault, Kind, Level, Part, Unseen, VehicleContext

S = PolicySettings()
DT = 0.1
OPEN = Situation(0.0, eyes=EyesState.OPEN, away=False, drowsiness=3)


class Rig:
    """Steps a policy and keeps the timers that the core would."""

    def __init__(self, rules: Rules = RULES, **parts: float) -> None:
        self.policy = Policy(PolicySettings(**parts), rules)  # type: ignore[arg-type]
        self.gates = Gates(GateSettings(), rules)
        self.t_s = 0.0
        self.closed_s, self.closure_s = 0.0, None
        self.away_s, self.away_from_s, self.sum_s = 0.0, None, 0.0
        self.events: list[Event] = []

    def speed(self, kmh: float | None) -> Rig:
        self.gates.step(None if kmh is None else VehicleContext(0.0, speed_kmh=kmh))
        return self

    def step(self, now: Situation, switches: Switches = Switches()) -> None:  # noqa: B008
        self.policy.step(replace(now, t_s=round(self.t_s, 6), dt_s=DT), self.gates, switches)
        self.events += self.policy.board.events
        self.t_s += DT

    def steps(self, seconds: float, now: Situation, switches: Switches = Switches()) -> Rig:  # noqa: B008
        for _ in range(round(seconds / DT)):
            self.step(now, switches)
        return self

    def open(self, seconds: float, switches: Switches = Switches(), **parts: object) -> Rig:  # noqa: B008
        return self.steps(seconds, replace(OPEN, **parts), switches)  # type: ignore[arg-type]

    def closed(self, seconds: float, switches: Switches = Switches(), start_s: float = 0.0) -> Rig:  # noqa: B008
        began_s = self.t_s
        for _ in range(round(seconds / DT)):
            closed_s = start_s + self.t_s - began_s
            shut = replace(OPEN, eyes=EyesState.CLOSED, closed_s=closed_s, closure_start_s=began_s)
            self.step(shut, switches)
        return self

    def looks(
        self,
        seconds: float,
        switches: Switches = Switches(),  # noqa: B008
        sum_s: float = 0.0,
        **parts: object,
    ) -> Rig:
        began_s = self.t_s
        for _ in range(round(seconds / DT)):
            away_s = self.t_s - began_s
            off = replace(
                OPEN, away=True, away_s=away_s, away_start_s=began_s, away_sum_s=sum_s + away_s
            )
            self.step(replace(off, **parts), switches)  # type: ignore[arg-type]
        return self

    def unsure(
        self,
        seconds: float,
        switches: Switches = Switches(),  # noqa: B008
        *,
        looks: bool = False,
    ) -> Rig:
        """Closed or away, which of both is not known; ``looks``: the head is off the road, too."""
        began_s = self.t_s
        for _ in range(round(seconds / DT)):
            for_s = self.t_s - began_s
            doubt = replace(OPEN, away=looks, unsure_s=for_s, closure_start_s=began_s)
            if looks:
                doubt = replace(doubt, away_s=for_s, away_start_s=began_s, away_sum_s=for_s)
            self.step(doubt, switches)
        return self

    def hidden(self, seconds: float, unseen: Unseen = Unseen.NO_FACE, **parts: object) -> Rig:
        blank = Situation(0.0, unseen=unseen)
        return self.steps(seconds, replace(blank, **parts))  # type: ignore[arg-type]

    @property
    def told(self) -> list[tuple[Kind, Level]]:
        return [(e.kind, e.level) for e in self.events if not e.values.get("repeated")]

    @property
    def standing(self) -> list[Kind]:
        return [alert.kind for alert in self.policy.board.active]

    def at(self, kind: Kind) -> float:
        return next(e.t_s for e in self.events if e.kind is kind)


def test_closures_by_their_times() -> None:
    rig = Rig().open(1).closed(7)
    assert rig.told == [
        (Kind.MICROSLEEP, Level.WARNING),
        (Kind.SLEEP, Level.CRITICAL),
        (Kind.UNRESPONSIVE, Level.CRITICAL),
    ]
    assert [e.t_s for e in rig.events[:3]] == pytest.approx([2.0, 4.0, 7.0])
    assert [e.start_s for e in rig.events[:3]] == pytest.approx([1.0, 1.0, 1.0])
    assert rig.events[0].values == {"closed_s": 1.0, "limit_s": 1.0}
    assert rig.events[0].reason == "eyes closed for 1 s"
    assert rig.standing == [Kind.UNRESPONSIVE]


def test_just_under_is_nothing() -> None:
    assert Rig().closed(RULES.microsleep_s - DT).told == []


def test_frames_lost_within_a_closure_still_tell_each_step_in_order() -> None:
    rig = Rig().closed(0.1, start_s=0.5).closed(0.1, start_s=7.0)
    assert [kind for kind, _ in rig.told] == [Kind.MICROSLEEP, Kind.SLEEP, Kind.UNRESPONSIVE]


def test_microsleep_ends_after_attention() -> None:
    rig = Rig().closed(1.2).open(S.clear_s - 2 * DT)
    assert rig.standing == [Kind.MICROSLEEP]
    assert rig.open(3 * DT).standing == []


def test_sleep_ends_after_longer_attention() -> None:
    rig = Rig().closed(4).open(S.attention_s - 2 * DT)
    assert rig.standing == [Kind.SLEEP]
    assert rig.open(3 * DT).standing == []


def test_lapse_of_attention_starts_it_anew_but_a_blink_does_not() -> None:
    lapse, blink = (Rig().closed(4).open(3).closed(s).open(2.5) for s in (0.7, 0.3))
    assert lapse.standing == [Kind.SLEEP]
    assert blink.standing == []


def test_attention_needs_eyes_seen_after_a_closure() -> None:
    rig = Rig().closed(4).steps(30, replace(OPEN, eyes=EyesState.UNKNOWN, unseen=Unseen.GLARE))
    assert Kind.SLEEP in rig.standing


def test_attention_after_a_look_needs_only_the_head() -> None:
    blind = replace(OPEN, eyes=EyesState.UNKNOWN, unseen=Unseen.SUNGLASSES)
    rig = Rig().looks(7).steps(S.attention_s + 2 * DT, blind)
    assert Kind.UNRESPONSIVE not in rig.standing
    assert Rig().looks(7).steps(S.attention_s - 3 * DT, blind).standing[0] is Kind.UNRESPONSIVE


def test_away_or_unknown_heads_do_not_attend() -> None:
    for away in (True, None):
        rig = Rig().closed(4).open(10, away=away)
        assert rig.standing[0] is Kind.SLEEP


def test_acknowledgement_needs_attention() -> None:
    press = Switches(acknowledged=True)
    assert Rig().closed(4).open(DT * 2).open(DT, press).standing == []
    assert Rig().closed(4).closed(DT, press, start_s=4.0).standing == [Kind.SLEEP]
    assert Rig().closed(4).open(DT, press, away=True).standing == [Kind.SLEEP]


def test_a_press_ends_no_critical_alert() -> None:
    press = Switches(pressed=True)
    assert Rig().closed(1.5).open(DT * 2).open(DT, press).standing == []
    assert Rig().closed(4).open(DT * 2).open(DT, press).standing == [Kind.SLEEP]


@pytest.mark.parametrize("looks", [False, True])
def test_closed_or_away_is_a_distraction_then_unresponsive_each_once(looks: bool) -> None:
    rig = Rig(Rules(unresponsive_after_warning_s=2.0)).open(1).unsure(8, looks=looks)
    assert rig.told == [(Kind.DISTRACTION, Level.WARNING), (Kind.UNRESPONSIVE, Level.CRITICAL)]
    assert rig.at(Kind.DISTRACTION) == pytest.approx(4.0)
    assert rig.at(Kind.UNRESPONSIVE) == pytest.approx(6.0)
    assert rig.events[0].start_s == pytest.approx(1.0)
    assert {e.reason.split(" for ")[0].split(", ")[0] for e in rig.events} == {
        "eyes closed or looking away"
    }


def test_closed_or_away_is_told_within_the_time_of_sleep_in_every_profile() -> None:
    """Slowly, EU's rules leave 6 s for a look; eyes that may be shut do not get as much."""
    rig = Rig(EU_GSR).speed(30.0).unsure(4)
    assert rig.at(Kind.DISTRACTION) == pytest.approx(3.0)


def test_closed_or_away_without_warnings_is_unresponsive_by_its_time_alone() -> None:
    """Also where a closure before was warned of: each has a time of its own."""
    rig = Rig(Rules(unresponsive_after_warning_s=2.0)).unsure(3.5).open(6)
    assert rig.told == [(Kind.DISTRACTION, Level.WARNING)]
    began_s = rig.t_s
    rig.unsure(7, Switches(warnings=False))
    assert rig.told[1:] == [(Kind.UNRESPONSIVE, Level.CRITICAL)]
    assert rig.at(Kind.UNRESPONSIVE) == pytest.approx(began_s + 6.0)


def test_a_nod_is_a_microsleep_once_and_none_while_warnings_are_off() -> None:
    nod = Event(0.0, Kind.NOD, Level.NONE, "nod", start_s=0.5, values={"fall_deg": 15.0})
    rig = Rig().open(1).steps(DT, replace(OPEN, nod=nod, closure_start_s=0.5))
    assert rig.told == [(Kind.MICROSLEEP, Level.WARNING)]
    assert (rig.events[0].start_s, rig.events[0].values) == (0.5, nod.values)
    assert rig.steps(DT, replace(OPEN, nod=nod, closure_start_s=0.5)).told == rig.told[:1]
    off = Switches(warnings=False)
    assert Rig().steps(DT, replace(OPEN, nod=nod, closure_start_s=0.5), off).told == []


def test_an_alert_of_closed_or_away_and_of_a_nod_waits_for_eyes_that_are_seen_open() -> None:
    """A head towards the road proves nothing of eyes that nobody sees."""
    nod = Event(0.0, Kind.NOD, Level.NONE, "nod", start_s=0.5)
    rig = Rig().open(1).steps(DT, replace(OPEN, nod=nod))
    assert rig.open(S.clear_s + 1, eyes=EyesState.UNKNOWN).standing == [Kind.MICROSLEEP]
    assert rig.open(S.clear_s + DT).standing == []
    rig = Rig().unsure(3.1).open(S.clear_s + 1, eyes=EyesState.UNKNOWN)
    assert rig.standing == [Kind.DISTRACTION]
    rig = Rig().unsure(6.1).open(S.attention_s + 1, eyes=EyesState.UNKNOWN)
    assert Kind.UNRESPONSIVE in rig.standing
    assert rig.open(S.attention_s + DT).standing == []


@pytest.mark.parametrize("what", ["closed", "nod", "unsure"])
def test_after_any_closure_alert_drowsiness_waits(what: str) -> None:
    rig = Rig(drowsy_quiet_s=30.0).speed(100.0).open(1)
    if what == "closed":
        rig.closed(1.1)
    elif what == "nod":
        rig.steps(DT, replace(OPEN, nod=Event(0.0, Kind.NOD, Level.NONE, "nod", start_s=0.5)))
    else:
        rig.unsure(6.1)
    alert_s = rig.events[-1].t_s
    rig.open(40, drowsiness=9)
    assert rig.at(Kind.DROWSY) == pytest.approx(alert_s + 30.0, abs=2 * DT)


def test_what_takes_over_tells_no_closure_again_and_keeps_what_is_critical() -> None:
    rig = Rig().open(1).closed(1.5)
    before, rig.policy = rig.policy, Policy(PolicySettings(), RULES)
    rig.policy.succeed(before)
    assert rig.standing == []  # its microsleep was none that stays
    began_s = rig.events[0].start_s
    assert began_s is not None
    for _ in range(30):
        shut = replace(OPEN, eyes=EyesState.CLOSED, closure_start_s=began_s)
        rig.step(replace(shut, closed_s=rig.t_s - began_s))
    assert rig.told == [(Kind.MICROSLEEP, Level.WARNING), (Kind.SLEEP, Level.CRITICAL)]
    before, rig.policy = rig.policy, Policy(PolicySettings(), RULES)
    rig.policy.succeed(before)
    assert rig.standing == [Kind.SLEEP]


def test_lower_closure_does_not_replace_a_higher_one() -> None:
    rig = Rig().closed(4).open(1).closed(1.5)
    assert rig.told[-1] == (Kind.MICROSLEEP, Level.WARNING)
    assert rig.standing == [Kind.SLEEP]


def test_long_look_and_no_answer() -> None:
    rig = Rig().open(1).looks(7)
    assert rig.told == [
        (Kind.DISTRACTION, Level.WARNING),
        (Kind.UNRESPONSIVE, Level.CRITICAL),
    ]
    assert rig.at(Kind.DISTRACTION) == pytest.approx(4.0)
    assert rig.at(Kind.UNRESPONSIVE) == pytest.approx(7.0)
    assert rig.events[0].reason == "looking away for 3 s"
    assert rig.events[0].values == {"away_s": 3.0, "away_sum_s": 3.0}
    assert rig.events[0].start_s == pytest.approx(1.0)


@pytest.mark.parametrize("unseen", [Unseen.NO_FACE, Unseen.COVERED])
def test_a_face_that_is_lost_while_away_is_not_said_to_look(unseen: Unseen) -> None:
    """A hand before a face that was turning cannot be told from one that has turned away."""
    rig = Rig().open(1).hidden(3.5, unseen, away=True, away_s=3.0, away_start_s=1.0)
    assert rig.events[0].reason == "face turned away or hidden for 3 s"


def test_unanswered_warning_counts_from_the_warning() -> None:
    rig = Rig(Rules(unresponsive_away_s=20.0, unresponsive_after_warning_s=1.5)).looks(6)
    assert rig.at(Kind.UNRESPONSIVE) == pytest.approx(4.5)
    assert "after the warning" in rig.events[-1].reason


def test_unresponsive_by_time_away_alone() -> None:
    rules = Rules(unresponsive_away_s=5.0, unresponsive_after_warning_s=20.0)
    rig = Rig(rules).looks(6)
    assert rig.at(Kind.UNRESPONSIVE) == pytest.approx(5.0)
    assert rig.events[-1].reason == "away, 5.0 s"


def test_driver_who_looks_back_at_the_last_instant_is_responsive() -> None:
    back = replace(OPEN, away_s=6.0, away_start_s=0.0)
    assert Kind.UNRESPONSIVE not in [kind for kind, _ in Rig().steps(DT, back).told]


def test_distraction_ends_after_the_road_was_watched() -> None:
    rig = Rig().looks(4).open(S.clear_s - 2 * DT)
    assert rig.standing == [Kind.DISTRACTION]
    assert rig.open(3 * DT).standing == []


def test_each_look_is_warned_of() -> None:
    rig = Rig().looks(3.5).open(1).looks(3.5)
    assert [kind for kind, _ in rig.told] == [Kind.DISTRACTION] * 2


def test_repeated_looks_once_until_reset() -> None:
    rig = Rig().looks(1, sum_s=9.5).open(0.5, away_sum_s=10.5).looks(1, sum_s=10.5)
    assert rig.told == [(Kind.DISTRACTION, Level.WARNING)]
    assert rig.at(Kind.DISTRACTION) == pytest.approx(0.5)
    assert rig.events[0].reason == "looking away 10 s within 30 s"
    rig.open(3).looks(1, sum_s=9.5)
    assert len(rig.told) == 2


def test_repeated_looks_unanswered() -> None:
    rig = Rig(Rules(unresponsive_away_s=20.0, distraction_s=10.0)).looks(5, sum_s=9.0)
    assert rig.at(Kind.DISTRACTION) == pytest.approx(1.0)
    assert rig.at(Kind.UNRESPONSIVE) == pytest.approx(1.0 + RULES.unresponsive_after_warning_s)


def test_looks_behind_a_closed_gate() -> None:
    assert Rig().speed(19.0).looks(10).told == []
    rig = Rig().speed(40.0).looks(4)
    assert rig.standing == [Kind.DISTRACTION]
    assert rig.speed(10.0).looks(DT).standing == []


@pytest.mark.parametrize(("kmh", "at_s"), [(30.0, 6.0), (50.0, 3.5), (None, 3.5)])
def test_distraction_time_by_speed(kmh: float | None, at_s: float) -> None:
    assert Rig(EU_GSR).speed(kmh).looks(7).at(Kind.DISTRACTION) == pytest.approx(at_s)


def test_critical_alert_is_told_again_until_attention() -> None:
    rig = Rig().closed(4).closed(11.95, start_s=4.0)
    again = [e for e in rig.events if e.values.get("repeated")]
    assert [e.kind for e in again] == [Kind.UNRESPONSIVE, Kind.UNRESPONSIVE] or len(again) == 1
    told_s = rig.at(Kind.UNRESPONSIVE)
    assert again[0].t_s == pytest.approx(told_s + S.critical_repeat_s)
    assert again[0].level is Level.CRITICAL
    before = len(rig.events)
    assert len(rig.open(4.5).events) == before


def test_warning_is_not_told_again() -> None:
    rig = Rig().closed(1.5).hidden(20)
    assert not any(e.values.get("repeated") for e in rig.events)


def drowsy(rig: Rig, seconds: float, kss: int | None, **parts: object) -> Rig:
    return rig.open(seconds, drowsiness=kss, drowsiness_reason="PERCLOS 0.2", **parts)


@pytest.mark.parametrize(
    ("kss", "told"),
    [(6, []), (7, [Level.ADVISORY]), (8, [Level.WARNING]), (9, [Level.WARNING]), (None, [])],
)
def test_drowsy_levels(kss: int | None, told: list[Level]) -> None:
    rig = drowsy(Rig(), 2, kss)
    assert [level for _, level in rig.told] == told
    if told:
        assert rig.events[0].reason == f"drowsiness {kss} of 9: PERCLOS 0.2"
        assert rig.events[0].values == {"drowsiness": kss}


def test_drowsy_rises_and_is_not_told_on_the_way_down() -> None:
    rig = drowsy(drowsy(drowsy(Rig(), 1, 7), 1, 8), 30, 7)
    assert [level for _, level in rig.told] == [Level.ADVISORY, Level.WARNING]
    assert rig.policy.board.level(Kind.DROWSY) is Level.WARNING  # 7 is within the hysteresis


def test_drowsy_falls_with_hysteresis_and_patience() -> None:
    rig = drowsy(drowsy(Rig(), 1, 7), 60, 6)
    assert rig.standing == [Kind.DROWSY]
    drowsy(rig, S.drowsy_clear_s - 2 * DT, 5)
    assert rig.standing == [Kind.DROWSY]
    drowsy(rig, DT, 6)  # starts the patience anew
    drowsy(rig, S.drowsy_clear_s - 2 * DT, 5)
    assert rig.standing == [Kind.DROWSY]
    assert drowsy(rig, 4 * DT, 5).standing == []


def test_drowsy_warning_falls_to_advisory_first() -> None:
    settings = {"drowsy_back_kss": 0, "drowsy_clear_s": 1.0}
    rig = drowsy(drowsy(Rig(**settings), 1, 8), 1.3, 7)
    assert rig.policy.board.level(Kind.DROWSY) is Level.ADVISORY
    assert drowsy(rig, 1.3, 6).standing == []


def test_unknown_or_hidden_drowsiness_never_ends_it() -> None:
    assert drowsy(drowsy(Rig(), 1, 8), 60, None).standing == [Kind.DROWSY]
    rig = drowsy(drowsy(Rig(), 1, 8), 60, 3, eyes=EyesState.UNKNOWN)
    assert Kind.DROWSY in rig.standing


def test_drowsy_is_told_again() -> None:
    rig = drowsy(Rig(drowsy_repeat_s=20.0), 45, 8)
    again = [e.t_s for e in rig.events if e.values.get("repeated")]
    assert again == pytest.approx([20.0, 40.0], abs=DT / 2)


def test_drowsy_keeps_quiet_after_a_closure_alert() -> None:
    rig = Rig(drowsy_quiet_s=10.0).closed(1.5)
    told_s = rig.at(Kind.MICROSLEEP)
    drowsy(rig, 15, 8)
    assert rig.at(Kind.DROWSY) == pytest.approx(told_s + 10.0)


def test_drowsy_behind_a_closed_gate() -> None:
    assert drowsy(Rig().speed(49.0), 5, 9).told == []
    rig = drowsy(Rig().speed(60.0), 5, 9)
    rig.speed(40.0)
    assert drowsy(rig, DT, 9).standing == []


def test_rage_levels_and_wording() -> None:
    rig = Rig().open(1, rage=Level.ADVISORY, rage_reason="anger")
    rig.open(1, rage=Level.WARNING, rage_reason="anger")
    assert [level for _, level in rig.told] == [Level.ADVISORY, Level.WARNING]
    assert [e.wording for e in rig.events] == ["suggest_break", "calm_down"]
    assert rig.events[0].reason == "anger"
    assert rig.open(DT).standing == []


def test_rage_cools_down() -> None:
    rig = Rig(rage_quiet_s=10.0).open(1, rage=Level.ADVISORY).open(1)
    rig.open(2, rage=Level.ADVISORY)
    assert len(rig.told) == 1
    rig.open(8, rage=Level.ADVISORY)
    assert [e.t_s for e in rig.events] == pytest.approx([0.0, 10.0])


def test_no_rage_is_told_of_a_face_that_is_not_seen() -> None:
    rig = Rig().open(5, rage=Level.WARNING, rage_seen=False)
    assert rig.told == []
    rig.open(1, rage=Level.ADVISORY).open(5, rage=Level.WARNING, rage_seen=False)
    assert [level for _, level in rig.told] == [Level.ADVISORY]
    assert len(rig.open(1, rage=Level.WARNING).told) == 2


def test_rage_alerts_of_a_drive_are_limited() -> None:
    rig = Rig(rage_quiet_s=0.0, rage_most=2)
    for _ in range(5):
        rig.open(1, rage=Level.ADVISORY).open(1, rage=Level.WARNING).open(1)
    assert len(rig.told) == 4


def test_rage_switched_off() -> None:
    off = Switches(rage=False)
    assert Rig().open(2, off, rage=Level.WARNING).told == []
    rig = Rig().open(2, rage=Level.WARNING)
    assert rig.open(DT, off, rage=Level.WARNING).standing == []


def test_degraded_in_time_with_its_reason() -> None:
    rig = Rig().open(1).hidden(9, Unseen.SUNGLASSES)
    assert rig.told == [(Kind.DEGRADED, Level.ADVISORY)]
    assert rig.at(Kind.DEGRADED) == pytest.approx(1.0 + S.degraded_s, abs=DT + 1e-6)
    assert rig.events[0].start_s == pytest.approx(1.0, abs=DT + 1e-6)
    assert rig.events[0].reason == "cannot see the eyes: sunglasses"
    assert rig.events[0].values == {"unseen": "sunglasses"}
    rig.hidden(1, Unseen.GLARE)
    assert rig.policy.board.active[0].reason == "cannot see the eyes: glare"
    assert len(rig.told) == 1


def test_degraded_ends_after_half_of_its_time() -> None:
    rig = Rig().hidden(20).open(S.degraded_s / S.degraded_back - 2 * DT)
    assert rig.standing == [Kind.DEGRADED]
    assert rig.open(3 * DT).standing == []


def test_degraded_sums_over_flicker() -> None:
    rig = Rig()
    for _ in range(30):
        rig.hidden(0.5).open(0.1)
    assert Kind.DEGRADED in rig.standing


def test_looks_away_are_not_degraded() -> None:
    rig = Rig(Rules(distraction_s=9.0)).hidden(20, Unseen.TURNED_AWAY, away=True)
    assert Kind.DEGRADED not in [kind for kind, _ in rig.told]


def test_eyes_hidden_for_no_given_reason() -> None:
    rig = Rig().steps(9, Situation(0.0))
    assert rig.events[0].values == {"unseen": "unsure"}


def test_standing_still_ends_and_silences_all_but_faults() -> None:
    rig = Rig().closed(4).speed(0.0)
    fault = replace(OPEN, faults=(Fault(Part.CAMERA, "lost"),))
    rig.steps(1, fault)
    assert rig.standing == [Kind.FAULT]
    rig.looks(9).hidden(20)
    assert rig.told[-1] == (Kind.FAULT, Level.WARNING)
    rig.speed(60.0).hidden(S.degraded_s - 2 * DT)
    assert Kind.DEGRADED not in rig.standing  # its time starts with the drive


def test_paused() -> None:
    off = Switches(paused=True)
    rig = Rig().closed(4, off)
    assert rig.told == []
    rig = Rig().closed(1.5).closed(1, off, start_s=1.5)
    assert rig.standing == []
    rig = Rig().closed(4).closed(1, off, start_s=4.0)
    assert rig.standing == [Kind.SLEEP]
    rig.steps(1, replace(OPEN, faults=(Fault(Part.OTHER, "bus off"),)), off)
    assert Kind.FAULT in rig.standing


def test_warnings_off() -> None:
    off = Switches(warnings=False)
    assert [kind for kind, _ in Rig().closed(4, off).told] == [Kind.SLEEP]
    assert [kind for kind, _ in Rig().looks(7, off).told] == [Kind.UNRESPONSIVE]
    assert Rig().open(5, off, drowsiness=9, rage=Level.WARNING).told == []
    assert Rig().steps(20, Situation(0.0), off).told == []
    rig = Rig().looks(4)
    assert rig.looks(DT, off).standing == []


A, B = Fault(Part.OTHER, "a"), Fault(Part.OTHER, "b")


def test_faults_are_told_once_each_and_end() -> None:
    rig = Rig().open(1, faults=(A,)).open(1, faults=(A, B))
    assert rig.policy.board.active[0].reason == "a; b"
    rig.open(1, faults=(B,))
    assert [e.reason for e in rig.events] == ["a", "b"]
    assert rig.policy.board.active[0].reason == "b"
    assert rig.open(DT).standing == []
    assert [e.reason for e in rig.open(DT, faults=(A,)).events] == ["a", "b", "a"]


def test_a_store_or_lamp_at_fault_is_an_advisory_and_never_lowers_another_fault() -> None:
    rig = Rig().open(1, faults=(Fault(Part.STORE, "disk full"),))
    assert rig.told == [(Kind.FAULT, Level.ADVISORY)]
    rig.open(1, faults=(Fault(Part.STORE, "disk full"), Fault(Part.CAMERA, "lost")))
    assert rig.policy.board.level(Kind.FAULT) is Level.WARNING
    rig.open(
        1,
        faults=(
            Fault(Part.STORE, "disk full"),
            Fault(Part.CAMERA, "lost"),
            Fault(Part.LAMP, "gone"),
        ),
    )
    assert rig.policy.board.level(Kind.FAULT) is Level.WARNING
    rig.open(1, faults=(Fault(Part.STORE, "disk full"), Fault(Part.LAMP, "gone")))
    assert rig.policy.board.level(Kind.FAULT) is Level.ADVISORY
    assert [level for _, level in rig.told] == [1, 2, 1]


def test_a_slumped_head_is_named() -> None:
    rig = Rig().open(1).looks(6.1, slumped=True)
    assert [event.reason for event in rig.events] == ["head slumped for 3 s", "head slumped, 6.0 s"]


def test_one_closure_on_the_heels_of_another_is_told_too() -> None:
    rig = Rig()
    shut = replace(OPEN, eyes=EyesState.CLOSED, closed_s=1.2)
    rig.step(replace(shut, closure_start_s=1.0))
    rig.step(replace(shut, closure_start_s=1.0))
    rig.step(replace(shut, closure_start_s=5.0))
    assert rig.told == [(Kind.MICROSLEEP, Level.WARNING)] * 2


def test_one_look_on_the_heels_of_another_is_told_too() -> None:
    rig = Rig()
    away = replace(OPEN, away=True, away_s=3.2)
    for start_s in (1.0, 1.0, 5.0):
        rig.step(replace(away, away_start_s=start_s))
    assert rig.told == [(Kind.DISTRACTION, Level.WARNING)] * 2


def test_standing_still_forgets_hidden_eyes() -> None:
    rig = Rig().hidden(7.5)
    rig.speed(0.0).hidden(DT)
    assert rig.speed(None).hidden(1.0).told == []


def test_a_sleepers_alert_is_repeated_while_his_eyes_are_hidden() -> None:
    rig = Rig().closed(3.2)
    rig.hidden(6.0, away=False)
    assert [e.kind for e in rig.events if e.values.get("repeated")] == [Kind.SLEEP]


def test_who_looks_at_the_road_again_is_not_told_again_for_hidden_eyes() -> None:
    rig = Rig().looks(6.2)
    rig.hidden(4.9, away=False)
    assert not [e for e in rig.events if e.values.get("repeated")]


def test_an_unanswered_warning_counts_from_the_first_of_two() -> None:
    rig = Rig(Rules(unresponsive_away_s=20.0)).looks(7.0, sum_s=5.0)
    assert [kind for kind, _ in rig.told] == [
        Kind.DISTRACTION, Kind.DISTRACTION, Kind.UNRESPONSIVE,
    ]  # fmt: skip
    assert rig.at(Kind.UNRESPONSIVE) == pytest.approx(6.0)


def test_a_sum_that_has_not_been_reset_is_told_once() -> None:
    rig = Rig()
    for sum_s in (10.0, 0.5, 10.0, 0.0, 10.0):
        rig.step(replace(OPEN, away_sum_s=sum_s))
    assert rig.told == [(Kind.DISTRACTION, Level.WARNING)] * 2


def test_rage_that_grows_is_one_alert_of_the_drives_few() -> None:
    rig = Rig(rage_quiet_s=0.0, rage_most=1)
    rig.open(1, rage=Level.ADVISORY)
    rig.open(1, rage=Level.WARNING).open(1)
    assert len(rig.told) == 2
    assert len(rig.open(1, rage=Level.ADVISORY).told) == 2


def test_drowsiness_that_sinks_by_a_level_waits_again_before_it_ends() -> None:
    rig = drowsy(Rig(), 5, 9)
    sunk = drowsy(rig, 10.2, 6)
    assert [alert.level for alert in sunk.policy.board.active] == []
    rig = drowsy(Rig(drowsy_back_kss=0), 5, 9)
    drowsy(rig, 10.2, 7)
    assert [alert.level for alert in rig.policy.board.active] == [Level.ADVISORY]
    drowsy(rig, 9.5, 6)
    assert [alert.level for alert in rig.policy.board.active] == [Level.ADVISORY]
    assert drowsy(rig, 1.0, 6).standing == []


def test_mild_rage_counts_against_the_limit_too() -> None:
    rig = Rig(rage_quiet_s=0.0, rage_most=2)
    for _ in range(5):
        rig.open(1, rage=Level.ADVISORY).open(1)
    assert len(rig.told) == 2


def test_a_photo_is_told_at_once_as_its_minute_is_over() -> None:
    rig = Rig().hidden(DT, Unseen.STILL)
    assert rig.told == [(Kind.DEGRADED, Level.ADVISORY)]
    assert "photo" in rig.events[0].reason
