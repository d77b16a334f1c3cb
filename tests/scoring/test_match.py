from hypothesis import given
from hypothesis import strategies as st

from dms.decision.profiles import EU_GSR, EURO_NCAP_2026
from dms.decision.settings import CoreSettings
from dms.scoring.labels import Label, Labels
from dms.scoring.match import ScoringSettings, Tally, Verdict, due_times, match, tally
from dms.values import Event, Kind, Level

SETTINGS = ScoringSettings()
DUE = {Kind.MICROSLEEP: 1.0, Kind.SLEEP: 3.0}


def event(kind, t_s, start_s=None, end_s=None, level=None):
    if level is None:
        level = Level.NONE if kind is Kind.BLINK else Level.WARNING
    return Event(t_s, kind, level, "test", start_s, end_s)


def labels(*events, kinds=()):
    return Labels("x", events, frozenset(kinds) | {e.kind for e in events})


def verdicts(matches):
    return [m.verdict for m in matches]


def test_blink_needs_half_of_its_label():
    label = Label(Kind.BLINK, 1.0, 1.2)
    for end_s, verdict in ((1.11, [Verdict.FOUND]), (1.09, [Verdict.MISSED, Verdict.FALSE])):
        told = [event(Kind.BLINK, end_s, 1.0, end_s)]
        assert verdicts(match(told, labels(label), DUE, SETTINGS)) == verdict


def test_one_blink_cannot_find_two_labels():
    two = labels(Label(Kind.BLINK, 1.0, 1.1), Label(Kind.BLINK, 1.15, 1.25))
    found = match([event(Kind.BLINK, 1.3, 1.0, 1.3)], two, DUE, SETTINGS)
    assert sorted(verdicts(found)) == [Verdict.FOUND, Verdict.MISSED]


def test_two_blinks_for_one_label_leave_one_false():
    told = [event(Kind.BLINK, 1.2, 1.0, 1.2), event(Kind.BLINK, 1.21, 1.05, 1.2)]
    one = match(told, labels(Label(Kind.BLINK, 1.0, 1.2)), DUE, SETTINGS)
    assert sorted(verdicts(one)) == [Verdict.FALSE, Verdict.FOUND]


def test_delay_counts_from_when_the_rule_was_due():
    cause = labels(Label(Kind.SLEEP, 10.0, 15.0))
    (found,) = match([event(Kind.SLEEP, 13.1)], cause, DUE, SETTINGS)
    assert found.verdict is Verdict.FOUND
    assert abs(found.delay_s - 0.1) < 1e-9


def test_alert_repeated_within_its_cause_is_not_false():
    cause = labels(Label(Kind.SLEEP, 10.0, 15.0))
    told = [event(Kind.SLEEP, 13.0), event(Kind.SLEEP, 14.5), event(Kind.SLEEP, 20.0)]
    assert verdicts(match(told, cause, DUE, SETTINGS)) == [
        Verdict.FOUND,
        Verdict.REPEATED,
        Verdict.FALSE,
    ]


def test_note_that_a_closure_has_ended_is_no_alert():
    cause = labels(Label(Kind.SLEEP, 10.0, 15.0))
    note = event(Kind.SLEEP, 15.1, 10.0, 15.0, Level.NONE)
    assert verdicts(match([note], cause, DUE, SETTINGS)) == [Verdict.MISSED]


def test_due_times_are_those_of_the_profile():
    assert due_times(CoreSettings())[Kind.SLEEP] == EURO_NCAP_2026.sleep_s
    assert due_times(CoreSettings(profile="eu_gsr"))[Kind.DISTRACTION] == EU_GSR.distraction_s


def test_kind_that_nobody_labelled_is_not_judged_but_a_listed_one_is():
    told = [event(Kind.DROWSY, 5.0)]
    assert match(told, labels(Label(Kind.SLEEP, 1.0, 2.0)), DUE, SETTINGS)[0].kind is Kind.SLEEP
    listed = labels(kinds=[Kind.DROWSY])
    assert verdicts(match(told, listed, DUE, SETTINGS)) == [Verdict.FALSE]


def test_optional_label_is_right_with_and_without_an_alert():
    cause = labels(Label(Kind.DROWSY, 10.0, 60.0, optional=True))
    (silent,) = match([], cause, DUE, SETTINGS)
    (told,) = match([event(Kind.DROWSY, 30.0)], cause, DUE, SETTINGS)
    assert (silent.verdict, told.verdict) == (Verdict.OPTIONAL, Verdict.FOUND)
    assert told.delay_s is None


def test_rates_are_unknown_without_a_basis():
    assert (Tally().recall, Tally().precision, Tally().f1) == (None, None, None)
    assert Tally(found=3, missed=1, false=3).f1 == 0.6


def test_tally_adds_up_over_recordings():
    cause = labels(Label(Kind.MICROSLEEP, 10.0, 12.0), Label(Kind.MICROSLEEP, 30.0, 32.0))
    matches = match([event(Kind.MICROSLEEP, 11.25)], cause, DUE, SETTINGS)
    counts = tally([*matches, *matches])[Kind.MICROSLEEP]
    assert (counts.found, counts.missed, counts.false) == (2, 2, 0)
    assert counts.delays_s == (0.25, 0.25)


SPANS = st.lists(
    st.tuples(st.floats(0, 50), st.floats(0.1, 2)).map(lambda s: (s[0], s[0] + s[1])), max_size=8
)


@given(SPANS, SPANS, st.sampled_from([Kind.BLINK, Kind.SLEEP]))
def test_every_label_and_every_event_is_judged_once(told, true, kind):
    events = [event(kind, end_s, start_s, end_s) for start_s, end_s in told]
    causes = labels(*(Label(kind, *span) for span in true), kinds=[kind])
    matches = match(events, causes, {}, SETTINGS)
    assert sum(m.event is not None for m in matches) == len(events)
    judged = [m for m in matches if m.verdict in {Verdict.FOUND, Verdict.MISSED}]
    assert len(judged) == len(true)


def test_what_was_labelled_counts_though_nothing_happened():
    assert tally([], [Kind.SLEEP]) == {Kind.SLEEP: Tally()}
