"""Which faults are new: a fault whose words change is the same one, told once.

A fault is one line, ``part: words``; the part (camera, engine, bridge, vehicle, store, lamp) is at
fault. Without a store or a lamp the driver is still watched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

_BESIDE = ("store", "lamp")


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


def blinding(faults: Sequence[str]) -> tuple[str, ...]:
    """Return those that touch the watching itself, not only what is kept of it or lights it."""
    return tuple(fault for fault in faults if _part(fault) not in _BESIDE)


def _part(fault: str) -> str:
    return fault.split(":", 1)[0]
