import json
import sys
import tarfile
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from dms import doctor
from dms.bridge import BridgeSettings
from dms.bridge.diagnostics import FaultMemory
from dms.bridge.settings import MqttSettings
from dms.bus.interfaces import Interface
from dms.bus.settings import BusSettings
from dms.camera.backends import Presence
from dms.camera.devices import CaptureDevice
from dms.camera.settings import CameraSettings
from dms.cli import main
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
    film = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 64), False)
    film.write(np.eye(64, dtype=np.uint8) * 255)
    film.release()
    assert findings(there)["camera source"].verdict is Verdict.GOOD
    clip.write_bytes(b"")
    assert "is empty" in findings(there)["camera source"].text


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
    assert "1.00% of 500 kbit/s" in findings(chosen)["load socketcan"].text


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


@pytest.mark.parametrize(
    ("interface", "verdict", "words"),
    [
        (Interface("can0", True, "ERROR-ACTIVE", 500000, 100), Verdict.GOOD, "500 kbit/s"),
        (Interface("can0", False, "STOPPED"), Verdict.BAD, "up type can bitrate 500000"),
        (Interface("can0", True, "ERROR-ACTIVE", 250000, 100), Verdict.BAD, "says 500000"),
        (Interface("can0", False, "", real=False), Verdict.BAD, "sudo ip link set can0 up"),
    ],
)
def test_a_can_interface_is_judged_by_state_and_bit_rate(monkeypatch, interface, verdict, words):
    monkeypatch.setattr(doctor, "interfaces", lambda: [interface])
    chosen = Settings(bridges=(BridgeSettings(kind="socketcan", channel="can0"),))
    found = findings(chosen)["bridge socketcan"]
    assert found.verdict is verdict
    assert words in found.text


def test_a_bus_that_would_stay_off_is_noted(monkeypatch):
    still = Interface("can0", True, "ERROR-ACTIVE", 500000, 0)
    monkeypatch.setattr(doctor, "interfaces", lambda: [still])
    assert "restart-ms 100" in findings(Settings())["socketcan"].text


def package(folder, name, text):
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(text)


@pytest.mark.parametrize(
    ("text", "verdict", "words"),
    [
        ("__version__ = '10.3.0'", Verdict.GOOD, "10.3.0"),
        ("raise ImportError('libnvinfer.so.10: cannot open')", Verdict.BAD, "libnvinfer.so.10"),
        ("import os; os.abort()", Verdict.BAD, "crashes while it loads (signal 6)"),
    ],
)
def test_a_library_that_is_there_but_broken_is_bad(tmp_path, monkeypatch, text, verdict, words):
    package(tmp_path, "tensorrt", text)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("tensorrt", None)
    found = findings(Settings())["tensorrt"]
    assert found.verdict is verdict
    assert words in found.text


def test_camera_nodes_are_told_with_their_formats(monkeypatch, tmp_path):
    nodes = {
        "/dev/video0": CaptureDevice(tmp_path, "vi-output", captures=True, formats=("RG10",)),
        "/dev/video1": CaptureDevice(tmp_path, "IR", captures=True, formats=("GREY", "Y10")),
        "/dev/video2": CaptureDevice(tmp_path, problem="Operation not permitted: restart dms"),
    }
    monkeypatch.setattr(doctor, "query_device", lambda path: nodes[str(path)])
    told = list(doctor._video_devices(list(nodes), "auto"))
    assert [one.verdict for one in told] == [Verdict.NOTE, Verdict.GOOD, Verdict.BAD]
    assert "camera.source to csi:0" in told[0].text
    assert "GREY, Y10" in told[1].text


def test_the_bundle_holds_findings_and_no_settings(tmp_path, capsys, monkeypatch):
    config = tmp_path / "dms.yaml"
    config.write_text("camera: {source: 'rtsp://user:secret@cam/a'}\n")
    path = tmp_path / "out.tar.gz"
    main(["doctor", "--config", str(config), "--bundle", str(path)])
    assert "packed into" in capsys.readouterr().err
    with tarfile.open(path) as archive:
        texts = {m.name: archive.extractfile(m).read() for m in archive.getmembers()}
    assert json.loads(texts["dms-doctor/doctor.json"])[0]["part"] == "python"
    assert "dms-doctor/board.json" in texts
    assert not any(b"secret" in text for text in texts.values())
    assert main(["doctor", "--bundle", str(tmp_path / "none/out.tar.gz")]) == 2


def test_the_vehicles_own_bus_is_judged_as_a_bridge_is(monkeypatch):
    mapped = SimpleNamespace(quantities=("speed",), hints=())
    monkeypatch.setattr(doctor, "check_vehicle", lambda settings: mapped)
    down = Interface("can1", up=False, state="STOPPED")
    monkeypatch.setattr(doctor, "interfaces", lambda: [down])
    bus = BusSettings(kind="socketcan", channel="can1")
    found = findings(Settings(vehicle=VehicleSettings(database="v.dbc", bus=bus)))["vehicle bus"]
    assert found.verdict is Verdict.BAD
    assert "can1 is down: " in found.text
    assert "sudo ip link set can1 up type can bitrate 500000 restart-ms 100" in found.text


def test_a_recording_of_one_single_value_is_bad_and_one_that_cannot_be_read_says_why(tmp_path):
    for number in range(20):
        assert cv2.imwrite(str(tmp_path / f"{number:02}.png"), np.zeros((64, 64), np.uint8))
    settings = Settings(camera=CameraSettings(source=str(tmp_path), fps=10))
    found = findings(settings)["camera source"]
    assert found.verdict is Verdict.BAD
    assert "begins with pictures of one single value (0): a covered lens" in found.text
    assert cv2.imwrite(str(tmp_path / "03.png"), np.eye(64, dtype=np.uint8) * 255)
    assert findings(settings)["camera source"].verdict is Verdict.GOOD
    film = tmp_path / "film.mp4"
    film.write_bytes(b"no film")
    found = findings(Settings(camera=CameraSettings(source=str(film))))["camera source"]
    assert "is not a video that can be read" in found.text
