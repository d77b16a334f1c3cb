"""Nods: a quick fall of the head with closing eyes."""

from itertools import pairwise

import pytest

from dms.decision.fatigue.nods import Nods, NodSettings

S = NodSettings()


def falls(fall_deg: float, seconds: float, openness: float | None = 0.3) -> int:
    """Let the head fall at 20 Hz after a straight second, and return the nods seen."""
    nods, count = Nods(S), 0
    steps = round(seconds * 20)
    for n in range(20):
        nods.step(n / 20, 0.0, 1.0)
    for n in range(1, steps + 1):
        count += nods.step(1 + n / 20, -fall_deg * n / steps, openness) is not None
    return count


@pytest.mark.parametrize(
    ("fall_deg", "seconds", "openness", "count"),
    [
        (15.0, 0.5, 0.3, 1), (11.9, 0.5, 0.3, 0), (12.0, 0.5, 0.3, 1), (15.0, 3.0, 0.3, 0),
        (15.0, 0.5, 0.9, 0), (15.0, 0.5, 0.5, 0), (-15.0, 0.5, 0.3, 0), (15.0, 0.5, None, 0),
    ],
)  # fmt: skip
def test_nod(fall_deg: float, seconds: float, openness: float | None, count: int) -> None:
    assert falls(fall_deg, seconds, openness) == count


def test_one_fall_is_one_nod() -> None:
    assert falls(60.0, 0.9) == 1


def test_nod_tells_when_and_how_far() -> None:
    nods = Nods(S)
    nods.step(0.0, 2.0, 0.4)
    nod = nods.step(0.5, -14.0, 0.2)
    assert nod is not None
    assert (nod.start_s, nod.end_s, nod.fall_deg) == (0.0, 0.5, 16.0)


def test_next_nod_after_a_pause() -> None:
    nods = Nods(S)
    times = []
    for second in range(10):
        for n in range(10):
            t_s = second + n / 10
            if nods.step(t_s, -2.0 * n, 0.2) is not None:
                times.append(t_s)
    assert all(b - a >= S.pause_s for a, b in pairwise(times))
    assert len(times) >= 4
