import os

import pytest

from dms.camera import devices
from dms.camera.devices import find_device, list_devices, query_device
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
    with pytest.raises(CameraError, match="group video"):
        find_device("auto")


def test_a_by_id_link_is_followed_to_its_new_number(tmp_path):
    link = tmp_path / "usb-cabin-index0"
    for name in ("video0", "video3"):
        target = tmp_path / name
        target.write_bytes(b"")
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        assert find_device(str(link)).resolve() == target
