"""Throws random bytes at the SLCAN reader and random frames at the vehicle input.

Prints what was accepted: a value out of its range, a crash or growing memory would be a defect.
The tests run the same with fixed seeds.

    python -m tools.fuzz_bus [--count 1000000] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tracemalloc

from dms.bridge.slcan import LineReader
from dms.vehicle import VehicleSettings
from dms.vehicle.inputs import VehicleInput

_ALPHABET = b"tTrRdDbB0123456789abcdefABCDEF\r\a\x00\xffzZVF"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="bytes and frames")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    result = {
        "slcan": fuzz_slcan(arguments.count, chance),
        "vehicle": fuzz_vehicle(arguments.count, chance),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(result, indent=2))


def fuzz_slcan(count: int, chance: random.Random) -> dict[str, int]:
    """Feed ``count`` bytes: noise, noise of SLCAN's letters, and good frames with faults."""
    reader = LineReader()
    fed = frames = after_tenth = 0
    tracemalloc.start()
    while fed < count:
        chunk = _chunk(chance)
        reader.feed(chunk)
        fed += len(chunk)
        while (message := reader.take()) is not None:
            frames += 1
            if message.arbitration_id > 0x1FFFFFFF or len(message.data) > 64:
                raise SystemExit(f"accepted what cannot be: {message}")
        if not after_tenth and fed > count // 10:
            after_tenth = tracemalloc.get_traced_memory()[0]
    growth = tracemalloc.get_traced_memory()[0] - after_tenth
    tracemalloc.stop()
    return {"bytes": fed, "frames": frames, "garbage": reader.garbage, "growth_bytes": growth}


def _chunk(chance: random.Random) -> bytes:
    kind = chance.randrange(3)
    if kind == 0:
        return bytes(chance.choices(_ALPHABET, k=1000))
    if kind == 1:
        return chance.randbytes(1000)
    good = bytearray(b"".join(b"t%03X8%016X\r" % (i, i) for i in range(40)))
    for _ in range(20):
        good[chance.randrange(len(good))] = chance.randrange(256)
    return bytes(good)


def fuzz_vehicle(count: int, chance: random.Random) -> dict[str, int]:
    """Feed ``count`` random frames, a quarter of them with mapped identifiers."""
    vehicle = VehicleInput(VehicleSettings(database="j1939"))
    mapped = [0x18FEF100, 0x0CF00300, 0x18F00900]
    limits = {"speed_kmh": (0, 250.996), "steering_deg": (-1440, 1440), "accelerator": (0, 1)}
    known = after_tenth = 0
    tracemalloc.start()
    for i in range(count):
        can_id = chance.choice(mapped) if i % 4 == 0 else chance.getrandbits(29)
        data = chance.randbytes(chance.choice((0, 1, 7, 8, 8, 8, 64)))
        vehicle.feed(can_id, data, i * 1e-3, extended=bool(i & 8) or i % 4 == 0)
        if i % 20 == 0:
            seen = vehicle.context(i * 1e-3)
            for name, (low, high) in limits.items():
                value = getattr(seen, name)
                known += value is not None
                if value is not None and not low <= value <= high:
                    raise SystemExit(f"accepted what cannot be: {name} {value}")
        if i == count // 10:
            after_tenth = tracemalloc.get_traced_memory()[0]
    growth = tracemalloc.get_traced_memory()[0] - after_tenth
    tracemalloc.stop()
    return {
        "frames": count,
        "mapped": vehicle.frames,
        "rejected": vehicle.rejected,
        "known_values": known,
        "growth_bytes": growth,
    }


if __name__ == "__main__":
    main()
