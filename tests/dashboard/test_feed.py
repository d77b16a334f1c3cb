import time

import can
import pytest

pytest.importorskip("skimage", reason="the extra 'demo' is not installed")

from dms.chain import Chain
from dms.config import load
from dms.dashboard.feed import ReplayFeed, ServiceFeed
from tools.rendering import drive as make_demo_drive


def newest(feed, wanted, seconds=120.0):
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        count, thing = feed.newest()
        if wanted(thing):
            return count, thing
        time.sleep(0.01)
    raise AssertionError(f"waited in vain, last was {feed.newest()}")


class Told(ReplayFeed):
    """Keeps all that it shows, for at such a speed a look now and then misses much."""

    def __init__(self, *parts, **more):
        super().__init__(*parts, **more)
        self.things = []

    def _tell(self, thing):
        self.things.append(thing)
        super()._tell(thing)


def test_a_replay_shows_rage_and_then_its_end(tmp_path):
    drive = make_demo_drive.make(tmp_path, seed=1)
    with Told(str(drive), Chain(load(None, ["bridges=[]"])), speed=1000.0) as feed:
        newest(feed, lambda thing: "has ended" in thing.get("why", ""))
    thing = next(thing for thing in feed.things if thing.get("kind") == "road_rage")
    assert thing["active"][0]["reason"]
    assert thing["expression"]["anger"] > 0.3


def test_a_replay_keeps_to_its_speed(tmp_path):
    drive = make_demo_drive.make(tmp_path, seed=1)
    with ReplayFeed(str(drive), Chain(load(None, ["bridges=[]"])), speed=20.0) as feed:
        begun_s = time.monotonic()
        _, first = newest(feed, lambda thing: thing["connected"])
        newest(feed, lambda thing: thing.get("t_s", 0) >= first["t_s"] + 10.0)
        assert time.monotonic() - begun_s >= 0.45


def test_a_recording_that_cannot_be_read_is_told(tmp_path):
    with ReplayFeed(str(tmp_path / "gone.jsonl"), Chain(load(None, ["bridges=[]"]))) as feed:
        newest(feed, lambda thing: "cannot read" in thing.get("why", ""))


def test_a_replay_that_breaks_off_is_told_and_no_standing_picture(tmp_path):
    """The page went on to show its last numbers, as if they were of now."""
    drive = make_demo_drive.make(tmp_path, seed=1)

    class Breaking(ReplayFeed):
        def take(self, step):
            super().take(step)
            if step.t_s > 1.0:
                raise RuntimeError("defect")

    with Breaking(str(drive), Chain(load(None, ["bridges=[]"])), speed=1000.0) as feed:
        newest(feed, lambda thing: "broke off: unexpected RuntimeError" in thing.get("why", ""))


def test_a_service_that_does_not_run_is_told(tmp_path):
    with ServiceFeed(tmp_path / "none.sock") as feed:
        newest(feed, lambda thing: "No running service" in thing.get("why", ""))


def test_a_replay_shows_the_bus_log_beside_it(tmp_path):
    drive = make_demo_drive.make(tmp_path, seed=1)
    with can.Logger(drive.with_suffix(".asc")) as log:
        for at in range(20):  # CCVS1: 77 km/h, as 1/256 km/h in bytes 2 and 3
            data = bytes([0xFF, 0x00, 77, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
            log.on_message_received(
                can.Message(
                    timestamp=1e9 + 0.1 * at,
                    arbitration_id=0x18FEF100,
                    is_extended_id=True,
                    data=data,
                )
            )
    settings = load(None, ["bridges=[]", "vehicle.database=j1939"])
    with Told(str(drive), Chain(settings), speed=1000.0) as feed:
        newest(feed, lambda thing: "has ended" in thing.get("why", ""))
    assert any(thing.get("speed_kmh") == 77.0 for thing in feed.things)
