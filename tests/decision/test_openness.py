"""Openness of each eye from EAR, net and pose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dms.decision.fatigue.closure import ClosureSettings
from dms.decision.openness import (
    CLOSED_RATIO,
    Openness,
    OpennessSettings,
    correct_ear,
    ear_openness,
    fuse,
    net_openness,
)
from dms.perception.schemes import DMS56
from dms.values import EyeEvidence, HeadPose, Unseen

S = OpennessSettings(closed_ratio=0.45)
EYE = EyeEvidence(ear=0.30, contrast=0.3)
AHEAD = HeadPose(0.0, 0.0, 0.0)


def both(eye: EyeEvidence, left: EyeEvidence | None = None, **parts: object) -> Openness:
    pose = parts.pop("pose", AHEAD)
    evidence = (eye, left or eye)
    return fuse(evidence, (0.30, 0.30), (4.0, 4.0), pose, S, **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ear", "wanted"), [(0.30, 1.0), (0.135, 0.0), (0.2175, 0.5), (0.5, 1.0), (0.05, 0.0)]
)
def test_ear_scale(ear: float, wanted: float) -> None:
    assert ear_openness(ear, 0.30, AHEAD, S) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("logit", "wanted"), [(4.0, 1.0), (-1.5, 0.0), (1.25, 0.5), (5.0, 1.0), (-4.0, 0.0)]
)
def test_net_scale(logit: float, wanted: float) -> None:
    assert net_openness(logit, 4.0, S) == pytest.approx(wanted)


def test_looking_down_gives_openness_back() -> None:
    ahead = ear_openness(0.2175, 0.30, AHEAD, S)
    for pitch, more in ((-12.0, 0.0), (-17.0, 5 * S.down_gain), (-40.0, S.down_most), (30.0, 0.0)):
        found = ear_openness(0.2175, 0.30, HeadPose(0.0, pitch, 0.0), S)
        assert found == pytest.approx(ahead + more)
    assert ear_openness(0.2175, 0.30, None, S) == pytest.approx(ahead)


def test_pose_corrects_the_ear_only_a_little() -> None:
    assert correct_ear(0.3, None, far=False) == 0.3
    assert correct_ear(0.3, AHEAD, far=True) == pytest.approx(0.3)
    turned = HeadPose(30.0, 0.0, 0.0)
    near, far = (correct_ear(0.3, turned, far=f) for f in (False, True))
    assert 0.25 < far < near < 0.3
    assert correct_ear(0.3, replace(turned, yaw_deg=-30.0), far=False) == pytest.approx(near)
    assert correct_ear(0.3, HeadPose(0.0, -20.0, 0.0), far=False) > 0.3
    assert correct_ear(0.3, HeadPose(0.0, 20.0, 0.0), far=False) > 0.3


def test_ear_alone() -> None:
    found = both(EYE)
    assert found.both == pytest.approx(1.0)
    assert found.certainty == pytest.approx(S.ear_certainty)
    assert found.ears == pytest.approx((0.30, 0.30))
    assert found.logits == (None, None)
    assert found.unseen is None


def test_net_alone() -> None:
    found = both(EyeEvidence(open_probability=0.03, visible_probability=0.9))
    assert found.both == 0.0
    assert found.certainty == pytest.approx(0.9)
    assert found.ears == (None, None)


def test_neither_is_not_measured() -> None:
    found = both(EyeEvidence())
    assert (found.both, found.unseen) == (None, Unseen.NOT_MEASURED)


def test_net_that_is_sure_of_closed_overrules_an_average_eye() -> None:
    """dlib draws an open eye where it sees none."""
    found = both(replace(EYE, open_probability=0.03, visible_probability=0.9))
    assert found.both == pytest.approx(1 - S.net_weight_closed)
    assert found.certainty < 0.5


def test_net_that_is_sure_of_open_saves_a_misread_ear() -> None:
    found = both(EyeEvidence(ear=0.13, open_probability=0.99, visible_probability=0.9))
    assert found.both == pytest.approx(S.net_weight)


def test_against_the_populations_open_eye_the_net_leads_a_closure() -> None:
    narrow = EyeEvidence(ear=0.13, open_probability=0.6, visible_probability=0.95)
    known, unknown = both(narrow), both(narrow, own=(0.0, 0.0))
    assert known.both is not None
    assert known.lids == pytest.approx(known.both)
    assert unknown.both == known.both
    assert unknown.lids == pytest.approx(known.both * S.net_weight_closed / S.net_weight)
    halfway = both(narrow, own=(0.5, 0.5)).lids
    assert halfway == pytest.approx((known.both + unknown.lids) / 2)


@pytest.mark.parametrize("unsure", [0.55, 0.6])
def test_without_a_pose_where_nothing_is_learned_the_net_never_leads(unsure: float) -> None:
    closed = EyeEvidence(ear=0.13, open_probability=unsure, visible_probability=0.95)
    found = both(closed, pose=None, own=(0.0, 0.0))
    assert found.lids == found.both
    assert found.lids is not None
    assert found.lids < ClosureSettings().closed_below


@pytest.mark.parametrize("eye", [{"open_probability": 0.02}, {"ear": 0.3}, {"ear": None}])
def test_the_net_leads_towards_open_alone(eye: dict[str, float | None]) -> None:
    narrow = EyeEvidence(ear=0.13, open_probability=0.6, visible_probability=0.95)
    found = both(replace(narrow, **eye), own=(0.0, 0.0))  # type: ignore[arg-type]
    assert found.lids == pytest.approx(found.both)


def test_hidden_eyes_have_no_lids() -> None:
    assert both(EyeEvidence(ear=0.3, visible_probability=0.2)).lids is None


def test_agreement_is_certain() -> None:
    found = both(replace(EYE, open_probability=0.985, visible_probability=0.95))
    assert found.both == pytest.approx(1.0)
    assert found.certainty == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("eye", "why"),
    [
        (EyeEvidence(ear=0.3, visible_probability=0.2), Unseen.COVERED),
        (EyeEvidence(ear=0.3, visible_probability=0.2, shade=0.59), Unseen.SUNGLASSES),
        (EyeEvidence(ear=0.3, visible_probability=0.2, shade=0.6), Unseen.COVERED),
        (EyeEvidence(ear=0.3, visible_probability=0.2, shade=1.4), Unseen.COVERED),
        (EyeEvidence(ear=0.3, visible_probability=0.2, shade=1.41), Unseen.GLARE),
        (EyeEvidence(ear=0.3, visible_probability=0.2, shade=1.5, unseen=Unseen.DARK), Unseen.DARK),
        (EyeEvidence(ear=0.3, visible_probability=0.2, unseen=Unseen.GLARE), Unseen.GLARE),
        (EyeEvidence(ear=0.3, unseen=Unseen.TOO_SMALL), Unseen.TOO_SMALL),
        (EyeEvidence(ear=0.3, unseen=Unseen.DARK), Unseen.DARK),
        (EyeEvidence(ear=0.3, contrast=0.01), Unseen.COVERED),
    ],
)
def test_hidden_eyes_have_a_reason(eye: EyeEvidence, why: Unseen) -> None:
    found = both(eye)
    assert found.both is None
    assert found.certainty == 0.0
    assert found.unseen is why


@pytest.mark.parametrize("why", [Unseen.GLARE, Unseen.DARK])
def test_net_that_sees_the_eye_overrules_brightness(why: Unseen) -> None:
    eye = EyeEvidence(ear=0.3, open_probability=0.99, visible_probability=0.9, unseen=why)
    assert both(eye).both is not None


@pytest.mark.parametrize("why", [Unseen.TURNED_AWAY, Unseen.TOO_SMALL, Unseen.NO_FACE])
def test_net_does_not_overrule_geometry(why: Unseen) -> None:
    eye = EyeEvidence(ear=0.3, open_probability=0.99, visible_probability=0.9, unseen=why)
    assert both(eye).unseen is why


@pytest.mark.parametrize(
    ("brightness", "why"),
    [(5.0, Unseen.DARK), (250.0, Unseen.OVEREXPOSED), (12.0, None), (243.0, None)],
)
def test_light_of_the_face(brightness: float, why: Unseen | None) -> None:
    assert both(EYE, brightness=brightness).unseen is why
    seen_by_net = replace(EYE, open_probability=0.99, visible_probability=0.9)
    assert both(seen_by_net, brightness=brightness).unseen is None


def test_perceptions_word_comes_first() -> None:
    eye = EyeEvidence(unseen=Unseen.NO_FACE)
    assert both(eye, unseen=Unseen.CAMERA).unseen is Unseen.CAMERA
    assert both(eye).unseen is Unseen.NO_FACE


@pytest.mark.parametrize(
    ("yaw", "right_seen", "left_seen"),
    [(0.0, True, True), (44.0, True, True), (46.0, True, False), (-46.0, False, True),
     (61.0, False, False)],
)  # fmt: skip
def test_turning_hides_the_far_eye_first(yaw: float, right_seen: bool, left_seen: bool) -> None:
    found = both(EYE, pose=HeadPose(yaw, 0.0, 0.0))
    assert (found.right.openness is not None, found.left.openness is not None) == (
        right_seen,
        left_seen,
    )
    if not right_seen and not left_seen:
        assert found.unseen is Unseen.TURNED_AWAY


def test_far_eye_counts_less_and_teaches_nothing() -> None:
    shut = EyeEvidence(ear=0.12, contrast=0.3)
    found = both(EYE, shut, pose=HeadPose(40.0, 0.0, 0.0))  # the left eye is far
    assert found.both is not None
    assert found.both > 0.75
    assert found.ears[0] is not None
    assert found.ears[1] is None


def test_a_wink_is_less_certain() -> None:
    found = both(EYE, EyeEvidence(ear=0.12, contrast=0.3))
    assert found.both == pytest.approx(0.5)
    assert found.certainty == pytest.approx(S.ear_certainty / 2)


def test_one_eye_covered_leaves_the_other() -> None:
    found = both(EYE, EyeEvidence(unseen=Unseen.COVERED))
    assert found.both == pytest.approx(1.0)
    assert found.left.unseen is Unseen.COVERED


def test_a_closed_eye_is_drawn_as_our_own_landmarks_draw_it() -> None:
    assert DMS56.closed_ear == CLOSED_RATIO


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="far_from_deg < far_to_deg"):
        OpennessSettings(far_from_deg=45.0)
    with pytest.raises(ValueError, match="dark_below must be less"):
        OpennessSettings(dark_below=200.0, bright_above=100.0)
