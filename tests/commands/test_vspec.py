from __future__ import annotations

import yaml

from dms.bridge.vss import off_values, values
from dms.cli import main
from dms.values import DriverState


def test_the_overlay_is_printed_and_names_what_mqtt_sends(capsys):
    assert main(["vspec"]) == 0
    overlay = yaml.safe_load(capsys.readouterr().out)
    assert overlay["Vehicle.ADAS.DMS.IsCameraOn"]["datatype"] == "boolean"
    assert "OFF" in overlay["Vehicle.ADAS.DMS.Health"]["allowed"]
    assert off_values().keys() == values(DriverState(0.0)).keys()
