import json

import pytest

from dms.bridge import BridgeSettings
from dms.camera.settings import CameraSettings
from dms.commands import service
from dms.config import Settings
from dms.errors import ConfigError, DmsError
from dms.service.notify import Notifier
from dms.vehicle import VehicleSettings


@pytest.mark.parametrize(
    "chosen",
    [
        Settings(vehicle=VehicleSettings(database="/nonexistent.dbc")),
        Settings(bridges=(BridgeSettings(kind="socketcn"),)),
        Settings(camera=CameraSettings(source="/dev/video0", time_scale=2.0)),
    ],
)
def test_a_reload_refuses_what_could_not_run(chosen):
    with pytest.raises(DmsError):
        service.could_run(chosen)


def test_a_reload_takes_what_could_run():
    assert service.could_run(Settings()) == Settings()


def test_a_refused_file_at_the_start_is_counted_as_a_restart(tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr(service, "_wait", lambda wait_s, notifier: waits.append(wait_s))

    def read():
        raise ConfigError("dms.yaml:3: camera.fps: expected a number")

    counted = tmp_path / "restarts.json"
    for _ in range(8):
        with pytest.raises(ConfigError, match="expected a number"):
            service._at_start(read, counted, Notifier({}))
    assert json.loads(counted.read_text())
    assert waits[0] == 0
    assert 0 < waits[-2] < waits[-1]
