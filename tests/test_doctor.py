import pytest

from dms.bridge import BridgeSettings
from dms.bridge.diagnostics import FaultMemory
from dms.bridge.mqtt_settings import MqttSettings
from dms.camera.backends import Presence
from dms.camera.settings import CameraSettings
from dms.config import NetSettings, Settings
from dms.doctor import Verdict, examine
from dms.perception.landmarks import LandmarkSettings
from dms.values import DriverState, Fault, Part
from dms.vehicle import VehicleSettings
from dms.vehicle.settings import SignalSettings, SignalsSettings


def findings(settings):
    return {found.part: found for found in examine(settings)}


def test_a_recording_that_is_there_and_one_that_is_not(tmp_path):
    clip = tmp_path / "clip.avi"
    there = Settings(camera=CameraSettings(source=str(clip)))
    assert findings(there)["camera source"].verdict is Verdict.BAD
    assert "does not exist" in findings(there)["camera source"].text
    clip.write_bytes(b"")
    assert findings(there)["camera source"].verdict is Verdict.GOOD


def test_software_is_told_with_its_version():
    found = findings(Settings())
    assert found["python"].verdict is Verdict.GOOD
    assert found["python-can"].text[0].isdigit()


def test_a_missing_landmark_model_says_what_to_do(tmp_path):
    chosen = LandmarkSettings(model="dlib68", path=str(tmp_path / "none.dat"))
    found = findings(Settings(landmarks=chosen))["landmarks"]
    assert found.verdict is Verdict.BAD
    assert "landmarks.path" in found.text


def test_nets_that_are_switched_off_are_not_looked_for():
    off = Settings(nets=NetSettings(expression=None, eye_state=None, mouth=None))
    assert not [part for part in findings(off) if part.startswith("net ")]


def test_an_unknown_net_is_bad():
    found = findings(Settings(nets=NetSettings(expression="nosuch", eye_state=None)))
    assert found["net nosuch"].verdict is Verdict.BAD


def test_tensorrt_is_needed_only_where_it_is_chosen():
    chosen = findings(Settings(nets=NetSettings(backend="tensorrt")))
    default = findings(Settings())
    for module, way in (("tensorrt", "nvidia-jetpack"), ("pycuda", "pip install pycuda")):
        assert default[module].verdict is not Verdict.BAD
        assert chosen[module].verdict is Verdict.GOOD or way in chosen[module].text


@pytest.mark.parametrize(
    ("kind", "channel", "advice"),
    [
        ("socketcan", "nosuch0", "ip link add"),
        ("slcan", "/dev/serial/by-id/nosuch", "plug the adapter in"),
    ],
)
def test_a_bus_that_is_not_there_is_bad_and_says_what_to_do(kind, channel, advice):
    chosen = Settings(bridges=(BridgeSettings(kind=kind, channel=channel),))
    found = findings(chosen)[f"bridge {kind}"]
    assert found.verdict is Verdict.BAD
    assert advice in found.text


@pytest.mark.parametrize(
    ("bridge", "words"),
    [
        (BridgeSettings(kind="slcn"), "unknown bridge 'slcn'"),
        (BridgeSettings(kind="mqtt", mqtt=MqttSettings(prefix="dms/#")), "is no topic"),
        (BridgeSettings(base_id=0x79F), "0x7a0 is used twice"),
    ],
)
def test_a_bridge_that_cannot_be_is_bad(bridge, words):
    found = findings(Settings(bridges=(bridge,)))[f"bridge {bridge.kind}"]
    assert found.verdict is Verdict.BAD
    assert words in found.text


def test_a_broker_is_told_by_its_name():
    chosen = Settings(bridges=(BridgeSettings(kind="mqtt", mqtt=MqttSettings(host="car")),))
    assert findings(chosen)["bridge mqtt"].text == "car:1883, topics dms/..."


def test_no_bridge_and_a_bench_only_bridge_are_noted():
    assert findings(Settings(bridges=()))["bridge"].verdict is Verdict.NOTE
    assert findings(Settings())["bridge virtual"].verdict is Verdict.NOTE


def test_the_load_of_our_messages_is_told():
    chosen = Settings(bridges=(BridgeSettings(kind="socketcan", channel="nosuch0"),))
    assert "0.59% of 500 kbit/s" in findings(chosen)["load socketcan"].text


def test_a_vehicle_mapping_that_does_not_fit_is_bad_with_the_nearest_name():
    assert findings(Settings())["vehicle"].verdict is Verdict.NOTE
    speed = SignalSettings(message="CCVS", signal="WheelBasedVehicleSpeed")
    wrong = VehicleSettings(database="j1939", signals=SignalsSettings(speed=speed))
    found = findings(Settings(vehicle=wrong))["vehicle"]
    assert found.verdict is Verdict.BAD
    assert "nearest: CCVS1" in found.text
    good = findings(Settings(vehicle=VehicleSettings(database="j1939")))["vehicle"]
    assert good.verdict is Verdict.GOOD
    assert "speed" in good.text


def test_fault_codes_that_cannot_be_read_are_not_told_as_none(tmp_path):
    chosen = Settings(bridges=(BridgeSettings(fault_file=str(tmp_path)),))
    found = findings(chosen)["fault codes"]
    assert found.verdict is Verdict.NOTE
    assert "sudo dms doctor" in found.text


def test_fault_codes_are_read_from_their_file(tmp_path):
    file = tmp_path / "faults.json"
    chosen = Settings(bridges=(BridgeSettings(fault_file=str(file)),))
    assert "none" in findings(chosen)["fault codes"].text
    FaultMemory(file).step(
        DriverState(4.2, faults=(Fault(Part.CAMERA, "unplugged"),), drowsiness=3)
    )
    text = findings(chosen)["fault B1A01-31"].text
    assert text == "camera: unplugged; 1 times, last at 4.2 s (level 0, drowsiness 3)"


def test_a_camera_source_that_nothing_here_serves_is_bad(monkeypatch):
    monkeypatch.setattr("dms.camera.backends._opencv_has_gstreamer", lambda: False)
    absent = Presence("gstreamer", False, "not here")
    monkeypatch.setattr("dms.camera.backends._pygobject", lambda: absent)
    found = findings(Settings(camera=CameraSettings(source="csi:0")))["camera source"]
    assert found.verdict is Verdict.BAD
    assert "GStreamer" in found.text
