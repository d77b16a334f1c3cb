"""Conflicts of addresses as J1939-81 decides them: the smaller NAME wins."""

from __future__ import annotations

import random

import pytest

from dms.bus import j1939
from dms.bus.claim import VETO_S, Claim, Standing

OURS, WEAKER, STRONGER = 1 << 40, 1 << 41, 1 << 39
MOVES = 1 << 63  # arbitrary-address capable


def claimed(address, name):
    return j1939.identifier(j1939.ADDRESS_CLAIMED, address), name.to_bytes(8, "little")


def made(name=OURS, address=0x94):
    claim = Claim(name, address, random.Random(1))
    claim.start(0.0)
    return claim


def won(name=OURS, address=0x94):
    claim = made(name, address)
    claim.due(0.0)
    claim.due(VETO_S)
    assert claim.address == address
    return claim


def test_nobody_objects():
    claim = made()
    assert claim.due(0.0) == [claimed(0x94, OURS)]
    assert claim.address is None
    assert claim.due(VETO_S - 0.01) == []
    assert claim.address is None
    claim.due(VETO_S)
    assert claim.address == 0x94


def test_a_weaker_name_is_told_to_go():
    claim = won()
    claim.heard(*claimed(0x94, WEAKER), 1.0)
    assert claim.due(1.0) == [claimed(0x94, OURS)]
    assert claim.address == 0x94


def test_a_stronger_name_takes_the_address():
    claim = won()
    claim.heard(*claimed(0x94, STRONGER), 1.0)
    assert (claim.standing, claim.address, claim.winner) == (Standing.LOST, None, STRONGER)
    assert claim.due(1.0) == []  # after a random time, since others may have lost too
    assert claim.due(1.16) == [claimed(j1939.NULL, OURS)]


def test_a_stronger_name_wins_while_we_still_claim():
    claim = made()
    claim.heard(*claimed(0x94, STRONGER), 0.1)
    claim.due(1.0)
    assert claim.address is None


def test_one_that_may_move_takes_a_free_address():
    ours, stronger = OURS | MOVES, STRONGER | MOVES
    claim = won(ours)
    claim.due(0.0)
    claim.heard(*claimed(0x80, stronger + 1), 0.5)
    claim.heard(*claimed(0x94, stronger), 1.0)
    assert claim.due(1.0) == [claimed(0x81, ours)]
    claim.due(1.3)
    assert claim.address == 0x81


def test_no_free_address_is_lost():
    claim = won(OURS | MOVES)
    for number, address in enumerate(range(128, 248)):
        claim.heard(*claimed(address, number), 1.0)
    assert claim.standing is Standing.LOST


def test_what_was_lost_is_claimed_again_when_its_holder_has_left():
    claim = won()
    claim.heard(*claimed(0x94, STRONGER), 1.0)
    claim.due(1.2)
    asked = claim.due(11.0)
    assert asked == [(j1939.identifier(j1939.REQUEST, j1939.NULL), b"\x00\xee\x00")]
    claim.heard(*claimed(0x94, STRONGER), 11.1)
    assert claim.due(12.3) == []
    assert claim.standing is Standing.LOST
    assert claim.due(22.4)
    assert claim.due(23.7) == [claimed(0x94, OURS)]
    claim.due(24.0)
    assert claim.address == 0x94


@pytest.mark.parametrize("destination", [j1939.GLOBAL, 0x94])
def test_a_request_for_addresses_is_answered(destination):
    asked = j1939.identifier(j1939.REQUEST, 0x20, destination=destination), b"\x00\xee\x00"
    claim = won()
    claim.heard(*asked, 1.0)
    assert claim.due(1.0) == [claimed(0x94, OURS)]
    claim.heard(*claimed(0x94, STRONGER), 2.0)
    claim.due(3.0)
    claim.heard(j1939.identifier(j1939.REQUEST, 0x20), b"\x00\xee\x00", 4.0)
    assert claim.due(4.2) == [claimed(j1939.NULL, OURS)]
    claim.heard(j1939.identifier(j1939.REQUEST, 0x20, destination=0x33), b"\x00\xee\x00", 5.0)
    assert claim.due(5.2) == []


def test_who_sends_with_our_address_is_told_whose_it_is():
    claim = won()
    for t_s, answers in ((1.0, 1), (1.1, 0), (6.5, 1)):
        claim.heard(j1939.identifier(0xFEF1, 0x94), bytes(8), t_s)
        assert len(claim.due(t_s)) == answers


def test_a_twin_is_noticed_and_an_echo_is_none():
    claim = made()
    claim.due(0.0)
    claim.heard(*claimed(0x94, OURS), 0.01)
    assert not claim.twin
    claim.heard(*claimed(0x94, OURS), 5.0)
    assert claim.twin


def test_noise_is_no_claim():
    claim = won()
    for can_id, data in [
        (0x18EEFF94, b""),
        (0x18EEFF94, b"1234567"),
        (0x18EAFF00, b"\0"),
        (0, b""),
    ]:
        claim.heard(can_id, data, 1.0)
    assert claim.address == 0x94
