from __future__ import annotations

import pytest
from e2e import crc as reference_crc
from e2e import p02 as reference
from hypothesis import given
from hypothesis import strategies as st

from dms.bridge.codec import contract, data_ids
from dms.bridge.e2e import Check, Checker, Protector, crc8h2f

PROTECTED = [m for m in contract().messages if data_ids(m)]
IDS = st.binary(min_size=16, max_size=16)
PAYLOAD = st.binary(min_size=2, max_size=64)


def test_crc_has_the_check_value_of_the_standard():
    assert crc8h2f(b"123456789") == 0xDF  # AUTOSAR SWS CRC Library, CRC8H2F


@given(st.binary(max_size=64))
def test_crc_equals_the_reference(data):
    assert crc8h2f(data) == reference_crc.calculate_crc8_h2f(data)


@given(PAYLOAD, IDS)
def test_protected_bytes_equal_the_reference(payload, ids):
    ours = Protector(ids)
    theirs = bytearray(payload)
    theirs[1] &= 0xF0
    for _ in range(20):  # past the wrap
        sent = ours.protect(payload)
        reference.e2e_p02_protect(theirs, ids)
        assert sent == bytes(theirs)
        assert reference.e2e_p02_check(sent, ids)


@given(IDS, st.integers(0, 15), st.binary(min_size=8, max_size=8))
def test_a_frame_of_the_reference_is_accepted(ids, counter, payload):
    theirs = bytearray(payload)
    theirs[1] = (theirs[1] & 0xF0) | counter
    reference.e2e_p02_protect(theirs, ids)
    assert Checker(ids).check(theirs) is Check.INITIAL


@pytest.mark.parametrize("message", PROTECTED, ids=lambda m: m.name)
def test_every_single_bit_flip_is_found(message):
    ids = data_ids(message)
    protector = Protector(ids)
    for payload in (bytes(8), b"\xff" * 8, bytes(range(8))):
        for _ in range(16):
            good = protector.protect(payload)
            for bit in range(64):
                bad = bytearray(good)
                bad[bit // 8] ^= 1 << bit % 8
                assert Checker(ids).check(bad) is Check.CORRUPTED


@pytest.mark.parametrize("message", PROTECTED, ids=lambda m: m.name)
def test_a_frame_of_another_message_is_found(message):
    for other in PROTECTED:
        if other is not message:
            frames = [Protector(data_ids(other)).protect(bytes(8)) for _ in range(16)]
            assert all(Checker(data_ids(message)).check(f) is Check.CORRUPTED for f in frames)


def test_data_id_lists_have_no_id_in_common_at_the_same_counter():
    lists = [data_ids(message) for message in PROTECTED]
    for counter in range(16):
        assert len({ids[counter] for ids in lists}) == len(lists)


def test_counter_wraps_from_15_to_0_without_a_loss():
    ids = bytes(range(16))
    protector, checker = Protector(ids), Checker(ids)
    checks = [checker.check(protector.protect(bytes(8))) for _ in range(40)]
    assert checks == [Check.INITIAL] + [Check.OK] * 39
    assert protector.counter == 40 % 16


@pytest.mark.parametrize(
    ("lost", "max_delta", "expected"),
    [(1, 1, Check.WRONG_SEQUENCE), (1, 2, Check.SOME_LOST), (2, 3, Check.SOME_LOST),
     (3, 3, Check.WRONG_SEQUENCE)],
)  # fmt: skip
def test_lost_frames(lost, max_delta, expected):
    ids = bytes(range(16))
    protector, checker = Protector(ids), Checker(ids, max_delta=max_delta)
    checker.check(protector.protect(bytes(8)))
    for _ in range(lost):
        protector.protect(bytes(8))
    check = checker.check(protector.protect(bytes(8)))
    assert check is expected
    assert check.usable == (expected is Check.SOME_LOST)
    assert checker.check(protector.protect(bytes(8))) is Check.OK


def test_a_repeated_frame_is_not_usable():
    ids = bytes(range(16))
    checker = Checker(ids)
    frame = Protector(ids).protect(bytes(8))
    assert checker.check(frame).usable
    assert checker.check(frame) is Check.REPEATED
    assert not Check.REPEATED.usable


@pytest.mark.parametrize("length", [0, 1, 7, 9])
def test_a_wrong_length_is_corrupt(length):
    assert Checker(bytes(16)).check(bytes(length)) is Check.CORRUPTED
