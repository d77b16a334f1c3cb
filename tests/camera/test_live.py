"""The live wrapper over scripted sources: below the private hook only, no hardware is faked."""

import threading
import time

import numpy as np
import pytest

from dms.camera.live import LiveCamera, capture_time
from dms.camera.settings import CameraSettings
from dms.camera.source import Picture, Source
from dms.errors import CameraError, CameraLostError

QUICK = CameraSettings(first_frame_s=1.0, silent_s=0.3, frozen_s=0.3)


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


def test_the_newest_frame_wins_and_nothing_queues():
    source = Scripted(noisy)
    with LiveCamera(lambda: source, QUICK) as camera:
        first = camera.read()
        while source.count < 30:
            time.sleep(0.005)
        second, third = camera.read(), camera.read()
    assert first.sequence == 0
    assert second.sequence >= 28
    assert third.sequence > second.sequence
    assert third.t_s > second.t_s > first.t_s


def test_opening_reading_and_closing_happen_in_one_thread():
    source = Scripted(noisy)
    with LiveCamera(lambda: source, QUICK) as camera:
        camera.read()
    assert source.closed
    assert len(source.threads) == 1
    assert threading.get_ident() not in source.threads


def test_a_silent_camera_is_lost_and_comes_back_by_reopening():
    sources = [Scripted(lambda n: noisy(n) if n < 3 else None), Scripted(noisy)]
    made = iter(sources)
    camera = LiveCamera(lambda: next(made), QUICK)
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
    settings = CameraSettings(first_frame_s=0.2)
    with pytest.raises(CameraLostError, match="no first picture"):
        LiveCamera(lambda: source, settings).open()
    assert source.closed


def test_a_frozen_picture_is_lost():
    still = noisy(7)
    with (
        LiveCamera(lambda: Scripted(lambda _: still), QUICK) as camera,
        pytest.raises(CameraLostError, match="frozen"),
    ):
        drain(camera)


@pytest.mark.parametrize("value", [0, 255])
def test_a_covered_or_washed_out_camera_is_not_frozen(value):
    blank = Picture(np.full((64, 64), value, np.uint8))
    source = Scripted(lambda _: blank)
    with LiveCamera(lambda: source, QUICK) as camera:
        while source.count < 100:  # half a second, well beyond frozen_s
            assert camera.read() is not None


def test_watching_for_a_frozen_picture_can_be_switched_off():
    still = noisy(7)
    source = Scripted(lambda _: still)
    settings = CameraSettings(frozen_s=None, silent_s=0.3)
    with LiveCamera(lambda: source, settings) as camera:
        while source.count < 60:
            assert camera.read() is not None


@pytest.mark.parametrize("error", [CameraLostError("gone"), OSError(19, "No such device")])
def test_an_unplugged_camera_is_lost(error):
    def script(number):
        if number == 5:
            raise error
        return noisy(number)

    with (
        LiveCamera(lambda: Scripted(script), QUICK) as camera,
        pytest.raises(CameraLostError, match=r"gone|No such device"),
    ):
        drain(camera)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_in_the_reader_is_told_not_waited_for():
    def script(_):
        raise ZeroDivisionError

    with pytest.raises(CameraLostError, match="defect"):
        LiveCamera(lambda: Scripted(script), QUICK).open()


def test_a_read_that_blocks_for_ever_is_lost_and_left_behind():
    release = threading.Event()

    def script(number):
        if number == 2:
            release.wait(30)
        return noisy(number)

    camera = LiveCamera(lambda: Scripted(script), QUICK)
    try:
        for _ in range(3):
            camera.open()
            with pytest.raises(CameraLostError, match="silent"):
                drain(camera)
            camera.close()
        assert camera.given_up
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

    with LiveCamera(lambda: Finite(noisy), QUICK) as camera:
        assert list(camera)[-1].sequence == 3


def test_a_change_of_size_passes_through(caplog):
    size = [64, 64]
    with LiveCamera(lambda: Scripted(lambda n: noisy(n, *size)), QUICK) as camera:
        assert camera.read().gray.shape == (64, 64)
        size[:] = [48, 96]
        while camera.read().gray.shape != (48, 96):
            pass
    assert "changed from" in caplog.text


def test_another_size_than_asked_for_is_told(caplog):
    settings = CameraSettings(width=640, height=480)
    with LiveCamera(lambda: Scripted(noisy), settings) as camera:
        camera.read()
    assert "64 x 64 instead of the 640 x 480" in caplog.text


def test_reading_a_closed_camera_is_refused():
    with pytest.raises(CameraError, match="not open"):
        LiveCamera(lambda: Scripted(noisy), QUICK).read()


@pytest.mark.parametrize(
    ("driver", "expected"), [(None, 100.0), (99.97, 99.97), (100.2, 100.0), (1.7e9, 100.0)]
)
def test_only_a_plausible_driver_stamp_is_believed(driver, expected):
    assert capture_time(driver, 100.0) == expected


def test_a_patient_camera_never_waits_while_it_opens():
    held = threading.Event()

    def script(number):
        held.wait(30)
        return noisy(number)

    camera = LiveCamera(lambda: Scripted(script), CameraSettings(first_frame_s=30), patient=True)
    with pytest.raises(CameraLostError, match="not answered"):
        camera.read()
    for _ in range(3):
        with pytest.raises(CameraLostError, match="being opened"):
            camera.open()
    held.set()
    opened = False
    while not opened:
        try:
            camera.open()
            opened = True
        except CameraLostError:
            time.sleep(0.01)
    assert camera.read().sequence == 0
    camera.close()


def test_a_patient_camera_that_fails_says_why_and_tries_afresh():
    made = []

    def fresh():
        made.append(Scripted(noisy))
        if len(made) == 1:
            made[0].open = lambda: (_ for _ in ()).throw(CameraError("not there"))
        return made[-1]

    camera = LiveCamera(fresh, QUICK, patient=True)
    told = set()
    while camera._first is None:
        try:
            camera.open()
        except CameraError as error:
            told.add(str(error))
            time.sleep(0.01)
    assert told == {"The camera is being opened.", "not there"}
    assert len(made) == 2
    camera.close()


def test_an_interrupted_read_ends_soon():
    camera = LiveCamera(lambda: Scripted(lambda n: noisy(n) if n == 0 else None), CameraSettings())
    with camera:
        camera.read()
        threading.Timer(0.1, camera.interrupt).start()
        assert camera.read() is None


def test_an_interruption_counts_once_and_is_forgotten_by_opening_again():
    source = Scripted(lambda n: noisy(n) if n == 0 or source.more else None)
    source.more = False
    camera = LiveCamera(lambda: source, CameraSettings(), patient=True)
    while camera._first is None:
        try:
            camera.open()
        except CameraLostError:
            time.sleep(0.01)
    camera.read()
    camera.interrupt()
    assert camera.read() is None
    camera.interrupt()
    with pytest.raises(CameraLostError):  # no picture yet, but the interruption is over
        camera.open()
    source.more = True
    assert camera.read() is not None
    camera.close()
