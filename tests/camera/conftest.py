"""What several camera tests share."""

import fcntl

import pytest


@pytest.fixture
def fake_v4l2(tmp_path, monkeypatch):
    """Return what makes a fake device; only one is there at a time."""
    from tests.camera.fake_v4l2 import FakeV4l2

    def plug(**parts):
        device = FakeV4l2(tmp_path / "video0", **parts)
        monkeypatch.setattr(fcntl, "ioctl", device.ioctl)
        return device

    return plug
