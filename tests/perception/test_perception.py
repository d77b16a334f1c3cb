from dataclasses import dataclass, replace

import numpy as np
import pytest

from dms.errors import EngineError
from dms.perception.eye_net import EyeScores
from dms.perception.eyes import EyeSettings
from dms.perception.face_search import FaceSettings
from dms.perception.perception import Perception, PerceptionSettings
from dms.values import EXPRESSIONS, ExpressionScores, Fault, Frame, Iris, Lids, Part, Unseen

SCORES = ExpressionScores((0.3, *[0.1] * 7), True, 0.3)


@dataclass
class Eye:
    open_probability: float = 0.9
    visible_probability: float = 0.8


class EyeNet:
    def __init__(self):
        self.fails = False

    def read(self, gray, anchors, corners):
        assert (anchors.shape, corners.shape) == ((4, 2), (2, 2, 2))
        if self.fails:
            raise EngineError("the net is gone; reload it")
        return Eye(), Eye(0.2)


class FaceNet:
    def __init__(self):
        self.runs = 0

    def read(self, gray, anchors):
        self.runs += 1
        return SCORES


@pytest.fixture
def nets():
    return FaceNet(), EyeNet()


@pytest.fixture
def perception(dlib68, nets):
    return Perception(dlib68, *nets, PerceptionSettings())


def test_a_face_gives_every_measure(perception, portrait):
    seen = perception.observe(Frame(portrait, 0.0, 0))
    assert seen.unseen is None
    assert 0.15 < seen.right_eye.ear < 0.5
    assert seen.right_eye.open_probability == 0.9
    assert seen.left_eye.open_probability == 0.2
    assert seen.mar is not None
    assert seen.pose is not None
    assert len(seen.expression.probabilities) == len(EXPRESSIONS)
    assert 20 < seen.brightness < 235


def test_no_face_is_unknown_with_a_reason_never_zero(perception):
    seen = perception.observe(Frame(np.zeros((240, 320), np.uint8), 0.0, 0))
    assert seen.unseen == seen.right_eye.unseen == Unseen.DARK
    assert seen.right_eye.ear is None
    assert seen.mar is None
    assert seen.pose is None
    assert seen.expression is None
    assert seen.brightness == 0.0


@pytest.mark.parametrize("fps", [15, 30, 60, 120])
def test_the_expression_net_runs_by_time_not_by_frame(perception, portrait, nets, fps):
    for index in range(fps):
        perception.observe(Frame(portrait, index / fps, index))
    assert nets[0].runs == pytest.approx(1 / PerceptionSettings().expression_period_s, abs=2.5)
    assert nets[0].runs >= 7


def test_a_failing_net_is_a_fault_by_name_and_heals(perception, portrait, nets):
    nets[1].fails = True
    seen = perception.observe(Frame(portrait, 0.0, 0))
    assert seen.right_eye.open_probability is None
    assert seen.right_eye.ear is not None
    assert perception.faults == (Fault(Part.ENGINE, "eye-state net: the net is gone; reload it"),)
    nets[1].fails = False
    assert perception.observe(Frame(portrait, 0.1, 1)).right_eye.open_probability == 0.9
    assert perception.faults == ()


def test_reset_forgets_the_face_and_the_faults(perception, portrait, nets):
    nets[1].fails = True
    perception.observe(Frame(portrait, 9.0, 0))
    perception.reset()
    assert perception.faults == ()
    assert perception.observe(Frame(portrait, 0.0, 0)).expression == SCORES


def test_another_picture_size_is_no_trouble(perception, portrait):
    perception.observe(Frame(portrait, 0.0, 0))
    half = np.ascontiguousarray(np.pad(portrait, ((0, 100), (0, 200)), mode="edge"))
    assert perception.observe(Frame(half, 0.1, 1)).pose is not None


def test_an_eye_turned_away_gets_no_score_from_the_net(perception, portrait, monkeypatch):
    from dms.perception import perception as module

    real = module.observe_eye

    def turned(gray, marks, left, *more):
        eye = real(gray, marks, left, *more)
        return replace(eye, unseen=Unseen.TURNED_AWAY) if left else eye

    monkeypatch.setattr(module, "observe_eye", turned)
    seen = perception.observe(Frame(portrait, 0.0, 0))
    assert seen.left_eye.open_probability is None
    assert seen.right_eye.open_probability == 0.9


def test_head_pose_of_a_face_cut_by_the_pictures_side_is_unknown(perception, portrait):
    for t_s, left in ((0.0, 0), (0.5, 195)):
        cut = np.ascontiguousarray(portrait[:, left:])
        seen = perception.observe(Frame(cut, t_s, 0))
        if seen.face is not None:
            assert (seen.pose is None) == (left > 0)
    assert perception.observe(Frame(portrait, 1.0, 0)).pose is not None


def test_a_landmark_model_that_fails_is_a_named_fault_and_no_end_of_the_run(dlib68, nets, portrait):
    class Failing:
        scheme = dlib68.scheme
        fails = True

        def predict(self, gray, box):
            if self.fails:
                raise EngineError("output of the net is not finite")
            return dlib68.predict(gray, box)

    model = Failing()
    perception = Perception(model, *nets, PerceptionSettings())
    seen = perception.observe(Frame(portrait, 0.0, 0))
    assert seen.face is None
    assert seen.right_eye.ear is None
    assert perception.faults == (
        Fault(Part.ENGINE, "landmark model: output of the net is not finite"),
    )
    model.fails = False
    assert perception.observe(Frame(portrait, 0.3, 1)).face is not None
    assert perception.faults == ()


class Mouth:
    def __init__(self):
        self.runs, self.fails = 0, False

    def read(self, gray, anchors):
        self.runs += 1
        if self.fails:
            raise EngineError("the mouth net is gone; reload it")
        return 0.7


def test_the_mouth_net_speaks_when_it_is_due(dlib68, nets, portrait):
    mouth = Mouth()
    perception = Perception(dlib68, *nets, PerceptionSettings(), mouth)
    told = [perception.observe(Frame(portrait, n / 30, n)).yawn for n in range(8)]
    # Once it gives way to the expression net, which was due in the same frame.
    assert told == [0.7, None, None, None, 0.7, None, None, 0.7]
    perception.reset()
    assert perception.observe(Frame(portrait, 0.0, 0)).yawn == 0.7


def test_a_failing_mouth_net_is_a_fault_and_leaves_the_lips(dlib68, nets, portrait):
    mouth = Mouth()
    perception = Perception(dlib68, *nets, PerceptionSettings(), mouth)
    mouth.fails = True
    seen = perception.observe(Frame(portrait, 0.0, 0))
    assert seen.yawn is None
    assert seen.mar is not None
    assert perception.faults == (Fault(Part.ENGINE, "mouth net: the mouth net is gone; reload it"),)
    mouth.fails = False
    assert perception.observe(Frame(portrait, 0.1, 1)).yawn == 0.7
    assert perception.faults == ()


def test_two_models_word_on_the_eyes_is_joined(dlib68, nets, portrait, monkeypatch):
    perception = Perception(dlib68, *nets, PerceptionSettings())
    real = perception._told
    eyes = ((0.5, 0.6), (0.2, 0.99))
    monkeypatch.setattr(
        perception, "_told",
        lambda eye, marks, side, score: real(eye, replace_eyes(marks, eyes), side, score),
    )  # fmt: skip
    seen = perception.observe(Frame(portrait, 0.0, 0))
    assert seen.right_eye.open_probability == pytest.approx(0.75, abs=0.001)  # of 0.9 and 0.5
    assert seen.right_eye.visible_probability == 0.6
    assert seen.left_eye.open_probability == pytest.approx(0.2, abs=0.001)
    assert seen.left_eye.visible_probability == 0.8


def replace_eyes(marks, eyes):
    return replace(marks, eyes=eyes)


@pytest.mark.parametrize("fps", [60, 30])
def test_rare_work_does_not_add_up_in_one_frame(dlib68, nets, portrait, fps):
    settings = PerceptionSettings(face=FaceSettings(check_period_s=0.4))
    seen = Perception(dlib68, *nets, settings, mouth=(mouth := Mouth()))
    work = []
    for index in range(2 * fps):
        before = (seen.tracker.search.runs, nets[0].runs, mouth.runs)
        seen.observe(Frame(portrait, index / fps, index))
        after = (seen.tracker.search.runs, nets[0].runs, mouth.runs)
        work.append(sum(now > then for then, now in zip(before, after, strict=True)))
    assert max(work[1:]) == 1  # the first frame answers all at once
    assert nets[0].runs == pytest.approx(2 / settings.expression_period_s, abs=5)


def test_no_look_for_a_better_face_and_no_expression_in_one_frame(dlib68, nets, portrait):
    seen, both, looks = Perception(dlib68, *nets, PerceptionSettings()), [], 0
    gone = portrait[::-1].copy()
    for index, picture in enumerate([portrait] * 30 + [gone] * 30 + [portrait] * 30):
        before = (seen.tracker.search.runs, nets[0].runs)
        seen.observe(Frame(picture, index / 30, index))
        searched, scored = seen.tracker.search.runs > before[0], nets[0].runs > before[1]
        looks += index >= 60 and searched
        both.append(searched and scored)
    assert looks >= 3  # the one that finds the face, at least one for a better one, a confirmation
    assert not any(both[1:])  # the first frame answers all at once


def test_a_turn_given_away_just_before_a_loss_is_not_made_up_as_the_face_is_found(
    dlib68, nets, portrait
):
    settings = PerceptionSettings(face=FaceSettings(check_period_s=0.5))
    seen, both, faces = Perception(dlib68, *nets, settings), [], []
    gone = portrait[::-1].copy()  # from the frame after a confirmation, to which the net gave way
    for index, picture in enumerate([portrait] * 16 + [gone] * 30 + [portrait] * 10):
        before = (seen.tracker.search.runs, nets[0].runs)
        faces.append(seen.observe(Frame(picture, index / 30, index)).face is not None)
        both.append(seen.tracker.search.runs > before[0] and nets[0].runs > before[1])
    assert faces[15]
    assert not faces[16]
    assert faces[-1]
    assert not any(both[1:])


def test_a_net_does_not_give_way_where_the_next_frame_is_far(dlib68, nets, portrait):
    settings = PerceptionSettings(face=FaceSettings(check_period_s=0.05))  # searched in each frame
    seen = Perception(dlib68, *nets, settings)
    for index in range(10):
        assert seen.observe(Frame(portrait, index / 10, index)).expression is not None


@pytest.mark.parametrize(("least_px", "lowered"), [(1.0, 0.6), (1000.0, 0.0)])
def test_lowered_lids_are_told_only_of_an_eye_that_is_wide_enough(
    dlib68, portrait, least_px, lowered
):
    class Net:
        def read(self, gray, anchors, corners):
            eye = EyeScores(0.3, 0.99, Lids(0.1, 0.6, 0.3), Iris(0.0, 0.1, 0.02))
            return eye, eye

    settings = PerceptionSettings(eyes=EyeSettings(lowered_least_px=least_px))
    seen = Perception(dlib68, None, Net(), settings).observe(Frame(portrait, 0.0, 0)).right_eye
    assert 10 < seen.width_px < 200
    assert seen.lids.lowered == lowered
    assert seen.lids.open + seen.lids.lowered + seen.lids.closed == pytest.approx(1.0)
    assert (seen.iris is None) == (lowered == 0.0)
