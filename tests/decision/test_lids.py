"""What besides their opening tells of the lids."""

from __future__ import annotations

import pytest

from dms.decision.head import Head, HeadSettings
from dms.decision.lids import LidSettings, LidSigns, Signs
from dms.decision.openness import Openness
from dms.values import (
    Box,
    DriverObservation,
    ExpressionScores,
    EyeEvidence,
    EyeObservation,
    HeadPose,
    Iris,
    Lids,
)
from tests.decision.ticks import Ticks

S = LidSettings()
DT = 1 / 30
OPEN, LOWERED, SHUT = Lids(0.95, 0.04, 0.01), Lids(0.1, 0.7, 0.2), Lids(0.02, 0.08, 0.9)


class Eyes:
    """Shows eyes at 30 Hz with the head where it is told."""

    def __init__(self) -> None:
        self.it = LidSigns(S)
        self.head = Head(HeadSettings())
        self.tick = Ticks()
        self.t_s = 0.0

    def show(
        self,
        seconds: float,
        lids: Lids | None = OPEN,
        iris_y: float | None = 0.0,
        *,
        openness: float | None = 1.0,
        visible: float | None = 0.99,
        drop: float = 0.0,
        happiness: float | None = None,
        other: Lids | None = None,
    ) -> Signs:
        signs = Signs()
        for _ in range(max(round(seconds / DT), 1)):
            iris = None if iris_y is None else Iris(0.0, iris_y, 0.02)
            right = EyeEvidence(visible_probability=visible, lids=lids, iris=iris)
            left = right if other is None else EyeEvidence(lids=other)
            scores = None
            if happiness is not None:
                rest = (1.0 - happiness) / 7
                row = (rest, happiness, *[rest] * 6)
                scores = ExpressionScores(row, True, max(row))
            seen = DriverObservation(
                self.t_s,
                face=Box(0.0, drop * 200.0, 200.0, 200.0),
                pose=HeadPose(0.0, 0.0, 0.0),
                right_eye=right,
                left_eye=left,
                expression=scores,
            )
            self.head.step(self.t_s, seen.face, seen.pose)
            eye = EyeObservation(openness, 0.9, None)
            signs = self.it.step(
                self.tick(self.t_s), seen, Openness(eye, eye, openness, 0.9, None), self.head
            )
            self.t_s += DT
        return signs


def test_lids_are_lowered_where_the_iris_is_seen_low() -> None:
    eyes = Eyes()
    eyes.show(5.0, iris_y=-0.02)
    assert not eyes.show(DT, LOWERED, iris_y=0.03, openness=0.1).lowered
    assert eyes.show(DT, LOWERED, iris_y=0.06, openness=0.1).lowered


def test_half_open_lids_over_an_iris_seen_low_for_certain_are_lowered() -> None:
    eyes = Eyes()
    eyes.show(20.0, iris_y=-0.05)
    half = Lids(0.7, 0.25, 0.05)
    covered = 0.5 * S.lid_sinks  # by the lid over a level gaze, which is no look down
    low = -0.05 + covered + S.sinks_least + 0.01
    assert eyes.show(DT, half, iris_y=low, openness=0.5).lowered
    assert not eyes.show(DT, half, iris_y=-0.05 + covered, openness=0.5).lowered
    eyes.show(2 * S.memory_s)
    assert not eyes.show(DT, half, iris_y=low, openness=0.2).lowered
    assert not eyes.show(DT, half, iris_y=low, openness=0.7).lowered


def falling(eyes: Eyes, sinks: float) -> Signs:
    """Let the lids fall within 0.4 s, the iris ``sinks`` lower than they cover it; then shut."""
    for step in range(12):
        openness = 1.0 - step / 12
        low = S.lid_sinks * (1.0 - openness) + (sinks if openness < 0.9 else 0.0)
        eyes.show(DT, Lids(openness, 0.9 - 0.9 * openness, 0.1), -0.085 + low, openness=openness)
    return eyes.show(DT, SHUT, 0.0, openness=0.0)


def test_lids_that_fall_over_a_level_gaze_cover_the_iris_from_above() -> None:
    """What is seen of it sinks with them: that is no gaze down, nor lowered lids half-way."""
    eyes = Eyes()
    eyes.show(1.0, iris_y=-0.085)
    assert not falling(eyes, 0.0).looked_down
    eyes.show(1.0, iris_y=-0.085)
    half = Lids(0.5, 0.4, 0.1)
    assert not eyes.show(0.5, half, -0.085 + 0.5 * S.lid_sinks, openness=0.5).lowered


def test_an_iris_that_sinks_before_the_lids_is_a_gaze_down() -> None:
    eyes = Eyes()
    eyes.show(1.0, iris_y=-0.085)
    signs = falling(eyes, S.sinks_least + 0.01)
    assert (signs.looked_down, signs.by_gaze) == (True, True)
    eyes.show(S.memory_s, SHUT, 0.0, openness=0.0)
    assert not eyes.show(DT, SHUT, 0.0, openness=0.0).looked_down


def test_drooping_lids_with_the_gaze_ahead_are_not_lowered() -> None:
    eyes = Eyes()
    eyes.show(5.0)
    assert not eyes.show(60.0, LOWERED, openness=0.15).lowered
    assert not eyes.show(1.0, LOWERED, iris_y=None, openness=0.15).lowered


def test_the_heads_way_down_speaks_for_a_gaze_down_too() -> None:
    eyes = Eyes()
    eyes.show(1.0)
    assert not eyes.show(DT, LOWERED, openness=0.1).lowered
    assert eyes.show(0.2, LOWERED, openness=0.1, drop=0.25).lowered
    assert not eyes.show(0.2, SHUT, iris_y=0.2, openness=0.0, drop=0.25).lowered


def test_one_eye_is_enough_unless_the_other_is_shut() -> None:
    eyes = Eyes()
    eyes.show(1.0)
    assert eyes.show(DT, LOWERED, iris_y=0.2, openness=0.1, other=Lids(0.4, 0.1, 0.5)).lowered
    assert not eyes.show(DT, LOWERED, iris_y=0.2, openness=0.1, other=SHUT).lowered
    assert not Eyes().show(DT, LOWERED, iris_y=0.2, openness=None).lowered


def test_without_a_net_that_tells_them_no_lids_are_lowered() -> None:
    eyes = Eyes()
    eyes.show(1.0, None, None)
    assert not eyes.show(1.0, None, None, openness=0.1, drop=0.5).lowered


def test_a_gaze_down_is_remembered_for_a_moment() -> None:
    eyes = Eyes()
    eyes.show(1.0)
    eyes.show(0.5, LOWERED, iris_y=0.2, openness=0.1)
    after = eyes.show(0.3, SHUT, iris_y=None, openness=0.0)
    assert (after.looked_down, after.by_gaze) == (True, True)
    assert not eyes.show(0.5, SHUT, iris_y=None, openness=0.0).looked_down


def test_the_head_came_down_before_the_lids() -> None:
    eyes = Eyes()
    eyes.show(1.0)
    assert not eyes.show(DT, drop=0.25).looked_down
    after = eyes.show(0.2, drop=0.25)
    assert (after.looked_down, after.by_gaze, after.down, after.far) == (True, False, True, False)
    assert eyes.show(0.2, drop=0.4).far


@pytest.mark.parametrize(
    ("openness", "visible", "certain"),
    [(0.5, 0.96, True), (0.49, 0.96, False), (1.0, 0.94, False), (1.0, None, True)],
)
def test_an_open_eye_is_certain_where_it_is_well_seen(
    openness: float, visible: float | None, certain: bool
) -> None:
    shown = Eyes().show(DT, None, None, openness=openness, visible=visible)
    assert shown.certain_open is certain


def test_lids_that_the_net_calls_open_are_open_in_a_head_that_leaves_the_picture_too() -> None:
    assert Eyes().show(DT, OPEN, openness=0.95, visible=0.92).certain_open
    half = Lids(0.67, 0.18, 0.15)
    assert not Eyes().show(DT, half, openness=0.95, visible=0.92).certain_open


def test_laughter_presses_lids_shut() -> None:
    eyes = Eyes()
    assert eyes.show(0.1, happiness=0.99).laughs
    assert eyes.show(0.3).laughs
    assert not eyes.show(0.4).laughs
    assert not Eyes().show(1.0, happiness=0.85).laughs
    eyes = Eyes()
    eyes.show(2.0, happiness=0.0)
    assert not eyes.show(0.3, happiness=0.99).laughs
    assert eyes.show(1.0, happiness=0.99).laughs
