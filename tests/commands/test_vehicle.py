from __future__ import annotations

import json
import re

import can
import cantools
import pytest

from dms.cli import main


def test_the_dbc_is_printed_with_the_identifiers_of_the_settings(capsys, tmp_path):
    file = tmp_path / "dms.yaml"
    file.write_text("bridges: [{kind: virtual, base_id: 0x1A005000, extended: true}]\n")
    assert main(["dbc", "--config", str(file)]) == 0
    moved = cantools.database.load_string(capsys.readouterr().out, database_format="dbc")
    assert moved.get_message_by_name("DMS_State").frame_id == 0x1A005001
    assert main(["dbc", "--bridge", "7"]) == 2


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "drive.log"
    with can.Logger(path) as logger:
        for i in range(10):
            data = bytes([0xFF, 0, 10 + i, 0xCF, 0xFF, 0xFF, 0xFF, 0xFF])
            logger.on_message_received(
                can.Message(timestamp=100 + i / 10, arbitration_id=0x18FEF100, data=data,
                            is_extended_id=True, channel="can0")
            )  # fmt: skip
    return path


def test_a_mapping_is_shown_on_a_log(capsys, log):
    words = ["vehicle", str(log), "--set", "vehicle.database=j1939", "--every", "0.3"]
    assert main(words) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["t_s"] for line in lines] == [0.0, 0.3, 0.6, 0.9]
    assert [line["speed_kmh"] for line in lines] == [10, 13, 16, 19]
    assert lines[0]["unknown"]["steering_angle"] == "never heard"


@pytest.mark.parametrize("more", [[], ["--every", "0"], ["--every", "nan"]])
def test_what_is_missing_is_told(capsys, log, more):
    words = ["vehicle", *([str(log)] if more else []), "--set", "vehicle.database=j1939", *more]
    assert main(words) == 2
    assert capsys.readouterr().err


def test_the_mapping_is_shown_as_it_is_understood(capsys):
    assert main(["vehicle", "--mapping", "--set", "vehicle.database=j1939"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    by_name = {line["quantity"]: line for line in lines}
    assert by_name["speed"]["message"] == "CCVS1 0x18FEF1FE by its PGN"
    assert by_name["speed"]["signal"] == "WheelBasedVehicleSpeed, 16 bits from 8, Intel, unsigned"
    assert by_name["speed"]["unit"] == "km/h"
    assert by_name["speed"]["scale"] == [1 / 256, 0]
    assert by_name["brake"]["values"] == {
        "0 Released": 0.0, "1 Pressed": 1.0, "2 Error": "unknown", "3 NotAvailable": "unknown",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("  database: j1939\n  signals:\n    speed:\n      message: CCVS\n      signal: X\n", 5,
         "no message 'CCVS'.*nearest: CCVS1"),
        ("  database: j1939\n  signals:\n    speed: {message: CCVS1,\n"
         "      signal: WheelBasedVehicleSped}\n", 5, "nearest: WheelBasedVehicleSpeed"),
        ("  signals:\n    gear: {message: CCVS1, signal: WheelBasedVehicleSpeed}\n"
         "  database: j1939\n", 3, "no value table"),
        ("  stale_cycles: 5\n  database: nowhere.dbc\n", 3, "cannot read.*looked for in"),
        ("  database: j1939\n  log_channel: '7'\n", 3, "no channel '7'; it has can0"),
    ],
)  # fmt: skip
def test_an_error_names_the_line_of_the_settings(capsys, tmp_path, log, text, line, words):
    file = tmp_path / "dms.yaml"
    file.write_text("vehicle:\n" + text)
    assert main(["vehicle", str(log), "--config", str(file)]) == 2
    told = capsys.readouterr().err
    assert re.search(words, told)
    assert f"{file}:{line}: " in told


def test_all_errors_of_a_mapping_are_told_with_their_lines(capsys, tmp_path, log):
    file = tmp_path / "dms.yaml"
    file.write_text("vehicle:\n  database: j1939\n  signals:\n    speed: {message: A, signal: B}\n"
                    "    gear: {message: ETC2, signal: C}\n")  # fmt: skip
    assert main(["vehicle", str(log), "--config", str(file)]) == 2
    told = capsys.readouterr().err
    assert f"{file}:4: vehicle.signals.speed" in told
    assert f"{file}:5: vehicle.signals.gear" in told


def test_a_log_of_another_bus_says_what_is_there(capsys, log, caplog):
    words = ["vehicle", str(log), "--set", "vehicle.database=j1939", "--set",
             "vehicle.signals.gear={message: ETC2, signal: TransmissionCurrentGear}"]  # fmt: skip
    assert main(words) == 2
    assert "none of the mapped messages is in it" in capsys.readouterr().err
    assert "It has 0x18FEF100 (CCVS1) 10 x" in caplog.text


def test_numbers_are_printed_as_a_person_would(capsys, tmp_path, log):
    dbc = tmp_path / "car.dbc"
    dbc.write_text('BU_: T\nBO_ 2566844672 M: 8 T\n SG_ Angle : 16|8@1+ (0.1,0.1) [0|99] "deg" T\n')
    mapping = "vehicle.signals.steering_angle={message: M, signal: Angle}"
    words = ["vehicle", str(log), "--set", f"vehicle.database={dbc}", "--set", mapping]
    assert main(words) == 0
    assert '"steering_deg": 1.2,' in capsys.readouterr().out


def test_a_mapping_that_looks_wrong_is_noted(capsys, tmp_path):
    dbc = tmp_path / "car.dbc"
    dbc.write_text('BU_: T\nBO_ 2 M: 8 T\n SG_ Angle : 8|16@1- (0.1,0) [0|4000] "deg" T\n')
    mapping = "vehicle.signals.steering_angle={message: M, signal: Angle}"
    words = ["--set", f"vehicle.database={dbc}", "--set", mapping]
    assert main(["config", "check", *words]) == 0
    assert "everything below 0 deg unknown" in capsys.readouterr().out
    assert main(["vehicle", "--mapping", *words]) == 0
    assert "everything below 0 deg unknown" in json.loads(capsys.readouterr().out)["hints"][0]
