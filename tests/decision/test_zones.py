"""Where the road ends for the eyes, and the names of what else is looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dms.decision.gaze import Look
from dms.decision.zones import Side, ZoneSettings, off_road, zone_of
from dms.values import GazeZone, HeadPose

S = ZoneSettings()
RIGHT = ZoneSettings(steering_wheel=Side.RIGHT)


def look(yaw: float, pitch: float = 0.0, sd: float = 2.0, *, learned: bool = True) -> Look:
    return Look(yaw, pitch, sd, sd, learned, pitch < -25.0)


@pytest.mark.parametrize(
    ("yaw", "pitch", "zone"),
    [
        (0, 0, "road"), (14, -14, "road"), (20, 0, "left"), (-20, 0, "right"), (70, -30, "left"),
        (0, 15, "up"), (-38, 9, "mirror"), (-70, 9, "right"), (0, -19, "instruments"),
        (-25, -19, "centre"), (0, -30, "lap"), (45, -18, "left"),
    ],
)  # fmt: skip
def test_zones_of_a_sure_gaze(yaw: float, pitch: float, zone: str) -> None:
    assert zone_of(look(yaw, pitch), None, S) is GazeZone(zone)


@given(st.floats(-80, 80), st.floats(-40, 40), st.floats(0.1, 12))
def test_right_hand_drive_is_the_mirror_image(yaw: float, pitch: float, sd: float) -> None:
    mirrored = {GazeZone.LEFT: GazeZone.RIGHT, GazeZone.RIGHT: GazeZone.LEFT}
    here = zone_of(look(yaw, pitch, sd), None, S)
    there = zone_of(look(-yaw, pitch, sd), None, RIGHT)
    if yaw:
        assert there is mirrored.get(here, here)


@given(st.floats(-80, 80), st.floats(-40, 40))
def test_unsure_eyes_get_no_fine_name(yaw: float, pitch: float) -> None:
    fine = {GazeZone.MIRROR, GazeZone.CENTRE, GazeZone.INSTRUMENTS}
    assert zone_of(look(yaw, pitch, S.fine_deg + 0.1), None, S) not in fine
    assert zone_of(look(yaw, pitch, learned=False), None, S) not in fine


@given(st.floats(-80, 80), st.floats(-24, 40), st.floats(0.1, 12), st.booleans())
def test_the_road_is_where_no_look_away_begins(
    yaw: float, pitch: float, sd: float, learned: bool
) -> None:
    aside, down = off_road(look(yaw, pitch, sd, learned=learned), S, held=False)
    if zone_of(look(yaw, pitch, sd, learned=learned), None, S) is GazeZone.ROAD:
        assert (aside, down) == (False, False)


@given(st.floats(-80, 80), st.floats(-24, 40), st.floats(0.1, 12))
def test_what_opens_a_look_also_holds_it(yaw: float, pitch: float, sd: float) -> None:
    opens = off_road(look(yaw, pitch, sd), S, held=False)
    holds = off_road(look(yaw, pitch, sd), S, held=True)
    for first, then in zip(opens, holds, strict=True):
        assert not first or then


@pytest.mark.parametrize(
    ("yaw", "sd", "aside"), [(26, 8, True), (26, 9, None), (15.1, 5, True), (14, 1, False)]
)
def test_a_third_of_the_angle(yaw: float, sd: float, aside: bool | None) -> None:
    assert off_road(look(yaw, 0.0, sd), S, held=False)[0] is aside


def test_wider_until_the_road_is_learned() -> None:
    assert off_road(look(26, learned=False), S, held=False) == (False, False)
    assert off_road(look(31, learned=False), S, held=False) == (True, False)


def test_without_a_gaze_lids_or_head_speak_coarsely() -> None:
    assert zone_of(None, None, S) is GazeZone.UNKNOWN
    assert zone_of(None, None, S, lowered=True) is GazeZone.DOWN
    assert zone_of(None, HeadPose(50.0, 0.0, 0.0), S) is GazeZone.LEFT
    assert zone_of(None, HeadPose(-50.0, -20.0, 0.0), S) is GazeZone.RIGHT
    assert zone_of(None, HeadPose(5.0, -30.0, 0.0), S) is GazeZone.DOWN


def test_the_eyes_speak_before_the_head() -> None:
    assert zone_of(look(0), HeadPose(50.0, 0.0, 0.0), S) is GazeZone.ROAD


@pytest.mark.parametrize("parts", [{"yaw_back_deg": 16.0}, {"pitch_back_deg": -20.0}])
def test_the_way_back_is_nearer(parts: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="nearer"):
        replace(S, **parts)
