"""What only PyAV reads right: interlaced films of each kind, oblong pixels, deep and full luma."""

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("av", reason="PyAV (extra video) is not installed")

from dms.camera.backends import open_camera
from dms.camera.settings import CameraSettings
from tools.fuzz.damage import damaged, packets_of
from tools.rendering.formats import FORMATS, Format, write_film

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
    how = Format(path.suffix, codec, options or {}, form, interlaced, shape, start=start)
    pictures = [cabin(index if interlaced else 2 * index) for index in range(2 * COUNT)]
    return write_film(path, how, pictures if interlaced else pictures[:COUNT], FPS)


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


def read_damaged(path):
    """Return the times of the pictures and what is told of the others."""
    with open_camera(CameraSettings(source=str(path))) as camera:
        times = [frame.t_s for frame in camera]
        damages = camera.damages
    return times, damages


def missing_are_told(times, damages, count=COUNT):
    missing = sorted(set(range(count)) - {round(t * FPS) for t in times})
    end_s = float("inf")
    told = [(d.from_s * FPS, (d.to_s or end_s) * FPS) for d in damages]
    return all(any(low < number < high for low, high in told) for number in missing)


@pytest.mark.parametrize("seed", range(6))
def test_a_zeroed_flipped_or_overwritten_block_costs_no_more_than_its_pictures(tmp_path, seed):
    """After the damage the film goes on at its own times, and the gap is told with them."""
    path = film(tmp_path / "film.mp4", "libx264", options={"crf": "18", "g": "5"})
    data, rng = path.read_bytes(), np.random.default_rng(seed)
    begin = data.index(b"mdat") + 8
    end = data.rindex(b"moov") - 4 if data.rindex(b"moov") > begin else len(data)
    length = (end - begin) // 12
    at = int(rng.integers(begin + (end - begin) // 3, end - (end - begin) // 3))
    block = rng.integers(0, 256, length, np.uint8).tobytes()
    whole = data[:at] + block + data[at + length :]
    if seed % 2 == 0:
        whole = damaged(data, at, length, "flipped" if seed % 4 else "zeroed")
    path.write_bytes(whole)
    times, damages = read_damaged(path)
    assert times[-1] == pytest.approx((COUNT - 1) / FPS, abs=0.001)
    assert len(times) < COUNT
    assert damages
    assert missing_are_told(times, damages)


@pytest.mark.parametrize("name", ["Motion JPEG, AVI", "MPEG-4, AVI"])
@pytest.mark.parametrize("way", ["zeroed", "flipped", "cut out"])
def test_an_avi_goes_on_at_its_own_times_too(tmp_path, name, way):
    """AVI has no stamps: its index tells how many pictures the damage took."""
    pictures = [cabin(2 * index) for index in range(COUNT)]
    path = write_film(tmp_path / "film.avi", FORMATS[name], pictures, FPS)
    data = path.read_bytes()
    movi, index = data.index(b"movi"), data.rindex(b"idx1")
    path.write_bytes(damaged(data, (movi + index) // 2, (index - movi) // 8, way))
    times, damages = read_damaged(path)
    assert len(times) < COUNT
    assert times[-1] == pytest.approx((COUNT - 1) / FPS, abs=0.001)
    assert missing_are_told(times, damages)


def test_an_avi_whose_index_is_lost_tells_how_many_are_missing(tmp_path):
    pictures = [cabin(2 * index) for index in range(COUNT)]
    path = write_film(tmp_path / "film.avi", FORMATS["Motion JPEG, AVI"], pictures, FPS)
    data = path.read_bytes()
    movi, index = data.index(b"movi"), data.rindex(b"idx1")
    data = damaged(data[:index], (movi + index) // 2, (index - movi) // 8, "zeroed")
    path.write_bytes(data)
    times, damages = read_damaged(path)
    assert len(times) < COUNT - 1
    told = "; ".join(map(str, damages))
    assert f"{COUNT - len(times)} of {COUNT} pictures are missing, where is not known" in told


@pytest.mark.parametrize("way", ["zeroed", "flipped"])
@pytest.mark.parametrize("left", [0, 3])  # sound pictures after it
def test_damage_in_the_last_two_seconds_is_told_with_its_times(tmp_path, way, left):
    path = film(tmp_path / "film.mp4", "libx264", options={"crf": "18", "g": "1", "bf": "0"})
    packets = packets_of(path)
    begin, end = packets[-3 - left].begin, packets[-1 - left].end
    path.write_bytes(damaged(path.read_bytes(), begin, end - begin, way))
    times, damages = read_damaged(path)
    assert len(times) == COUNT - 3
    assert missing_are_told(times, damages)
    (damage,) = damages
    last = COUNT - 4 - left
    assert damage.from_s == pytest.approx(last / FPS, abs=0.001)
    assert damage.to_s == (pytest.approx((COUNT - left) / FPS, abs=0.001) if left else None)


def test_a_film_whose_end_cannot_be_decoded_was_not_cut_off(tmp_path):
    """All of it is there, so it is a gap to the end (code 7), not a truncated file (code 3)."""
    path = film(tmp_path / "film.mp4", "libx264", options={"crf": "18", "g": "1", "bf": "0"})
    packets = packets_of(path)
    begin = packets[COUNT // 4].begin
    path.write_bytes(damaged(path.read_bytes(), begin, packets[-1].end - begin, "zeroed"))
    times, damages = read_damaged(path)
    assert len(times) == COUNT // 4
    assert [one.to_s for one in damages] == [None]
    assert missing_are_told(times, damages)


@pytest.mark.parametrize("name", ["Motion JPEG, AVI", "H.264, MP4", "HEVC, 10 bits"])
def test_zeros_within_one_picture_are_told(tmp_path, name):
    """FFmpeg may show what it makes of them, without a word."""
    noise = np.random.default_rng(1).integers(0, 255, SIZE[::-1], np.uint8)
    pictures = [np.roll(noise, 5 * index, 1) for index in range(COUNT)]
    path = write_film(tmp_path / f"film{FORMATS[name].suffix}", FORMATS[name], pictures, FPS)
    data = path.read_bytes()
    for number in (5, 9, 14):
        packet = packets_of(path)[number]
        at = (2 * packet.begin + packet.end) // 3
        path.write_bytes(damaged(data, at, (packet.end - packet.begin) // 4, "zeroed"))
        _, damages = read_damaged(path)
        assert damages, number
        path.write_bytes(data)
        assert not read_damaged(path)[1]


@pytest.mark.parametrize("way", ["zeroed", "flipped", "cut out"])
def test_what_matroskas_reader_passes_over_is_told(tmp_path, way):
    noise = np.random.default_rng(1).integers(0, 255, SIZE[::-1], np.uint8)
    pictures = [np.roll(noise, 5 * index, 1) for index in range(COUNT)]
    path = write_film(tmp_path / "film.mkv", FORMATS["Motion JPEG, Matroska"], pictures, FPS)
    assert not read_damaged(path)[1]
    packets = packets_of(path)
    begin, end = packets[5].begin - 20, packets[7].end - 2000
    path.write_bytes(damaged(path.read_bytes(), begin, end - begin, way))
    times, damages = read_damaged(path)
    assert len(times) == COUNT - 3
    assert missing_are_told(times, damages)
    assert "cannot be read" in damages[0].words
