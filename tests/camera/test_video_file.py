import cv2
import numpy as np
import pytest

from dms.camera import backends
from dms.camera.backends import open_camera
from dms.camera.settings import CameraSettings
from dms.errors import CameraError, DamagedError

FPS = 20.0
COUNT = 60


def picture(index, height=96, width=128):
    image = np.full((height, width, 3), 60, np.uint8)
    cv2.circle(image, (10 + index, height // 2), 8, (200, 200, 200), -1)
    return image


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), FPS, (128, 96))
    assert writer.isOpened()
    for index in range(COUNT):
        writer.write(picture(index))
    writer.release()
    return path


@pytest.fixture(autouse=True, params=["pyav", "opencv"])
def decoder(request, monkeypatch):
    """Read with each decoder that a machine may have."""
    if request.param == "opencv":
        monkeypatch.setitem(backends.BACKENDS, "file", backends.BACKENDS["file-opencv"])
    else:
        pytest.importorskip("av", reason="PyAV (extra video) is not installed")
    return request.param


def read_all(**settings):
    with open_camera(CameraSettings(**settings)) as camera:
        return list(camera)


def test_every_frame_comes_once_with_its_own_time(clip):
    frames = read_all(source=str(clip))
    assert [frame.sequence for frame in frames] == list(range(COUNT))
    assert np.allclose([frame.t_s for frame in frames], np.arange(COUNT) / FPS, atol=1e-6)
    assert frames[0].gray.shape == (96, 128)
    assert frames[0].gray.dtype == np.uint8
    assert frames[0].gray.flags.c_contiguous


def test_reading_twice_gives_the_same_pictures_and_times(clip):
    first, second = read_all(source=str(clip)), read_all(source=str(clip))
    assert all(
        a.t_s == b.t_s and np.array_equal(a.gray, b.gray)
        for a, b in zip(first, second, strict=True)
    )


def test_a_closed_recording_starts_again_from_its_first_frame(clip):
    camera = open_camera(CameraSettings(source=str(clip)))
    with camera:
        first = camera.read()
        camera.read()
    with camera:
        again = camera.read()
    assert again.t_s == 0.0
    assert again.sequence == 0
    assert np.array_equal(first.gray, again.gray)


def test_time_scale_stretches_a_clip_that_was_played_faster(clip):
    frames = read_all(source=str(clip), time_scale=2.0)
    assert frames[-1].t_s == pytest.approx(2 * (COUNT - 1) / FPS)


def test_a_given_rate_overrides_the_stamps_of_the_file(clip):
    frames = read_all(source=str(clip), fps=10)
    assert frames[-1].t_s == pytest.approx((COUNT - 1) / 10)


def test_rotation_and_mirror_turn_the_picture(clip):
    plain = read_all(source=str(clip))[0].gray
    turned = read_all(source=str(clip), rotate_deg=90, mirror=True)[0].gray
    assert np.array_equal(turned, np.fliplr(np.rot90(plain, -1)))


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_cut_off_file_delivers_what_it_has_and_then_says_truncated(clip, share):
    data = clip.read_bytes()
    clip.write_bytes(data[: int(len(data) * share)])
    seen = []
    with open_camera(CameraSettings(source=str(clip))) as camera:
        frames = iter(camera)
        with pytest.raises(CameraError, match="truncated or damaged") as caught:
            seen.extend(frames)
        assert camera.read() is None
    assert 0 < len(seen) < COUNT
    assert f"({COUNT} frames)" in str(caught.value)


@pytest.mark.parametrize("missing", [0, 40])
def test_stamps_that_start_late_do_not_make_a_file_truncated(clip, monkeypatch, missing, decoder):
    """Matroska cut out of a longer recording declares where it ends, not how long it is."""
    if decoder == "pyav":
        pytest.skip("its own test has a real file: test_pyav_file.py")
    late_s, real = 50.0, cv2.VideoCapture

    class Late:
        def __init__(self, *where):
            self.capture = real(*where)

        def __getattr__(self, name):
            return getattr(self.capture, name)

        def get(self, what):
            value = self.capture.get(what)
            if what == cv2.CAP_PROP_FRAME_COUNT:
                return late_s * FPS + COUNT + missing
            return value + late_s * FPS if what == cv2.CAP_PROP_PTS else value

    monkeypatch.setattr(cv2, "VideoCapture", Late)
    if missing:
        with pytest.raises(CameraError, match="truncated"):
            read_all(source=str(clip))
    else:
        times = [frame.t_s for frame in read_all(source=str(clip))]
        assert times == pytest.approx([number / FPS for number in range(COUNT)])


def test_an_mp4_without_its_index_is_told_as_cut_off(tmp_path):
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), FPS, (128, 96))
    for index in range(COUNT):
        writer.write(picture(index))
    writer.release()
    assert len(read_all(source=str(path))) == COUNT
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(CameraError, match="cut off before its index"):
        read_all(source=str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "There is no recording"), (b"", "is empty"), (b"not a video", "not a video")],
)
def test_unusable_files_are_told_apart(tmp_path, content, message):
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CameraError, match=message):
        read_all(source=str(path))


def test_a_folder_given_as_a_file_is_refused_by_name(tmp_path):
    with pytest.raises(CameraError, match="cannot be read"):
        read_all(source=str(tmp_path), kind="file")


def test_a_gif_of_uneven_frame_times_keeps_them(tmp_path):
    path = tmp_path / "clip.gif"
    durations = [40, 40, 200, 40, 100, 40]
    animation = cv2.Animation()
    animation.frames = [cv2.cvtColor(picture(i * 9), cv2.COLOR_BGR2BGRA) for i in range(6)]
    animation.durations = np.array(durations, np.int32)
    assert cv2.imwriteanimation(str(path), animation)
    times = [frame.t_s for frame in read_all(source=str(path))]
    assert np.allclose(times, np.concatenate(([0], np.cumsum(durations)[:-1])) / 1000, atol=0.011)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "fps", "frames"),
    [
        ("clips/microsleep_desk.mp4", 20.0, 203),
        ("clips/head_turned_away.mp4", 19.9, 101),
        ("clips/acted_yawns_2x.gif", 25.0, 113),
        ("clips/expressions_webcam.mp4", 25.0, 1337),
        ("clips/face_then_none.mov", 26.4, 169),
        ("clips/none_then_face.mov", 26.5, 169),
        ("zju_blink/000001M_FBN.mp4", 30.0, 137),
    ],
)
def test_real_clips_run_at_their_labelled_rate(data, name, fps, frames):
    got = read_all(source=str(data / name))
    times = np.array([frame.t_s for frame in got])
    assert len(got) == frames
    assert times[0] == 0.0
    assert (np.diff(times) > 0).all()
    assert (len(got) - 1) / times[-1] == pytest.approx(fps, rel=0.005)


def test_what_cannot_be_decoded_in_the_middle_is_a_gap_and_not_the_end(clip, decoder):
    data = bytearray(clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 10] = bytes(len(data) // 10)
    clip.write_bytes(data)
    with open_camera(CameraSettings(source=str(clip))) as camera:
        frames = list(camera)
        damages = camera.damages
    assert COUNT * 0.7 < len(frames) < COUNT
    # AVI has no stamps: what cannot be found there is not counted either (MP4: test_pyav_file.py).
    assert frames[-1].t_s == pytest.approx((COUNT - 1) / FPS, abs=0.4)
    assert damages or decoder == "opencv"  # which passes over it without a word
    if decoder == "opencv":
        return
    with pytest.raises(DamagedError, match="no picture from"):
        read_all(source=str(clip), strict=True)


def test_a_name_with_a_colon_is_a_files_name(clip, tmp_path, monkeypatch):
    (tmp_path / "2026-11-29T21:54:00.avi").write_bytes(clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert len(read_all(source="2026-11-29T21:54:00.avi")) == COUNT
