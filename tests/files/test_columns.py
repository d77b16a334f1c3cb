import csv

import pytest

from dms.errors import ConfigError
from dms.files.columns import COLUMNS
from dms.files.frames import FrameTable
from dms.values import (
    EXPRESSIONS,
    DriverObservation,
    DriverState,
    ExpressionScores,
    EyeEvidence,
    EyeObservation,
    EyesState,
    HeadPose,
    Indicator,
    VehicleContext,
)

SCORES = ExpressionScores(tuple(n / 36 for n in range(1, 9)), True, 0.3)
SEEN = DriverObservation(
    1.0,
    right_eye=EyeEvidence(ear=0.3),
    left_eye=EyeEvidence(ear=0.2),
    mar=0.1,
    pose=HeadPose(10.0, -5.0, 2.0),
    expression=SCORES,
)
OPEN = EyeObservation(0.9, 0.8, None)
STATE = DriverState(1.0, right_eye=OPEN, left_eye=OPEN, eyes=EyesState.OPEN, face_seen=True)


def rows(path, *pairs):
    with FrameTable(path) as table:
        for observation, state in pairs:
            table.write(observation, state)


def test_the_csv_has_every_column_and_leaves_unknown_empty(tmp_path):
    path = tmp_path / "frames.csv"
    rows(path, (SEEN, STATE), (DriverObservation(2.0), DriverState(2.0)))
    with path.open() as file:
        first, second = csv.DictReader(file)
    assert list(first) == list(COLUMNS)
    assert float(first["ear"]) == pytest.approx(0.25)
    assert float(first["yaw_deg"]) == 10
    assert [float(first[name]) for name in EXPRESSIONS] == pytest.approx(
        SCORES.probabilities, abs=1e-4
    )
    assert first["state"] == "open"
    assert second["ear"] == second["openness_right"] == second["anger"] == ""
    assert second["state"] == "unknown"
    assert second["unseen"] == "no_face"


def test_expression_scores_are_held_between_runs_of_the_net_but_not_for_long(tmp_path):
    path = tmp_path / "frames.csv"
    later = [(DriverObservation(t_s), DriverState(t_s)) for t_s in (1.1, 1.3, 1.5)]
    rows(path, (SEEN, STATE), *later)
    with path.open() as file:
        assert [row["anger"] != "" for row in csv.DictReader(file)] == [True, True, True, False]


def test_what_the_vehicle_said_stands_beside_the_face_and_unknown_stays_empty(tmp_path):
    path = tmp_path / "frames.csv"
    heard = VehicleContext(1.0, speed_kmh=87.5, horn=True, indicator=Indicator.LEFT)
    with FrameTable(path) as table:
        table.write(SEEN, STATE, heard)
        table.write(SEEN, STATE, None)
    with path.open() as file:
        first, second = csv.DictReader(file)
    assert (first["speed_kmh"], first["horn"], first["indicator"]) == ("87.5", "1", "left")
    assert first["steering_deg"] == first["gear"] == second["speed_kmh"] == second["horn"] == ""


def test_parquet_holds_the_same_as_csv(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow (extra bench) is missing")
    pairs = [(SEEN, STATE), (DriverObservation(2.0), DriverState(2.0))]
    rows(tmp_path / "frames.csv", *pairs)
    rows(tmp_path / "frames.parquet", *pairs)
    table = parquet.read_table(tmp_path / "frames.parquet")
    assert table.column_names == list(COLUMNS)
    assert table.schema.field("ear").metadata[b"description"].startswith(b"eye aspect ratio")
    assert table.schema.field("speed_kmh").metadata[b"unit"] == b"km/h"
    with (tmp_path / "frames.csv").open() as file:
        for text, values in zip(csv.DictReader(file), table.to_pylist(), strict=True):
            for name, value in values.items():
                assert text[name] == ("" if value is None else str(value)), name


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"\.csv or \.parquet"):
        FrameTable(tmp_path / "frames.xls")
