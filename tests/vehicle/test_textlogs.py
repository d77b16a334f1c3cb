"""ASC and TRC logs in the shapes that tools write, and with lines that no reader knows."""

from __future__ import annotations

import pytest

from dms.errors import ConfigError
from dms.vehicle.frames import frames

WANTED = [
    (0.0, 0x123, False, b"\1\2"),
    (0.25, 0x18FEF100, True, bytes.fromhex("FF0050CFFFFFFFFF")),
    (1.5, 0x124, False, b""),
]
ASC_HEAD = """date Mit Okt 30 10:12:30.123 2023
base hex  timestamps absolute
internal events logged
"""
ASC = """   0.500000 1  123             Rx   d 2 01 02
   0.750000 1  18FEF100x       Rx   d 8 FF 00 50 CF FF FF FF FF
   2.000000 1  124             Rx   d 0
"""
TRC_HEAD = ";$FILEVERSION={}\n;$STARTTIME=43008.920986006946\n"
TRC = {
    "1.1": """;   Message Number
     1)       500.0  Rx         0123  2  01 02
     2)       750.0  Rx     18FEF100  8  FF 00 50 CF FF FF FF FF
     3)       760.0  Warng  FFFFFFFF  4  00 00 00 08  BUSHEAVY
     4)      2000.0  Rx         0124  0
""",
    "1.2": """;   Message Number
     1)       500.000 1  Rx         0123  2  01 02
     2)       750.000 1  Rx     18FEF100  8  FF 00 50 CF FF FF FF FF
     3)       760.000 1  Warng  FFFFFFFF  4  00 00 00 08  BUSHEAVY
     4)       770.000 1  Rx         0200  4  RTR
     5)      2000.000 1  Rx         0124  0
""",
    "1.3": """;   Message Number
     1)       500.000 1  Rx         0123 -  2    01 02
     2)       750.000 1  Rx     18FEF100 -  8    FF 00 50 CF FF FF FF FF
     3)      2000.000 1  Rx         0124 -  0
""",
    "2.1": """;$COLUMNS=N,O,T,B,I,d,R,L,D
      1       500.000 DT 1      0123 Rx -  2    01 02
      2       750.000 DT 1  18FEF100 Rx -  8    FF 00 50 CF FF FF FF FF
      3       760.000 ST 1           Rx -  4    00 00 00 08
      4      2000.000 DT 1      0124 Rx -  0
""",
}
LOGS = {"drive.asc": ASC_HEAD + ASC} | {
    f"{version}.trc": TRC_HEAD.format(version) + text for version, text in TRC.items()
}


def read(path):
    return [
        (round(t_s, 6), m.arbitration_id, bool(m.is_extended_id), bytes(m.data))
        for t_s, m in frames(path)
    ]


@pytest.mark.parametrize("name", LOGS)
def test_each_version_is_read(tmp_path, name, caplog):
    path = tmp_path / name
    path.write_text(LOGS[name])
    assert read(path) == WANTED
    path.write_text(LOGS[name].replace("\n", "\r\n"))
    assert read(path) == WANTED
    assert not caplog.records


@pytest.mark.parametrize("name", LOGS)
def test_a_mark_and_a_comment_in_windows_1252_cost_no_frame(tmp_path, name):
    path = tmp_path / name
    comment = "//" if name.endswith("asc") else ";"
    text = LOGS[name].replace("\n", f"\n{comment} C:\\Users\\Müller\n", 1)
    path.write_bytes(text.encode("cp1252"))
    assert read(path) == WANTED
    path.write_text("\ufeff" + LOGS[name], encoding="utf-8")
    assert read(path) == WANTED


@pytest.mark.parametrize("name", LOGS)
def test_decimal_commas(tmp_path, name):
    path = tmp_path / name
    text = LOGS[name]
    for digit in "04":
        text = text.replace(f"{digit}.5", f"{digit},5").replace(f"{digit}.7", f"{digit},7")
    text = text.replace("500.0", "500,0").replace("750.0", "750,0").replace("43008.", "43008,")
    assert text != LOGS[name]
    path.write_text(text)
    assert read(path) == WANTED


@pytest.mark.parametrize("name", LOGS)
def test_a_damaged_line_costs_no_other(tmp_path, name, caplog):
    path = tmp_path / name
    wide = "18FEF100x" if name.endswith("asc") else "18FEF100"
    text = LOGS[name].replace(wide, "18ZZF100", 1)
    path.write_text(text)
    assert read(path) == [WANTED[0], WANTED[2]]
    assert "1 lines are no frames and were passed over" in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        "   0.600000 1  EngineData      Rx   d 2 01 02",  # symbolic, without its identifier
        "   0.600000 1  128             Rx   d 1 ZZ",
        "   0.600000 1  128             Rx   d",
        "   0.600000 CANFD   1 Rx",
        "   0.600000 CANFD   1 Rx        128x  1 0 d 32 0Q",
    ],
)
def test_lines_of_an_asc_file_that_are_no_frames(tmp_path, line, caplog):
    path = tmp_path / "drive.asc"
    path.write_text(LOGS["drive.asc"].replace("   0.75", f"{line}\n   0.75"))
    assert read(path) == WANTED
    assert "1 lines are no frames" in caplog.text


def test_an_asc_file_without_a_header_keeps_its_first_frame(tmp_path):
    path = tmp_path / "drive.asc"
    path.write_text(ASC)
    assert read(path) == WANTED


def test_a_trc_file_that_ends_its_header_with_semicolons(tmp_path):
    path = tmp_path / "drive.trc"
    path.write_text(LOGS["2.1.trc"].replace("46\n", "46;\n").replace("L,D\n", "L,D;\n"))
    assert read(path) == WANTED


@pytest.mark.parametrize("name", ["1.2.trc", "2.1.trc"])
def test_a_header_alone_holds_no_message(tmp_path, name, caplog):
    path = tmp_path / name
    path.write_text("\n".join(line for line in LOGS[name].splitlines() if line.startswith(";")))
    with pytest.raises(ConfigError, match="holds no CAN message"):
        read(path)
    assert not caplog.records
