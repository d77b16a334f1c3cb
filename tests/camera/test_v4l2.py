"""linuxpy's device over a fake of the kernel's ioctls; tests/system has a real driver."""

import errno

import numpy as np
import pytest

from dms.camera.gray import frame_picture
from dms.camera.settings import CameraSettings
from dms.errors import CameraError, CameraLostError

pytest.importorskip("linuxpy", reason="linuxpy (extra v4l2) is not installed")
from dms.camera import v4l2
from tests.camera.fake_v4l2 import Setting


@pytest.fixture
def opened():
    """Return what opens a device and closes it in the end."""
    made = []

    def start(device, **settings):
        source = v4l2.V4l2Device(CameraSettings(source=str(device.path), **settings))
        made.append(source)
        source.open()
        return source

    yield start
    for source in made:
        source.close()


def picture(device, bytes_a_pixel=1):
    width, height = device.size
    rows = np.arange(width * height * bytes_a_pixel, dtype=np.uint32).reshape(height, -1) % 251
    padded = np.full((height, device.stride), 255, np.uint8)
    padded[:, : rows.shape[1]] = rows
    return rows.astype(np.uint8), padded.tobytes()


def test_gray_comes_as_it_is_with_the_drivers_stamp(fake_v4l2, opened):
    device = fake_v4l2(formats=["YUYV", "GREY"], stride=72)
    source = opened(device, fps=30)
    rows, raw = picture(device)
    device.pictures = [raw, raw]
    first, second = source.grab(), source.grab()
    assert np.array_equal(first.image, rows)  # the sensor's own gray, without the padding
    assert (first.bits, device.form, device.fps) == (8, "GREY", 30)
    assert 0 <= second.t_s - first.t_s < 60


def test_deep_gray_keeps_its_bits(fake_v4l2, opened):
    device = fake_v4l2(formats=["Y10 "], stride=128)
    source = opened(device, pixel_format="Y10")
    device.pictures = [np.full((48, 64), 1023, "<u2").tobytes()]
    seen = source.grab()
    assert (seen.bits, seen.image.dtype, int(seen.image.max())) == (10, np.uint16, 1023)


def test_deep_gray_from_nvidias_vi_is_read_as_bright_as_it_is(fake_v4l2, opened):
    device = fake_v4l2(formats=["Y10 "], stride=128)
    source = opened(device, pixel_format="Y10")
    words = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) % 656  # a mean of about 82 of 255
    device.pictures = [((words << 6) | (words >> 4)).astype("<u2").tobytes()]
    seen = source.grab()
    gray = frame_picture(seen, CameraSettings())
    assert (seen.bits, int(gray.max())) == (16, 163)


def test_stamps_of_another_clock_are_not_believed(fake_v4l2, opened):
    device = fake_v4l2()
    source = opened(device)
    device.clock = 0
    device.pictures = [picture(device)[1]]
    assert source.grab().t_s is None


def test_a_buffer_that_the_driver_marks_as_broken_is_passed_over(fake_v4l2, opened):
    device = fake_v4l2()
    source = opened(device)
    device.pictures = [None, picture(device)[1]]
    assert source.grab() is None
    assert source.grab() is not None


def test_a_picture_that_is_cut_off_is_a_lost_camera(fake_v4l2, opened):
    device = fake_v4l2()
    source = opened(device)
    device.pictures = [picture(device)[1][:100]]
    with pytest.raises(CameraLostError, match="cut off"):
        source.grab()


def test_an_unplugged_camera_is_lost_and_closes_quietly(fake_v4l2, opened):
    device = fake_v4l2()
    source = opened(device)
    device.error = errno.ENODEV
    with pytest.raises(CameraLostError, match="plug it in again"):
        source.grab()
    source.close()
    source.close()
    assert source.grab() is None


def test_another_size_than_asked_for_is_what_comes(fake_v4l2, opened):
    device = fake_v4l2(size=(96, 40))
    source = opened(device, width=640, height=480)
    device.pictures = [picture(device)[1]]
    assert source.grab().image.shape == (40, 96)


def test_a_format_that_is_not_offered_names_those_that_are(fake_v4l2, opened):
    with pytest.raises(CameraError, match="offers YUYV, MJPG, not Y10"):
        opened(fake_v4l2(formats=["YUYV", "MJPG"]), pixel_format="Y10")


def test_a_driver_that_gives_another_format_is_told(fake_v4l2, opened):
    device = fake_v4l2(formats=["YUYV", "GREY"])
    device.stubborn = True
    with pytest.raises(CameraError, match="gave YUYV where GREY was asked for"):
        opened(device)


def test_a_driver_without_rates_is_told_and_used(fake_v4l2, opened, caplog):
    device = fake_v4l2()
    device.refused = {22}
    opened(device, fps=30)
    assert device.streaming
    assert "frame rate cannot be set to" in caplog.text


def test_nvidias_csi_drivers_get_their_rate_by_their_own_control(fake_v4l2, opened, caplog):
    automatic, rate = 0x009A0901, 0x009A200B
    controls = {automatic: Setting(0, 3, 3), rate: Setting(2_000_000, 60_000_000, 0, wide=True)}
    device = fake_v4l2(controls=controls)
    device.refused = {22}  # VIDIOC_S_PARM
    opened(device, fps=30)
    assert (controls[rate].value, controls[automatic].value) == (30_000_000, 3)
    assert not caplog.records


def test_a_device_in_use_says_what_to_look_at(fake_v4l2, opened):
    device = fake_v4l2()
    device.error = errno.EBUSY
    with pytest.raises(CameraError, match="is another program using it"):
        opened(device)
