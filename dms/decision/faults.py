"""Which faults are new: a fault whose words change is the same one, reported once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dms.values import Fault, Part


def new_faults(before: Sequence[Fault], now: Sequence[Fault]) -> tuple[Fault, ...]:
    """Return those of ``now`` that were not there before, be it in other words.

    An unplugged adapter fails, then is missing: one fault. With the arguments changed over, it
    returns those that are over.
    """
    if before == now:
        return ()
    reworded = Counter(_one(fault) for fault in before if fault not in now)
    fresh = []
    for fault in now:
        if fault in before:
            continue
        if reworded[_one(fault)]:
            reworded[_one(fault)] -= 1
        else:
            fresh.append(fault)
    return tuple(fresh)


def _one(fault: Fault) -> str:
    """What makes two faults the same one: the part, if we know it."""
    return str(fault) if fault.part is Part.OTHER else fault.part.value
