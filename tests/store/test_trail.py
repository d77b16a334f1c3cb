"""Who did what is kept, once a minute however often it is done."""

from dataclasses import replace

from dms.store.trail import Trail
from dms.values import (
    Command,
    DriverObservation,
    DriverState,
    Moment,
    PauseReason,
    Step,
    VehicleContext,
)

QUIET = Step(Moment(DriverObservation(0.0)), DriverState(0.0))


class Desk:
    """A trail with what it kept, and a clock."""

    def __init__(self):
        self.now_s, self.kept = 0.0, []
        self.trail = Trail(self.kept.append, lambda: self.now_s)

    def said(self):
        return [str(note) for note in self.kept]


def test_a_request_names_what_was_asked_and_by_whom(caplog):
    caplog.set_level("INFO")
    desk = Desk()
    privacy = Command(pause=True, pause_reason=PauseReason.PRIVACY)
    desk.trail.command(privacy, "mqtt broker:1883")
    desk.trail.command(Command(pause=False, warnings=False, rage=True), "virtual dms")
    desk.trail.command(Command(acknowledge=True), "virtual dms")
    assert desk.said() == [
        "pause asked for (privacy) (by mqtt broker:1883)",
        "end of the pause asked for (by virtual dms)",
        "warnings switched off (by virtual dms)",
        "rage switched on (by virtual dms)",
        "acknowledged (by virtual dms)",
    ]
    assert caplog.records[0].fields["DMS_AUDIT"] == "pause asked for (privacy)"
    assert caplog.records[0].fields["DMS_SOURCE"] == "mqtt broker:1883"


def test_a_flood_is_a_line_a_minute_with_its_number():
    desk = Desk()
    for number in range(1200):
        desk.now_s = number / 20
        desk.trail.command(Command(pause=bool(number % 2)), "mqtt b")
    assert len(desk.kept) == 2
    desk.now_s = 61.0
    desk.trail.take(QUIET)
    assert sorted(note.times for note in desk.kept) == [1, 1, 599, 599]


def test_a_flood_of_different_things_is_cut():
    desk = Desk()
    for number in range(1000):
        desk.trail.note(f"thing {number}", "who")
    assert len(desk.kept) <= 65
    desk.trail.flush()
    assert desk.kept[-1].times == 1000 - 65


def test_words_are_cut_and_hold_neither_secret_nor_control_byte():
    desk = Desk()
    desk.trail.note("\x1b[2J" + "x" * 9000, "rtsp://a:s3cret@b")
    assert len(desk.kept[0].what) == 200
    assert "\x1b" not in desk.kept[0].what
    assert desk.kept[0].source == "rtsp://***@b"


def test_what_ends_by_itself_and_the_vehicles_own_sign_are_noted():
    desk = Desk()
    paused = replace(QUIET.state, paused=True, pause_reason=PauseReason.DRIVER)
    pressed = VehicleContext(0.0, acknowledge=True)
    for step in (
        QUIET, QUIET, replace(QUIET, state=paused), QUIET,
        replace(QUIET, moment=replace(QUIET.moment, vehicle=pressed)),
        replace(QUIET, moment=replace(QUIET.moment, vehicle=pressed)),
    ):  # fmt: skip
        desk.trail.take(step)
    assert desk.said() == [
        "now paused (driver), warnings on, rage on (by dms)",
        "now watching, warnings on, rage on (by dms)",
        "acknowledged (by the vehicle's signal)",
    ]
