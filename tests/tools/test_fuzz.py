"""What the fuzzer once found stays mended; sound inputs and bytes at random do no harm either."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.fuzz.targets import TARGETS, attempt, starts

SEEDS = Path(__file__).parents[2] / "tools" / "fuzz" / "seeds"
FOUND = [pytest.param(file.parent.name, file, id=f"{file.parent.name}/{file.name}")
         for file in sorted(SEEDS.glob("*/*"))]  # fmt: skip


@pytest.mark.parametrize(("target", "file"), FOUND)
def test_what_was_found_is_refused_in_words_or_taken(target, file):
    attempt(target, file.read_bytes())


@pytest.mark.whole
@pytest.mark.parametrize("target", TARGETS)
def test_sound_inputs_and_damaged_ones_do_no_harm(target):
    for data in starts(target):
        attempt(target, data)
        for at in range(1, len(data), max(1, len(data) // 8)):
            attempt(target, data[:at])
            attempt(target, data[:at] + b"\xff" + data[at + 1 :])


@pytest.mark.parametrize("target", TARGETS)
def test_bytes_at_random_do_no_harm(target):
    @settings(max_examples=20)
    @given(st.binary(max_size=120))
    def feed(data):
        attempt(target, data)

    feed()
