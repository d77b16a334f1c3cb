"""One bridge that cannot be used takes neither the service nor the other bridges down."""

import os
import threading
from dataclasses import replace

import can
import pytest

from dms.bridge import BridgeSettings
from dms.bridge.bridge import Bridge
from dms.bridge.canbridge import CanBridge
from dms.bridge.mqtt import MqttBridge
from dms.bridge.settings import MqttSettings
from dms.commands.config import check
from dms.commands.service import could_run
from dms.config import Settings
from dms.errors import ConfigError
from dms.service.service import patient_bridges
from dms.values import Command, PauseReason
from tests.bridge.broker import Broker, free_port
from tests.bridge.certificates import made
from tests.service.test_service import Rig, rig  # noqa: F401 (the fixture)

FAULTY = ("missing", "folder", "no PEM", "not UTF-8", "password", "pipe")


def faulty(folder, what):
    """Return MQTT settings with a file that cannot be used."""
    (folder / "folder").mkdir()
    (folder / "no PEM").write_text("hello")
    (folder / "not UTF-8").write_bytes(b"caf\xe9")
    os.mkfifo(folder / "pipe")
    words = {"ca_file": str(folder / what)}
    if what == "password":
        words = {"username": "dms", "password_file": str(folder / "missing")}
    mqtt = MqttSettings(host="127.0.0.1", port=free_port(), **words)
    return BridgeSettings(kind="mqtt", mqtt=mqtt)


def beside(rig, *more):  # noqa: F811
    """Return the rig's settings with ``more`` bridges."""
    return patient_bridges(replace(rig.settings, bridges=(*rig.settings.bridges, *more)))


@pytest.mark.parametrize("what", FAULTY)
def test_at_start_it_is_a_fault_and_the_bus_is_served(rig, tmp_path, what):  # noqa: F811
    rig.settings = rig.fresh = beside(rig, faulty(tmp_path, what))
    rig.start()
    rig.state(EyesReason="NoFace", Health="Fault")
    rig.wait(lambda: any("mqtt" in str(fault) for fault in rig.faults))


@pytest.mark.parametrize("what", FAULTY)
def test_a_reload_that_names_it_is_refused_and_all_goes_on(rig, tmp_path, what):  # noqa: F811
    rig.start()
    rig.state(EyesReason="NoFace", Health="Ok")
    wanted = replace(Settings(), bridges=(faulty(tmp_path, what),))
    with pytest.raises(ConfigError, match=r"bridges\[0\]: mqtt"):
        could_run(wanted)
    rig.fresh = beside(rig, *wanted.bridges)
    rig.checked = could_run
    rig.service.ask_reload()
    rig.wait(lambda: rig.status.refused)
    assert "mqtt" in rig.status.refused
    rig.fresh_state(EyesReason="NoFace", Health="Ok")


def test_one_that_breaks_between_check_and_opening_ends_nothing(rig, tmp_path):  # noqa: F811
    rig.start()
    rig.state(EyesReason="NoFace", Health="Ok")
    rig.fresh = beside(rig, faulty(tmp_path, "missing"))  # taken without the check
    rig.service.ask_reload()
    rig.fresh_state(EyesReason="NoFace", Health="Fault")
    rig.fresh = rig.settings
    rig.service.ask_reload()
    rig.fresh_state(EyesReason="NoFace", Health="Ok")


def opened_at(monkeypatch, kind):
    """Return a list that grows by one at each opening of a bridge of this ``kind``."""
    openings, open_ = [], kind.open

    def noted(bridge):
        openings.append(bridge)
        open_(bridge)

    monkeypatch.setattr(kind, "open", noted)
    return openings


def test_a_reload_leaves_alone_the_bridges_that_it_does_not_change(rig, monkeypatch):  # noqa: F811
    opened = opened_at(monkeypatch, CanBridge)
    rig.settings = patient_bridges(rig.settings)
    rig.start()
    rig.state(EyesReason="NoFace", Health="Ok")
    rig.fresh = beside(rig, BridgeSettings(kind="virtual", channel="another"))
    with can.Bus(interface="virtual", channel="another") as another:
        rig.reload()
        assert another.recv(120) is not None
    rig.fresh_state(EyesReason="NoFace", Health="Ok")
    assert len(opened) == 2  # each once


class Raising(Bridge):
    """A class of the user's own with a defect in all that it does."""

    name = "raising"
    wanted = threading.Event()

    def __init__(self, settings):
        pass

    def open(self):
        pass

    def publish(self, state):
        raise RuntimeError("publish")

    def commands(self):
        raise RuntimeError("commands")

    @property
    def fault(self):
        raise RuntimeError("fault")

    def close(self):
        raise RuntimeError("close")


def test_a_class_that_raises_in_all_that_it_does_is_a_fault(rig):  # noqa: F811
    kind = "tests.service.test_bridges_at_fault:Raising"
    alone = beside(rig)
    rig.settings = rig.fresh = beside(rig, BridgeSettings(kind=kind))
    rig.may_load.clear()
    rig.start()
    rig.state(EyesReason="Starting", Health="Fault")
    rig.may_load.set()
    rig.state(EyesReason="NoFace", Health="Fault")
    rig.fresh = alone
    rig.service.ask_reload()
    rig.fresh_state(EyesReason="NoFace", Health="Ok")


def test_a_certificate_that_was_replaced_is_taken_by_a_reload(
    rig,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    of_can, of_mqtt = opened_at(monkeypatch, CanBridge), opened_at(monkeypatch, MqttBridge)
    certificate, key = made(tmp_path)
    lines = f"certfile {certificate}\nkeyfile {key}\nallow_anonymous true"
    with Broker(tmp_path, lines) as broker:
        mqtt = MqttSettings(host="127.0.0.1", port=broker.port, ca_file=certificate)
        rig.settings = rig.fresh = beside(rig, BridgeSettings(kind="mqtt", mqtt=mqtt))
        rig.start()
        rig.state(EyesReason="NoFace", Health="Ok")
        assert (len(of_can), len(of_mqtt)) == (1, 1)
        made(tmp_path)
        rig.reload()
        rig.wait(lambda: len(of_mqtt) == 2)
        assert len(of_can) == 1


def test_config_check_says_what_the_service_would_run_into(tmp_path):
    wanted = replace(Settings(), bridges=(faulty(tmp_path, "missing"),))
    assert check(wanted) == ()  # may be meant for another machine
    with pytest.raises(ConfigError, match="ca_file"):
        check(wanted, here=True)
    (tmp_path / "word").write_text("s3cret")
    mqtt = MqttSettings(host="10.0.0.7", username="a", password_file=str(tmp_path / "word"))
    (note,) = check(replace(Settings(), bridges=(BridgeSettings(kind="mqtt", mqtt=mqtt),)))
    assert "clear text" in note


def test_commands_and_reloads_are_noted_with_their_source(rig):  # noqa: F811
    seen = []

    class Witness:
        def note(self, what, source):
            seen.append((what, source))

        def command(self, command, source):
            seen.append((command, source))

    rig.service = rig.made(witness=Witness())
    rig.settings = rig.fresh = patient_bridges(rig.settings)
    rig.start()
    rig.state(EyesReason="NoFace")
    rig.ask("Pause", "Driver")
    paused = Command(pause=True, pause_reason=PauseReason.DRIVER)
    rig.wait(lambda: any(what == paused and "virtual" in source for what, source in seen))
    rig.service.ask_reload()
    rig.wait(lambda: ("settings read again", "signal HUP") in seen)
    rig.fresh = ConfigError("dms.yaml:3: no")
    rig.service.ask_reload()
    rig.wait(lambda: ("settings refused: dms.yaml:3: no", "signal HUP") in seen)
