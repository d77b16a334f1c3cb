"""What only PyAV reads right: interlaced films of each kind, oblong pixels, deep and full luma."""

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("av", reason="PyAV (extra video) is not installed")
import av

from dms.camera.backends import open_camera
from dms.camera.settings import CameraSettings

SIZE = (720, 576)  # DV knows no other
FPS = 25
COUNT = 20


def cabin(index, moving=True):
    """Luma (H, W) of a bright bar that moves over a soft background."""
    width, height = SIZE
    picture = np.tile(np.linspace(60, 120, width), (height, 1))
    left = 100 + 12 * index if moving else 200
    picture[150:420, left : left + 80] = 220
    return picture.astype(np.uint8)


def film(path, codec, *, options=None, interlaced=False, form="yuv420p", shape=None, start=0):
    """Write :data:`COUNT` pictures; two moments a picture where interlaced."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, form
        stream.options = dict(options or {})
        if shape:
            stream.codec_context.sample_aspect_ratio = shape
        for index in range(COUNT):
            luma = cabin(2 * index)
            if interlaced:
                luma[1::2] = cabin(2 * index + 1)[1::2]
            frame = av.VideoFrame.from_ndarray(luma, format="gray").reformat(format=form)
            frame.pts, frame.time_base = index + start, Fraction(1, FPS)
            for packet in stream.encode(frame):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    return path


def read(path, **settings):
    with open_camera(CameraSettings(source=str(path), **settings)) as camera:
        return [frame.gray for frame in camera]


FIELDS = {"flags": "+ildct+ilme", "b": "8M"}
KINDS = {
    "h264.mkv": ("libx264", {"x264-params": "tff=1:bframes=0", "crf": "12"}, "yuv420p"),
    "mpeg2.mpg": ("mpeg2video", FIELDS, "yuv420p"),
    "mpeg4.avi": ("mpeg4", FIELDS, "yuv420p"),
    "dv.dv": ("dvvideo", {}, "yuv420p"),
}


@pytest.mark.parametrize("name", list(KINDS))
def test_an_interlaced_film_shows_one_field_and_never_black(tmp_path, name):
    codec, options, form = KINDS[name]
    frames = read(film(tmp_path / name, codec, options=options, interlaced=True, form=form))
    assert len(frames) >= COUNT - 1
    for index, gray in enumerate(frames[:5]):
        assert gray.shape == SIZE[::-1] or name == "dv.dv"  # DV has oblong pixels
        assert 60 < gray.mean() < 160
        bar = gray[200:400].astype(int)
        combs = np.abs(bar[1:] - bar[:-1]).mean()
        assert combs < 3, index  # two moments in one picture would differ by up to 100 a line


def test_brightness_is_that_of_the_film_in_limited_and_full_range(tmp_path):
    for form, codec in (("yuv420p", "libx264"), ("yuvj420p", "mjpeg")):
        path = film(tmp_path / f"{form}.mkv", codec, form=form, options={"crf": "10"})
        first = read(path)[0].astype(int)
        assert np.abs(first - cabin(0)).mean() < 2.5, form


def test_ten_bits_become_eight(tmp_path):
    path = film(tmp_path / "deep.mkv", "libx265", form="yuv420p10le", options={"crf": "10"})
    assert np.abs(read(path)[0].astype(int) - cabin(0)).mean() < 2.5


def test_oblong_pixels_are_made_square(tmp_path):
    path = film(tmp_path / "wide.mkv", "libx264", shape=Fraction(2, 1))
    assert read(path)[0].shape == (SIZE[1], 2 * SIZE[0])


def test_stamps_that_start_late_do_not_make_a_file_truncated(tmp_path):
    path = film(tmp_path / "late.mkv", "libx264", start=50 * FPS)
    assert len(read(path)) == COUNT


@pytest.mark.parametrize("seed", range(6))
def test_a_zeroed_cut_or_flipped_block_costs_no_more_than_its_pictures(tmp_path, seed):
    """After the damage the film goes on at its own times, and the gap is told with them."""
    path = film(tmp_path / "film.mp4", "libx264", options={"crf": "18", "g": "5"})
    data, rng = bytearray(path.read_bytes()), np.random.default_rng(seed)
    begin = data.index(b"mdat") + 8
    end = data.rindex(b"moov") - 4 if data.rindex(b"moov") > begin else len(data)
    length = (end - begin) // 12
    at = int(rng.integers(begin + (end - begin) // 3, end - (end - begin) // 3))
    block = rng.integers(0, 256, length, np.uint8).tobytes() if seed % 2 else bytes(length)
    data[at : at + length] = block
    path.write_bytes(data)
    with open_camera(CameraSettings(source=str(path))) as camera:
        times = [frame.t_s for frame in camera]
        damages = camera.damages
    assert times[-1] == pytest.approx((COUNT - 1) / FPS, abs=0.001)
    assert len(times) < COUNT
    assert damages
    missing = sorted(set(range(COUNT)) - {round(t * FPS) for t in times})
    end_s = float("inf")
    told = [(d.from_s * FPS, (d.to_s or end_s) * FPS) for d in damages]
    assert all(any(low < number < high for low, high in told) for number in missing)
