from __future__ import annotations

import math

from cantools.database import Message
from cantools.database.can import Signal
from cantools.database.conversion import BaseConversion
from hypothesis import assume, given
from hypothesis import strategies as st

from dms.vehicle.bits import bits, path


def message_of(*signals, length=8):
    return Message(
        frame_id=1, name="M", length=length, signals=list(signals), strict=False, is_fd=length > 8
    )


def signal_of(name, start, length, order, *, signed=False, is_float=False, **more):
    conversion = BaseConversion.factory(is_float=is_float)
    return Signal(
        name, start, length, byte_order=order, is_signed=signed, conversion=conversion, **more
    )


@given(
    st.data(),
    st.sampled_from(["little_endian", "big_endian"]),
    st.booleans(),
    st.sampled_from([1, 2, 8, 24, 64]),
)
def test_every_place_reads_as_cantools_does(data, order, signed, size):
    start = data.draw(st.integers(0, 8 * size - 1))
    length = data.draw(st.integers(1, min(64, 8 * size)))
    payload = data.draw(st.binary(min_size=size, max_size=size))
    signal = signal_of("S", start, length, order, signed=signed)
    message = message_of(signal, length=size)
    place = bits(message, signal)
    first = start if order == "little_endian" else 8 * (start // 8) + 7 - start % 8
    assert (place is None) == (first + length > 8 * size)
    assume(place is not None)
    assert place.raw(payload) == message.decode(payload, scaling=False)["S"]
    assert place.raw(payload + b"\xff") == place.raw(payload)  # a longer frame changes nothing


@given(st.floats(width=32, allow_nan=False), st.sampled_from(["little_endian", "big_endian"]))
def test_floats(number, order):
    signal = signal_of("S", 0 if order == "little_endian" else 7, 32, order, is_float=True)
    message = message_of(signal)
    got = bits(message, signal).raw(message.encode({"S": number}))
    assert got == number
    assert math.copysign(1, got) == math.copysign(1, number)


def test_extended_multiplexing():
    outer = signal_of("A", 0, 4, "little_endian", is_multiplexer=True)
    inner = signal_of(
        "B", 4, 4, "little_endian", is_multiplexer=True, multiplexer_ids=[1], multiplexer_signal="A"
    )
    deep = signal_of("C", 8, 8, "little_endian", multiplexer_ids=[2, 3], multiplexer_signal="B")
    found = path(message_of(outer, inner, deep), deep)
    assert found.raw(bytes([0x21, 7, 0, 0, 0, 0, 0, 0])) == 7
    assert found.raw(bytes([0x31, 8, 0, 0, 0, 0, 0, 0])) == 8
    assert found.raw(bytes([0x41, 7, 0, 0, 0, 0, 0, 0])) is None
    assert found.raw(bytes([0x22, 7, 0, 0, 0, 0, 0, 0])) is None


def test_a_signal_outside_its_message_has_no_place():
    signal = signal_of("S", 60, 8, "little_endian")
    assert bits(message_of(signal), signal) is None
