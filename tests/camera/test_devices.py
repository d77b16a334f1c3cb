import errno
import os

import pytest

from dms.camera import devices
from dms.camera.devices import find_device, list_devices, query_device, why_refused
from dms.errors import CameraError


def test_a_file_that_is_no_camera_has_a_problem_and_never_raises(tmp_path):
    path = tmp_path / "video0"
    assert query_device(path).problem == os.strerror(2)
    path.write_bytes(b"")
    told = query_device(path)
    assert told.problem
    assert not told.captures


def test_devices_come_in_numeric_order(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "_DEV", tmp_path)
    for name in ("video10", "video2", "video-x", "vbi0"):
        (tmp_path / name).write_bytes(b"")
    assert [item.path.name for item in list_devices()] == ["video2", "video10"]


def test_auto_says_whether_there_is_none_or_none_may_be_used(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "_DEV", tmp_path)
    with pytest.raises(CameraError, match="No camera is connected"):
        find_device("auto")
    (tmp_path / "video0").write_bytes(b"")
    with pytest.raises(CameraError, match="ioctl"):
        find_device("auto")


def test_a_by_id_link_is_followed_to_its_new_number(tmp_path):
    link = tmp_path / "usb-cabin-index0"
    for name in ("video0", "video3"):
        target = tmp_path / name
        target.write_bytes(b"")
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        assert find_device(str(link)).resolve() == target


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EACCES, "group video"),
        (errno.EPERM, "systemctl restart dms"),
        (errno.EBUSY, "another program"),
        (errno.ENOTTY, "group video"),
    ],
)
def test_a_refusal_is_explained_by_its_cause(number, advice):
    assert advice in why_refused(OSError(number, os.strerror(number)))


def offers(monkeypatch, tmp_path, **formats):
    """Let /dev hold these video nodes, each with what it captures; None does not capture."""
    monkeypatch.setattr(devices, "_DEV", tmp_path)
    for name in formats:
        (tmp_path / name).write_bytes(b"")

    def query(path):
        codes = formats[path.name]
        return devices.CaptureDevice(path, captures=codes is not None, formats=codes or ())

    monkeypatch.setattr(devices, "query_device", query)


def test_auto_passes_a_sensors_raw_mosaic_by(monkeypatch, tmp_path):
    offers(monkeypatch, tmp_path, video0=("RG10",), video1=None, video2=("YUYV", "GREY"))
    assert find_device("auto").name == "video2"


def test_auto_prefers_a_known_format_and_tries_a_driver_that_names_none(monkeypatch, tmp_path):
    offers(monkeypatch, tmp_path, video0=(), video1=("GREY",))
    assert find_device("auto").name == "video1"
    offers(monkeypatch, tmp_path, video0=(), video1=("RG12",))
    assert find_device("auto").name == "video0"


def test_auto_names_the_way_to_a_colour_sensor_behind_the_isp(monkeypatch, tmp_path):
    offers(monkeypatch, tmp_path, video0=("RG10", "BG12"))
    with pytest.raises(CameraError, match="source to csi:0"):
        find_device("auto")
    offers(monkeypatch, tmp_path, video0=("NV12",))
    with pytest.raises(CameraError, match="offers NV12, and dms reads GREY"):
        find_device("auto")


def test_a_devices_formats_are_asked_of_the_driver(fake_v4l2):
    device = fake_v4l2(formats=["Y10 ", "GREY"])
    told = query_device(device.path)
    assert (told.formats, told.usable, told.bayer) == (("Y10", "GREY"), True, False)
