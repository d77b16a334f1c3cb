"""Sound films that are built unlike most: nothing is lost, nothing is called damaged."""

from fractions import Fraction

import numpy as np
import pytest

av = pytest.importorskip("av", reason="PyAV (extra video) is not installed")

from dms.camera.backends import open_camera  # noqa: E402
from dms.camera.settings import CameraSettings  # noqa: E402

NOISE = np.random.default_rng(1).integers(0, 255, (120, 160), np.uint8)
FPS, COUNT = 25, 50


def picture(number, stamp, form):
    frame = av.VideoFrame.from_ndarray(np.roll(NOISE, 3 * number), format="gray")
    frame = frame.reformat(format=form)
    frame.pts, frame.time_base = stamp, Fraction(1, FPS)
    return frame


def sound(number):
    quiet = np.random.default_rng(number).normal(0, 0.1, (1, 1920)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(quiet, format="fltp", layout="mono")
    frame.sample_rate, frame.pts = 48000, number * 1920
    return frame


def film(path, codec, form="yuv420p", *, order="v", stamps=range(COUNT), fonts=0, options=None):
    """Write a film whose streams stand in ``order``: v pictures, a sound."""
    with av.open(str(path), "w") as out:
        streams = {}
        for kind in order:
            if kind == "v":
                streams[kind] = out.add_stream(codec, rate=FPS)
                streams[kind].width, streams[kind].height = NOISE.shape[::-1]
                streams[kind].pix_fmt, streams[kind].options = form, options or {}
            else:
                streams[kind] = out.add_stream("aac", rate=48000)
                streams[kind].layout = "mono"
        for number in range(fonts):
            out.add_attachment(f"{number}.ttf", "application/x-truetype-font", bytes(5000))
        for number, stamp in enumerate(stamps):
            out.mux(streams["v"].encode(picture(number, stamp, form)))
            if "a" in streams:
                out.mux(streams["a"].encode(sound(number)))
        for stream in streams.values():
            out.mux(stream.encode())
    return path


def read(path):
    with open_camera(CameraSettings(source=str(path))) as camera:
        return [round(frame.t_s, 2) for frame in camera], camera.damages


@pytest.mark.parametrize(
    ("name", "codec", "how"),
    [
        ("before.mkv", "libx264", {"order": "av"}),
        ("behind.mkv", "libx264", {"order": "va"}),
        ("before.webm", "libvpx", {}),
        ("before.mp4", "libx264", {"order": "av"}),
        ("fonts.mkv", "libx264", {"fonts": 2}),
        ("sound.avi", "mpeg4", {"order": "va"}),
        ("padded.ts", "libx264", {"order": "av"}),
    ],
)
def test_every_picture_comes_beside_sound_and_attachments(tmp_path, name, codec, how):
    times, damages = read(film(tmp_path / name, codec, **how))
    assert len(times) == COUNT
    assert not damages


@pytest.mark.parametrize(("codec", "form"), [("mjpeg", "yuvj420p"), ("mpeg4", "yuv420p")])
def test_an_avi_with_times_left_out_keeps_its_own(tmp_path, codec, form):
    stamps = [0, 1, 2, 5, 6, 7, 15, 16, 17, 18]
    times, damages = read(film(tmp_path / "film.avi", codec, form, stamps=stamps))
    assert times == [round(stamp / FPS, 2) for stamp in stamps]
    assert not damages


def test_zeros_before_a_start_code_are_no_damage_and_those_within_are(tmp_path):
    path = film(tmp_path / "film.h264", "libx264", options={"x264-params": "aud=1"})
    unit = b"\0\0\0\1\x09"
    plain = path.read_bytes()
    path.write_bytes((bytes(100) + unit).join(plain.split(unit)))
    times, damages = read(path)
    assert len(times) == COUNT
    assert not damages
    middle = len(plain) // 2
    path.write_bytes(plain[:middle] + bytes(300) + plain[middle + 300 :])
    assert read(path)[1]


def test_a_transparent_film_is_whole(tmp_path):
    options = {"auto-alt-ref": "0", "deadline": "realtime", "b": "3M"}
    times, damages = read(film(tmp_path / "film.webm", "libvpx", "yuva420p", options=options))
    assert len(times) == COUNT
    assert not damages
