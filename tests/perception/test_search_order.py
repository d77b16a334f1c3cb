import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms.perception.face_search import FaceSettings
from dms.perception.search_order import ALL, Part, in_two, look_at, search_order
from dms.values import Box

WIDTHS = FaceSettings().search_widths_px
LEAST, MIDDLE, GREATEST = WIDTHS
BOX_PX = 73  # side of what dlib draws around the least face that it finds
SIZES = [(640, 480), (1280, 720), (1280, 800), (320, 240), (480, 640)]


def sizes_of(part: Part, width: int) -> list[float]:
    """Return the sides of the faces that a look shows best, in pixels of the picture."""
    return [BOX_PX * 1.2**step * width / part.width_px for step in range(part.sizes or 9)]


@pytest.mark.parametrize("size", SIZES)
def test_no_look_costs_more_than_three_milliseconds_of_hog(size):
    """14 ns a pixel at one size, 18 where several are made: half of what a part cost before."""
    for part in search_order(WIDTHS, *size):
        area = (part.right - part.left) * (part.bottom - part.top) * (part.width_px / size[0]) ** 2
        pixels = sum(area / 1.44**step for step in range(part.sizes or 40))
        assert pixels <= (185_000 * 1.02 if part.sizes == 1 else 150_000)


@pytest.mark.parametrize("vacant", [False, True])
def test_all_but_the_smallest_faces_are_looked_for_within_twelve_frames(vacant):
    order = search_order(WIDTHS, 640, 480, vacant=vacant)
    for part in {part for part in order if part.width_px <= MIDDLE}:
        at = [index for index, one in enumerate(order * 2) if one == part]
        often = 6 if part.width_px <= LEAST else 12
        assert max(late - soon for soon, late in pairwise(at)) <= often


@pytest.mark.parametrize("size", SIZES)
def test_beside_a_face_a_look_at_several_sizes_is_taken_in_two(size):
    for part in search_order(WIDTHS, *size):
        halves = in_two(part)
        assert len(halves) == (1 if part.sizes == 1 else 2)
        shown = [side for half in halves for side in sizes_of(half, size[0])]
        whole = sizes_of(part, size[0])
        assert shown[: len(whole)] == pytest.approx(whole)
        if part.sizes == ALL:
            first, rest = halves
            assert (first.sizes, rest.sizes) == (2, ALL)


def test_every_look_from_the_greatest_width_has_its_turn_once():
    finest = [part for part in search_order(WIDTHS, 640, 480) if part.width_px > MIDDLE]
    assert len(finest) == len(set(finest)) == 9


@given(
    st.floats(BOX_PX * 640 / GREATEST, 400), st.floats(0, 1), st.floats(0, 1),
    st.sampled_from(SIZES),
)  # fmt: skip
def test_every_face_lies_whole_in_a_look_at_its_size(side, x, y, size):
    width, height = size
    if side > min(size):
        return
    side = max(side, BOX_PX * width / min(GREATEST, 2 * width))
    left, top = x * (width - side), y * (height - side)
    assert any(
        part.left <= left and left + side <= part.right
        and part.top <= top and top + side <= part.bottom
        and min(abs(math.log(one / side)) for one in sizes_of(part, width)) < math.log(1.11)
        for part in search_order(WIDTHS, width, height)
    )  # fmt: skip


@given(st.floats(60, 300), st.floats(0, 1), st.floats(0, 1))
def test_a_lost_face_is_looked_for_at_its_size_and_place(side, x, y):
    box = Box(x * (640 - side), y * (480 - side), side, side)
    part = look_at(search_order(WIDTHS, 640, 480), 640, box)
    assert part.left <= box.x + 2
    assert box.x + side <= part.right + 2
    assert min(abs(math.log(one / side)) for one in sizes_of(part, 640)) < math.log(1.11)


@given(st.integers(40, 2000), st.integers(40, 1200), st.booleans())
def test_pictures_of_any_size_have_looks(width, height, vacant):
    """264 px once had none: twice its width is hardly more than a width that is searched."""
    order = search_order(WIDTHS, width, height, vacant=vacant)
    assert order
    for part in order:
        assert 0 <= part.left < part.right <= width
        assert 0 <= part.top < part.bottom <= height


def test_widths_that_are_all_but_one_are_searched_as_one():
    assert search_order((320, 325), 640, 480) == search_order((320,), 640, 480)


def test_one_width_alone_is_never_cut():
    (part,) = search_order((960,), 1280, 720)
    assert (part.left, part.top, part.right, part.bottom) == (0, 0, 1280, 720)
