from __future__ import annotations

import random

import pytest

from tools.fuzz.logs import ENDINGS, fuzz


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_damaged_log_gives_fewer_speeds_or_an_error_in_words(tmp_path, ending):
    if ending == "mf4":
        pytest.importorskip("asammdf", reason="asammdf (extra mf4) is missing")
    result = fuzz(tmp_path, ending, 30, random.Random(2))
    assert result["speeds"] > 0
