"""Which faults are new: a fault whose words change is the same one, told once.

A fault is one line, ``part: words``; the part (camera, engine, bridge, vehicle) is at fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def new_faults(before: Sequence[str], now: Sequence[str]) -> tuple[str, ...]:
    """Return those of ``now`` that were not there before, be it in other words.

    An unplugged adapter fails, then is missing: one fault. With the arguments changed over, it
    returns those that are over.
    """
    reworded = Counter(_part(fault) for fault in before if fault not in now)
    fresh = []
    for fault in now:
        if fault in before:
            continue
        if reworded[_part(fault)]:
            reworded[_part(fault)] -= 1
        else:
            fresh.append(fault)
    return tuple(fresh)


def _part(fault: str) -> str:
    return fault.split(":", 1)[0]
