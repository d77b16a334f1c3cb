from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms.errors import ConfigError
from dms.vehicle import database
from dms.vehicle.dbctext import mended, plain_name

BADLY = """VERSION "x"
NS_ :
	CM_
	BA_
BS_:
BU_: A B
BO_ 1300 2017_5: 8 A
 SG_ 0_COUNTER : 7|4@0+ (.25,-50) [0|15] "km/h"  A,B
 SG_ Bad : 7|4@0+ (oops) [0|15] "" B
 SG_ Motor m : 15|8@0+ (1,0) [0|0] "" B
BO_ 0 VECTOR__INDEPENDENT_SIG_MSG: 0 Vector__XXX
 SG_ Lost : 0|8@1+ (1,0) [0|0] "" B
BO_ 316653735 Camera: 8 A
 SG_ Turn : 0|2@1+ (1,0) [0|3] "" B
 SG_ Mux M : 8|4@1+ (1,0) [0|3] "" B
 SG_ Deep m1 : 16|32@1- (1,0) [0|0] "m/s" B
BO_ 1075054137 Impossible: 8 A
 SG_ Nothing : 0|8@1+ (1,0) [0|0] "" B
CM_ "no semicolon"
CM_ 145 "a comment without a target";
CM_ SG_ 1300 0_COUNTER "a 5\\" wheel; two lines
BO_ 7 NoMessage: 8 A
end";
CM_ SG_ 1300 Motor "an odd " quote";
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_ SG_ "SystemSignalLongSymbol" STRING ;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_DEF_DEF_ "SystemSignalLongSymbol" "";
BA_ "GenMsgCycleTime" BO_ 1300 20;
BA_ "GenMsgCycleTime" BO_ 999 20;
BA_ "Undefined" BO_ 1300 3;
BA_ "SystemSignalLongSymbol" SG_ 316653735 Deep "Deep;Long";
VAL_ 1300 0_COUNTER 14 "a;b" 15 "SNA" ;
VAL_ 316653735 Turn 0 "Off" 1 "Left"
 2 "Right" ;
VAL_ 316653735 Gone 0 "Off" ;
SIG_VALTYPE_ 316653735 Deep : 1;
"""


@pytest.fixture
def car(tmp_path):
    place = tmp_path / "badly.dbc"
    place.write_text(BADLY, encoding="utf-16")  # as some editors on Windows save
    return database.load(str(place))


def test_what_car_makers_tools_write_is_read(car):
    assert {m.name: (m.frame_id, m.is_extended_frame, m.cycle_time) for m in car.messages} == {
        "_2017_5": (1300, False, 20),
        "Camera": (316653735, True, None),
    }
    message, signal = database.find(car, "2017_5", "0_COUNTER", "speed")
    assert message.name == "_2017_5"
    assert (signal.scale, signal.offset, signal.unit) == (0.25, -50, "km/h")
    assert signal.choices == {14: "a;b", 15: "SNA"}
    assert [s.name for s in message.signals] == ["_0_COUNTER", "Motor"]
    _, deep = database.find(car, "Camera", "Deep;Long", "speed")
    assert (deep.is_float, deep.multiplexer_ids, deep.length) == (True, [1], 32)
    _, turn = database.find(car, "Camera", "Turn", "indicator")
    assert turn.choices == {0: "Off", 1: "Left", 2: "Right"}


def test_what_is_left_out_is_told_with_its_line(caplog, tmp_path):
    _, lost = mended(BADLY)
    assert [each.partition(":")[0] for each in lost] == ["line 9", "line 17"]
    place = tmp_path / "badly.dbc"
    place.write_text(BADLY)
    database.load(str(place))
    assert "line 9: SG_ Bad" in caplog.text


@pytest.mark.parametrize(
    ("name", "plain"), [("Speed", "Speed"), ("2017_5", "_2017_5"), ("Öl-Druck", "_l_Druck")]
)
def test_names_become_identifiers(name, plain):
    assert plain_name(name) == plain


@given(st.text(alphabet='BO_SG_ :|@+-0123456789"();,\n VAL_CM_XYZm', max_size=400))
def test_any_text_is_a_database_or_an_error_in_words(text):
    try:
        mended(text)
        database._dbc("any", BADLY + text)
    except (ConfigError, ValueError):  # load() makes the one the other
        return


KCD = """<NetworkDefinition xmlns="http://kayak.2codeornot2code.org/1.0"><Document/>
<Bus name="b"><Message id="0x1" name="M"><Signal name="S" offset="24000000"/></Message></Bus>
</NetworkDefinition>"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("long.dbc", "BO_ 1 M\n : 24000000 A\n"),
        ("long.dbc", 'BO_ 1 M: 8 A\n SG_ S\n : 24000000|8@1+ (1,0) [0|0] "" B\n'),
        ("long.dbc", 'BO_ 1 M: 8 A\n SG_ S : 0|24000000@1+ (1,0) [0|0] "" B\n'),
        ("long.kcd", KCD),
        ("long.arxml", "<AUTOSAR><I-SIGNAL><LENGTH>24000000</LENGTH></I-SIGNAL></AUTOSAR>"),
        ("long.sym", "FormatVersion=6.0\n{SEND}\n[M]\nID=100h\nDLC=24000000\n"),
    ],
)
def test_what_no_can_carries_is_refused_before_it_is_planned(tmp_path, name, text):
    place = tmp_path / name
    place.write_text(text)
    with pytest.raises(ConfigError, match="longer than"):
        database.load(str(place))


def test_a_length_is_sought_within_its_own_line():
    for pattern in database._LENGTHS:
        assert re.compile(pattern, re.MULTILINE).match("\n" * 3 + " DLC=9") is None
