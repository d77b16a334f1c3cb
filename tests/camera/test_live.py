"""The live wrapper over scripted sources: below the private hook only, no hardware is faked."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from dms.camera import live
from dms.camera.argus import ask_for_restart
from dms.camera.live import LiveCamera, capture_time
from dms.camera.settings import CameraSettings
from dms.camera.source import Picture, Source
from dms.errors import CameraError, CameraLostError

# A busy machine may not run a thread for a second: only what is to happen is given little time.
CALM = CameraSettings(first_frame_s=120, silent_s=60, frozen_s=None)
SILENT = replace(CALM, silent_s=0.3)
FROZEN = replace(CALM, frozen_s=0.3)


class Scripted(Source):
    """Runs ``script``, a function of the picture's number, at about 200 pictures a second."""

    def __init__(self, script):
        self.script = script
        self.count = 0
        self.opened = self.closed = False
        self.threads = set()

    def open(self):
        self.opened = True
        self.threads.add(threading.get_ident())

    def grab(self):
        self.threads.add(threading.get_ident())
        time.sleep(0.005)
        result = self.script(self.count)
        self.count += 1
        return result

    def close(self):
        self.threads.add(threading.get_ident())
        self.closed = True


def noisy(number, height=64, width=64):
    return Picture(np.random.default_rng(number).integers(0, 255, (height, width), np.uint8))


def drain(camera):
    while True:
        camera.read()


def open_patiently(camera, error=CameraLostError):
    """Open a patient camera; return the words of what it said meanwhile."""
    told = set()
    while True:
        try:
            camera.open()
        except error as said:
            told.add(str(said))
            time.sleep(0.01)
        else:
            return told


def test_the_newest_frame_wins_and_nothing_queues():
    source = Scripted(noisy)
    with LiveCamera(lambda: source, CALM) as camera:
        first = camera.read()
        wanted = source.count + 30
        while source.count < wanted:
            time.sleep(0.005)
        second, third = camera.read(), camera.read()
    assert second.sequence >= wanted - 2  # the newest may just be on its way
    assert third.sequence > second.sequence
    assert third.t_s > second.t_s > first.t_s


def test_opening_reading_and_closing_happen_in_one_thread():
    source = Scripted(noisy)
    with LiveCamera(lambda: source, CALM) as camera:
        camera.read()
    assert source.closed
    assert len(source.threads) == 1
    assert threading.get_ident() not in source.threads


@pytest.mark.parametrize("source", ["csi:0", "nvarguscamerasrc ! nvvidconv"])
def test_a_silent_csi_camera_names_nvidias_daemon_and_asks_for_its_restart(
    source, tmp_path, monkeypatch
):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    settings = replace(SILENT, source=source)
    with (
        LiveCamera(lambda: Scripted(lambda n: noisy(n) if n < 3 else None), settings) as camera,
        pytest.raises(CameraLostError, match="systemctl restart nvargus-daemon"),
    ):
        drain(camera)
    assert (tmp_path / "argus-restart").exists()


def test_a_csi_camera_that_does_not_open_names_nvidias_daemon_too(tmp_path, monkeypatch):
    """Where the daemon is dead, not stuck, the pipeline does not even start."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))

    class Dead(Scripted):
        def open(self):
            raise CameraError("The camera csi:0 cannot be opened.")

    camera = LiveCamera(lambda: Dead(noisy), replace(SILENT, source="csi:0"))
    with pytest.raises(CameraError, match=r"cannot be opened\. .*systemctl restart nvargus-daemon"):
        camera.open()
    assert (tmp_path / "argus-restart").exists()


def test_other_cameras_and_other_places_ask_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    with (
        LiveCamera(lambda: Scripted(lambda n: noisy(n) if n < 3 else None), SILENT) as camera,
        pytest.raises(CameraLostError) as told,
    ):
        drain(camera)
    assert "nvargus" not in str(told.value)
    assert not list(tmp_path.iterdir())
    monkeypatch.delenv("RUNTIME_DIRECTORY")  # by hand, not by systemd
    assert not ask_for_restart()


def test_a_silent_camera_is_lost_and_comes_back_by_reopening():
    sources = [Scripted(lambda n: noisy(n) if n < 3 else None), Scripted(noisy)]
    made = iter(sources)
    camera = LiveCamera(lambda: next(made), SILENT)
    camera.open()
    with pytest.raises(CameraLostError, match="silent: no new picture"):
        drain(camera)
    camera.close()
    camera.open()
    assert camera.read() is not None
    camera.close()
    assert all(source.closed for source in sources)


def test_no_first_picture_is_told_and_the_source_released():
    source = Scripted(lambda _: None)
    settings = replace(CALM, first_frame_s=0.2)
    with pytest.raises(CameraLostError, match="no first picture"):
        LiveCamera(lambda: source, settings).open()
    assert source.closed


def test_a_frozen_picture_is_lost():
    still = noisy(7)
    with (
        LiveCamera(lambda: Scripted(lambda _: still), FROZEN) as camera,
        pytest.raises(CameraLostError, match="frozen"),
    ):
        drain(camera)


def test_a_camera_that_stays_frozen_is_back_only_with_another_picture():
    still, moves = noisy(7), threading.Event()
    sources = []

    def fresh():
        sources.append(Scripted(lambda n: noisy(n) if moves.is_set() else still))
        return sources[-1]

    camera = LiveCamera(fresh, FROZEN, patient=True)
    open_patiently(camera)
    with pytest.raises(CameraLostError, match="frozen"):
        drain(camera)
    camera.close()
    for _ in range(2):  # a second opening has not forgotten what was seen before the first
        for _ in range(5):
            with pytest.raises(CameraLostError, match="No picture has come"):
                camera.open()
            wanted = sources[-1].count + 3
            while sources[-1].count < wanted:
                time.sleep(0.005)
        camera.close()
    moves.set()
    open_patiently(camera)
    assert camera.read() is not None
    camera.close()


@pytest.mark.parametrize("value", [0, 255])
def test_a_covered_or_washed_out_camera_is_not_frozen(value):
    blank = Picture(np.full((64, 64), value, np.uint8))
    source = Scripted(lambda _: blank)
    with LiveCamera(lambda: source, FROZEN) as camera:
        while source.count < 100:  # at least half a second, well beyond frozen_s
            assert camera.read() is not None


def test_watching_for_a_frozen_picture_can_be_switched_off():
    still = noisy(7)
    source = Scripted(lambda _: still)
    with LiveCamera(lambda: source, CALM) as camera:
        while source.count < 60:
            assert camera.read() is not None


@pytest.mark.parametrize("error", [CameraLostError("gone"), OSError(19, "No such device")])
def test_an_unplugged_camera_is_lost(error):
    def script(number):
        if number == 5:
            raise error
        return noisy(number)

    with (
        LiveCamera(lambda: Scripted(script), CALM) as camera,
        pytest.raises(CameraLostError, match=r"gone|No such device"),
    ):
        drain(camera)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_in_the_reader_is_told_not_waited_for():
    def script(_):
        raise ZeroDivisionError

    with pytest.raises(CameraLostError, match="defect"):
        LiveCamera(lambda: Scripted(script), CALM).open()


def test_a_read_that_blocks_for_ever_is_lost_and_left_behind():
    release = threading.Event()

    def script(number):
        if number == 2:
            release.wait()
        return noisy(number)

    camera = LiveCamera(lambda: Scripted(script), SILENT)
    lost = 0
    try:
        while not camera.given_up:  # a try that was silent before it blocked does not count
            camera.open()
            with pytest.raises(CameraLostError, match="silent"):
                drain(camera)
            camera.close()
            lost += 1
        assert lost >= 3
        with pytest.raises(CameraError, match="restart dms"):
            camera.open()
    finally:
        release.set()
        while any(thread.name == "dms-camera" for thread in threading.enumerate()):
            time.sleep(0.01)


def test_a_finite_stream_ends():
    class Finite(Scripted):
        def grab(self):
            self.ended = self.count == 4
            return None if self.ended else super().grab()

    with LiveCamera(lambda: Finite(noisy), CALM) as camera:
        assert list(camera)[-1].sequence == 3


def test_a_change_of_size_passes_through(caplog):
    size = [64, 64]
    with LiveCamera(lambda: Scripted(lambda n: noisy(n, *size)), CALM) as camera:
        assert camera.read().gray.shape == (64, 64)
        size[:] = [48, 96]
        while camera.read().gray.shape != (48, 96):
            pass
    assert "changed from" in caplog.text


def test_another_size_than_asked_for_is_told(caplog):
    settings = replace(CALM, width=640, height=480)
    with LiveCamera(lambda: Scripted(noisy), settings) as camera:
        camera.read()
    assert "64 x 64 instead of the 640 x 480" in caplog.text


def test_reading_a_closed_camera_is_refused():
    with pytest.raises(CameraError, match="not open"):
        LiveCamera(lambda: Scripted(noisy), CALM).read()


@pytest.mark.parametrize(
    ("driver", "expected"), [(None, 100.0), (99.97, 99.97), (100.2, 100.0), (1.7e9, 100.0)]
)
def test_only_a_plausible_driver_stamp_is_believed(driver, expected):
    assert capture_time(driver, 100.0) == expected


def test_a_patient_camera_never_waits_while_it_opens():
    held = threading.Event()

    def script(number):
        held.wait()
        return noisy(number)

    camera = LiveCamera(lambda: Scripted(script), CALM, patient=True)
    with pytest.raises(CameraLostError, match="No picture has come"):
        camera.read()
    for _ in range(3):
        with pytest.raises(CameraLostError, match="No picture has come"):
            camera.open()
    held.set()
    assert open_patiently(camera) <= {live._OPENING}
    assert camera.read() is not None
    camera.close()


def test_a_patient_camera_that_fails_says_why_and_tries_afresh():
    made = []

    def fresh():
        made.append(Scripted(noisy))
        if len(made) == 1:
            made[0].open = lambda: (_ for _ in ()).throw(CameraError("not there"))
        return made[-1]

    camera = LiveCamera(fresh, CALM, patient=True)
    told = open_patiently(camera, CameraError)
    assert "not there" in told
    assert told <= {live._OPENING, "not there"}
    assert len(made) == 2
    assert camera.read() is not None
    camera.close()


def test_an_interrupted_read_ends_soon():
    camera = LiveCamera(lambda: Scripted(lambda n: noisy(n) if n == 0 else None), CALM)
    with camera:
        camera.read()
        threading.Timer(0.1, camera.interrupt).start()
        assert camera.read() is None


def test_an_interruption_counts_once_and_is_forgotten_by_opening_again():
    source = Scripted(lambda n: noisy(n) if n == 0 or source.more else None)
    source.more = False
    camera = LiveCamera(lambda: source, CALM, patient=True)
    open_patiently(camera)
    camera.read()
    camera.interrupt()
    assert camera.read() is None
    camera.interrupt()
    camera.open()  # it runs: no new picture is waited for, but the interruption is over
    threading.Timer(0.1, lambda: setattr(source, "more", True)).start()
    assert camera.read() is not None
    camera.close()


@pytest.mark.parametrize("picture", [
    Picture(np.zeros((0, 64), np.uint8)),
    Picture(np.zeros((64, 64, 7), np.uint8)),
    Picture(np.random.default_rng(1).integers(0, 9, (64, 64), np.int32)),
])  # fmt: skip
def test_an_odd_picture_is_a_lost_camera_and_no_end_of_the_service(picture):
    source = Scripted(lambda number: noisy(number) if number < 5 else picture)
    with pytest.raises(CameraLostError), LiveCamera(lambda: source, CALM) as camera:
        drain(camera)


def test_stamps_that_are_set_back_do_not_stop_the_time():
    def script(number):
        back_s = 3.0 if number > 20 else 0.0
        return replace(noisy(number), t_s=time.monotonic() - back_s)

    with LiveCamera(lambda: Scripted(script), CALM) as camera:
        frames = []
        while not frames or frames[-1].sequence < 60:
            frames.append(camera.read())
    after = [frame.t_s for frame in frames if frame.sequence > 22]
    assert np.diff(after).min() > 1e-4  # not the microsecond by which time would be kept going
