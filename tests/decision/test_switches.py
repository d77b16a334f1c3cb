"""What has been asked for, when it takes effect and when it ends."""

from __future__ import annotations

import pytest

from dms.decision.switches import Switchboard, Switches
from dms.values import Command, PauseReason, VehicleContext


def board(*commands: Command, rage: bool = True) -> Switchboard:
    found = Switchboard(rage=rage, pause_s=10.0)
    for command in commands:
        found.command(command)
    return found


def test_nothing_was_asked_for() -> None:
    assert board().at(0.0, None) == Switches(paused=False, warnings=True, rage=True)
    assert board(rage=False).at(0.0, None).rage is False


def test_an_acknowledgement_counts_once() -> None:
    asked = board(Command(acknowledge=True), Command(warnings=True))
    assert asked.at(0.0, None).acknowledged
    assert not asked.at(0.1, None).acknowledged
    assert asked.at(0.2, VehicleContext(0.2, acknowledge=True)).acknowledged
    assert not asked.at(0.3, VehicleContext(0.3, acknowledge=False)).acknowledged
    held = [asked.at(t, VehicleContext(t, acknowledge=True)).acknowledged for t in (0.4, 0.5, 0.6)]
    assert held == [True, False, False]


@pytest.mark.parametrize(("t_s", "paused"), [(5.0, True), (14.9, True), (15.0, False)])
def test_a_pause_ends_by_itself(t_s: float, paused: bool) -> None:
    asked = board(Command(pause=True))
    assert asked.at(5.0, None).paused
    assert asked.at(t_s, None).paused is paused


def test_a_pause_asked_for_again_begins_anew() -> None:
    asked = board(Command(pause=True))
    asked.at(0.0, None)
    asked.command(Command(pause=True, pause_reason=PauseReason.WORKSHOP))
    assert asked.at(9.0, None).paused
    assert asked.at(18.9, None).paused
    assert asked.pause_reason is PauseReason.WORKSHOP
    asked.command(Command(pause=False))
    assert not asked.at(19.0, None).paused


def test_a_hold_lasts_until_it_is_let_go() -> None:
    held = board(Command(pause=True, pause_reason=PauseReason.DRIVER))
    held.hold(PauseReason.PRIVACY)
    held.reset()
    held.command(Command(pause=False))
    assert held.at(1000.0, None).paused
    assert held.pause_reason is PauseReason.PRIVACY
    held.hold(None)
    assert not held.at(1001.0, None).paused
    assert held.pause_reason is None


def test_a_reset_keeps_switches_and_ends_the_pause() -> None:
    asked = board(Command(acknowledge=True, pause=True, warnings=False, rage=False))
    asked.reset()
    assert asked.at(0.0, None) == Switches(paused=False, warnings=False, rage=False)


@pytest.mark.parametrize(
    ("before", "after", "asked", "rage"),
    [
        (True, True, None, True), (True, True, False, False), (True, False, True, False),
        (False, True, True, True), (False, True, None, True), (True, False, None, False),
    ],
)  # fmt: skip
def test_who_succeeds_takes_over(before: bool, after: bool, asked: bool | None, rage: bool) -> None:
    old = board(Command(warnings=False, pause=True, rage=asked), rage=before)
    old.at(3.0, None)
    new = board(rage=after)
    new.succeed(old)
    assert new.at(12.9, None) == Switches(paused=True, warnings=False, rage=rage)
    assert not new.at(13.0, None).paused
