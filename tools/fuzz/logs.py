"""Damages CAN logs of every format, byte by byte, and reads them back.

A damaged log may give fewer frames or a ConfigError; a traceback, a hang or a value out of its
range would be a defect. The tests run a shorter one.

    python -m tools.fuzz.logs [--count 300] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import logging
import random
from pathlib import Path
from tempfile import TemporaryDirectory

from dms.bus.python_can import can, load_mf4
from dms.errors import ConfigError
from dms.vehicle import VehicleSettings
from dms.vehicle.logfile import LogVehicle

ENDINGS = ("log", "asc", "blf", "trc", "csv", "mf4")
_TOP_KMH = 250.996  # CCVS1 cannot say more


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="damaged files of each format")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)  # each damaged file is told in the log
    with TemporaryDirectory() as folder:
        result = {
            ending: fuzz(Path(folder), ending, arguments.count, random.Random(arguments.seed))
            for ending in ENDINGS
        }
    print(json.dumps(result, indent=2))


def fuzz(folder: Path, ending: str, count: int, chance: random.Random) -> dict[str, int]:
    """Read ``count`` damaged logs; return how many were refused and how many gave a speed."""
    whole = folder / f"whole.{ending}"
    write(whole)
    data, broken = whole.read_bytes(), folder / f"broken.{ending}"
    refused = speeds = 0
    for _ in range(count):
        broken.write_bytes(damaged(data, chance))
        try:
            speeds += _speeds(broken)
        except ConfigError:
            refused += 1
    return {"files": count, "refused": refused, "speeds": speeds}


def write(path: Path) -> None:
    """Write three seconds of J1939 speed and other traffic."""
    if path.suffix == ".mf4":
        load_mf4()
    with can.Logger(path) as logger:
        for i in range(60):
            speed = bytes([0xFF, 0, i, 0xCF, 0xFF, 0xFF, 0xFF, 0xFF])
            for can_id, payload in ((0x18FEF100, speed), (0x123, b"\1\2")):
                message = can.Message(
                    timestamp=1_700_000_000 + i / 20, arbitration_id=can_id, data=payload,
                    is_extended_id=can_id > 0x7FF, channel=1,
                )  # fmt: skip
                logger.on_message_received(message)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Change a few bytes, or cut or repeat a piece."""
    changed = bytearray(data)
    kind = chance.randrange(4)
    place = chance.randrange(len(data))
    if kind == 0:
        return data[:place]
    if kind == 1:
        piece = slice(place, place + chance.randrange(1, 200))
        changed[piece] = changed[piece] * chance.randrange(3)
    else:
        for _ in range(chance.choice((1, 3, 30))):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _speeds(path: Path) -> int:
    known = 0
    with LogVehicle(VehicleSettings(database="j1939", log=str(path))) as vehicle:
        for step in range(40):
            speed = vehicle.at(step / 10).speed_kmh
            known += speed is not None
            if speed is not None and not 0 <= speed <= _TOP_KMH:
                raise SystemExit(f"accepted what cannot be: {speed} km/h")
    return known


if __name__ == "__main__":
    main()
