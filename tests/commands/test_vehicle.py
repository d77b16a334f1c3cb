from __future__ import annotations

import json

import can
import cantools
import pytest

from dms.cli import main


def test_the_dbc_is_printed_with_the_identifiers_of_the_settings(capsys, tmp_path):
    file = tmp_path / "dms.yaml"
    file.write_text("bridges: [{kind: virtual, base_id: 0x18FF5000, extended: true}]\n")
    assert main(["dbc", "--config", str(file)]) == 0
    moved = cantools.database.load_string(capsys.readouterr().out, database_format="dbc")
    assert moved.get_message_by_name("DMS_State").frame_id == 0x18FF5001
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


@pytest.mark.parametrize("more", [[], ["--every", "0"]])
def test_what_is_missing_is_told(capsys, log, more):
    words = ["vehicle", *([str(log)] if more else []), "--set", "vehicle.database=j1939", *more]
    assert main(words) == 2
    assert capsys.readouterr().err
