"""What is written to the LED; the kernel's part is in tests/system."""

import pytest

from dms.service.lamp import Lamp, LampSettings
from dms.values import DriverObservation, DriverState, Moment, Step


@pytest.fixture
def led(tmp_path):
    folder = tmp_path / "ir"
    folder.mkdir()
    for name, text in (("trigger", "none [pattern]"), ("pattern", ""), ("repeat", "-1")):
        (folder / name).write_text(text)
    (folder / "max_brightness").write_text("255\n")
    return folder


def feed(lamp, brightness, t_s, camera_on=True):
    state = DriverState(t_s, camera_on=camera_on)
    lamp.take(Step(Moment(DriverObservation(t_s, brightness=brightness)), state))


def test_a_dark_face_lights_the_lamp_for_a_finite_time(led):
    lamp = Lamp(LampSettings(led="ir", brightness=200), led.parent)
    feed(lamp, 30.0, 100.0)
    assert (led / "trigger").read_text() == "none [pattern]"  # to set it anew would take its files
    assert (led / "repeat").read_text() == "1"
    assert (led / "pattern").read_text() == "200 3000 200 0 0 1 0 0"  # 3 s, then dark


def test_it_is_armed_again_before_it_ends_and_never_after_the_loop_stops(led):
    lamp = Lamp(LampSettings(led="ir"), led.parent)
    armed = 0
    for number in range(100):
        (led / "pattern").write_text("")
        feed(lamp, 30.0, 100.0 + number / 10)
        armed += bool((led / "pattern").read_text())
    assert armed == 10  # every second of a pattern of three


def test_light_switches_it_off_with_hysteresis_and_not_too_often(led):
    lamp = Lamp(LampSettings(led="ir"), led.parent)
    feed(lamp, 30.0, 100.0)
    feed(lamp, 120.0, 110.0)
    assert lamp.on
    feed(lamp, 200.0, 111.0)
    assert not lamp.on
    assert (led / "pattern").read_text() == "0 1 0 1"
    assert not (led / "brightness").exists()
    feed(lamp, 30.0, 112.0)
    assert not lamp.on
    feed(lamp, 30.0, 117.0)
    assert lamp.on


def test_unknown_brightness_keeps_what_is(led):
    lamp = Lamp(LampSettings(led="ir"), led.parent)
    feed(lamp, None, 100.0)
    assert not lamp.on
    feed(lamp, 30.0, 101.0)
    feed(lamp, None, 120.0)
    assert lamp.on


def test_no_light_where_the_camera_is_closed(led):
    lamp = Lamp(LampSettings(led="ir"), led.parent)
    feed(lamp, 30.0, 100.0)
    feed(lamp, None, 110.0, camera_on=False)
    assert not lamp.on
    assert (led / "pattern").read_text() == "0 1 0 1"


def test_it_is_never_brighter_than_the_led_takes_for_the_kernel_refuses_that(led):
    (led / "max_brightness").write_text("1\n")
    feed(Lamp(LampSettings(led="ir"), led.parent), 30.0, 100.0)
    assert (led / "pattern").read_text() == "1 3000 1 0 0 1 0 0"


def test_a_trigger_that_somebody_took_away_is_set_again(led):
    (led / "trigger").write_text("[none] pattern")
    feed(Lamp(LampSettings(led="ir"), led.parent), 30.0, 100.0)
    assert (led / "trigger").read_text() == "pattern"


def test_by_day_too_a_lamp_that_is_there_again_is_no_fault_any_more(led):
    lamp = Lamp(LampSettings(led="gone"), led.parent)
    lamp.dark()
    feed(lamp, 200.0, 100.0)
    assert lamp.fault is not None
    led.rename(led.with_name("gone"))
    feed(lamp, 200.0, 100.5)
    assert lamp.fault is not None  # not with every frame
    feed(lamp, 200.0, 101.5)
    assert (lamp.fault, lamp.on) == (None, False)
    assert (led.with_name("gone") / "pattern").read_text() == "0 1 0 1"


def test_a_missing_lamp_is_told_once_and_is_a_fault_until_it_is_there(led, caplog):
    lamp = Lamp(LampSettings(led="gone"), led.parent)
    lamp.dark()
    for number in range(5):
        feed(lamp, 10.0, 100.0 + 2 * number)
    assert len(caplog.records) == 1
    assert lamp.fault == "gone cannot be switched (No such file or directory)"
    led.rename(led.with_name("gone"))
    feed(lamp, 10.0, 120.0)
    assert lamp.fault is None
    assert (lamp.on, lamp.part) == (True, "lamp")
