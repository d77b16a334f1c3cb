"""The drawing program: seeded, its truth fits its pictures."""

import numpy as np

from tools.drawing.eyes import EYE_PX, SIDE, draw_eyes
from tools.drawing.people import CLOSED, DROOPING, LOWERED, OPEN, ROLLED, draw_people
from tools.drawing.photographs import moved
from tools.evaluation.glances import DEGREE, glancing


def test_the_same_seed_draws_the_same_eyes():
    first, second = (
        draw_eyes(draw_people(40, np.random.default_rng(3)), np.random.default_rng(4))
        for _ in range(2)
    )
    assert first.shape == (40, SIDE, SIDE)
    np.testing.assert_array_equal(first, second)


def test_lids_follow_the_gaze_and_the_truth_says_so():
    people = draw_people(4000, np.random.default_rng(5))
    np.testing.assert_allclose(people.lids.sum(1), 1, atol=1e-5)
    lowered, shut = people.what == LOWERED, people.what == CLOSED
    assert (people.pitch[lowered] <= -20).all()
    assert people.gap[lowered].mean() < 0.5 * people.gap[people.what == OPEN].mean()
    assert (people.lids[shut].argmax(1) == 2).all()
    assert people.gap[shut].max() < 0.02
    assert (people.iris_y[lowered] > np.median(people.iris_y[people.what == OPEN])).mean() > 0.95


def test_a_drooping_lid_counts_by_its_openness_and_a_slit_of_white_is_shut():
    people = draw_people(4000, np.random.default_rng(5))
    drooping = people.what == DROOPING
    assert (people.lids[drooping, 1] == 0).all()
    np.testing.assert_allclose(people.lids[drooping, 0], people.openness[drooping], atol=1e-5)
    assert (people.lids[people.what == ROLLED].argmax(1) == 2).all()


def test_narrow_eyes_are_as_open_as_wide_ones():
    people = draw_people(4000, np.random.default_rng(5))
    narrow = (people.what == OPEN) & (people.full < 0.18)
    assert narrow.sum() > 100
    assert people.lids[narrow, 2].max() < 0.05


def test_a_photographed_iris_is_moved_behind_the_lids():
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    x, y = ((axis - (SIDE - 1) / 2) / EYE_PX for axis in (x, y))
    eye = np.where(np.hypot(x, y) < 0.2, 40, 200).astype(np.uint8)
    angles = np.linspace(np.pi, -np.pi, 12, endpoint=False)
    contour = np.stack([0.5 * np.cos(angles), -0.25 * np.sin(angles)], 1)
    out = moved(eye, contour, np.zeros(2), 0.2, np.array([0.15, 0.0]))
    inside = (np.abs(x) < 0.45) & (np.abs(y) < 0.1)
    assert np.average(x[inside], weights=255.0 - out[inside]) > 0.06
    np.testing.assert_array_equal(out[np.abs(y) > 0.35], eye[np.abs(y) > 0.35])


def test_painted_glances_move_the_iris_and_leave_the_face():
    y, x = np.mgrid[:120, :160].astype(np.float32)
    contours = []
    gray = np.full((120, 160), 170, np.float32)
    for middle in (50.0, 110.0):
        dx, dy = (x - middle) / 30, (y - 60) / 30
        inside = (dx / 0.5) ** 2 + (dy / 0.17) ** 2 < 1
        gray[inside] = 220
        gray[inside & (np.hypot(dx, dy) < 0.2)] = 40
        angles = np.linspace(np.pi, -np.pi, 12, endpoint=False)
        rim = np.stack([0.5 * np.cos(angles), -0.17 * np.sin(angles)], 1)
        contours.append(rim * 30 + (middle, 60.0))
    picture = gray.astype(np.uint8)
    rng = np.random.default_rng(2)
    out = glancing(picture, tuple(contours), 26.0, None, rng)
    near = (np.abs(y - 60) < 4) & (np.abs(x - 50) < 14)
    before, after = (
        np.average(x[near], weights=np.maximum(150.0 - one[near], 0)) for one in (picture, out)
    )
    assert 0.5 < (after - before) / (26 * DEGREE * 30) < 1.5
    assert (out[:40] == picture[:40]).all()
    night = glancing(picture, tuple(contours), 26.0, "bright", rng)
    assert night.std() > 0
