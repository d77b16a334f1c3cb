import numpy as np
import pytest

from dms.errors import ConfigError
from dms.files.frames import FrameTable, load_frames
from dms.values import DriverObservation, DriverState, GazeZone


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_written_table_reads_back_with_gaps_as_nan(tmp_path, ending):
    if ending == ".parquet":
        pytest.importorskip("pyarrow", reason="the extra 'bench' is not installed")
    path = tmp_path / f"frames{ending}"
    with FrameTable(path) as table:
        table.write(DriverObservation(0.0, mar=0.5), DriverState(0.0, openness=0.25))
        table.write(DriverObservation(0.5), DriverState(0.5))
    frames = load_frames(path)
    assert frames["t_s"].tolist() == [0.0, 0.5]
    assert frames["openness"][0] == 0.25
    assert np.isnan(frames["mar"][1])
    assert "state" not in frames


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_zones_of_the_gaze_come_as_numbers_where_they_are_asked_for(tmp_path, ending):
    if ending == ".parquet":
        pytest.importorskip("pyarrow", reason="the extra 'bench' is not installed")
    path = tmp_path / f"frames{ending}"
    with FrameTable(path) as table:
        for number, zone in enumerate(GazeZone):
            state = DriverState(float(number), gaze_zone=zone)
            table.write(DriverObservation(float(number)), state)
    assert "gaze_zone" not in load_frames(path)
    codes = load_frames(path, {"t_s", "gaze_zone", "state"})
    assert codes["gaze_zone"].tolist() == list(range(len(GazeZone)))
    assert "state" not in codes


def test_an_empty_table_has_columns_without_rows(tmp_path):
    path = tmp_path / "frames.csv"
    with FrameTable(path):
        pass
    assert load_frames(path)["t_s"].size == 0


def test_what_is_no_frame_table_is_told(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match="no column t_s"):
        load_frames(path)
    path.write_text("t_s,mar\n1,open\n")
    with pytest.raises(ConfigError, match="could not convert"):
        load_frames(path)
    with pytest.raises(ConfigError, match="cannot read"):
        load_frames(tmp_path / "none.csv")


def test_a_parquet_file_that_was_cut_short_is_told(tmp_path):
    pytest.importorskip("pyarrow", reason="the extra 'bench' is not installed")
    (tmp_path / "frames.parquet").write_bytes(b"PAR1 and no end")
    with pytest.raises(ConfigError, match=r"cannot read .*frames.parquet"):
        load_frames(tmp_path / "frames.parquet")
