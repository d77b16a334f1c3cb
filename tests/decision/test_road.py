"""Where the road is in a driver's gaze: learned, robust, clamped, slow once known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms.decision.road import Road, RoadSettings

S = RoadSettings()
HEAD = (0.0, 0.0)
DT = 0.1


def taught(*looks: tuple[float, tuple[float, float]], head: tuple[float, float] = HEAD) -> Road:
    """A road taught looks of (seconds, gaze) in turn."""
    road = Road(S)
    teach(road, *looks, head=head)
    return road


def teach(
    road: Road, *looks: tuple[float, tuple[float, float]], head: tuple[float, float] = HEAD
) -> None:
    for seconds, gaze in looks:
        for _ in range(round(seconds / DT)):
            road.teach(gaze, head, DT)


def test_begins_with_the_heads_normal() -> None:
    road = Road(S)
    assert not road.learned
    assert road.direction((12.0, -5.0)) == (12.0, -5.0)


def test_follows_a_heads_normal_that_is_still_being_learned() -> None:
    road = taught((5, (20.0, 3.0)), head=(20.0, 3.0))
    assert road.direction((20.0, 3.0)) == pytest.approx((20.0, 3.0))


def test_learns_where_this_driver_looks() -> None:
    road = taught((60, (4.0, -6.0)))
    assert road.learned
    assert road.direction(HEAD) == pytest.approx((4.0, -6.0), abs=1.5)


@pytest.mark.parametrize("glance", [(-38.0, 9.0), (0.0, -19.0), (-25.0, -18.0), (45.0, -10.0)])
def test_two_fifths_elsewhere_do_not_move_it(glance: tuple[float, float]) -> None:
    road = taught(*[(3.0, (1.0, 0.0)), (2.0, glance)] * 30)
    assert road.learned
    assert road.direction(HEAD) == pytest.approx((1.0, 0.0), abs=2.0)


def test_staring_elsewhere_from_the_first_frame_teaches_nothing() -> None:
    road = taught((60, (-22.0, -18.0)))
    assert not road.learned


def test_drifts_only_a_little_once_learned() -> None:
    road = taught((60, HEAD), (600, (9.0, 0.0)))
    assert road.direction(HEAD)[0] == pytest.approx(S.drift_deg)


@given(
    st.lists(st.tuples(st.floats(-60, 60), st.floats(-40, 40)), max_size=40),
    st.floats(-30, 30), st.floats(-20, 20),
)  # fmt: skip
def test_never_leaves_the_heads_normal_by_more_than_the_clamp(
    gazes: list[tuple[float, float]], yaw: float, pitch: float
) -> None:
    road = taught(*[(2.0, gaze) for gaze in gazes], head=(yaw, pitch))
    got = road.direction((yaw, pitch))
    assert abs(got[0] - yaw) <= S.yaw_clamp_deg + 1e-9
    assert abs(got[1] - pitch) <= S.pitch_clamp_deg + 1e-9
