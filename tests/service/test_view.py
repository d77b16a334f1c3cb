import contextlib
import socket
import time
from dataclasses import replace

import pytest

from dms.service.notify import Notifier
from dms.service.status import Status
from dms.service.view import ViewError, ViewServer, watch
from dms.values import (
    AttentionBy,
    Box,
    DriverObservation,
    DriverState,
    Gaze,
    GazeZone,
    HeadPose,
    Kind,
    Level,
    LidsState,
    Moment,
    Step,
)

MOMENT = Moment(DriverObservation(5.0, face=Box(1, 2, 30.4, 40), pose=HeadPose(1.24, -2, 0)))
STATE = DriverState(5.0, Level.WARNING, Kind.DROWSY, openness=0.71234)


@pytest.fixture
def server(tmp_path):
    with ViewServer(tmp_path / "view.sock", Status(Notifier({}))) as made:
        yield made


def test_a_viewer_sees_the_newest_numbers_and_no_picture(server, tmp_path):
    server.take(Step(MOMENT, STATE))
    seen = next(watch(tmp_path / "view.sock"))
    assert seen["kind"] == "drowsy"
    assert seen["openness"] == 0.712
    assert seen["face"] == [1, 2, 30, 40]
    assert seen["pose_deg"] == [1.2, -2.0, 0.0]
    assert seen["health"] == {"camera": None, "engine": None}
    assert seen["speed_kmh"] is None
    assert (seen["lids"], seen["gaze_deg"], seen["gaze_zone"]) == ("unknown", None, "unknown")
    assert all(not isinstance(value, list) or len(value) <= 4 for value in seen.values())


def test_lids_and_gaze_are_among_the_numbers(server, tmp_path):
    state = replace(
        STATE, lids=LidsState.LOWERED, gaze=Gaze(-26.04, 8.0, 3.21), gaze_zone=GazeZone.MIRROR,
        away=True, attention_by=AttentionBy.GAZE,
    )  # fmt: skip
    server.take(Step(MOMENT, state))
    seen = next(watch(tmp_path / "view.sock"))
    assert seen["gaze_deg"] == [-26.0, 8.0, 3.2]
    assert (seen["lids"], seen["gaze_zone"]) == ("lowered", "mirror")
    assert (seen["attention_by"], seen["road_learned"]) == ("gaze", False)


def test_several_viewers_and_one_that_leaves(server, tmp_path):
    server.take(Step(MOMENT, STATE))
    first, second = watch(tmp_path / "view.sock"), watch(tmp_path / "view.sock")
    assert next(first)["t_s"] == next(second)["t_s"] == 5.0
    first.close()
    assert next(second)["t_s"] == 5.0


def test_the_socket_is_for_user_and_group_only(server, tmp_path):
    assert (tmp_path / "view.sock").stat().st_mode & 0o777 == 0o660


def test_without_a_service_the_message_says_what_to_do(tmp_path):
    with pytest.raises(ViewError, match="systemctl start dms"):
        next(watch(tmp_path / "view.sock"))


def test_a_viewer_who_never_reads_does_not_hold_up_the_others(server, tmp_path):
    server.take(Step(MOMENT, STATE))
    with socket.socket(socket.AF_UNIX) as lazy:
        lazy.connect(str(tmp_path / "view.sock"))
        other = watch(tmp_path / "view.sock")
        assert [next(other)["t_s"] for _ in range(5)] == [5.0] * 5


def test_a_second_service_neither_takes_the_socket_nor_deletes_it_at_its_end(server, tmp_path):
    server.take(Step(MOMENT, STATE))
    with ViewServer(tmp_path / "view.sock", Status(Notifier({}))) as second:
        second.take(Step(MOMENT, replace(STATE, t_s=99.0)))
        assert next(watch(tmp_path / "view.sock"))["t_s"] == 5.0
    assert next(watch(tmp_path / "view.sock"))["t_s"] == 5.0
    server.close()
    assert not (tmp_path / "view.sock").exists()
    with ViewServer(tmp_path / "view.sock", Status(Notifier({}))) as third:
        third.take(Step(MOMENT, replace(STATE, t_s=7.0)))
        assert next(watch(tmp_path / "view.sock"))["t_s"] == 7.0
        server.close()  # again: the socket is another's by now
        assert (tmp_path / "view.sock").exists()


def test_what_a_killed_service_left_is_no_obstacle(tmp_path):
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "view.sock"))
    left.close()
    with ViewServer(tmp_path / "view.sock", Status(Notifier({}))) as made:
        made.take(Step(MOMENT, STATE))
        assert next(watch(tmp_path / "view.sock"))["t_s"] == 5.0


def test_without_descriptors_the_thread_lives_on(server, tmp_path, monkeypatch):
    server.take(Step(MOMENT, STATE))
    failed = []

    def none_left(_viewers):
        failed.append(1)
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as narrow:
        narrow.setattr(server, "_turn", none_left)
        end_s = time.monotonic() + 60
        while len(failed) < 3 and time.monotonic() < end_s:
            time.sleep(0.05)
    assert len(failed) >= 3
    assert next(watch(tmp_path / "view.sock"))["t_s"] == 5.0


def test_a_flood_of_viewers_costs_a_turn_each_fifth_of_a_second(server, tmp_path, monkeypatch):
    server.take(Step(MOMENT, STATE))
    turns = []
    turn = server._turn
    monkeypatch.setattr(server, "_turn", lambda viewers: turns.append(1) or turn(viewers))
    begun_s, calls = time.monotonic(), 0
    while time.monotonic() - begun_s < 1.0:
        with socket.socket(socket.AF_UNIX) as caller, contextlib.suppress(OSError):
            caller.settimeout(0.05)
            caller.connect(str(tmp_path / "view.sock"))
            calls += 1
    assert calls > 5
    assert len(turns) <= 7
    assert next(watch(tmp_path / "view.sock"))["t_s"] == 5.0


def test_no_descriptor_for_the_viewer_is_told_in_words(monkeypatch, tmp_path):
    def none_left(*_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket, "socket", none_left)
    with pytest.raises(ViewError, match="Too many open files"):
        next(watch(tmp_path / "view.sock"))
