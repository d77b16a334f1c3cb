import pytest

from dms.bridge import BridgeSettings
from dms.camera.settings import CameraSettings
from dms.config import NetSettings, Settings
from dms.doctor import Verdict, examine
from dms.landmarks import LandmarkSettings


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
    off = Settings(nets=NetSettings(expression=None, eye_state=None))
    assert not [part for part in findings(off) if part.startswith("net ")]


def test_an_unknown_net_is_bad():
    found = findings(Settings(nets=NetSettings(expression="nosuch", eye_state=None)))
    assert found["net nosuch"].verdict is Verdict.BAD


def test_tensorrt_is_needed_only_where_it_is_chosen():
    chosen = findings(Settings(nets=NetSettings(backend="tensorrt")))["tensorrt"]
    default = findings(Settings())["tensorrt"]
    assert default.verdict is not Verdict.BAD
    assert chosen.verdict is Verdict.GOOD or "pip install" in chosen.text


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


def test_no_bridge_and_a_bench_only_bridge_are_noted():
    assert findings(Settings(bridges=()))["bridge"].verdict is Verdict.NOTE
    assert findings(Settings())["bridge virtual"].verdict is Verdict.NOTE
