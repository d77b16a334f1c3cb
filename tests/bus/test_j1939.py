from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms.bus import j1939

foreign = pytest.importorskip("j1939", reason="pip install 'dms-jetson[interop]'")


@given(st.integers(0, 7), st.integers(0, 0xFFFF), st.integers(0, 255), st.integers(0, 255))
def test_identifiers_are_those_of_another_library(priority, pgn, source, destination):
    ours = j1939.identifier(pgn & 0xFF00 if pgn < 0xF000 else pgn, source, priority=priority,
                            destination=destination)  # fmt: skip
    theirs = foreign.MessageId(can_id=ours)
    said = foreign.ParameterGroupNumber()
    said.from_message_id(theirs)
    assert (theirs.priority, theirs.source_address) == (priority, source)
    parts = j1939.parts(ours)
    assert parts.source == source
    if said.is_pdu1_format:
        assert (parts.pgn, parts.destination) == (said.value & 0x3FF00, destination)
    else:
        assert (parts.pgn, parts.destination) == (said.value, j1939.GLOBAL)


@given(
    st.integers(0, 0x1FFFFF), st.integers(0, 0x7FF), st.integers(0, 255), st.booleans(),
    st.integers(0, 7), st.integers(0, 31), st.integers(0, 127), st.integers(0, 15),
    st.integers(0, 7),
)  # fmt: skip
def test_names_are_those_of_another_library(
    identity, manufacturer, function, arbitrary, ecu, instance, system, system_instance, group
):
    theirs = foreign.Name(
        identity_number=identity, manufacturer_code=manufacturer, function=function,
        arbitrary_address_capable=arbitrary, ecu_instance=ecu, function_instance=instance,
        vehicle_system=system, vehicle_system_instance=system_instance, industry_group=group,
    )  # fmt: skip
    assert theirs.value == j1939.name_of(
        identity=identity, manufacturer=manufacturer, function=function, arbitrary=arbitrary,
        ecu_instance=ecu, function_instance=instance, vehicle_system=system,
        vehicle_system_instance=system_instance, industry_group=group,
    )  # fmt: skip


@pytest.mark.parametrize("length", [1, 8, 9, 14, 15, 100, j1939.LONGEST])
def test_a_long_message_is_cut_into_packets(length):
    data = bytes(number % 251 for number in range(length))
    first, *packets = j1939.broadcast(j1939.DM1, data, 0x94)
    if length <= 8:
        assert (first, packets) == ((0x18FECA94, data), [])
        return
    assert first[0] == 0x1CECFF94
    assert first[1] == bytes([32, length & 255, length >> 8, len(packets), 255, 0xCA, 0xFE, 0])
    assert b"".join(packet[1:] for _, packet in packets)[:length] == data
    assert [packet[0] for _, packet in packets] == list(range(1, len(packets) + 1))


def test_what_is_left_to_manufacturers():
    assert j1939.is_proprietary(0x18FF4000)
    assert j1939.is_proprietary(0x18EF0194)
    assert not j1939.is_proprietary(0x18FEF100)
    assert not j1939.is_proprietary(0x1A00FF00)
