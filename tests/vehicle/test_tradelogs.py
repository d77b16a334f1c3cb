"""Logs of SavvyCAN, cabana and BUSMASTER, and how others are refused."""

from __future__ import annotations

import pytest

from dms.errors import ConfigError
from dms.vehicle.frames import frames

WANTED = [
    (0.0, 0x1A0, False, bytes.fromhex("FE3600AB")),
    (0.25, 0x18FEF100, True, bytes.fromhex("FF0050CFFFFFFFFF")),
    (1.5, 0x1A0, False, b""),
]
LOGS = {
    "gvret.csv": (
        "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n"
        "1000000,000001A0,false,Rx,0,4,FE,36,00,AB,\n"
        "1250000,18FEF100,true,Rx,0,8,FF,00,50,CF,FF,FF,FF,FF,\n"
        "2500000,000001A0,false,Tx,0,0,\n"
    ),
    "old-gvret.csv": (
        "Time Stamp,ID,Extended,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n"
        "1000000,1A0,false,0,4,FE,36,00,AB\n"
        "1250000,18FEF100,true,0,8,FF,00,50,CF,FF,FF,FF,FF\n2500000,1A0,false,0,0\n"
    ),
    "drive.txt": (
        "1320745424.000 CXX OVMS Tesla Roadster cando2crtd converter\n"
        "1320745424.100 R11 1A0 FE 36 00 AB\n"
        "1320745424.350 R29 18FEF100 FF 00 50 CF FF FF FF FF\n"
        "1320745425.600 T11 1A0\n1320745425.700 CEV Open charging port door\n"
    ),
    "cabana.csv": (
        "time,addr,bus,data\n7.0,0x1a0,0,0xfe3600ab\n7.25,419361024,0,FF0050CFFFFFFFFF\n"
        "8.5,0x1a0,0,0x\n"
    ),
    "python-can.csv": (
        "timestamp,arbitration_id,extended,remote,error,dlc,data\n"
        "1483389464.000000,0x1a0,0,0,0,4,/jYAqw==\n\n"
        "1483389464.100000,0x1a1,0,1,0,4,\n1483389464.150000,0x0,0,0,1,0,\n"
        "1483389464.250000,0x18fef100,1,0,0,8,/wBQz/////8=\n1483389465.500000,0x1a0,0,0,0,0,\n"
    ),
    "without-names.csv": (
        "1483389464,0x1a0,0,0,0,4,/jYAqw==\n"
        "1483389464.250000,0x18fef100,1,0,0,8,/wBQz/////8=\n1483389465.500000,0x1a0,0,0,0,0,\n"
    ),
    "busmaster.log": (
        "***BUSMASTER Ver 3.2.2***\n***PROTOCOL CAN***\n***[START LOGGING SESSION]***\n"
        "***HEX***\n***SYSTEM MODE***\n"
        "***<Time><Tx/Rx><Channel><CAN ID><Type><DLC><DataBytes>***\n"
        "23:59:59:5000 Rx 1 0x1A0 s 4 FE 36 00 AB \n"
        "23:59:59:7500 Rx 1 0x18FEF100 x 8 FF 00 50 CF FF FF FF FF \n"
        "00:00:01:0000 Tx 1 0x1A0 s 0 \n***[STOP LOGGING SESSION]***\n"
    ),
    "decimal.log": (
        "***BUSMASTER Ver 3.2.2***\n***DEC***\n10:00:00:0000 Rx 1 416 s 4 254 54 0 171\n"
        "10:00:00:2500 Rx 1 419361024 x 8 255 0 80 207 255 255 255 255\n"
        "10:00:01:5000 Rx 1 416 s 0\n"
    ),
}


def read(path):
    return [
        (round(t_s, 6), m.arbitration_id, bool(m.is_extended_id), bytes(m.data))
        for t_s, m in frames(path)
    ]


@pytest.mark.parametrize("name", LOGS)
def test_logs_of_the_trade_are_read(tmp_path, name):
    path = tmp_path / name
    path.write_text(LOGS[name])
    assert read(path) == WANTED


@pytest.mark.parametrize("name", LOGS)
def test_damaged_lines_are_passed_over_with_a_warning(tmp_path, name, caplog):
    path = tmp_path / name
    path.write_text(LOGS[name] + "garbage,,\n1,2\n9:9\n")
    assert read(path) == WANTED
    assert "lines are no frames" in caplog.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", "a,b,c\n1,2,3\n"),
        ("x.log", "**BUSMASTE\n"),
        ("x.trc", ";$FILEVERSION=9.9\n1 2 3\n"),
        ("x.asc", "rubbish\n"),
        ("x.txt", "12 nothing here\n"),
        ("x.blf", "rubbish"),
        ("x.xyz", "rubbish"),
    ],
)
def test_what_cannot_be_read_is_refused_in_our_words(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigError) as told:
        read(path)
    words = str(told.value)
    assert "unpack" not in words
    assert "could not convert" not in words
    assert "convert others with SavvyCAN" in words or "holds no CAN message" in words


def test_candump_without_times_says_how_to_record(tmp_path):
    for line in (
        "  can0  RX - -  244   [5]  00 00 00 1F 40\n",
        "  can0  244   [5]  00 00 00 1F 40\n",
    ):
        path = tmp_path / "x.log"
        path.write_text(line)
        with pytest.raises(ConfigError, match="has no times; record it with"):
            read(path)


def test_busmasters_differences_are_not_taken_for_times(tmp_path):
    path = tmp_path / "x.log"
    path.write_text(LOGS["busmaster.log"].replace("***PROTOCOL CAN***", "***RELATIVE MODE***"))
    with pytest.raises(ConfigError, match="log in system or absolute mode"):
        read(path)
