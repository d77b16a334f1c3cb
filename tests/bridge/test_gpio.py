"""Buzzer, relay, lamp and button, on a simulated chip; the kernel's gpio-sim where it is."""

from __future__ import annotations

import errno
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from dms.bridge import BridgeSettings
from dms.bridge.gpio import GpioBridge
from dms.bridge.gpio_lines import SimulatedLines, check_chip, open_lines
from dms.bridge.gpio_pattern import Button, Output
from dms.bridge.settings import ButtonSettings, GpioSettings, OutputSettings
from dms.errors import BridgeError, ConfigError
from dms.values import ActiveAlert, Command, DriverState, Event, Kind, Level
from tests.bridge.test_canbridge import until
from tests.scenarios.drive import Drive

CALM = DriverState(0.0)


def standing(level, *, told=True):
    kind = Kind.SLEEP if level is Level.CRITICAL else Kind.DISTRACTION
    events = (Event(0.0, kind, level, "x"),) if told else ()
    return replace(CALM, active=(ActiveAlert(kind, level, 0.0, "x"),), events=events)


def bridge(**more):
    settings = GpioSettings(chip="simulated", **more)
    return GpioBridge(BridgeSettings(kind="gpio", gpio=settings))


BUZZER, RELAY = OutputSettings(line=1), OutputSettings(line=2, steady=True, from_level=2)
BUTTON = ButtonSettings(line=3)


def pulses(level, seconds, settings=BUZZER):
    output = Output(settings)
    output.step(standing(level), 10.0)
    on = [output.value(10.0 + number / 1000) for number in range(round(seconds * 1000))]
    return sum(b and not a for a, b in zip([False, *on], on, strict=False)), sum(on) / 1000


@pytest.mark.parametrize(
    ("level", "count", "on_s"),
    [(Level.ADVISORY, 1, 0.3), (Level.WARNING, 3, 0.6), (Level.CRITICAL, 25, 3.0)],
)
def test_a_buzzer_pulses_by_level(level, count, on_s):
    assert pulses(level, 5.0) == (count, pytest.approx(on_s, abs=0.002))


def test_a_relay_is_closed_while_the_alert_stands():
    output = Output(RELAY)
    output.step(standing(Level.ADVISORY), 0.0)
    assert not output.value(0.0)
    output.step(standing(Level.WARNING), 1.0)
    assert all(output.value(1.0 + number) for number in range(100))
    output.step(CALM, 101.0)
    assert not output.value(101.0)


def test_an_alert_that_is_told_again_pulses_again():
    output = Output(BUZZER)
    output.step(standing(Level.WARNING), 0.0)
    output.step(standing(Level.WARNING, told=False), 2.0)
    assert not output.value(2.0)
    output.step(standing(Level.WARNING), 3.0)
    assert output.value(3.0)


def test_a_press_counts_by_its_edge_and_a_hold_is_a_fault():
    button = Button(BUTTON)
    button.begin(False, 0.0)
    assert button.edge(True, 1.0)
    assert not button.edge(True, 1.5)  # the edge between was lost
    assert button.fault(2.9) is None
    assert "held for more than 2 s" in button.fault(3.1)
    assert not button.edge(False, 4.0)
    assert button.fault(4.0) is None
    assert button.edge(True, 5.0)


def test_a_button_that_is_down_at_the_start_was_not_pressed():
    button = Button(BUTTON)
    button.begin(True, 0.0)
    assert "held" in button.fault(2.1)
    assert not button.edge(False, 3.0)
    assert button.edge(True, 4.0)


def test_the_lines_follow_the_alerts():
    with bridge(buzzer=BUZZER, relay=RELAY) as made:
        made.publish(standing(Level.CRITICAL))
        assert until(lambda: made.lines.values == {"buzzer": True, "relay": True}, 10)
        assert until(lambda: made.lines.changes.count(("buzzer", True)) > 2, 10)
        made.publish(CALM)
        assert until(lambda: made.lines.values == {"buzzer": False, "relay": False}, 10)
        lines = made.lines
        made.publish(standing(Level.CRITICAL))
        assert until(lambda: lines.values["relay"], 10)
    assert lines.values == {"buzzer": False, "relay": False}


def test_the_first_edge_comes_soon():
    with bridge(buzzer=BUZZER) as made:
        began_s = time.monotonic()
        made.publish(standing(Level.WARNING))
        assert until(lambda: made.lines.changes, 10)
        assert time.monotonic() - began_s < 0.15


def test_without_news_everything_is_off():
    with bridge(relay=RELAY, silent_s=0.1) as made:
        made.publish(standing(Level.CRITICAL))
        assert until(lambda: made.lines.values["relay"], 10)
        assert until(lambda: not made.lines.values["relay"], 10)


def test_a_press_reaches_the_core_once():
    with bridge(button=BUTTON) as made:
        for down in (True, False, True):
            made.lines.press(down)
        taken = []
        assert until(lambda: taken.extend(made.commands()) or len(taken) == 2, 10)
        time.sleep(0.05)
        assert [*taken, *made.commands()] == [Command(press=True)] * 2


def test_a_held_button_is_a_told_fault_and_acknowledges_nothing_more():
    with bridge(button=replace(BUTTON, held_s=0.1)) as made:
        made.lines.press(True)
        assert until(lambda: made.fault, 10)
        assert "gpio simulated: the button is held" in made.fault
        assert made.commands() == (Command(press=True),)
        made.lines.press(False)
        assert until(lambda: made.fault is None, 10)


def test_a_press_ends_a_warning_but_never_replaces_attention():
    warned = Drive().drives(80).watches(10).turns(4, yaw_deg=50).watches(0.5)
    assert warned.state.level is Level.WARNING
    assert warned.tells(press=True).watches(0.1).state.level is Level.NONE
    asleep = Drive().watches(20).closes(4).watches(1).tells(press=True).watches(0.1)
    assert asleep.state.level is Level.CRITICAL
    assert asleep.watches(5).state.level is Level.NONE


def test_a_chip_that_goes_and_comes_back(caplog):
    caplog.set_level("INFO", "dms.bridge.gpio")
    with bridge(relay=RELAY, button=BUTTON) as made:
        made.lines.gone = True
        assert until(lambda: "gpio simulated: the chip is gone" in caplog.text, 10)
        assert until(lambda: "gpio simulated is back" in caplog.text, 10)
        assert until(lambda: made.fault is None, 10)
        made.publish(standing(Level.WARNING))
        assert until(lambda: made.lines and made.lines.values["relay"], 10)


@pytest.mark.parametrize(
    ("gpio", "words"),
    [({}, "at least one of buzzer"), ({"relay": RELAY, "lamp": RELAY}, "line 2 is used twice")],
)
def test_what_cannot_be_is_refused(gpio, words):
    with pytest.raises(ConfigError, match=words):
        bridge(**gpio)


def test_a_missing_chip_says_what_to_do_and_with_wait_stops_nothing():
    pytest.importorskip("gpiod", reason="pip install 'dms-jetson[gpio]'")
    settings = GpioSettings(chip="/dev/gpiochip-none", relay=RELAY)
    with pytest.raises(BridgeError, match="there is no /dev/gpiochip-none; gpiodetect"):
        GpioBridge(BridgeSettings(kind="gpio", gpio=settings)).open()
    with pytest.raises(BridgeError, match="gpiodetect lists chips"):
        GpioBridge(BridgeSettings(kind="gpio", gpio=settings)).check()
    assert bridge(relay=RELAY).check() == ()
    with GpioBridge(BridgeSettings(kind="gpio", gpio=settings, wait=True)) as made:
        assert "there is no" in made.fault
        made.publish(standing(Level.CRITICAL))


class Gone(SimulatedLines):
    def pressed(self):
        raise OSError(errno.ENODEV, "No such device")


def test_a_chip_that_goes_while_it_is_opened_says_what_to_do():
    """Unplugged between the request and the first look: a traceback."""
    settings = BridgeSettings(kind="gpio", gpio=GpioSettings(chip="simulated", button=BUTTON))
    with pytest.raises(BridgeError, match="No such device; gpiodetect lists chips"):
        GpioBridge(settings, Gone).open()


@pytest.mark.parametrize("chip", ["/dev/" + "x" * 300, "/dev/null/chip"])
def test_a_name_that_no_chip_can_have_is_told(monkeypatch, chip):
    monkeypatch.setitem(sys.modules, "gpiod", SimpleNamespace())
    with pytest.raises(BridgeError, match="gpiodetect lists chips"):
        check_chip(GpioSettings(chip=chip, relay=RELAY))


def test_libgpiod_is_asked_as_its_binding_wants_it(monkeypatch):
    """No chip here: the binding's own settings and values, a request that only notes them."""
    gpiod = pytest.importorskip("gpiod", reason="pip install 'dms-jetson[gpio]'")
    asked, switched = {}, []

    def request(path, config, consumer):
        asked.update(path=path, config=config, consumer=consumer)
        return SimpleNamespace(
            set_values=switched.append, release=lambda: None,
            get_value=lambda _: gpiod.line.Value.ACTIVE,
            wait_edge_events=lambda _: True,
            read_edge_events=lambda: [
                SimpleNamespace(event_type=kind, Type=gpiod.EdgeEvent.Type)
                for kind in (gpiod.EdgeEvent.Type.RISING_EDGE, gpiod.EdgeEvent.Type.FALLING_EDGE)
            ],
        )  # fmt: skip

    monkeypatch.setattr(gpiod, "request_lines", request)
    lamp = OutputSettings(line="LAMP", active_low=True)
    lines = open_lines(GpioSettings(relay=RELAY, lamp=lamp, button=BUTTON))
    assert (asked["path"], asked["consumer"]) == ("/dev/gpiochip0", "dms")
    made = asked["config"]
    assert made["LAMP"].direction is gpiod.line.Direction.OUTPUT
    assert made["LAMP"].active_low
    assert made[3].edge_detection is gpiod.line.Edge.BOTH
    assert made[3].bias is gpiod.line.Bias.PULL_UP
    assert made[3].debounce_period.total_seconds() == 0.03
    lines.set({"relay": True, "lamp": False})
    assert switched[-1] == {2: gpiod.line.Value.ACTIVE, "LAMP": gpiod.line.Value.INACTIVE}
    assert lines.pressed()
    assert lines.edges(0.0) == [True, False]
    lines.close()
    assert set(switched[-1].values()) == {gpiod.line.Value.INACTIVE}


def test_the_kernels_own_simulated_chip():
    """Root and a kernel with gpio-sim: what the twin stands for, where there is one."""
    root = Path("/sys/kernel/config/gpio-sim")
    if not os.access(root, os.W_OK):
        pytest.skip("no gpio-sim here (modprobe gpio-sim as root)")
    pytest.importorskip("gpiod", reason="pip install 'dms-jetson[gpio]'")
    device = root / "dms-test"
    bank = device / "bank0"
    bank.mkdir(parents=True)
    try:
        (bank / "num_lines").write_text("8")
        (device / "live").write_text("1")
        chip = (bank / "chip_name").read_text().strip()
        pin = Path("/sys/devices/platform", (device / "dev_name").read_text().strip(), chip)
        settings = GpioSettings(chip=f"/dev/{chip}", relay=RELAY, button=BUTTON)
        with GpioBridge(BridgeSettings(kind="gpio", gpio=settings)) as made:
            made.publish(standing(Level.WARNING))
            assert until(lambda: (pin / "sim_gpio2/value").read_text().strip() == "1", 10)
            (pin / "sim_gpio3/pull").write_text("pull-down")
            assert until(lambda: made.commands() == (Command(press=True),), 10)
    finally:
        (device / "live").write_text("0")
        bank.rmdir()
        device.rmdir()


def test_a_simulated_chip_is_one_of_this_process():
    assert isinstance(open_lines(GpioSettings(chip="simulated", relay=RELAY)), SimulatedLines)
