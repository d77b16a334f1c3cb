from __future__ import annotations

import random

from tools.fuzz.bus import fuzz_slcan, fuzz_vehicle


def test_random_bytes_and_frames_do_no_harm_and_keep_no_memory():
    slcan = fuzz_slcan(60_000, random.Random(3))
    assert slcan["frames"] > 100
    assert slcan["garbage"] > 100
    assert slcan["growth_bytes"] < 20_000
    vehicle = fuzz_vehicle(40_000, random.Random(3))
    assert vehicle["rejected"] > 1000
    assert vehicle["known_values"] > 100
    assert vehicle["growth_bytes"] < 20_000
