import socket
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
