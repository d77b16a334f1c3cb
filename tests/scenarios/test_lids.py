"""Stories of lids that are lowered or shut: a look down is not sleep, a nod-off is not missed."""

from dataclasses import replace

import pytest

from dms.decision.profiles import EU_GSR, EURO_NCAP_2026
from dms.decision.settings import CoreSettings
from dms.values import (
    EyeEvidence,
    Iris,
    Kind,
    Level,
    Lids,
    LidsState,
)
from tests.scenarios.drive import Drive

RULES = EURO_NCAP_2026
FRAME_S = 1 / 30 + 1e-6
SPEEDS = [None, 3.5, 10.0, 15.0, 30.0, 100.0]
PROFILES = ["euro_ncap_2026", "euro_ncap_2023", "eu_gsr"]


def awake(
    speed_kmh: float | None = None, profile: str = "euro_ncap_2026", **parts: object
) -> Drive:
    drive = Drive(settings=CoreSettings(profile=profile), **parts)  # type: ignore[arg-type]
    return drive.drives(speed_kmh).blinks(seconds=20).watches(1)


def looks(drive: Drive, seconds: float, lids: Lids, iris_y: float, openness: float = 0.1) -> Drive:
    """Let both eyes show these lids and this iris."""
    ear = drive.closed_ear + (drive.open_ear - drive.closed_ear) * openness
    iris = Iris(0.0, iris_y, 0.03)
    opened = lids.open / (lids.open + lids.closed)
    eye = EyeEvidence(ear, opened, 0.98, 0.3, lids=lids, iris=iris, width_px=32.0)
    return drive.wears(seconds, right_eye=eye, left_eye=eye)


def falls(drive: Drive, way_s: float, sinks: float) -> Drive:
    """Let the lids fall, the iris ``sinks`` lower than they cover it."""
    covers = drive.settings.lids.lid_sinks
    frames = round(way_s * drive.fps)
    for frame in range(frames):
        openness = 1.0 - frame / frames
        lids = Lids(openness, 0.7 * (1.0 - openness), 0.3 * (1.0 - openness))
        low = covers * (1.0 - openness) + (sinks if openness < 0.9 else 0.0)
        looks(drive, 1.0 / drive.fps, lids, REST_Y + low, openness)
    return drive


REST_Y = -0.085
LOWERED, SHUT, WIDE = Lids(0.1, 0.8, 0.1), Lids(0.02, 0.08, 0.9), Lids(0.96, 0.03, 0.01)


@pytest.mark.parametrize("reads", [1.0, 0.2])
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("speed_kmh", SPEEDS)
def test_a_look_down_at_food_is_told_as_away_or_closed(
    speed_kmh: float | None, profile: str, reads: float
) -> None:
    """The head goes down, the lids follow it: no microsleep, but level 2 after 3 s at any speed."""
    drive = awake(speed_kmh, profile)
    start_s = drive.t_s
    drive.bows(0.5, 30.0, lambda share: 1.0 - share, reads=reads).closes(2.0)
    assert drive.alerts == []
    assert drive.state.lids is LidsState.AWAY_OR_CLOSED
    drive.closes(5.0)
    assert drive.kinds == [Kind.DISTRACTION, Kind.UNRESPONSIVE]
    first, second = drive.alerts
    assert "closed or looking away" in first.reason
    assert start_s + 3.0 <= first.t_s <= start_s + 3.5 + FRAME_S
    assert second.t_s <= first.t_s + 3.0 + FRAME_S


def test_fifteen_seconds_of_eating_leave_perclos_and_drowsiness_alone() -> None:
    drive = awake(80.0)
    for _ in range(8):
        drive.bows(0.4, 30.0, lambda share: 1.0 - share).closes(1.2)
        drive.bows(0.4, 0.0, lambda share: share).watches(5.0)
    assert drive.alerts == []
    assert drive.state.perclos == pytest.approx(0.0, abs=0.02)
    assert (drive.state.drowsiness or 0) < 6


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("speed_kmh", SPEEDS)
def test_a_nod_off_whose_lids_shut_first_is_a_microsleep_in_time(
    speed_kmh: float | None, profile: str
) -> None:
    drive = awake(speed_kmh, profile)
    start_s = drive.t_s
    drive.closes(0.5).bows(0.6, 35.0, reads=0.2).closes(3.0)
    assert drive.kinds == [Kind.MICROSLEEP, Kind.SLEEP]
    assert drive.alerts[0].t_s == pytest.approx(start_s + RULES.microsleep_s, abs=FRAME_S)
    assert drive.alerts[1].t_s == pytest.approx(start_s + RULES.sleep_s, abs=FRAME_S)


def test_a_nod_off_with_the_face_lost_at_the_bottom() -> None:
    drive = awake()
    start_s = drive.t_s
    drive.closes(0.4).bows(0.5, 40.0).disappears(1.0)
    assert drive.first(Kind.MICROSLEEP).t_s == pytest.approx(start_s + 1.0, abs=FRAME_S)


def test_a_nod_is_told_at_its_return() -> None:
    """The lids shut as the head falls, which a look down does as well: only the jerk tells."""
    drive = awake()
    drive.bows(0.7, 30.0).closes(0.2)
    assert drive.alerts == []
    drive.bows(0.3, 0.0).watches(2.0)
    (told,) = drive.alerts
    assert (told.kind, told.level, told.reason) == (Kind.MICROSLEEP, Level.WARNING, "nod")
    assert [e.kind for e in drive.events].count(Kind.NOD) == 1


def test_a_nod_of_a_face_that_was_out_of_sight_is_told_and_ends_no_doubt_of_before() -> None:
    """What was not seen may have been a look down: it goes on counting as *away or closed*."""
    drive = awake()
    start_s = drive.t_s
    drive.bows(0.4, 12.0, lambda share: 1.0 - share).disappears(2.2)
    drive.closes(0.2).bows(0.6, 40.0).bows(0.2, 12.0)
    assert drive.kinds == [Kind.DISTRACTION, Kind.MICROSLEEP]
    assert drive.alerts[1].reason == "nod"
    drive.closes(4.0)
    assert drive.first(Kind.UNRESPONSIVE).t_s <= start_s + 3.4 + 3.0 + FRAME_S


def test_a_look_down_whose_eyes_lead_the_head_back_is_no_nod() -> None:
    drive = awake()
    drive.bows(0.5, 30.0, lambda share: 1.0 - share).closes(0.8).watches(0.1)
    drive.bows(0.4, 0.0, lambda _: 1.0).watches(2.0)
    assert drive.alerts == []
    assert Kind.NOD not in {event.kind for event in drive.events}


def test_the_sleeper_whose_head_has_sunk_is_found_when_it_is_up_again() -> None:
    drive = awake()
    start_s = drive.t_s
    drive.bows(0.6, 30.0).disappears(1.2).bows(1.5, 0.0).closes(0.4)
    assert drive.kinds[0] is Kind.MICROSLEEP
    drive.closes(1.0)
    assert drive.first(Kind.SLEEP).t_s <= start_s + 4.0


@pytest.mark.parametrize("net", [False, True])
@pytest.mark.parametrize("speed_kmh", SPEEDS)
def test_lids_that_droop_with_the_gaze_ahead_are_closed(speed_kmh: float | None, net: bool) -> None:
    drive = awake(speed_kmh, net=net)
    start_s = drive.t_s
    drive.watches(60.0, 0.15)
    assert drive.kinds[:3] == [Kind.MICROSLEEP, Kind.SLEEP, Kind.UNRESPONSIVE]
    told = [event.t_s - start_s for event in drive.alerts[:3]]
    assert told == pytest.approx([1.0, 3.0, 6.0], abs=FRAME_S)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("speed_kmh", [3.5, 10.0, 15.0, 100.0])
def test_a_sleeper_with_a_slit_open(speed_kmh: float, profile: str) -> None:
    """The net may call a slit lowered: without a gaze that goes down it counts as it is open."""
    drive = awake(speed_kmh, profile)
    looks(drive, 10.0, WIDE, 0.0, 1.0)
    start_s = drive.t_s
    looks(drive, 6.0, Lids(0.05, 0.6, 0.35), 0.02)
    assert drive.kinds == [Kind.MICROSLEEP, Kind.SLEEP]
    told = [event.t_s - start_s for event in drive.alerts]
    assert told == pytest.approx([1.0, 3.0], abs=FRAME_S)


def test_a_look_down_of_the_eyes_alone_counts_as_away() -> None:
    drive = awake(80.0)
    looks(drive, 10.0, WIDE, 0.0, 1.0)
    start_s = drive.t_s
    looks(drive, 2.5, LOWERED, 0.15)
    assert drive.alerts == []
    assert (drive.state.lids, drive.state.eyes_unseen) == (LidsState.LOWERED, None)
    assert drive.state.away_s == pytest.approx(2.5, abs=0.1)
    looks(drive, 1.0, LOWERED, 0.15)
    assert drive.kinds == [Kind.DISTRACTION]
    assert drive.alerts[0].t_s == pytest.approx(start_s + RULES.distraction_s, abs=0.1)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("speed_kmh", [3.5, 10.0, 15.0, 30.0, 100.0])
def test_a_sleeper_who_is_read_lowered_all_the_time_ends_in_an_alert(
    speed_kmh: float, profile: str
) -> None:
    drive = awake(speed_kmh, profile)
    looks(drive, 10.0, WIDE, 0.0, 1.0)
    start_s = drive.t_s
    looks(drive, 12.0, LOWERED, 0.15)
    assert drive.kinds[:2] == [Kind.DISTRACTION, Kind.UNRESPONSIVE]
    assert drive.state.lids is LidsState.AWAY_OR_CLOSED
    told = [event.t_s - start_s for event in drive.alerts[:2]]
    assert told[0] <= RULES.distraction_s + 4 * FRAME_S
    assert told[1] <= 6.0 + 4 * FRAME_S


def test_the_instruments_below_half_open_lids_stay_a_look_down() -> None:
    drive = awake(10.0)
    looks(drive, 10.0, WIDE, 0.0, 1.0)
    looks(drive, 12.0, Lids(0.4, 0.5, 0.1), 0.15, 0.5)
    assert drive.alerts == []


def test_a_blink_into_a_look_down_makes_no_microsleep_of_lids_that_shut_in_it() -> None:
    drive = awake(80.0)
    looks(drive, 10.0, WIDE, 0.0, 1.0)
    looks(drive, 0.2, SHUT, 0.0, 0.0)
    looks(drive, 1.2, LOWERED, 0.15, 0.4)
    looks(drive, 1.3, SHUT, 0.15, 0.0)
    assert drive.alerts == []
    assert drive.state.away_s == pytest.approx(2.5, abs=0.2)
    looks(drive, 1.2, SHUT, 0.15, 0.0)
    assert drive.kinds == [Kind.DISTRACTION]


def test_a_sleeper_read_lowered_in_between_is_told() -> None:
    drive = awake(80.0)
    looks(drive, 10.0, WIDE, 0.0, 1.0)
    looks(drive, 0.6, SHUT, 0.0, 0.0)
    looks(drive, 0.7, LOWERED, 0.15, 0.1)
    looks(drive, 0.6, SHUT, 0.0, 0.0)
    assert drive.kinds == [Kind.MICROSLEEP]


def test_a_sleeper_read_lowered_right_after_a_blinks_length_is_told_in_time() -> None:
    drive = awake(80.0)
    looks(drive, 10.0, WIDE, 0.0, 1.0)
    start_s = drive.t_s
    looks(drive, 0.2, SHUT, 0.0, 0.0)
    looks(drive, 0.5, LOWERED, 0.15, 0.1)
    looks(drive, 1.5, SHUT, 0.0, 0.0)
    assert drive.kinds == [Kind.MICROSLEEP]
    assert drive.alerts[0].t_s - start_s == pytest.approx(1.0 + 0.5, abs=0.2)


def test_open_eyes_between_blinks_of_which_one_is_read_lowered_make_no_microsleep() -> None:
    """A gaze a little down: half-open lids, read lowered or not from frame to frame."""
    drive = awake(80.0)
    looks(drive, 10.0, WIDE, 0.0, 1.0)
    for _ in range(4):
        looks(drive, 0.35, SHUT, 0.0, 0.0)
        for _ in range(3):
            looks(drive, 0.14, Lids(0.4, 0.5, 0.1), 0.15, 0.6)
            looks(drive, 0.04, Lids(0.75, 0.2, 0.05), 0.0, 0.6)
    assert drive.alerts == []


def test_lids_that_shut_after_a_gaze_down_are_away_or_closed() -> None:
    drive = awake(10.0)
    looks(drive, 10.0, WIDE, 0.0, 1.0)
    looks(drive, 1.0, LOWERED, 0.15)
    looks(drive, 2.0, SHUT, 0.15, 0.0)
    assert drive.alerts == []
    looks(drive, 1.5, SHUT, 0.15, 0.0)
    assert drive.kinds == [Kind.DISTRACTION]


@pytest.mark.parametrize("way_s", [0.3, 0.6, 1.2])
def test_lids_that_fall_slowly_over_a_level_gaze_are_a_microsleep_in_time(way_s: float) -> None:
    """They cover the iris from above, so that what is seen of it lies lower and lower."""
    drive = awake(80.0)
    looks(drive, 10.0, WIDE, REST_Y, 1.0)
    falls(drive, way_s, 0.0)
    start_s = drive.t_s
    looks(drive, 1.5, SHUT, 0.0, 0.0)
    assert drive.kinds == [Kind.MICROSLEEP]
    assert drive.alerts[0].t_s - start_s <= RULES.microsleep_s


@pytest.mark.parametrize("way_s", [0.3, 0.6])
def test_lids_that_follow_a_gaze_down_until_they_read_shut_are_away_or_closed(way_s: float) -> None:
    drive = awake(80.0)
    looks(drive, 10.0, WIDE, REST_Y, 1.0)
    falls(drive, way_s, 0.08)
    looks(drive, 2.0, SHUT, 0.15, 0.0)
    assert drive.alerts == []
    looks(drive, 1.2, SHUT, 0.15, 0.0)
    assert drive.kinds == [Kind.DISTRACTION]


def test_laughter_with_shut_eyes_is_no_microsleep() -> None:
    drive = awake().looks_like(happiness=0.99).watches(1.0).closes(2.5)
    assert drive.alerts == []
    drive.closes(1.0)
    assert drive.kinds == [Kind.DISTRACTION]


def test_no_microsleep_out_of_sight_of_eyes_that_only_blinked() -> None:
    drive = awake().closes(0.2).disappears(5.0)
    assert drive.alerts == []


def test_small_eyes_say_why_lowered_lids_are_not_told() -> None:
    drive = awake(net=True)
    assert drive.state.lowered_unseen is not None
    looks(drive, 1.0, WIDE, 0.0, 1.0)
    assert drive.state.lowered_unseen is None
    seen = drive.observations[-1][0]
    eye = replace(seen.right_eye, iris=None, lids=Lids(1.0, 0.0, 0.0))
    drive.wears(0.1, right_eye=eye, left_eye=eye)
    assert drive.state.lowered_unseen is not None
    assert drive.state.lowered_unseen.value == "too_small"


def test_the_limit_at_any_speed_is_the_sleepers_in_every_profile() -> None:
    assert EU_GSR.sleep_s <= 3.0
    assert EURO_NCAP_2026.sleep_s <= 3.0


def test_two_nods_in_a_minute_corroborate_drowsiness_and_one_does_not() -> None:
    drive = awake(80.0, fps=15.0)
    for _ in range(2):
        drive.blinks(closed_s=0.6, every_s=4.0, seconds=65.0)
        drive.bows(0.7, 30.0).closes(0.2).bows(0.3, 0.0).watches(3.0)
    assert "nods" not in drive.state.drowsiness_reason
    drive.bows(0.7, 30.0).closes(0.2).bows(0.3, 0.0).watches(3.0)
    assert "nods" in drive.state.drowsiness_reason
