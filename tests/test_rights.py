"""Files and folders that this user may not read: each is named, and nothing ends in a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

DROP = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.getuid() == 0 else ()
MAPPING = ["-s", "vehicle.database=j1939"]


@pytest.fixture
def closed(tmp_path):
    if DROP and not shutil.which(DROP[0]):
        pytest.skip("setpriv (util-linux) is missing, and root may read everything")
    if DROP and subprocess.run([*DROP, "true"], check=False, capture_output=True).returncode:
        pytest.skip("root may read everything here")
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0)
    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures" / "a.png"), np.zeros((64, 64), np.uint8))
    for name in ("drive.blf", "drive.asc", "drive.log", "drive.mf4"):
        (tmp_path / name).write_bytes(b"x")
        (tmp_path / name).chmod(0)
    yield tmp_path
    folder.chmod(0o700)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["vehicle", "drive.blf", *MAPPING], "cannot read the CAN log drive.blf: Permission"),
        (["vehicle", "drive.asc", *MAPPING], "cannot read the CAN log drive.asc: Permission"),
        (["vehicle", "drive.log", *MAPPING], "cannot read the CAN log drive.log: Permission"),
        (["vehicle", "drive.mf4", *MAPPING], "cannot read the CAN log drive.mf4: Permission"),
        (["vehicle", "closed/x.log", *MAPPING], "cannot read the CAN log closed/x.log: Permission"),
        (["events", "list", "--store", "closed/x.db"], "closed/x.db cannot be used"),
        (["bench", "closed", "--out", "out"], "cannot look into closed: Permission"),
        (["bench", "closed/*.mp4", "--out", "out"], "cannot look for closed/*.mp4: Permission"),
        (["bench", "closed/x.mp4"], "closed/x.mp4 cannot be read (Permission denied)"),
        (["bench", "closed", "-s", "camera.fps=1"], "closed cannot be read (Permission denied)"),
        (["run", "-s", "camera.source=closed/x.mp4"], "closed/x.mp4 cannot be read (Permission"),
        (["run", "-s", "camera.source=closed", "-s", "camera.fps=1"], "closed cannot be read ("),
        (["doctor", "-s", "camera.source=closed/x.mp4"], "closed/x.mp4 cannot be read (Perm"),
        (["dashboard", "--replay", "closed/x.mp4"], "cannot use closed/x.mp4: Permission denied"),
        (
            ["bench", "pictures", "-s", "camera.fps=1", "-s", "landmarks.path=closed/x"],
            "cannot use closed/x: Permission",
        ),
    ],
)
def test_what_may_not_be_read_is_named(closed, words, said):
    done = subprocess.run(
        [*DROP, sys.executable, "-m", "dms.cli", *words],
        cwd=closed, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode >= 1
