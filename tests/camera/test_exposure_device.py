"""A device's exposure and gain over a fake of the kernel's ioctls; tests/system has a real one."""

import errno

import numpy as np
import pytest

pytest.importorskip("linuxpy", reason="linuxpy (extra v4l2) is not installed")

from dms.camera.controls import Light, V4l2Controls
from dms.camera.exposure import ExposureFollower, ExposureSettings
from dms.errors import CameraError
from dms.values import DriverObservation, DriverState, Frame, Moment, Step
from tests.camera.fake_v4l2 import Setting

AUTO, EXPOSURE, LINES = 0x009A0901, 0x009A0902, 0x00980911
TEGRA_GAIN, TEGRA_EXPOSURE = 0x009A2009, 0x009A200A
GAIN, ANALOGUE_GAIN, AUTO_GAIN = 0x00980913, 0x009E0903, 0x00980912
PICTURE = np.zeros((8, 8), np.uint8)


def usual():
    return {
        AUTO: Setting(0, 3, 3), EXPOSURE: Setting(1, 1001, 301),
        AUTO_GAIN: Setting(0, 1, 1), GAIN: Setting(0, 100, 0),
    }  # fmt: skip


def test_automatics_are_switched_off_first_and_values_read_as_shares(fake_v4l2):
    device = fake_v4l2(controls=usual())
    controls = V4l2Controls(device.path)
    assert device.set_order == [(AUTO, 1), (AUTO_GAIN, 0)]
    assert controls.light() == Light(0.3, 0.0)
    controls.apply(Light(0.9, 0.5))
    assert (device.controls[EXPOSURE].value, device.controls[GAIN].value) == (901, 50)
    controls.close()
    controls.close()


def test_a_sensors_own_names_of_exposure_and_gain_serve(fake_v4l2):
    own = {LINES: Setting(4, 1004, 504), ANALOGUE_GAIN: Setting(16, 256, 16)}
    device = fake_v4l2(controls=own)
    controls = V4l2Controls(device.path)
    assert controls.light() == Light(0.5, 0.0)
    controls.apply(Light(1.0, 1.0))
    assert [own[LINES].value, own[ANALOGUE_GAIN].value] == [1004, 256]
    controls.close()


def test_a_control_that_is_disabled_or_has_no_range_is_none(fake_v4l2):
    device = fake_v4l2(controls={EXPOSURE: Setting(0, 9, 3, flags=1), GAIN: Setting(5, 5, 5)})
    controls = V4l2Controls(device.path)
    assert controls.light() == Light(None, None)
    controls.apply(Light(1.0, 1.0))
    assert device.set_order == []
    controls.close()


def test_nvidias_csi_drivers_have_their_own_controls_of_64_bits(fake_v4l2):
    own = {
        TEGRA_EXPOSURE: Setting(30, 100_000_030, 50_000_030, wide=True),
        TEGRA_GAIN: Setting(0, 5_000_000_000, 2_500_000_000, wide=True),
    }
    device = fake_v4l2(controls=own)
    controls = V4l2Controls(device.path)
    assert controls.light() == Light(0.5, 0.5)
    controls.apply(Light(0.9, 1.0))
    assert [own[TEGRA_EXPOSURE].value, own[TEGRA_GAIN].value] == [90_000_030, 5_000_000_000]
    controls.close()


def test_standard_controls_go_before_nvidias(fake_v4l2):
    device = fake_v4l2(controls={**usual(), TEGRA_GAIN: Setting(0, 9, 3, wide=True)})
    controls = V4l2Controls(device.path)
    controls.apply(Light(0.3, 1.0))
    assert (device.controls[GAIN].value, device.controls[TEGRA_GAIN].value) == (100, 3)
    controls.close()


def test_a_camera_without_controls_is_told_once(fake_v4l2, caplog):
    cabin = Cabin(fake_v4l2(controls={}))
    cabin.see(250)
    assert caplog.text.count("no exposure and no gain to set") == 1
    cabin.follower.close()


def test_a_device_that_refuses_says_what_to_do(fake_v4l2):
    device = fake_v4l2(controls=usual())
    controls = V4l2Controls(device.path)
    device.error = errno.EIO
    with pytest.raises(CameraError, match="switch exposure control off"):
        controls.apply(Light(0.5, 0.0))
    with pytest.raises(CameraError, match="does not tell"):
        controls.light()
    controls.close()


def test_a_missing_device_file_is_one_sentence(tmp_path):
    with pytest.raises(CameraError, match="cannot be controlled"):
        V4l2Controls(tmp_path / "none")


class Cabin:
    """A follower with its device, and frames of a face of a given gray, 30 a second."""

    def __init__(self, device):
        self.device = device
        self.follower = ExposureFollower(str(device.path), ExposureSettings(enabled=True))
        self.count = 0

    def see(self, gray, frames=60, lost=False):
        for _ in range(frames):
            self.count += 1
            t_s = self.count / 30
            frame = None if lost else Frame(PICTURE, t_s, self.count)
            moment = Moment(DriverObservation(t_s, brightness=gray))
            self.follower.take(Step(moment, DriverState(t_s), frame))

    @property
    def exposure(self):
        return self.device.controls[EXPOSURE].value


def test_a_dark_face_gets_more_exposure_and_an_unseen_one_changes_nothing(fake_v4l2):
    cabin = Cabin(fake_v4l2(controls=usual()))
    cabin.see(None)
    assert cabin.exposure == 301
    cabin.see(40)
    assert 301 < cabin.exposure <= 901
    held = cabin.exposure
    cabin.see(110)
    assert cabin.exposure == held
    cabin.follower.close()


def test_a_camera_that_was_away_is_set_up_afresh(fake_v4l2):
    cabin = Cabin(fake_v4l2(controls=usual()))
    cabin.see(110)
    cabin.see(None, frames=1, lost=True)
    cabin.device.controls[AUTO].value = 3  # as a camera wakes up
    cabin.see(110, frames=1)
    assert cabin.device.controls[AUTO].value == 1
    cabin.follower.close()


def test_a_refusing_device_is_told_once_until_it_is_replugged(fake_v4l2, caplog):
    cabin = Cabin(fake_v4l2(controls=usual()))
    cabin.see(40, frames=1)
    cabin.device.error = errno.EIO
    cabin.see(40)
    assert caplog.text.count("Exposure stays as it is") == 1
    cabin.device.error = None
    cabin.see(40)
    assert cabin.exposure == 301  # left alone
    cabin.see(None, frames=1, lost=True)
    cabin.see(40)
    assert cabin.exposure > 301
    cabin.follower.close()
