from __future__ import annotations

import cantools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms.bridge.codec import BASE_ID, SNA, Codec, contract, contract_text, data_ids, names
from dms.errors import BridgeError, ConfigError

ELSEWHERE = cantools.database.load_string(  # decoded from the file, not through our code
    contract().as_dbc_string(), database_format="dbc"
)


@st.composite
def signals(draw, name):
    message = contract().get_message_by_name(name)
    values = {}
    for signal in message.signals:
        if signal.name.startswith("E2E"):
            continue
        words = [str(word) for word in (signal.choices or {}).values()]
        if signal.unit or not words or len(words) < 3:
            low = 0 if signal.is_signed is False else -(2 ** (signal.length - 1))
            raws = st.integers(low, 2**signal.length - 1)
            step = raws.map(lambda raw, s=signal: raw * float(s.scale) + float(s.offset))
            inside = step.filter(
                lambda v, s=signal: float(s.minimum) - 1e-9 <= v <= float(s.maximum) + 1e-9
            )
            kind = st.one_of(inside, st.sampled_from(words)) if words else inside
        else:
            kind = st.sampled_from(words)
        values[signal.name] = draw(kind)
    return values


@pytest.mark.parametrize("name", names())
@given(data=st.data())
def test_round_trip_of_every_message(name, data):
    sent = data.draw(signals(name))
    codec = Codec()
    frame = codec.frame(name, sent, 0.0)
    payload = codec.protect(frame)
    got = ELSEWHERE.decode_message(frame.can_id, payload)
    for key, value in sent.items():
        seen = got[key]
        if isinstance(value, str):
            assert str(seen) == value
        elif isinstance(seen, (int, float)):
            assert seen == pytest.approx(value, abs=1e-6)
        else:  # a number that has a word
            words = contract().get_message_by_name(name).get_signal_by_name(key).choices
            assert str(words[round(value)]) == str(seen)
    assert (
        codec.decode(name, payload)[f"E2E_CRC_{name[4:]}"] == payload[0]
        if data_ids_of(name)
        else True
    )


def data_ids_of(name):
    return data_ids(contract().get_message_by_name(name))


def test_not_available_is_never_zero():
    for message in contract().messages:
        for signal in message.signals:
            for raw, word in (signal.choices or {}).items():
                if str(word) == SNA:
                    assert raw == 2**signal.length - 1


def test_no_word_of_not_available_lies_inside_the_range_of_a_number():
    for message in contract().messages:
        for signal in message.signals:
            if signal.unit and SNA in map(str, (signal.choices or {}).values()):
                top = (2**signal.length - 1) * signal.scale + signal.offset
                assert top > signal.maximum


def test_every_message_and_signal_has_a_comment_and_protected_ones_their_bytes():
    for message in contract().messages:
        assert message.comment
        assert message.length == 8
        assert all(signal.comment for signal in message.signals)
        if data_ids(message):
            crc, counter = message.signals[:2]
            assert (crc.start, crc.length, counter.start, counter.length) == (0, 8, 8, 4)


def test_data_id_lists_are_sixteen_ids():
    lists = [data_ids(message) for message in contract().messages]
    assert sorted(len(ids) for ids in lists if ids) == [16, 16, 16]


@pytest.mark.parametrize(
    ("base_id", "extended"), [(0x100, False), (0x7F0, False), (0x1A005000, True)]
)
def test_identifiers_follow_the_base(base_id, extended):
    codec = Codec(base_id, extended=extended)
    assert codec.ids["DMS_Alert"] == base_id
    assert codec.ids["DMS_State"] == base_id + 1
    assert codec.name_of(base_id + 1, extended=extended) == "DMS_State"
    assert codec.name_of(base_id + 1, extended=not extended) is None


@pytest.mark.parametrize(
    ("base_id", "extended"), [(0x400, False), (0x100, False), (0x1A005000, True)]
)
def test_the_moved_contract_is_the_same_elsewhere(base_id, extended):
    text = contract_text(base_id, extended=extended)
    moved = cantools.database.load_string(text, database_format="dbc", strict=True)
    codec = Codec(base_id, extended=extended)
    for message in contract().messages:
        found = moved.get_message_by_name(message.name)
        assert (found.frame_id, found.is_extended_frame) == (codec.ids[message.name], extended)
        assert found.comment == message.comment
        assert found.cycle_time == message.cycle_time
        assert data_ids(found) == data_ids(message)
        for signal in message.signals:
            there = found.get_signal_by_name(signal.name)
            assert (there.choices, there.comment) == (signal.choices, signal.comment)


@pytest.mark.parametrize(("base_id", "extended"), [(0x7FB, False), (0x1FFFFFFF, True)])
def test_a_base_without_room_is_refused(base_id, extended):
    with pytest.raises(ConfigError, match="leaves no room"):
        Codec(base_id, extended=extended)


def test_a_value_out_of_range_is_refused_by_name():
    codec = Codec()
    with pytest.raises(BridgeError, match="DMS_Emotion"):
        codec.frame("DMS_Emotion", {"Anger": 200}, 0.0)


def test_short_data_is_refused():
    with pytest.raises(BridgeError, match="another contract"):
        Codec().decode("DMS_State", b"\x00")


def test_the_base_of_the_file_is_the_default():
    assert contract().get_message_by_name("DMS_Alert").frame_id == BASE_ID


@pytest.mark.parametrize("extended", [False, True])
def test_the_contract_for_can_fd_is_marked_as_such(extended):
    text = contract_text(0x500, extended=extended, fd=True)
    made = cantools.database.load_string(text, "dbc", strict=True)
    assert made.dbc.attribute_definitions["BusType"].default_value == "CAN FD"
    for message in made.messages:
        plain = contract().get_message_by_name(message.name)
        assert (message.is_fd, message.is_extended_frame) == (True, extended)
        assert (message.length, message.cycle_time) == (plain.length, plain.cycle_time)
    assert not any(m.is_fd for m in contract().messages)


def test_every_signal_starts_as_not_available():
    """A COM stack that starts at 0 would show shut eyes until the first frame."""
    for message in contract().messages:
        for signal in message.signals:
            words = {str(word): raw for raw, word in (signal.choices or {}).items()}
            attributes = signal.dbc.attributes
            assert attributes["GenSigStartValue"].value == words.get(SNA, 0), signal.name


def test_a_signal_has_its_name_alone():
    names = [signal.name for message in contract().messages for signal in message.signals]
    assert len(names) == len(set(names))


def test_an_autosar_importer_takes_the_contract(tmp_path):
    """canmatrix makes the ARXML, cantools reads it; short names twice were refused."""
    convert = pytest.importorskip("canmatrix.convert", reason="pip install 'dms-jetson[interop]'")
    (tmp_path / "dms.dbc").write_text(contract_text(), encoding="utf-8")
    convert.convert(str(tmp_path / "dms.dbc"), str(tmp_path / "dms.arxml"), arVersion="3.2.3")
    made = cantools.database.load_file(tmp_path / "dms.arxml")
    assert [len(message.signals) for message in made.messages] == [
        len(message.signals) for message in contract().messages
    ]
