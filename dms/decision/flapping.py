"""A fault that comes and goes is one fault: hysteresis before it reaches store, bus and broker.

A fault is reported at once. Its end is reported at once, too, the first time; where it has come
back within minutes, only once it has stayed away for longer and longer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from dms.values import Fault, Part

_FIRST_HOLD_S = 1.0  # after the first return; then 2, 4, 8 ...
_LONGEST_HOLD_S = 30.0
_REMEMBERED_S = 300.0  # what has stayed away for so long is a new fault
_MOST_COUNTED = 8  # returns; the hold is at its longest before
_LATE_S = 5.0  # a picture is older than what was told while it was waited for
_MOST_SLOTS = 16  # of one part


@dataclass
class _Slot:
    """One of the faults that a part has at once, and when it came lately."""

    fault: Fault
    begun_s: deque[float]
    seen_s: float
    is_now: bool = False
    was_now: bool = False
    is_told: bool = False

    def hold_s(self, t_s: float) -> float:
        """For how long it must have stayed away before its end is reported."""
        while self.begun_s and t_s - self.begun_s[0] > _REMEMBERED_S:
            self.begun_s.popleft()
        returns = len(self.begun_s) - 1
        return min(_FIRST_HOLD_S * 2 ** (returns - 1), _LONGEST_HOLD_S) if returns > 0 else 0.0


class Flapping:
    """Follows the faults of every step; one for as long as the process watches."""

    def __init__(self) -> None:
        self._slots: dict[Part, list[_Slot]] = {}
        self._last_s = float("-inf")

    def hold(self, faults: Sequence[Fault], t_s: float) -> tuple[Fault, ...]:
        """Return the faults to tell at ``t_s``: those of now, then those held from before."""
        if t_s < self._last_s - _LATE_S:  # another recording
            self._slots = {}
        self._last_s = t_s
        for slot in self._all():
            slot.was_now, slot.is_now = slot.is_now, False
        for fault in faults:
            self._take(fault, t_s)
        held = []
        for slot in self._all():
            if slot.is_now or not slot.is_told:
                continue
            slot.is_told = t_s - slot.seen_s < slot.hold_s(t_s)
            if slot.is_told:
                held.append(slot.fault)
        self._forget(t_s)
        return (*faults, *held)

    def _all(self) -> list[_Slot]:
        return [slot for slots in self._slots.values() for slot in slots]

    def _take(self, fault: Fault, t_s: float) -> None:
        """Give ``fault`` the slot of its own words, else one of its part that is free.

        An unplugged adapter fails, then is missing: one fault.
        """
        slots = self._slots.setdefault(fault.part, [])
        free = [slot for slot in slots if not slot.is_now]
        slot = next((slot for slot in free if slot.fault == fault), None)
        if slot is None and fault.part is not Part.OTHER:
            slot = next((slot for slot in free if slot.is_told), next(iter(free), None))
        if slot is None:
            slot = _Slot(fault, deque(maxlen=_MOST_COUNTED), t_s)
            slots.append(slot)
        if not slot.was_now:
            slot.begun_s.append(t_s)
        slot.fault, slot.seen_s, slot.is_now, slot.is_told = fault, t_s, True, True

    def _forget(self, t_s: float) -> None:
        for part, slots in list(self._slots.items()):
            left = [one for one in slots if one.is_told or t_s - one.seen_s < _REMEMBERED_S]
            self._slots[part] = left[-_MOST_SLOTS:]
            if not left:
                del self._slots[part]
