import numpy as np
import pytest

pytest.importorskip("asammdf", reason="the extra 'mdf4' is not installed")

import asammdf

from dms.bench.mdf4 import write_mdf4
from dms.errors import ConfigError
from dms.files.frames import FrameTable
from dms.values import DriverObservation, DriverState, HeadPose


def test_channels_have_units_and_unknown_is_invalid_not_zero(tmp_path):
    with FrameTable(tmp_path / "frames.csv") as table:
        for at in range(5):
            pose = HeadPose(10.0 + at, 0.0, 0.0) if at != 2 else None
            table.write(DriverObservation(at / 10, pose=pose), DriverState(at / 10, openness=0.5))
    path = tmp_path / "frames.mf4"
    assert write_mdf4(tmp_path / "frames.csv", path) > 20
    with asammdf.MDF(path) as file:
        yaw = file.get("yaw_deg", ignore_invalidation_bits=False)
        assert yaw.unit == "deg"
        assert yaw.samples.tolist() == [10.0, 11.0, 13.0, 14.0]
        assert np.allclose(yaw.timestamps, [0.0, 0.1, 0.3, 0.4])
        assert file.get("openness").samples.tolist() == [0.5] * 5


def test_a_missing_table_is_told(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        write_mdf4(tmp_path / "none.csv", tmp_path / "out.mf4")
