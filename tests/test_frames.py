import numpy as np
import pytest

from dms.errors import ConfigError
from dms.events import FrameTable
from dms.frames import load_frames, thin
from dms.values import DriverObservation, DriverState


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


def test_thinning_keeps_spikes_and_gaps():
    t_s = np.arange(100_000) / 30.0
    values = np.sin(t_s)
    values[54_321] = 9.0
    values[70_000:70_500] = np.nan
    short_t, short = thin(t_s, values, 1000)
    assert len(short) < 2000
    assert np.nanmax(short) == 9.0
    assert short_t[np.nanargmax(short)] == t_s[54_321]
    within = (short_t >= t_s[70_000]) & (short_t < t_s[70_500])
    assert within.any()
    assert np.isnan(short[within]).all()


def test_a_short_line_is_left_alone():
    t_s = np.arange(10.0)
    assert thin(t_s, t_s, 1000)[1] is t_s
