"""The mouth net: where its crop lies, and what it says of the shipped portrait."""

import numpy as np
import pytest

from dms.engine.manifest import load_manifest
from dms.errors import EngineError
from dms.perception.landmarks import Landmarks
from dms.perception.mouth import MouthCropSettings, MouthNet, load_mouth_net, mouth_matrix
from dms.values import Gray

ANCHORS = np.array([[70, 80], [130, 80], [78, 144], [122, 144]], float)
S = MouthCropSettings()


def middle_of(matrix: np.ndarray) -> np.ndarray:
    """Return the place of the picture in the middle of the crop."""
    centre = np.full(2, S.size / 2 - 0.5)
    return np.linalg.solve(matrix[:, :2], centre - matrix[:, 2])


def test_the_crop_lies_below_the_eyes_in_the_middle():
    face = np.hypot(60, 64)
    assert middle_of(mouth_matrix(ANCHORS, S)) == pytest.approx([100, 80 + S.down * face])


def test_the_crop_turns_with_the_eyes_and_not_with_the_mouth():
    upright = mouth_matrix(ANCHORS, S)
    crooked = ANCHORS + np.array([[0, 0], [0, 0], [0, 6], [0, -6]])
    assert mouth_matrix(crooked, S) == pytest.approx(upright)
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = mouth_matrix(ANCHORS @ turn.T, S)
    assert turned[:, :2] @ turn == pytest.approx(upright[:, :2])


def test_the_crop_grows_with_the_face():
    assert mouth_matrix(ANCHORS * 2, S)[0, 0] == pytest.approx(mouth_matrix(ANCHORS, S)[0, 0] / 2)


@pytest.mark.parametrize("anchors", [np.zeros((4, 2)), np.full((4, 2), np.nan)])
def test_anchors_without_a_face_are_refused(anchors: np.ndarray):
    with pytest.raises(EngineError, match="anchors"):
        mouth_matrix(anchors, S)


def test_a_smiling_portrait_does_not_yawn(portrait: Gray, portrait_marks: Landmarks):
    net = load_mouth_net("mouth")
    likely = net.read(portrait, portrait_marks.anchors)
    assert 0.0 <= likely < 0.3
    assert net.read(portrait, portrait_marks.anchors) == likely


def test_a_manifest_without_the_output_is_refused():
    with pytest.raises(EngineError, match="yawn"):
        MouthNet(object(), load_manifest("landmarks_face").__class__(**{  # type: ignore[arg-type]
            **{f: getattr(load_manifest("mouth"), f) for f in load_manifest("mouth").__slots__},
            "outputs": {"open": 1},
        }))  # fmt: skip
