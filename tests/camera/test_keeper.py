"""One keeper to the camera: closed for privacy at once, opened again only once in some seconds."""

from dms.camera.keeper import Keeper
from dms.errors import CameraLostError


class Camera:
    live, opening = True, False

    def __init__(self):
        self.opened, self.closed, self.is_open, self.broken = [], 0, True, False

    def open(self):
        if self.broken:
            raise CameraLostError("no picture yet")
        if not self.is_open:
            self.opened.append(1)
        self.is_open = True

    def close(self):
        self.closed += self.is_open
        self.is_open = False


def keeper(camera):
    return Keeper(camera, first_retry_s=0.2, longest_retry_s=1.0, wake_s=5.0, rest_s=5.0)


def test_pause_and_resume_in_turn_open_the_camera_once_in_five_seconds():
    camera = Camera()
    kept = keeper(camera)
    kept.lose(0.0, None)
    for tick in range(600):  # a minute, ten times a second, asked anew each time
        kept.opened(tick / 10, private=bool(tick % 2))
    assert 10 <= len(camera.opened) <= 13
    kept.opened(60.1, private=True)
    assert not camera.is_open  # privacy is never waited for


def test_one_pause_ends_at_once_when_it_is_ended():
    camera = Camera()
    kept = keeper(camera)
    kept.lose(100.0, None)
    assert not kept.opened(100.0, private=True)
    assert kept.opened(100.5, private=False)
    assert kept.lost is None


def test_the_rest_is_no_fault_of_the_camera():
    camera = Camera()
    kept = keeper(camera)
    kept.lose(0.0, None)
    assert kept.opened(0.1, private=False)
    kept.lose(0.2, None)
    camera.broken = True
    for tick in range(3, 60):
        kept.opened(tick / 10, private=False)
    assert kept.lost is None
    for tick in range(60, 120):
        kept.opened(tick / 10, private=False)
    assert kept.lost == "no picture yet"


def test_a_lost_camera_is_tried_as_before():
    camera = Camera()
    kept = keeper(camera)
    kept.lose(0.0, "unplugged")
    camera.broken = True
    tried = [kept.opened(tick / 10, private=False) for tick in range(10)]
    camera.broken = False
    assert not any(tried)
    assert kept.opened(3.0, private=False)
    kept.lose(3.1, "unplugged")
    assert kept.opened(3.2, private=False)
