"""Stories of eyes that leave the road while the head stays: lizards, mirrors, odd cameras."""

import pytest

from dms.decision.profiles import EURO_NCAP_2026 as RULES
from dms.decision.settings import CoreSettings
from dms.decision.zones import Side, ZoneSettings
from dms.values import AttentionBy, EyesState, GazeZone, Indicator, Kind, Level, Unseen
from tests.scenarios.drive import Drive

pytestmark = pytest.mark.whole  # tools/test --quick leaves it out

LATE_S = 0.15  # half of the smoothing and some frames


def learned(speed: float | None = 60.0, **parts: object) -> Drive:
    """A driver who has looked at the road for a minute."""
    return Drive(**parts).drives(speed).gazes(60)


def zones(drive: Drive, since_s: float) -> list[GazeZone]:
    """Zones of the glances that have ended since."""
    return [
        GazeZone(str(event.values["zone"]))
        for event in drive.events
        if event.kind is Kind.GLANCE and event.t_s > since_s
    ]


def test_lizard_look_with_a_still_head() -> None:
    drive = learned()
    start_s = drive.t_s
    drive.gazes(RULES.distraction_s + 0.3, yaw_deg=-26)
    assert drive.kinds == [Kind.DISTRACTION]
    told = drive.first(Kind.DISTRACTION)
    assert told.t_s == pytest.approx(start_s + RULES.distraction_s, abs=LATE_S)
    assert drive.state.attention_by is AttentionBy.GAZE
    assert drive.state.away
    assert drive.state.gaze is not None
    assert drive.state.gaze.yaw_deg == pytest.approx(-26, abs=1.0)
    assert "eyes" in told.reason


def test_the_same_look_without_an_iris_is_the_heads() -> None:
    drive = Drive().drives(60).watches(60)
    drive.watches(10)
    assert drive.alerts == []
    assert drive.state.away is False
    assert drive.state.gaze is None
    assert drive.state.gaze_zone is GazeZone.UNKNOWN


def test_long_lizard_look_is_unresponsive() -> None:
    drive = learned().gazes(7, yaw_deg=30)
    assert drive.kinds == [Kind.DISTRACTION, Kind.UNRESPONSIVE]


def test_glances_at_the_inner_mirror_are_no_distraction() -> None:
    drive = learned()
    start_s = drive.t_s
    for _ in range(10):
        drive.gazes(1.2, yaw_deg=-38, pitch_deg=9).gazes(4)
    assert drive.alerts == []
    assert set(zones(drive, start_s)) == {GazeZone.MIRROR}


def test_a_stare_at_the_mirror_counts_by_the_published_time() -> None:
    drive = learned()
    start_s = drive.t_s
    drive.gazes(4, yaw_deg=-38, pitch_deg=9)
    told = drive.first(Kind.DISTRACTION)
    assert told.t_s == pytest.approx(start_s + RULES.distraction_s, abs=LATE_S)


def test_repeated_glances_by_the_eyes_add_up() -> None:
    drive = learned()
    for _ in range(6):
        drive.gazes(2, yaw_deg=25).gazes(1)
    assert drive.kinds == [Kind.DISTRACTION]
    assert "within 30 s" in drive.alerts[0].reason


def test_looks_up_are_free() -> None:
    drive = learned().gazes(10, pitch_deg=20)
    assert drive.alerts == []
    assert drive.states[-20].gaze_zone is GazeZone.UP


def test_eyes_into_a_turn_are_on_the_road() -> None:
    drive = learned().drives(40, steering_deg=90.0).gazes(5, yaw_deg=35)
    assert drive.alerts == []
    drive.gazes(5, yaw_deg=-35)
    assert drive.kinds == [Kind.DISTRACTION]


def test_eyes_to_the_side_that_is_indicated() -> None:
    drive = learned().drives(80, indicator=Indicator.LEFT)
    for _ in range(8):
        drive.gazes(1.5, yaw_deg=45).gazes(1)
    assert drive.alerts == []
    drive.gazes(6, yaw_deg=45)
    assert Kind.DISTRACTION in drive.kinds


@pytest.mark.parametrize(("yaw", "pitch"), [(20.0, 12.0), (-20.0, 0.0)])
def test_camera_mounted_to_the_side(yaw: float, pitch: float) -> None:
    drive = Drive().drives(60).looks_off(yaw, pitch).gazes(60)
    assert drive.alerts == []
    assert drive.state.gaze is not None
    assert abs(drive.state.gaze.yaw_deg) < 2.0
    assert drive.state.gaze_zone is GazeZone.ROAD
    start_s = drive.t_s
    drive.gazes(4, yaw_deg=-26)
    told = drive.first(Kind.DISTRACTION)
    assert told.t_s == pytest.approx(start_s + RULES.distraction_s, abs=LATE_S)


def test_learning_while_looking_at_the_instruments() -> None:
    """Two fifths of the first minutes on the instruments: the road stays where it is."""
    drive = Drive().drives(60)
    for _ in range(30):
        drive.gazes(2.4).gazes(1.6, pitch_deg=-18)
    drive.gazes(1)
    assert drive.state.gaze is not None
    assert abs(drive.state.gaze.pitch_deg) < 4.0
    alerts = len(drive.alerts)
    drive.gazes(4, yaw_deg=26)
    assert len(drive.alerts) == alerts + 1


def test_learning_while_staring_at_the_screen_leaves_the_limits_wide() -> None:
    drive = Drive().drives(60).gazes(2).gazes(40, yaw_deg=-20)
    assert drive.alerts == []  # not yet known where the road is: limits are doubled
    drive.gazes(2)
    assert drive.state.gaze_zone is GazeZone.ROAD


def test_until_the_road_is_learned_the_limits_are_doubled() -> None:
    drive = Drive().drives(60).gazes(5).gazes(4, yaw_deg=26)
    assert drive.alerts == []
    drive.gazes(2).gazes(4, yaw_deg=36)
    assert drive.kinds == [Kind.DISTRACTION]


def test_the_road_is_not_learned_below_its_speed() -> None:
    drive = learned(25.0).gazes(4, yaw_deg=26)
    assert drive.alerts == []


def test_the_road_is_learned_at_an_unknown_speed() -> None:
    drive = learned(None).gazes(4, yaw_deg=26)
    assert drive.kinds == [Kind.DISTRACTION]


def test_unsure_eyes_open_no_look() -> None:
    """A deviation of 7 degrees (both eyes together) says little of a look 17 degrees off."""
    drive = learned().gazes(10, yaw_deg=17, sd=8 / 150)
    assert drive.alerts == []


def test_eyes_too_unsure_are_no_gaze() -> None:
    drive = learned()
    drive.gazes(2, yaw_deg=26, sd=0.1)
    assert drive.states[-2].gaze is None
    assert drive.states[-2].away is False


def test_blinks_do_not_end_a_look() -> None:
    drive = learned()
    start_s = drive.t_s
    drive.gaze = (26.0, 0.0)
    drive.blinks(closed_s=0.2, every_s=1.0, seconds=3.5)
    told = drive.first(Kind.DISTRACTION)
    assert told.t_s == pytest.approx(start_s + RULES.distraction_s, abs=LATE_S)


def test_a_blink_holds_the_gaze_no_longer_than_it_may() -> None:
    drive = learned().closes(0.25)
    assert drive.state.gaze is not None
    drive.closes(0.15)
    assert drive.state.gaze is None


def test_hiding_the_eyes_does_not_bring_them_back_to_the_road() -> None:
    drive = learned().gazes(3.5, yaw_deg=30)
    drive.hides_eyes(3, Unseen.COVERED)
    assert drive.state.away is None
    assert Kind.DISTRACTION in {alert.kind for alert in drive.state.active}


def test_eyes_hidden_for_long_leave_the_head_its_word() -> None:
    drive = learned().gazes(1, yaw_deg=30).hides_eyes(8, Unseen.COVERED)
    assert drive.state.away is False


def test_head_and_eyes_together() -> None:
    drive = learned()
    drive.looks_off(yaw_deg=40).gazes(1)
    assert drive.states[-2].attention_by is AttentionBy.BOTH


def test_a_still_driver_makes_no_look() -> None:
    drive = learned().blinks(seconds=120)
    assert [e for e in drive.events if e.kind is Kind.GLANCE] == []
    assert drive.alerts == []


@pytest.mark.parametrize(
    ("wheel", "yaw", "zone"),
    [
        (Side.LEFT, -25, GazeZone.CENTRE), (Side.LEFT, 0, GazeZone.INSTRUMENTS),
        (Side.RIGHT, 25, GazeZone.CENTRE), (Side.RIGHT, -25, GazeZone.INSTRUMENTS),
    ],
)  # fmt: skip
def test_both_drives(wheel: Side, yaw: float, zone: GazeZone) -> None:
    drive = learned(settings=CoreSettings(zones=ZoneSettings(steering_wheel=wheel)))
    start_s = drive.t_s
    drive.gazes(1, yaw_deg=yaw, pitch_deg=-19).gazes(1)
    assert zones(drive, start_s) == [zone]


def test_only_coarse_names_where_the_eyes_are_less_sure() -> None:
    drive = learned()
    start_s = drive.t_s
    drive.gazes(1, pitch_deg=-22, sd=8 / 215).gazes(1)
    assert zones(drive, start_s) == [GazeZone.DOWN]


def test_the_next_driver_teaches_the_road_anew() -> None:
    drive = learned().drives(0).disappears(30).drives(60).gazes(3)
    drive.gazes(4, yaw_deg=26)
    assert drive.alerts == []


def test_gsr_knows_no_looks_aside() -> None:
    drive = learned(80.0, settings=CoreSettings(profile="eu_gsr")).gazes(10, yaw_deg=40)
    assert drive.alerts == []
    drive.gazes(4, pitch_deg=-22)
    assert drive.kinds == [Kind.DISTRACTION]


def test_red_light() -> None:
    drive = learned().drives(0).gazes(20, yaw_deg=40).drives(30).gazes(2)
    assert drive.alerts == []


def test_sleepers_eyes_say_nothing_of_gaze() -> None:
    drive = learned().closes(4)
    assert drive.state.eyes is EyesState.CLOSED
    assert drive.state.gaze is None
    assert drive.first(Kind.SLEEP).level is Level.CRITICAL


@pytest.mark.parametrize("fps", [10.0, 15.0, 60.0])
def test_frame_rates_agree(fps: float) -> None:
    drive = learned(fps=fps)
    start_s = drive.t_s
    drive.gazes(3.5, yaw_deg=26)
    told = drive.first(Kind.DISTRACTION)
    assert told.t_s == pytest.approx(start_s + RULES.distraction_s, abs=LATE_S + 1 / fps)


def test_the_gaze_can_be_switched_off() -> None:
    drive = Drive(settings=CoreSettings(gaze={"enabled": False})).drives(60)  # type: ignore[arg-type]
    drive.gazes(60).gazes(10, yaw_deg=26)
    assert drive.alerts == []
    assert drive.state.gaze is None
