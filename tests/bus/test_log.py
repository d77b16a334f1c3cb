from __future__ import annotations

import can
import pytest

from dms.bridge import BridgeSettings, open_bridge
from dms.bridge.codec import Codec
from dms.bus.settings import BusSettings
from dms.errors import BridgeError
from dms.values import DriverState
from dms.vehicle import check_vehicle
from dms.vehicle.settings import SignalSettings, SignalsSettings, VehicleSettings


@pytest.mark.parametrize("ending", ["blf", "asc", "log", "mf4"])
def test_what_was_sent_and_seen_opens_in_python_can(tmp_path, ending):
    if ending == "mf4":
        pytest.importorskip("asammdf", reason="asammdf (extra mf4) is missing")
    path = tmp_path / "bus" / f"drive.{ending}"
    settings = BridgeSettings(channel=f"log-{ending}", log=str(path), lossless=True)
    codec = Codec()
    with (
        can.Bus(interface="virtual", channel=settings.channel) as head,
        open_bridge(settings) as bridge,
    ):
        head.send(can.Message(arbitration_id=0x123, is_extended_id=False, data=b"\1\2"))
        for i in range(31):
            bridge.publish(DriverState(i / 10))
        seen = []
        while (message := head.recv(0.3)) is not None:
            seen.append(message)
    with can.LogReader(path) as reader:
        logged = list(reader)
    ours = [m for m in logged if m.arbitration_id != 0x123]
    assert len(logged) - len(ours) == 1
    assert [bytes(m.data) for m in ours[:-1]] == [bytes(m.data) for m in seen]
    states = [m for m in ours if m.arbitration_id == codec.ids["DMS_State"]]
    assert len(states) == 32
    span = states[30].timestamp - states[0].timestamp
    assert span == pytest.approx(3.0, abs=0.15)  # the recording's time, not ours


def test_an_older_log_is_kept(tmp_path):
    path = tmp_path / "drive.log"
    path.write_text("old")
    with open_bridge(BridgeSettings(channel="log-old", log=str(path))) as bridge:
        bridge.publish(DriverState(0.0))
    assert path.read_text() == "old"
    assert (tmp_path / "drive-2.log").stat().st_size > 0


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(BridgeError, match=r"ends in one of \.blf"):
        open_bridge(BridgeSettings(log=str(tmp_path / "drive.txt"))).open()


def test_another_ending_is_found_before_anything_is_opened():
    with pytest.raises(BridgeError, match=r"bus\.csv: a CAN log ends in one of"):
        open_bridge(BridgeSettings(log="bus.csv"))
    heard = SignalSettings(message="CCVS1", signal="WheelBasedVehicleSpeed")
    second = VehicleSettings(
        database="j1939", signals=SignalsSettings(speed=heard), bus=BusSettings(log="bus.csv")
    )
    with pytest.raises(BridgeError, match=r"bus\.csv: a CAN log ends in one of"):
        check_vehicle(second)


def test_a_writer_that_fails_ends_the_log_and_not_the_bridge(tmp_path, caplog, monkeypatch):
    def fail(self, message):
        raise KeyError("of a writer")

    monkeypatch.setattr(can.io.canutils.CanutilsLogWriter, "on_message_received", fail)
    settings = BridgeSettings(channel="log-fails", log=str(tmp_path / "drive.log"))
    with open_bridge(settings) as bridge:
        for i in range(5):
            bridge.publish(DriverState(i / 10))
        assert bridge.link.flush(30.0)
    assert "ends here" in caplog.text
    assert [r.levelname for r in caplog.records].count("WARNING") == 1
