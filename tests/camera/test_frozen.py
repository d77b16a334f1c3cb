"""The one rule for a frozen picture."""

from __future__ import annotations

import numpy as np
import pytest

from dms.camera.frozen import Frozen

ROOM = np.arange(64 * 48, dtype=np.uint8).reshape(48, 64)
WHY = "The camera's picture is frozen: the very same for 2 s."


def test_the_very_same_picture_is_frozen_after_its_time() -> None:
    frozen = Frozen(2.0)
    assert [frozen.why(ROOM, t_s) for t_s in (1.0, 2.0, 2.9994, 3.0)] == [None, None, WHY, WHY]
    assert frozen.since_s == 1.0


@pytest.mark.parametrize("at", [(0, 0), (16, 16), (47, 63), (5, 7)])
def test_one_pixel_that_changes_is_a_sound_camera(at: tuple[int, int]) -> None:
    frozen, picture = Frozen(2.0), ROOM
    for second in range(10):
        picture = picture.copy()
        picture[at] ^= 1
        assert frozen.why(picture, float(second)) is None


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 3), (3072,)])
def test_pictures_of_one_value_may_repeat(shape: tuple[int, ...]) -> None:
    frozen = Frozen(2.0)
    assert all(frozen.why(np.full(shape, 255, np.uint8), float(n)) is None for n in range(9))


def test_nothing_is_frozen_without_a_limit() -> None:
    frozen = Frozen(None)
    assert all(frozen.why(ROOM, float(n)) is None for n in range(9))
