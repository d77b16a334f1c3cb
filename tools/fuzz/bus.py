"""Throws random bytes at the SLCAN reader and random frames at the vehicle input.

Prints what was accepted: a value that the frame does not hold, a crash or growing memory would be a
defect.
The tests run the same with fixed seeds.

    python -m tools.fuzz.bus [--count 1000000] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import math
import random
import resource
import tracemalloc

from dms.bus.slcan import LineReader
from dms.vehicle import VehicleSettings, database
from dms.vehicle.inputs import VehicleInput

# Identifier of a mapped message: its name and signal, what it becomes, and by which factor
_SAID = {
    0x18FEF100: ("CCVS1", "WheelBasedVehicleSpeed", "speed_kmh", 1.0),
    0x0CF00300: ("EEC2", "AcceleratorPedalPosition1", "accelerator", 0.01),
    0x18F00900: ("VDC2", "SteeringWheelAngle", "steering_deg", 180.0 / math.pi),
}
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
    """Feed ``count`` random frames, a quarter of them with mapped identifiers.

    What is accepted is compared with what cantools reads in the newest frame that holds it.
    """
    vehicle = VehicleInput(VehicleSettings(database="j1939"))
    reference = {message.name: message for message in database.load("j1939").messages}
    newest: dict[int, object] = {}
    known = after_tenth = 0
    tracemalloc.start()
    for i in range(count):
        can_id = chance.choice(list(_SAID)) if i % 4 == 0 else _unmapped(chance)
        data = chance.randbytes(chance.choice((0, 1, 7, 8, 8, 8, 64)))
        vehicle.feed(can_id, data, i * 1e-3, extended=bool(i & 8) or i % 4 == 0)
        if can_id in _SAID:
            message, signal, *_ = _SAID[can_id]
            decoded = reference[message].decode(data, decode_choices=False, allow_truncated=True)
            newest[can_id] = decoded.get(signal, newest.get(can_id))
        if i % 20 == 0:
            seen = vehicle.context(i * 1e-3)
            for said, (_, _, name, factor) in _SAID.items():
                value = getattr(seen, name)
                known += value is not None
                if value is not None:
                    right = newest[said]
                    if abs(value - right * factor) > 1e-6:
                        raise SystemExit(f"{name} is {value}, the bus said {right * factor}")
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


def _unmapped(chance: random.Random) -> int:
    """Return an identifier whose PGN is none of the mapped: their source would be another."""
    while True:
        can_id = chance.getrandbits(29)
        if all((can_id ^ mapped) & 0x03FFFF00 for mapped in _SAID):
            return can_id


if __name__ == "__main__":
    main()
