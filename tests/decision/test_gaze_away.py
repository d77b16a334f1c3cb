"""Head or gaze: either is enough, neither takes the other away, and the unseen is unknown."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dms.decision.distraction import Distraction, DistractionSettings
from dms.decision.gaze import Look
from dms.decision.tick import Tick
from dms.values import AttentionBy, HeadPose, Indicator, VehicleContext

S = DistractionSettings()
DT = 0.1
HEAD = st.one_of(st.none(), st.tuples(st.floats(-60, 60), st.floats(-35, 20)))
GAZE = st.one_of(
    st.none(),
    st.tuples(st.floats(-60, 60), st.floats(-30, 20), st.floats(0.5, 12), st.booleans()),
)
VEHICLE = st.sampled_from(
    [
        None,
        VehicleContext(0.0, indicator=Indicator.LEFT),
        VehicleContext(0.0, steering_deg=90.0),
    ]
)


def look(yaw: float, pitch: float = 0.0, sd: float = 2.0, *, learned: bool = True) -> Look:
    return Look(yaw, pitch, sd, sd, learned, pitch < -25.0)


class Both:
    """Steps one Distraction at 10 Hz."""

    def __init__(self, **parts: object) -> None:
        self.it = Distraction(S, **parts)  # type: ignore[arg-type]
        self.t_s, self.last_s = 0.0, None

    def step(self, pose: HeadPose | None, seen: Look | None, **more: object) -> Distraction:
        tick = Tick.after(self.last_s, self.t_s)
        self.it.step(tick, pose, look=seen, **more)  # type: ignore[arg-type]
        self.last_s, self.t_s = self.t_s, round(self.t_s + DT, 6)
        return self.it

    def hold(self, seconds: float, seen: Look | None, yaw: float = 0.0) -> Distraction:
        for _ in range(round(seconds / DT)):
            self.step(HeadPose(yaw, 0.0, 0.0), seen)
        return self.it


@settings(max_examples=60)
@given(st.lists(st.tuples(HEAD, GAZE, VEHICLE, st.integers(1, 8)), max_size=25))
def test_a_gaze_never_makes_a_look_of_the_head_shorter(
    parts: list[tuple[object, object, VehicleContext | None, int]],
) -> None:
    without, with_gaze = Both(), Both()
    for head, gaze, vehicle, frames in parts:
        pose = None if head is None else HeadPose(*head, 0.0)  # type: ignore[misc]
        seen = None if gaze is None else look(*gaze[:3], learned=gaze[3])  # type: ignore[index]
        for _ in range(frames):
            alone = without.step(pose, None, vehicle=vehicle)
            both = with_gaze.step(pose, seen, vehicle=vehicle)
            assert both.head or not alone.head  # longer it may be: a gaze keeps a look open
            if both.head:
                assert both.away
                assert both.by in {AttentionBy.HEAD, AttentionBy.BOTH}
            assert (both.by is None) == (both.away is not True)
            assert both.away_s >= 0.0


def test_a_gaze_keeps_the_looks_limits_for_the_head() -> None:
    """Why the two are not equal: the head comes back below its limit, the eyes do not."""
    aside, between = HeadPose(40.0, 0.0, 0.0), HeadPose(S.yaw_back_deg + 1.0, 0.0, 0.0)
    without, with_gaze = Both(), Both()
    for pose, seen in [(aside, 40.0), (HeadPose(0.0, 0.0, 0.0), 40.0), (between, 0.0)]:
        for _ in range(10):
            alone, both = without.step(pose, None), with_gaze.step(pose, look(seen))
    assert (alone.head, both.head) == (False, True)


def test_a_look_that_counts_does_not_become_a_shoulder_check_when_the_wheel_frees_it() -> None:
    """Found by the property above: the head stays aside, so the look has not ended."""
    both, aside = Both(), HeadPose(40.0, 0.0, 0.0)
    left = VehicleContext(0.0, indicator=Indicator.LEFT)
    both.step(aside, None)
    assert both.step(aside, None, vehicle=left).head
    for _ in range(10):
        both.step(aside, None, vehicle=VehicleContext(0.0, steering_deg=90.0))
    assert both.it.start_s is None
    assert both.step(aside, None, vehicle=left).head


def test_a_look_of_the_eyes_that_began_while_standing_counts_from_where_driving_begins() -> None:
    both = Both()
    for _ in range(20):
        both.step(HeadPose(0.0, 0.0, 0.0), look(40.0), counts=False)
    it = both.step(HeadPose(0.0, 0.0, 0.0), look(40.0))
    assert it.start_s is not None
    assert it.start_s >= 1.9
    assert it.away_s <= DT + 1e-6


def test_within_a_look_of_the_eyes_the_head_is_off_the_road_no_sooner() -> None:
    """Its nearer way back is for a look that the head itself began."""
    both = Both()
    both.hold(1.0, look(0.0))
    it = both.hold(2.0, look(40.0), yaw=(S.yaw_deg + S.yaw_back_deg) / 2)
    assert (it.away, it.head, it.by) == (True, False, AttentionBy.GAZE)


def test_a_look_by_the_eyes_begins_when_they_left_the_road() -> None:
    both = Both()
    both.hold(1.0, look(0.0))
    it = both.hold(0.1, look(26.0))
    assert it.away is False  # one frame alone may be a blink's
    it = both.hold(0.1, look(26.0))
    assert it.start_s == 1.0
    assert it.by is AttentionBy.GAZE


def test_lids_that_follow_the_gaze_down_count_as_the_eyes() -> None:
    both = Both(down_only=True)
    both.hold(1.0, look(0.0))
    for _ in range(20):
        it = both.step(HeadPose(0.0, 0.0, 0.0), None, lowered=True)
    assert it.away
    assert it.by is AttentionBy.GAZE


def test_eyes_that_were_off_the_road_and_are_hidden_since_are_unknown_for_a_while() -> None:
    both = Both()
    both.hold(1.0, look(0.0))
    both.hold(1.0, look(26.0))
    assert both.hold(S.gaze_unseen_s - 0.2, None).away is None
    assert both.hold(0.5, None).away is False


def test_the_eyes_on_the_road_do_not_bring_a_turned_head_back() -> None:
    both = Both()
    it = both.hold(1.0, look(0.0), yaw=40.0)
    assert it.away
    assert it.by is AttentionBy.HEAD
