"""Training pictures: lids that close keep their labels, covers are told, mirrored faces agree."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from dms.engine.manifest import FOLDER, load_manifest
from dms.perception.schemes import DMS56
from dms.values import Box, Gray
from tools.landmarking import int8
from tools.landmarking.blinks import closures, f1, match
from tools.landmarking.covers import cover
from tools.landmarking.heads import Turn
from tools.landmarking.jaws import open_mouth, opening
from tools.landmarking.label import Array, Label
from tools.landmarking.labels import aspect, even, eyes_of, sound
from tools.landmarking.lids import close_eye
from tools.landmarking.pictures import FLIP, Pictures, Sample, box_of, cut_off, draw


def face() -> Array:
    """Points of a level face: eyes 40 px wide and 12 px open at y 100, mouth at y 180."""
    points = np.zeros((56, 2))
    x = np.array([0, 8, 14, 20, 26, 32, 40, 32, 26, 20, 14, 8])
    y = np.array([0, -5, -6, -6, -6, -5, 0, 5, 6, 6, 6, 5])
    points[:12] = np.column_stack([60 + x, 100 + y])
    points[12:24] = np.column_stack([196 - x, 100 + y])
    for number, place in {35: (98, 180), 39: (158, 180), 31: (128, 140), 53: (128, 230)}.items():
        points[number] = place
    points[51:56] = [[50, 130], [70, 200], [128, 230], [186, 200], [206, 130]]
    return points


def label() -> Label:
    ys, xs = np.mgrid[0:256, 0:256]
    gray = (120 + 60 * np.sin(xs / 7) * np.cos(ys / 9)).astype(np.uint8)
    return Label("face_photos", "1.jpg", 0, gray, face(), np.zeros((2, 5, 2)), 1, 0.01, 0.01, 1.0)


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_closing_lowers_the_upper_lid_by_its_share(share: float) -> None:
    gray, eye = label().gray.copy(), face()[:12].copy()
    before, lower = aspect(eye), eye[7:12].copy()
    close_eye(gray, eye, share)
    assert aspect(eye) == pytest.approx((1 - share) * before, abs=0.02)
    assert (eye[7:12] == lower).all()


def test_closing_covers_the_eyeball_with_skin_and_leaves_the_rest() -> None:
    gray, eye = np.full((200, 200), 150, np.uint8), face()[:12].copy()
    gray[96:105, 72:90] = 20  # the dark iris
    close_eye(gray, eye, 1.0)
    assert gray[98:102, 75:86].min() > 100
    assert (gray[:60] == 150).all()
    assert (gray[110:] == 150).all()


def test_closed_lid_follows_the_head() -> None:
    turn = np.deg2rad(25)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    eye = (face()[:12] - [80, 100]) @ matrix.T + [100, 100]
    close_eye(np.full((200, 200), 150, np.uint8), eye, 1.0)
    assert aspect(eye) < 0.03


def test_mirror_numbers_are_their_own_inverse_and_swap_the_eyes() -> None:
    assert np.array(FLIP)[FLIP].tolist() == list(range(56))
    assert [FLIP[i] for i in DMS56.right_eye] == list(DMS56.left_eye)
    assert [FLIP[a] for a, _ in DMS56.lips] == [a for a, _ in reversed(DMS56.lips)]


def test_same_seed_draws_the_same_patches() -> None:
    one, two = (draw([label()], 3, seed=5) for _ in range(2))
    assert all(np.array_equal(one[name], two[name], equal_nan=True) for name in ("faces", "lids"))
    assert one["eyes"].shape == (6, 32, 48)
    assert one["face_points"].shape == (3, 36, 2)


def test_drawn_box_scatters_about_the_face() -> None:
    pictures = Pictures([label()], seed=3)
    centre, side = box_of(face())
    boxes = [pictures.box(face()) for _ in range(300)]
    middles = np.array([[b.x + b.width / 2, b.y + b.height / 2] for b in boxes])
    assert middles.mean(axis=0) == pytest.approx(centre, abs=0.02 * side)
    assert 0.03 < (middles.std(axis=0) / side).mean() < 0.08


def test_covers_hide_eyes_sometimes_and_say_so() -> None:
    rng, gray = np.random.default_rng(2), label().gray
    seen: set[str] = set()
    for _ in range(300):
        picture: Gray = gray.copy()
        hidden = cover(picture, face(), gray, rng)
        seen |= {"doubt" if np.isnan(h) else str(int(h)) for h in hidden}
        for eye, state in zip(eyes_of(face()), hidden, strict=True):
            if state == 1:
                x, y = eye.mean(axis=0).astype(int)
                area = np.s_[y - 3 : y + 4, x - 3 : x + 4]
                assert not np.array_equal(picture[area], gray[area])
    assert seen == {"0", "1", "doubt"}


@pytest.mark.parametrize(("field", "value"), [("score", 0.5), ("spread", 0.05), ("wrong", True)])
def test_doubtful_labels_are_dropped(field: str, value: object) -> None:
    good, bad = label(), label()
    setattr(bad, field, value)
    assert sound(good)
    assert not sound(bad)


def test_profiles_are_dropped() -> None:
    turned = label()
    turned.points[12:24] = (turned.points[12:24] - [176, 100]) * 0.2 + [176, 100]
    assert not sound(turned)


def test_closures_need_depth_and_time() -> None:
    ratio = np.full((60, 2), 0.3)
    ratio[10:14] = 0.1
    ratio[30] = 0.1  # a single frame at 30 fps is noise
    ratio[40:44] = 0.28
    assert closures(ratio, 30.0, 0.75) == [(10, 13)]


def test_each_closure_explains_one_label() -> None:
    hits, missed, false = match([(10, 13), (50, 52)], [(9, 14), (11, 12), (30, 33)])
    assert (hits, missed, false) == (1, [(11, 12), (30, 33)], [(50, 52)])
    assert f1(1, 2, 1) == pytest.approx(0.4)


def solid() -> Array:
    """A mesh of a head: a ball's front, its nose a quarter of its width before the rest."""
    angle, ring = np.linspace(0, 2 * np.pi, 78, endpoint=False), np.linspace(0.15, 1, 6)
    x, y = (np.outer(ring, way(angle)).ravel() * 70 + 128 for way in (np.cos, np.sin))
    depth = -60 * np.sqrt(np.clip(1 - ((x - 128) ** 2 + (y - 128) ** 2) / 75**2, 0, 1))
    return np.column_stack([x, y, depth])


def test_turning_moves_near_points_against_far_ones_and_the_picture_with_them() -> None:
    turn = Turn(solid(), 256, 30.0, 0.0)
    near, far = turn.points(np.array([[128.0, 128.0], [75.0, 128.0]]))
    assert near[0] > 130  # what is nearer than the head's middle goes to the right
    assert near[0] - far[0] > 1.1 * (128 - 75) * np.cos(np.radians(30))
    gray = np.full((256, 256), 90, np.uint8)
    gray[124:133, 124:133] = 250  # a spot on the nose
    ys, xs = np.nonzero(turn.picture(gray) > 200)
    assert (xs.mean(), ys.mean()) == pytest.approx(tuple(near), abs=2.0)


def test_a_turn_to_the_left_mirrors_the_same_turn_to_the_right() -> None:
    gray = np.full((256, 256), 90, np.uint8)
    gray[124:133, 124:133] = 250  # the nose hides the far cheek, whichever side that is
    gray[100:110, 60:75] = 180
    steep = solid() * (1, 1, 2)
    right = Turn(steep, 256, 50.0, 0.0).picture(gray)
    mirrored = steep * (-1, 1, 1) + (255, 0, 0)
    left = Turn(mirrored, 256, -50.0, 0.0).picture(gray[:, ::-1].copy())
    assert np.abs(right.astype(int) - left[:, ::-1]).max() <= 1
    assert (left > 200).any()


def test_a_turn_of_nothing_leaves_all_where_it_is() -> None:
    turn = Turn(solid(), 256, 0.0, 0.0)
    assert turn.points(face()) == pytest.approx(face(), abs=1e-6)
    gray = label().gray
    assert np.abs(turn.picture(gray)[8:-8, 8:-8].astype(int) - gray[8:-8, 8:-8]).mean() < 1.0


def mouth() -> Array:
    """Give the face lips: outer ones 60 px wide, inner ones closed."""
    points = face()
    x = np.array([98, 113, 128, 143, 158, 143, 128, 113])
    points[35:43] = np.column_stack([x, 180 + np.array([0, -6, -7, -6, 0, 7, 8, 7])])
    points[43:51] = np.column_stack([x * 0.9 + 12.8, 180 + np.array([0, 0, 0, 0, 0, 1, 1, 1])])
    return points


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_an_opened_mouth_is_as_open_as_asked_and_dark_within(share: float) -> None:
    gray, points = np.full((320, 256), 150, np.uint8), mouth()
    open_mouth(gray, points, share, np.random.default_rng(0))
    assert opening(points) == pytest.approx(share * 0.9, rel=0.25)
    assert points[53, 1] > face()[53, 1] + 20 * share  # the chin drops
    assert points[:35] == pytest.approx(mouth()[:35])
    assert gray[int(points[45, 1] + points[49, 1]) // 2, 128] < 110


def test_a_cut_face_repeats_the_border_and_hides_the_eye_beyond() -> None:
    centre, side = box_of(face())
    box = Box(float(centre[0]) - side / 2, float(centre[1]) - side / 2, side, side)
    seen = set()
    for seed in range(12):
        sample = Sample(label().gray.copy(), face(), [0.0, 0.0])
        cut_off(sample, box, 0.45, np.random.default_rng(seed))
        assert not np.array_equal(sample.gray, label().gray)
        seen.add(tuple(sample.hidden))
    assert {(1.0, 0.0), (0.0, 1.0)} <= seen


def test_openings_of_a_frontal_face_come_nearer_each_other() -> None:
    uneven = label()
    uneven.points[1:6, 1] -= 3
    before = [aspect(eye) for eye in eyes_of(uneven.points)]
    even(uneven)
    after = [aspect(eye) for eye in eyes_of(uneven.points)]
    assert abs(after[0] - after[1]) < 0.5 * abs(before[0] - before[1])
    assert sum(after) == pytest.approx(sum(before), rel=0.03)


def test_int8_file_keeps_the_light_and_the_last_layer_exact_and_is_listed(tmp_path: Path) -> None:
    for name in ("landmarks_face", "landmarks_eye"):
        shutil.copy(FOLDER / f"{name}.onnx", tmp_path)
        shutil.copy(FOLDER / f"{name}.yaml", tmp_path)
        manifest = load_manifest(name, tmp_path)
        seen = np.random.default_rng(1).random((64, *manifest.input.shape), np.float32)
        int8.made(manifest, seen, tmp_path)
        path = load_manifest(name, tmp_path).path("int8")
        assert path.parent == tmp_path
        off = np.mean(
            int8.answers(path, seen[::2]) - int8.answers(manifest.path("fp32"), seen[::2])
        )
        assert abs(off) < 1e-5
        kinds = {one.name: one.data_type for one in onnx.load(path).graph.initializer}
        floats = [name for name, kind in kinds.items() if kind == onnx.TensorProto.FLOAT]
        assert "net.levels.0.convolution.weight" in floats
        assert int8.BIAS in floats
        assert "net.levels.1.convolution.weight" not in kinds  # but net...weight_quantized is
