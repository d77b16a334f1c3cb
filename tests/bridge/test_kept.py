"""A bridge that is kept up: nothing that it does reaches the loop but a told fault."""

import itertools
import threading
import time
from types import SimpleNamespace

import pytest

from dms.bridge import BridgeSettings
from dms.bridge.bridge import Bridge
from dms.bridge.kept import KeptBridge, KeptBus, keep
from dms.errors import BridgeError, ConfigError
from dms.values import Command, DriverState

STATE = DriverState(1.0)


class Own(Bridge):
    """A class of the user's own, which does as it is told."""

    name = "own bus"
    _fault = None

    def __init__(self, plan):
        self.plan, self.heard, self.closed = plan, [], 0
        if plan.making:
            raise plan.making

    def open(self):
        if self.plan.hang is not None:
            self.plan.hang.wait(60)
        if self.plan.opening:
            raise self.plan.opening

    def publish(self, state):
        self.heard.append(state)
        if self.plan.publishing:
            raise self.plan.publishing

    def commands(self):
        if self.plan.commanding:
            raise self.plan.commanding
        return (Command(acknowledge=True),)

    @property
    def fault(self):
        if self.plan.telling:
            raise self.plan.telling
        return self._fault

    def listen(self, heard):
        self.plan.listeners.append(heard)

    def ignore(self, heard):
        self.plan.listeners.remove(heard)

    def close(self):
        self.closed += 1
        if self.plan.closing:
            raise self.plan.closing


@pytest.fixture
def plan():
    raised = ("making", "opening", "publishing", "commanding", "telling", "closing", "hang")
    return SimpleNamespace(made=[], now_s=0.0, listeners=[], **dict.fromkeys(raised))


def kept(plan, kind=KeptBridge):
    def make(_):
        plan.made.append(Own(plan))
        return plan.made[-1]

    return kind(BridgeSettings(kind="own:Bus"), make, lambda: plan.now_s)


@pytest.mark.parametrize("error", [ConfigError("no file"), BridgeError("no bus"), OSError("disk"),
                                   RuntimeError("defect"), SystemError("defect")])  # fmt: skip
@pytest.mark.parametrize("where", ["making", "opening"])
def test_what_cannot_start_is_told_and_tried_again_until_it_can(plan, until, where, error):
    setattr(plan, where, error)
    with kept(plan) as bridge:
        assert str(error) in bridge.fault
        bridge.publish(STATE)
        assert bridge.commands() == ()
        setattr(plan, where, None)
        tries = len(plan.made)
        bridge.publish(STATE)
        assert len(plan.made) == tries  # not before the pause is over
        plan.now_s += 1.1
        bridge.publish(STATE)
        until(lambda: bridge.fault is None)
        bridge.publish(STATE)
        assert plan.made[-1].heard == [STATE]
        assert bridge.name == "own bus"
    assert plan.made[-1].closed == 1


@pytest.mark.parametrize(
    ("name", "gives", "empty", "words"),
    [
        ("commands", lambda: None, (), "commands() gave None; give a tuple of Command"),
        ("commands", lambda: ("pause",), (), "commands() gave ('pause',)"),
        ("witnessed", lambda: None, (), "witnessed() gave None; give a tuple of words"),
    ],
)
def test_what_a_bridge_must_not_give_is_a_told_fault(plan, monkeypatch, name, gives, empty, words):
    """A method without return gives None: the service's loop ended with it."""
    monkeypatch.setattr(Own, name, lambda self: gives())
    with kept(plan) as bridge:
        assert getattr(bridge, name)() == empty
        assert words in bridge.fault


def test_a_fault_that_is_no_words_is_told_in_words(plan, monkeypatch):
    monkeypatch.setattr(Own, "_fault", 5)
    with kept(plan) as bridge:
        assert "its fault is 5; give words" in bridge.fault


def test_the_pauses_between_tries_grow_to_30_s(plan, until):
    plan.opening = BridgeError("no bus")
    tries = []
    with kept(plan) as bridge:
        for _ in range(300):
            plan.now_s += 1.0
            before = len(plan.made)
            bridge.publish(STATE)
            until(lambda: bridge._trying is None)
            if len(plan.made) > before:
                tries.append(plan.now_s)
    pauses = [b - a for a, b in itertools.pairwise(tries)]
    assert max(pauses) == 30.0
    assert len(tries) < 20


def test_an_opening_that_hangs_holds_up_nobody(plan, until):
    plan.hang = threading.Event()
    bridge = kept(plan)
    begun_s = time.monotonic()
    bridge.open()
    assert time.monotonic() - begun_s < 10.0
    assert "still being opened" in bridge.fault
    bridge.publish(STATE)
    bridge.close()
    plan.hang.set()
    until(lambda: plan.made[0].closed)  # it came too late and is let go


@pytest.mark.parametrize("where", ["publishing", "commanding", "telling"])
def test_what_raises_while_it_runs_is_a_fault_and_goes_on(plan, where, caplog):
    setattr(plan, where, ZeroDivisionError("s3cret rtsp://a:s3cret@b"))
    with kept(plan) as bridge:
        for _ in range(50):
            bridge.publish(STATE)
            bridge.commands()
            fault = bridge.fault
        assert "own bus: unexpected ZeroDivisionError" in fault
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        setattr(plan, where, None)
        bridge.publish(STATE)
        bridge.commands()
        assert bridge.fault is None
        assert bridge.commands() == (Command(acknowledge=True),)


def test_what_cannot_be_closed_is_let_go(plan):
    plan.closing = OSError("no")
    bridge = kept(plan)
    bridge.open()
    bridge.close()
    bridge.close()
    assert plan.made[0].closed == 1


def test_a_bus_that_is_opened_anew_has_its_listeners(plan, until):
    plan.opening = BridgeError("no bus")
    with kept(plan, KeptBus) as bridge:
        bridge.listen(print)
        assert plan.listeners == []
        plan.opening, plan.now_s = None, 2.0
        bridge.publish(STATE)
        until(lambda: bridge.fault is None)
        assert plan.listeners == [print]
        bridge.ignore(print)
        assert plan.listeners == []


def test_only_what_has_a_bus_can_be_listened_to():
    assert isinstance(keep(BridgeSettings(kind="virtual")), KeptBus)
    assert not isinstance(keep(BridgeSettings(kind="mqtt")), KeptBus)
    assert not isinstance(keep(BridgeSettings(kind="no such")), KeptBus)
