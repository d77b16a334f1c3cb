from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from dms.bridge import vss
from dms.values import (
    ActiveAlert,
    AttentionBy,
    DriverState,
    EyeObservation,
    EyesState,
    Fault,
    Gaze,
    GazeZone,
    HeadPose,
    Kind,
    Level,
    LidsState,
    Part,
    PauseReason,
)

AWAKE = DriverState(
    1.0, eyes=EyesState.OPEN, eyes_unseen=None, away=False, drowsiness=1, face_seen=True,
    right_eye=EyeObservation(0.9, 0.8, None), left_eye=EyeObservation(0.7, 0.6, None),
    pose=HeadPose(20.04, -3.0, 1.0),
)  # fmt: skip


@pytest.mark.parametrize(("level", "percent"), [(1, 0.0), (5, 50.0), (7, 75.0), (9, 100.0)])
def test_fatigue_level_follows_the_design(level, percent):
    assert vss.fatigue_percent(level) == percent


def test_an_attentive_driver():
    got = vss.values(AWAKE)
    assert got["Vehicle.Driver.IsEyesOnRoad"] is True
    assert got["Vehicle.Driver.AttentiveProbability"] == 80.0
    assert got["Vehicle.Driver.DistractionLevel"] == 0.0
    assert got["Vehicle.Driver.EyeClosure.Right"] == pytest.approx(10.0)
    assert got["Vehicle.Occupant.Row1.DriverSide.HeadPosition.Yaw"] == 20.0
    assert got["Vehicle.ADAS.DMS.IsWarning"] is False


def test_looking_away_counts_up_to_the_warning():
    away = replace(AWAKE, away=True, away_s=1.5)
    assert vss.values(away)["Vehicle.Driver.DistractionLevel"] == 50.0
    assert vss.values(away)["Vehicle.Driver.IsEyesOnRoad"] is False
    alert = ActiveAlert(Kind.DISTRACTION, Level.WARNING, 0.0, "")
    assert vss.distraction_percent(replace(AWAKE, active=(alert,))) == 100.0


def test_eyes_off_the_road_in_a_head_that_faces_it():
    aside = replace(
        AWAKE, away=True, attention_by=AttentionBy.GAZE, gaze=Gaze(-26.04, 8.0, 3.2),
        gaze_zone=GazeZone.MIRROR, lids=LidsState.OPEN, road_learned=True,
    )  # fmt: skip
    got = vss.values(aside)
    assert got["Vehicle.Driver.IsEyesOnRoad"] is False
    assert got["Vehicle.Driver.AttentionBy"] == "GAZE"
    assert got["Vehicle.Occupant.Row1.DriverSide.MidEyeGaze.Azimuth"] == -26.0
    assert got["Vehicle.Occupant.Row1.DriverSide.MidEyeGaze.Elevation"] == 8.0
    assert (got["Vehicle.Driver.Gaze.Zone"], got["Vehicle.Driver.Lids"]) == ("MIRROR", "OPEN")
    assert vss.values(AWAKE)["Vehicle.Driver.AttentionBy"] == "NONE"


def test_unknown_is_none():
    got = vss.values(DriverState(0.0))
    for path in ("Driver.FatigueLevel", "Driver.DistractionLevel", "Driver.IsEyesOnRoad",
                 "Driver.AttentiveProbability", "Driver.Perclos", "Driver.Emotion.Anger",
                 "Occupant.Row1.DriverSide.HeadPosition.Yaw", "Driver.Lids", "Driver.AttentionBy",
                 "Occupant.Row1.DriverSide.MidEyeGaze.Azimuth", "Driver.Gaze.Zone"):  # fmt: skip
        assert got[f"Vehicle.{path}"] is None


def test_a_fault_is_an_error_and_no_warning_of_the_driver():
    alert = ActiveAlert(Kind.FAULT, Level.WARNING, 0.0, "")
    got = vss.values(replace(AWAKE, active=(alert,), faults=(Fault(Part.CAMERA, "gone"),)))
    assert got["Vehicle.ADAS.DMS.IsError"] is True
    assert got["Vehicle.ADAS.DMS.IsWarning"] is False


def test_a_pause_disables_and_says_why():
    got = vss.values(replace(AWAKE, paused=True, pause_reason=PauseReason.PRIVACY))
    assert got["Vehicle.ADAS.DMS.IsEnabled"] is False
    assert got["Vehicle.ADAS.DMS.PauseReason"] == "PRIVACY"


def nodes() -> dict:
    here = Path(__file__).parent / "base.vspec"
    base = yaml.safe_load(here.read_text())
    overlay = yaml.safe_load(files("dms.bridge").joinpath("dms.vspec").read_text())
    made = {**base, **overlay}
    instance = "Vehicle.Occupant.Row1.DriverSide."
    return {
        key.replace("Vehicle.Occupant.", instance) if key.count(".") > 2 else key: node
        for key, node in made.items()
    }


def test_every_path_is_in_vss_or_in_the_overlay_and_fits_its_type():
    tree = nodes()
    for state in (
        AWAKE,
        replace(AWAKE, gaze=Gaze(1.0, 2.0, 3.0)),
        replace(AWAKE, drowsiness=9, away=None),
        DriverState(0.0),
    ):
        for path, value in vss.values(state).items():
            node = tree[path]
            if value is None:
                continue
            kind = {"boolean": bool, "string": str, "float": float, "uint8": int}[node["datatype"]]
            assert isinstance(value, kind), path
            if "allowed" in node:
                assert value in node["allowed"]
            if "min" in node:
                assert node["min"] <= value <= node["max"]


def test_every_leaf_of_the_overlay_is_published_and_every_word_is_allowed():
    overlay = yaml.safe_load(files("dms.bridge").joinpath("dms.vspec").read_text())
    leaves = {key for key, node in overlay.items() if node["type"] != "branch"}
    assert leaves <= set(vss.values(AWAKE))
    allowed = overlay["Vehicle.ADAS.DMS.AlertKind"]["allowed"]
    assert set(allowed) == {kind.value.upper() for kind in Kind} | {"NONE"}
    zones = overlay["Vehicle.Driver.Gaze.Zone"]["allowed"]
    assert set(zones) == {zone.value.upper() for zone in GazeZone} - {"UNKNOWN"}
    lids = overlay["Vehicle.Driver.Lids"]["allowed"]
    assert set(lids) == {state.value.upper() for state in LidsState} - {"UNKNOWN"}
    by = overlay["Vehicle.Driver.AttentionBy"]["allowed"]
    assert set(by) == {one.value.upper() for one in AttentionBy} | {"NONE"}
    reasons = overlay["Vehicle.ADAS.DMS.PauseReason"]["allowed"]
    assert set(reasons) == {reason.value.upper() for reason in PauseReason} | {"NONE"}


@pytest.mark.slow
def test_vss_tools_accept_the_overlay(tmp_path):
    tool = shutil.which("vspec", path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.skip("vss-tools is not installed (pip install vss-tools)")
    units = {
        name: {"definition": name, "unit": name, "quantity": "q", "allowed-datatypes": ["numeric"]}
        for name in ("percent", "degrees", "s")
    }
    (tmp_path / "units.yaml").write_text(yaml.safe_dump(units))
    (tmp_path / "quantities.yaml").write_text(yaml.safe_dump({"q": {"definition": "q"}}))
    overlay = tmp_path / "dms.vspec"
    overlay.write_text(files("dms.bridge").joinpath("dms.vspec").read_text())
    command = [tool, "export", "json", "--strict", "--vspec", Path(__file__).parent / "base.vspec",
               "--overlays", overlay, "--units", tmp_path / "units.yaml", "--quantities",
               tmp_path / "quantities.yaml", "--output", tmp_path / "out.json"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    made = json.loads((tmp_path / "out.json").read_text())
    for path in vss.values(AWAKE):
        node = {"children": made}
        for part in path.split("."):
            node = node["children"][part]
        assert node["type"] in {"sensor", "actuator"}
