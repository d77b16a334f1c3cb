"""``dms vehicle``: what the mapping of the settings reads from a CAN log, as JSON Lines.

For whoever writes the mapping: each line has the time, the values that are known, and why the
others are not. With --mapping, how each quantity is read: place, unit, cycle, meaning of its words.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from enum import Enum
from typing import Any

from dms.commands.options import add_settings, check_above_zero, settings_of
from dms.errors import ConfigError
from dms.values import VehicleContext
from dms.vehicle.inputs import VehicleInput
from dms.vehicle.logfile import LogVehicle

_DIGITS = 6  # 9.4 and not 9.399999999999977


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument("log", nargs="?", help="CAN log (default: vehicle.log of the settings)")
    parser.add_argument(
        "--every", type=float, default=0.1, metavar="S", help="seconds between lines (0.1)"
    )
    parser.add_argument(
        "--mapping", action="store_true", help="print how each quantity is read, and read no log"
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Print one line for each instant of the log."""
    chosen = settings_of(args).vehicle
    if args.mapping:
        for words in VehicleInput(chosen).described():
            print(json.dumps(words, ensure_ascii=False))
        return 0
    if args.log:
        chosen = replace(chosen, log=args.log)
    if not chosen.log:
        raise ConfigError("no log is given; name one, or set vehicle.log")
    check_above_zero("--every", args.every)
    with LogVehicle(chosen) as vehicle:
        step = 0
        while not vehicle.ended:
            t_s = step * args.every
            known = _line(vehicle.at(t_s))
            print(json.dumps({"t_s": round(t_s, 6), **known, "unknown": vehicle.why_unknown(t_s)}))
            step += 1
        if not vehicle.input.frames:
            raise ConfigError(f"{chosen.log}: none of the mapped messages is in it; see above")
    return 0


def _line(context: VehicleContext) -> dict[str, Any]:
    values = asdict(context)
    del values["t_s"]
    return {
        name: value.value if isinstance(value, Enum) else _rounded(value)
        for name, value in values.items()
        if value is not None
    }


def _rounded(value: Any) -> Any:
    return round(value, _DIGITS) if isinstance(value, float) else value
