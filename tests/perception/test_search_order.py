from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms.perception.face_search import FaceSettings
from dms.perception.search_order import search_order

WIDTHS = FaceSettings().search_widths_px
LEAST, MIDDLE, GREATEST = WIDTHS


@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (1280, 800), (320, 240)])
def test_no_part_costs_much_more_than_a_look_at_the_whole(size):
    for part in search_order(WIDTHS, *size):
        scale = part.width_px / size[0]
        area = (part.right - part.left) * (part.bottom - part.top) * scale**2
        assert area <= 352 * 288 * 1.02


def test_all_but_the_smallest_faces_are_looked_for_within_nine_frames():
    order = search_order(WIDTHS, 640, 480)
    for part in {part for part in order if part.width_px < GREATEST}:
        at = [index for index, one in enumerate(order * 2) if one == part]
        assert max(late - soon for soon, late in pairwise(at)) <= 9


def test_every_part_at_the_greatest_width_has_its_turn_once():
    finest = [part for part in search_order(WIDTHS, 640, 480) if part.width_px == GREATEST]
    assert len(finest) == len(set(finest)) == 16


@given(
    st.floats(80 * 640 / MIDDLE, 160), st.floats(0, 1), st.floats(0, 1), st.sampled_from([480, 360])
)
def test_every_face_that_the_least_width_misses_lies_whole_in_a_part(side, x, y, height):
    left, top = x * (640 - side), y * (height - side)
    assert any(
        part.left <= left and left + side <= part.right
        and part.top <= top and top + side <= part.bottom
        for part in search_order(WIDTHS, 640, height)
        if part.width_px == MIDDLE
    )  # fmt: skip


def test_one_width_alone_is_never_cut():
    (part,) = search_order((960,), 1280, 720)
    assert (part.left, part.top, part.right, part.bottom) == (0, 0, 1280, 720)
