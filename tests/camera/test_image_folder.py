import cv2
import numpy as np
import pytest

from dms.bench.audit import measure
from dms.camera.backends import open_camera
from dms.camera.settings import CameraSettings
from dms.chain import Chain
from dms.config import load
from dms.errors import CameraError, ConfigError, DamagedError


def ramp(kind=np.uint8, top=255, height=64, width=80):
    return np.tile(np.linspace(0, top, width), (height, 1)).astype(kind)


def read_all(folder, **settings):
    with open_camera(CameraSettings(source=str(folder), **settings)) as camera:
        return list(camera)


def write(folder, name, image):
    assert cv2.imwrite(str(folder / name), image)


def test_pictures_come_in_natural_order_at_the_given_rate(tmp_path):
    for number in (10, 9, 100):
        write(tmp_path, f"frame{number}.png", np.full((64, 64), number, np.uint8))
    frames = read_all(tmp_path, fps=25)
    assert [int(frame.gray[0, 0]) for frame in frames] == [9, 10, 100]
    assert [frame.t_s for frame in frames] == pytest.approx([0, 0.04, 0.08])


def test_what_macos_puts_beside_each_picture_takes_no_time(tmp_path):
    """Of a card that it wrote to: 4 kB of attributes under the picture's own ending."""
    for number in range(3):
        write(tmp_path, f"{number}.png", ramp())
        (tmp_path / f"._{number}.png").write_bytes(b"\0\5\x16\7")
    with open_camera(CameraSettings(source=str(tmp_path), fps=10)) as camera:
        assert [frame.t_s for frame in camera] == pytest.approx([0.0, 0.1, 0.2])
        assert not camera.damages


def test_digits_of_other_kinds_are_names(tmp_path):
    for name in ("5\u00b27.png", "5\u00b210.png"):
        write(tmp_path, name, ramp())
    assert len(read_all(tmp_path, fps=1)) == 2


@pytest.mark.parametrize("suffix", ["png", "bmp", "jpg", "tiff", "webp", "pgm", "jp2"])
def test_any_format_is_read(tmp_path, suffix):
    write(tmp_path, f"a.{suffix}", ramp())
    (frame,) = read_all(tmp_path, fps=1)
    assert np.abs(frame.gray.astype(int) - ramp()).max() <= 6  # lossy ones


def test_colour_becomes_gray_and_alpha_is_dropped(tmp_path):
    colour = np.zeros((64, 64, 4), np.uint8)
    colour[..., 1], colour[..., 3] = 200, 10
    write(tmp_path, "a.png", colour)
    (frame,) = read_all(tmp_path, fps=1)
    assert frame.gray[0, 0] == round(0.587 * 200)


@pytest.mark.parametrize(("bits", "top"), [(None, 65535), (16, 65535), (12, 4095), (10, 1023)])
def test_deeper_gray_is_scaled_by_its_declared_depth(tmp_path, bits, top):
    write(tmp_path, "a.png", ramp(np.uint16, top))
    (frame,) = read_all(tmp_path, fps=1, bits=bits)
    assert np.abs(frame.gray.astype(int) - ramp()).max() <= 1
    assert frame.gray.max() == 255


def test_values_above_the_declared_depth_saturate(tmp_path):
    write(tmp_path, "a.png", np.full((64, 64), 5000, np.uint16))
    assert read_all(tmp_path, fps=1, bits=10)[0].gray.max() == 255


def test_times_come_from_the_table_and_choose_the_pictures(tmp_path):
    for name, value in (("b.png", 1), ("a.png", 2), ("left_out.png", 3)):
        write(tmp_path, name, np.full((64, 64), value, np.uint8))
    (tmp_path / "timestamps.csv").write_bytes(
        b"\xef\xbb\xbffile,t_s\r\nb.png,10.0\r\na.png,10.5\r\n"  # as spreadsheets save it
    )
    frames = read_all(tmp_path)
    assert [(frame.t_s, int(frame.gray[0, 0])) for frame in frames] == [(0.0, 1), (0.5, 2)]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("name,when\n", "timestamps.csv:1: expected columns"),
        ("file,t_s\na.png,soon\n", "timestamps.csv:2: expected seconds, got 'soon'"),
        ("file,t_s\na.png,nan\n", "timestamps.csv:2: expected seconds"),
        ("file,t_s\na.png,1\nb.png,1\n", "timestamps.csv:3: times must rise"),
        ("file,t_s\n\xe4.png,1\n", "no table in UTF-8"),
    ],
)
def test_a_bad_table_is_told_with_its_line(tmp_path, table, message):
    write(tmp_path, "a.png", ramp())
    (tmp_path / "timestamps.csv").write_bytes(table.encode("latin-1"))
    with pytest.raises(ConfigError, match=message):
        read_all(tmp_path)


def test_a_table_that_lists_a_missing_picture_is_refused(tmp_path):
    write(tmp_path, "a.png", ramp())
    (tmp_path / "timestamps.csv").write_text("file,t_s\na.png,1\ngone.png,2\n")
    with pytest.raises(CameraError, match=r"lists gone\.png"):
        read_all(tmp_path)


def test_without_table_or_rate_the_message_says_what_to_add(tmp_path):
    write(tmp_path, "a.png", ramp())
    with pytest.raises(CameraError, match=r"set camera\.fps"):
        read_all(tmp_path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("b.pgm", b"P5 999999 999999 255\n123"),  # a size that none has
        ("b.exr", b"\x76\x2f\x31\x01" + bytes(50)),  # a format that OpenCV has switched off
    ],
)
def test_of_which_opencv_makes_an_exception_is_damaged_as_well(tmp_path, name, data):
    for good in ("a.png", "c.png"):
        write(tmp_path, good, ramp())
    (tmp_path / name).write_bytes(data)
    with open_camera(CameraSettings(source=str(tmp_path), fps=1)) as camera:
        assert [frame.t_s for frame in camera] == [0.0, 2.0]
        assert f"{name} is damaged or no picture" in str(camera.damages[0])
    with pytest.raises(ConfigError, match="no picture that OpenCV reads"):
        next(iter(measure([{"file": str(tmp_path / name)}], Chain(load()))))


def test_a_damaged_picture_is_named_and_passed_over(tmp_path):
    for name in ("a.png", "c.png"):
        write(tmp_path, name, ramp())
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    with open_camera(CameraSettings(source=str(tmp_path), fps=1)) as camera:
        assert [frame.t_s for frame in camera] == [0.0, 2.0]  # c keeps its place in time
        (damage,) = camera.damages
    assert str(damage) == "no picture from 0.00 s to 2.00 s (b.png is damaged or no picture)"
    with pytest.raises(DamagedError, match=r"b\.png is damaged"):
        read_all(tmp_path, fps=1, strict=True)


def test_a_folder_of_damaged_pictures_alone_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(CameraError, match="None of the pictures"):
        read_all(tmp_path, fps=1)


def test_other_files_are_left_aside_and_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(CameraError, match="holds no picture"):
        read_all(tmp_path, fps=1)


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(CameraError, match="There is no folder"):
        read_all(tmp_path / "gone", kind="folder", fps=1)


def test_a_bad_picture_among_given_times_is_told_where_it_is(tmp_path):
    for number in range(10):
        write(tmp_path, f"{number}.png", ramp())
    (tmp_path / "3.png").write_bytes(b"no picture")
    rows = "".join(f"{number}.png,{number / 10}\n" for number in range(10))
    (tmp_path / "timestamps.csv").write_text("file,t_s\n" + rows)
    with open_camera(CameraSettings(source=str(tmp_path))) as camera:
        assert len(list(camera)) == 9
        (damage,) = camera.damages
    assert (damage.from_s, damage.to_s) == pytest.approx((0.2, 0.4))


def test_a_folder_without_pictures_is_not_asked_for_times(tmp_path):
    with (
        pytest.raises(CameraError, match="holds no picture"),
        open_camera(CameraSettings(source=str(tmp_path))),
    ):
        pass
