import json

import pytest

pytest.importorskip("mcap", reason="the extra 'mcap' is not installed")

from mcap.reader import make_reader

from dms.bench.mcap import write_mcap
from dms.errors import ConfigError
from dms.files.frames import FrameTable
from dms.scoring.labels import Label
from dms.values import DriverObservation, DriverState, Event, HeadPose, Kind, Level


def test_frames_events_and_labels_are_messages_in_order_of_time(tmp_path):
    with FrameTable(tmp_path / "frames.csv") as table:
        for at in range(3):
            pose = HeadPose(10.0 + at, 0.0, 0.0) if at != 1 else None
            table.write(DriverObservation(at / 10, pose=pose), DriverState(at / 10, openness=0.5))
    event = Event(0.15, Kind.SLEEP, Level.CRITICAL, "eyes closed", 0.05, None, {"closed_s": 3.0})
    path = tmp_path / "frames.mcap"
    label = Label(Kind.SLEEP, 0.05, 0.2)
    assert write_mcap(tmp_path / "frames.csv", [event], [label], path) == 5
    with path.open("rb") as file:
        told = [
            (channel.topic, message.log_time, json.loads(message.data))
            for _, channel, message in make_reader(file).iter_messages()
        ]
        file.seek(0)
        summary = make_reader(file).get_summary()
    assert [topic for topic, *_ in told] == [
        "/dms/frame", "/dms/label", "/dms/frame", "/dms/event", "/dms/frame"
    ]  # fmt: skip
    assert [at for _, at, _ in told] == [0, 50_000_000, 100_000_000, 150_000_000, 200_000_000]
    assert told[0][2]["yaw_deg"] == 10.0
    assert "yaw_deg" not in told[2][2]  # unknown is left out
    assert told[3][2]["level"] == 3
    schemas = {schema.name: json.loads(schema.data) for schema in summary.schemas.values()}
    assert schemas["dms.Frame"]["properties"]["yaw_deg"]["description"].endswith("left + deg")


def test_a_missing_table_is_told(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        write_mcap(tmp_path / "none.csv", [], [], tmp_path / "out.mcap")
