"""How old what is stored is, though the clock may be wrong: in 1970 without a battery, or in 2099.

Time is counted forward: while the service runs by the monotonic clock, across pauses by the wall
clock, but one pause or leap counts as half the allowed age at most. So a leap of the clock drops
only what had passed half its time, and a clock that stands in the past keeps nothing for ever.
What the clock was set back counts against the next leap: a clock that starts behind at every boot
and is set right a minute later adds nothing.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable

_EARLIEST_UTC_S = 1_767_225_600.0  # 2026-01-01, before there was dms: an earlier clock is not set
_LEAP_SHARE = 0.5
_MARK_SHARE = 0.01  # of the allowed age, from one mark to the next: how exactly it is kept
AGE_SCHEMA = """
CREATE TABLE IF NOT EXISTS age(
  id INTEGER PRIMARY KEY CHECK (id = 1), counted_s REAL NOT NULL, utc REAL, owed_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS age_marks(
  counted_s REAL NOT NULL, event INTEGER NOT NULL, drive INTEGER NOT NULL);
"""


class Age:
    """Counts seconds; ``utc_s`` is the wall clock when it was last believed, None before that.

    ``owed_s``: what the wall clock was set back and has not made up for yet; negative: what of its
    leaps was too long to be counted.
    """

    def __init__(
        self, longest_leap_s: float, counted_s: float, utc_s: float | None, owed_s: float = 0.0
    ) -> None:
        self._longest_leap_s = longest_leap_s
        self.counted_s, self.utc_s, self.owed_s = counted_s, utc_s, owed_s
        self._clock_s: float | None = None
        self._since_utc_s = 0.0  # counted since the wall clock was last believed

    def look(self, utc_s: float, clock_s: float) -> float:
        """Return the count after a look at the wall and the monotonic clock."""
        passed_s = 0.0 if self._clock_s is None else max(clock_s - self._clock_s, 0.0)
        self._clock_s = clock_s
        self._since_utc_s += passed_s
        if utc_s >= _EARLIEST_UTC_S:
            if self.utc_s is not None:
                leap_s = utc_s - self.utc_s - self._since_utc_s
                passed_s += self._leapt(leap_s)
            self.utc_s, self._since_utc_s = utc_s, 0.0
        self.counted_s += passed_s
        return self.counted_s

    def _leapt(self, leap_s: float) -> float:
        """Return what a leap of the wall clock counts."""
        owed_s = max(self.owed_s, 0.0)
        counted_s = min(max(leap_s - owed_s, 0.0), self._longest_leap_s)
        self.owed_s += counted_s - leap_s
        return counted_s


class StoreAge:
    """Keeps the count in the store's own file, marks what was there when, and drops the too old."""

    def __init__(
        self,
        oldest_s: float,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._oldest_s = oldest_s
        self._now, self._clock = now, clock
        self._age = Age(oldest_s * _LEAP_SHARE, 0.0, None)
        self._marked_s = -math.inf

    @property
    def counted_s(self) -> float:
        """Seconds counted so far."""
        return self._age.counted_s

    def load(self, base: sqlite3.Connection) -> None:
        """Go on from what the file says."""
        row = base.execute("SELECT counted_s, utc, owed_s FROM age").fetchone()
        self._age = Age(self._oldest_s * _LEAP_SHARE, *(row or (0.0, None, 0.0)))
        marked = base.execute("SELECT MAX(counted_s) FROM age_marks").fetchone()[0]
        self._marked_s = -math.inf if marked is None else marked

    def look(self, base: sqlite3.Connection) -> None:
        """Count on and, where a mark is due, drop what is too old; within a transaction."""
        counted_s = self._age.look(self._now(), self._clock())
        kept = (counted_s, self._age.utc_s, self._age.owed_s)
        base.execute("REPLACE INTO age VALUES (1, ?, ?, ?)", kept)
        if counted_s - self._marked_s < self._oldest_s * _MARK_SHARE:
            return
        self._marked_s = counted_s
        base.execute(
            "INSERT INTO age_marks SELECT ?, (SELECT IFNULL(MAX(id), 0) FROM events), "
            "(SELECT IFNULL(MAX(id), 0) FROM drives)",
            (counted_s,),
        )
        event, drive = base.execute(
            "SELECT MAX(event), MAX(drive) FROM age_marks WHERE counted_s <= ?",
            (counted_s - self._oldest_s,),
        ).fetchone()
        if event is not None:
            base.execute("DELETE FROM events WHERE id <= ?", (event,))
            newest = "(SELECT MAX(id) FROM drives)"  # which may go on
            base.execute(f"DELETE FROM drives WHERE id <= ? AND id < {newest}", (drive,))
            base.execute(
                "DELETE FROM age_marks WHERE counted_s <= ?", (counted_s - self._oldest_s,)
            )
