from __future__ import annotations

import numpy as np
import pytest

from dms.perception.landmarks import Landmarks, face_shape
from dms.perception.schemes import DLIB68, DMS56, Scheme


def face(scheme: Scheme, degrees: float = 0.0, scale: float = 1.0) -> Landmarks:
    """A made-up face, turned in the picture and scaled, its parts apart from one another."""
    points = np.random.default_rng(3).normal(100.0, 20.0, (scheme.count, 2))
    for at, x in ((scheme.right_eye, 80.0), (scheme.left_eye, 120.0)):
        points[list(at)] = [(x + number, 100.0) for number in range(len(at))]
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return Landmarks((scale * points @ turn.T + 30.0).astype(np.float32), scheme)


@pytest.mark.parametrize("scheme", [DLIB68, DMS56])
def test_the_head_may_move_turn_and_come_nearer(scheme: Scheme) -> None:
    shape = face_shape(face(scheme))
    assert shape is not None
    assert len(shape) == 14
    assert face_shape(face(scheme, 30.0, 1.7)) == pytest.approx(shape, abs=1e-4)


@pytest.mark.parametrize("scheme", [DLIB68, DMS56])
def test_each_part_moves_its_own_channel(scheme: Scheme) -> None:
    still = face(scheme)
    parts = [*scheme.brows, *scheme.wings, *scheme.lip_rims, *scheme.mouth_corners]
    across = float(np.linalg.norm(still.anchors[1] - still.anchors[0]))
    for channel, part in enumerate(parts[:10]):
        points = still.points.copy()
        points[part, 1] += 4.0
        moved = np.subtract(face_shape(Landmarks(points, scheme)), face_shape(still))
        assert moved[channel] == pytest.approx(4.0 / across, abs=1e-4)
        assert np.abs(np.delete(moved, channel)).max() < 1e-4


def test_eyes_in_one_place_have_no_shape() -> None:
    marks = Landmarks(np.zeros((DLIB68.count, 2), np.float32), DLIB68)
    assert face_shape(marks) is None


@pytest.mark.parametrize("scheme", [DLIB68, DMS56])
def test_the_named_points_are_apart(scheme: Scheme) -> None:
    parts = [*scheme.brows, *scheme.wings, *scheme.lip_rims, *scheme.mouth_corners]
    assert len(set(parts)) == len(parts)
    assert max(parts) < scheme.count
