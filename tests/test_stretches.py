import numpy as np
import pytest

from dms.stretches import runs


@pytest.mark.parametrize(
    ("holds", "found"),
    [
        ([1, 1, 0, 1], [(0, 1), (3, 3)]),
        ([0, 1, 1, 0, 0], [(1, 2)]),
        ([1, 1], [(0, 1)]),
        ([0, 0, 0], []),
        ([], []),
    ],
)
def test_runs_are_inclusive_stretches(holds, found):
    assert runs(np.array(holds, bool)) == found
