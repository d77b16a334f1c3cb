"""Whose address is it: the address claim of SAE J1939-81, as a machine without clock or bus. Pure.

PyPI's can-j1939 was judged for this: it owns the bus with threads of its own, so that it would not
come back after a fault; it does not answer when it could not claim, and counts on beyond address
247. It is the other end in our tests instead.
"""

from __future__ import annotations

import math
import random
from enum import Enum

from dms.bus.j1939 import ADDRESS_CLAIMED, GLOBAL, NULL, REQUEST, Frame, identifier, parts
from dms.bus.j1939 import requested as requested_pgn

VETO_S = 0.25  # J1939-81 4.2.2.1: so long others may object
_DELAY_S = 0.153  # 4.2.2.3: before "cannot claim" wait a random time of up to this
_ANSWERS_S = 1.25  # so long all answer a request for addresses (J1939-21 5.12.3)
_AGAIN_S = 10.0  # one that was lost is tried again (our choice: its holder may have left)
_VIOLATION_S = 5.0  # somebody sends with our address: tell it no more often (4.4.4.4)
_OWN_ECHO_S = 0.05  # some adapters hand us what we sent
_FREE = range(128, 248)  # 4.4.2: addresses for devices that choose one themselves


class Standing(Enum):
    """How it stands with our address."""

    NONE = "none"
    CLAIMING = "claiming"
    CLAIMED = "claimed"
    LOST = "lost"


class Claim:
    """One device's claim to an address; ``name`` decides a conflict, ``preferred`` is tried first.

    A NAME that is arbitrary-address capable moves on to a free address when it loses.
    """

    def __init__(self, name: int, preferred: int, chance: random.Random) -> None:
        self._name, self._preferred, self._chance = name, preferred, chance
        self._address = preferred
        self._taken: dict[int, int] = {}  # address: NAME that claimed it
        self._waiting: list[tuple[float, Frame]] = []
        self._ready_s = 0.0
        self._again_s = self._answered_s = math.inf
        self._said_s = self._told_s = -math.inf
        self.standing = Standing.NONE
        self.winner: int | None = None  # the NAME that we lost to last
        self.twin = False  # somebody else has our NAME

    @property
    def address(self) -> int | None:
        """The address that we may send with, None while there is none."""
        return self._address if self.standing is Standing.CLAIMED else None

    def start(self, now_s: float) -> None:
        """Claim the preferred address, as on a bus that was just opened."""
        self._taken, self.twin = {}, False
        self._waiting = []
        self._claim(self._preferred, now_s)

    def due(self, now_s: float) -> list[Frame]:
        """Return what is to be sent now, and take what time brings: nobody has objected."""
        if self.standing is Standing.CLAIMING and now_s >= self._ready_s:
            self.standing = Standing.CLAIMED
        if self.standing is Standing.LOST and now_s >= self._again_s:
            self._ask(now_s)
        if self.standing is Standing.LOST and now_s >= self._answered_s:
            self._try_again(now_s)
        sent = [frame for due_s, frame in self._waiting if due_s <= now_s]
        self._waiting = [each for each in self._waiting if each[0] > now_s]
        return sent

    def heard(self, can_id: int, data: bytes, now_s: float) -> None:
        """Take a 29-bit frame of the bus."""
        if self.standing is Standing.NONE:
            return
        pgn, source, destination = parts(can_id)
        if pgn == ADDRESS_CLAIMED and len(data) == 8:
            self._other(source, int.from_bytes(data, "little"), now_s)
        elif pgn == REQUEST and requested_pgn(data) == ADDRESS_CLAIMED:
            if destination in (GLOBAL, self.address):
                self._say(now_s)
        elif source == self.address and now_s - self._told_s >= _VIOLATION_S:
            self._told_s = now_s
            self._say(now_s)

    def _other(self, source: int, theirs: int, now_s: float) -> None:
        if theirs == self._name:
            self.twin = self.twin or now_s - self._said_s > _OWN_ECHO_S
            return
        self._taken = {at: who for at, who in self._taken.items() if who != theirs}
        if source < NULL:
            self._taken[source] = theirs
        if source != self._address or self.standing is Standing.LOST:
            return
        if theirs > self._name:
            self._say(now_s)
            return
        self.winner = theirs
        self._move(now_s)

    def _move(self, now_s: float) -> None:
        free = self._free()
        if free is None:
            self.standing = Standing.LOST
            self._again_s, self._answered_s = now_s + _AGAIN_S, math.inf
            self._say(now_s)
        else:
            self._claim(free, now_s)

    def _free(self) -> int | None:
        """Return an address to claim: the preferred where we would win it, else a free one."""
        if self._taken.get(self._preferred, self._name) >= self._name:
            return self._preferred
        if not self._name >> 63:
            return None
        return next((each for each in _FREE if each not in self._taken), None)

    def _ask(self, now_s: float) -> None:
        """Ask who is there: those who have left do not answer."""
        self._taken, self._again_s, self._answered_s = {}, math.inf, now_s + _ANSWERS_S
        pgn = ADDRESS_CLAIMED.to_bytes(3, "little")
        self._waiting.append((now_s, (identifier(REQUEST, NULL), pgn)))

    def _try_again(self, now_s: float) -> None:
        self._answered_s = math.inf
        free = self._free()
        if free is None:
            self._again_s = now_s + _AGAIN_S
        else:
            self._claim(free, now_s)

    def _claim(self, address: int, now_s: float) -> None:
        self.standing, self._address = Standing.CLAIMING, address
        self._ready_s = now_s + VETO_S
        self._say(now_s)

    def _say(self, now_s: float) -> None:
        """Say which address is ours, or that we have none."""
        lost = self.standing is Standing.LOST
        delay_s = self._chance.uniform(0.0, _DELAY_S) if lost else 0.0
        self._said_s = now_s
        can_id = identifier(ADDRESS_CLAIMED, NULL if lost else self._address)
        self._waiting.append((now_s + delay_s, (can_id, self._name.to_bytes(8, "little"))))
