"""The event store: alerts, faults, drives and learning progress in one SQLite file.

What :meth:`EventStore.add` has returned for is on the disk (WAL, synchronous FULL) and survives
kill -9 and a power cut. No pictures and nothing that identifies a person is ever in it.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from dms.errors import StoreError
from dms.folders import state_folder
from dms.resource import OpenedResource
from dms.settings import setting, settings
from dms.store.age import AGE_SCHEMA, StoreAge
from dms.store.rows import Drive, Note, StoredEvent, columns_of, event_of
from dms.values import Event, Kind, Level

_log = logging.getLogger(__name__)
_VERSION = 1
_BUSY_S = 2.0
_PRUNE_EVERY = 64  # commits
_PRUNE_SHARE = 0.1
_MOST_CUTS = 10  # at once; pages are freed only as whole ones
_SET_ASIDE_KEPT = 2
_FAULT = Kind.FAULT.value
_ENDINGS = ("", "-wal", "-shm")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS drives(
  id INTEGER PRIMARY KEY AUTOINCREMENT, begin_utc REAL NOT NULL, seen_utc REAL NOT NULL,
  ended INTEGER NOT NULL DEFAULT 0, ignition INTEGER, baseline_progress REAL);
CREATE TABLE IF NOT EXISTS events(
  id INTEGER PRIMARY KEY AUTOINCREMENT, drive INTEGER, utc REAL NOT NULL, t_s REAL NOT NULL,
  kind TEXT NOT NULL, level INTEGER NOT NULL, start_s REAL, end_s REAL, reason TEXT NOT NULL,
  "values" TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_utc ON events(utc);
CREATE TABLE IF NOT EXISTS notes(
  id INTEGER PRIMARY KEY AUTOINCREMENT, utc REAL NOT NULL, counted_s REAL NOT NULL,
  what TEXT NOT NULL, source TEXT NOT NULL, times INTEGER NOT NULL);
"""
_TABLES = {"drives", "events"}  # of every event store
_MOST_NOTES = 10_000


@settings
class StoreSettings:
    """Where events are kept, how many and how long."""

    enabled: bool = setting(True, text="keep alerts and faults on the disk")
    path: str | None = setting(None, text="file; default: events.db in the service's state folder")
    largest_mb: float = setting(32.0, ge=1, le=4096, unit="MB", text="then the oldest go first")
    oldest_days: float = setting(180.0, gt=0, unit="d", text="older events are dropped")
    lowest_level: int = setting(
        1, ge=0, le=3, text="events below this level are not kept; glances never are"
    )


def store_path(settings: StoreSettings, environment: Mapping[str, str]) -> Path:
    """Return where the file is: as set, else in the service's state folder."""
    return Path(settings.path) if settings.path else state_folder(environment) / "events.db"


class EventStore(OpenedResource):
    """One SQLite file, used by one thread at a time; a context manager that opens on entry."""

    def __init__(
        self,
        path: Path,
        settings: StoreSettings,
        now: Callable[[], float] = time.time,
        must_exist: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._must_exist = must_exist
        self._settings = settings
        self._now = now
        self._age = StoreAge(settings.oldest_days * 86400.0, now, clock)
        self._base: sqlite3.Connection | None = None
        self._commits = 0
        self.set_aside: Path | None = None  # where a corrupt file was moved to, if one was found

    def open(self) -> None:
        """Open or make the file; a corrupt one is set aside and reported, and a new one begun.

        Raises StoreError where neither is possible.
        """
        try:
            if self._must_exist and not self._path.exists():
                raise StoreError(f"No events are stored at {self._path}; give --store FILE.")
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._connect()
            except sqlite3.DatabaseError as error:
                if not _corrupt(error):
                    raise
                if self._must_exist:  # who only reads moves no file of somebody else's
                    raise StoreError(
                        f"{self._path} is no event store ({error}); give --store FILE."
                    ) from error
                self._begin_anew(error)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{self._path} cannot be used ({error}); check the disk.") from error

    def verify(self) -> None:
        """Look at the file again, past what this connection has in its cache.

        Raises StoreError where it was damaged while it was open; to open again sets it aside.
        """
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as fresh:
                told = fresh.execute("PRAGMA quick_check(1)").fetchone()[0]
                if told == "ok":
                    fresh.execute("SELECT COUNT(*) FROM drives").fetchone()
                    return
        except sqlite3.Error as error:
            told = str(error)
        raise StoreError(f"{self._path} was damaged while in use ({told}); check the disk.")

    def begin_drive(self, ignition: bool | None = None) -> int:
        """Add a drive and return its number."""
        now = self._now()
        with self._writing() as base:
            row = base.execute(
                "INSERT INTO drives(begin_utc, seen_utc, ignition) VALUES (?, ?, ?)",
                (now, now, ignition),
            )
            self._age.look(base)
        return int(row.lastrowid or 0)

    def note_ignition(self, number: int) -> None:
        """Note that the drive is one with the ignition on, as the vehicle told after its start."""
        with self._writing() as base:
            base.execute("UPDATE drives SET ignition = 1 WHERE id = ?", (number,))

    def touch_drive(self, number: int, baseline_progress: float, ended: bool = False) -> None:
        """Note that the drive goes on (or ended) and how much of the driver's normal is learned."""
        with self._writing() as base:
            base.execute(
                "UPDATE drives SET seen_utc = ?, baseline_progress = ?, ended = ? WHERE id = ?",
                (self._now(), baseline_progress, ended, number),
            )
            self._age.look(base)

    def add(self, events: Sequence[Event], drive: int | None = None) -> list[int]:
        """Store events in one transaction; on return they are on the disk. Returns row numbers."""
        now = self._now()
        rows = []
        with self._writing() as base:
            for event in events:
                row = base.execute(
                    "INSERT INTO events(drive, utc, t_s, kind, level, start_s, end_s, reason, "
                    '"values") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
                    (drive, now, *columns_of(event)),
                )
                rows.append(int(row.lastrowid or 0))
        self._commits += 1
        if self._commits % _PRUNE_EVERY == 1:
            try:
                self.prune()
            except StoreError as error:  # the events themselves are safe already
                _log.warning("%s", error)
        return rows

    def note(self, notes: Sequence[Note]) -> None:
        """Store who did what; the oldest beyond 10 000, or beyond the age of events, go."""
        now = self._now()
        with self._writing() as base:
            self._age.look(base)
            counted_s = self._age.counted_s
            base.executemany(
                "INSERT INTO notes(utc, counted_s, what, source, times) VALUES (?, ?, ?, ?, ?)",
                [(now, counted_s, note.what, note.source, note.times) for note in notes],
            )
            base.execute(
                "DELETE FROM notes WHERE counted_s <= ? OR id <= (SELECT MAX(id) FROM notes) - ?",
                (counted_s - self._settings.oldest_days * 86400.0, _MOST_NOTES),
            )

    def notes(self) -> list[tuple[float, Note]]:
        """Return who did what, and when by the wall clock, oldest first."""
        try:
            found = self._read().execute("SELECT utc, what, source, times FROM notes ORDER BY id")
        except sqlite3.OperationalError:  # a file of before there were any, open to be read only
            return []
        return [(row[0], Note(row[1], row[2], row[3])) for row in found]

    def events(
        self,
        since_utc_s: float | None = None,
        lowest: Level = Level.NONE,
        kind: Kind | None = None,
    ) -> Iterator[StoredEvent]:
        """Yield stored events, oldest first."""
        found = self._read().execute(
            'SELECT id, drive, utc, t_s, kind, level, start_s, end_s, reason, "values" FROM events '
            "WHERE utc >= ? AND level >= ? AND (? IS NULL OR kind = ?) ORDER BY id",
            (since_utc_s or 0.0, int(lowest), kind and kind.value, kind and kind.value),
        )
        for row in found:
            yield StoredEvent(row[0], row[1], row[2], event_of(row[3:]))

    def drives(self) -> list[Drive]:
        """Return all drives, oldest first."""
        found = self._read().execute(
            "SELECT id, begin_utc, seen_utc, ended, ignition, baseline_progress FROM drives "
            "ORDER BY id"
        )
        return [
            Drive(
                row[0],
                row[1],
                row[2],
                bool(row[3]),
                None if row[4] is None else bool(row[4]),
                row[5],
            )
            for row in found
        ]

    def prune(self) -> None:
        """Drop what is too old, and tenths while the file is too large: the oldest faults first."""
        with self._writing() as base:
            self._age.look(base)
            for _ in range(_MOST_CUTS):
                if self.used_bytes() <= self._settings.largest_mb * 1e6:
                    break
                all_, faults = base.execute(
                    "SELECT COUNT(*), COUNT(*) FILTER (WHERE kind = ?) FROM events", (_FAULT,)
                ).fetchone()
                most = math.ceil(all_ * _PRUNE_SHARE)
                kind = _FAULT if faults >= most else "%"  # the driver's alerts stay for longer
                base.execute(
                    "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE kind LIKE ? "
                    "ORDER BY id LIMIT ?)",
                    (kind, most),
                )

    def used_bytes(self) -> int:
        """Bytes that hold data; pages freed by pruning are used again first."""
        pages, free, size = (
            self._read().execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def erase(self) -> None:
        """Remove every event and drive, overwriting their bytes on the disk."""
        with self._writing() as base:
            base.execute("DELETE FROM events")
            base.execute("DELETE FROM drives")
            base.execute("DELETE FROM age_marks")
            base.execute("DELETE FROM notes")
        base = self._read()
        base.execute("VACUUM")
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for number in self._asides():
            self._forget(number)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._base is not None:
            self._base.close()
            self._base = None

    def _connect(self) -> None:
        self.close()
        read_only = self._must_exist and not os.access(self._path, os.W_OK)
        base = sqlite3.connect(
            _reading(self._path) if read_only else self._path, timeout=_BUSY_S,
            isolation_level=None, check_same_thread=False, uri=read_only,
        )  # fmt: skip
        try:
            self._check(base)
            if not read_only:
                base.execute("PRAGMA journal_mode = WAL")
                base.execute("PRAGMA synchronous = FULL")  # NORMAL may lose commits at a power cut
                base.execute("PRAGMA secure_delete = ON")
                base.execute("PRAGMA journal_size_limit = 1000000")
                tables = f"{_SCHEMA} {AGE_SCHEMA} PRAGMA user_version = {_VERSION};"
                base.executescript(f"BEGIN; {tables} COMMIT;")
                self._age.load(base)
        except BaseException:
            base.close()
            raise
        self._base = base

    def _check(self, base: sqlite3.Connection) -> None:
        """Raise where the file is damaged, of a newer format or another program's."""
        told = base.execute("PRAGMA quick_check(1)").fetchone()[0]
        if told != "ok":
            raise sqlite3.DatabaseError(f"malformed: {told}")
        version = int(base.execute("PRAGMA user_version").fetchone()[0])
        if version > _VERSION:
            raise StoreError(
                f"{self._path} was made by a newer dms (format {version}, this one knows "
                f"{_VERSION}); move it away or update."
            )
        names = {name for (name,) in base.execute("SELECT name FROM sqlite_master")}
        if not names and self._must_exist:
            raise StoreError(f"{self._path} is empty: it holds no events; name another file.")
        if not names >= _TABLES and names:
            raise StoreError(
                f"{self._path} is no event store but another database; name another file."
            )

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        aside = self._aside(max(self._asides(), default=0) + 1)
        for ending in _ENDINGS:
            part = self._path.with_name(self._path.name + ending)
            if part.exists():
                part.replace(aside.with_name(aside.name + ending))
        self.set_aside = aside
        _log.error("%s is corrupt (%s); set aside as %s.", self._path, error, aside.name)
        for number in sorted(self._asides())[:-_SET_ASIDE_KEPT]:
            self._forget(number)
        self._connect()

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.corrupt-{number}")

    def _asides(self) -> set[int]:
        """Return the numbers under which files are set aside; not times, which may be wrong."""
        begin = f"{self._path.name}.corrupt-"
        names = (path.name[len(begin) :] for path in self._path.parent.glob(f"{begin}*"))
        return {int(name.split("-")[0]) for name in names if name.split("-")[0].isdigit()}

    def _forget(self, number: int) -> None:
        aside = self._aside(number)
        for ending in _ENDINGS:
            aside.with_name(aside.name + ending).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; raises StoreError where it could not be committed."""
        base = self._read()
        try:
            base.execute("BEGIN IMMEDIATE")
            try:
                yield base
            except BaseException:
                base.execute("ROLLBACK")
                raise
            base.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                if base.in_transaction:
                    base.execute("ROLLBACK")
            if _corrupt(error):
                self.close()
            advice = "use sudo" if "readonly" in str(error) else "free some disk space"
            raise StoreError(
                f"Events cannot be stored in {self._path} ({error}); {advice}."
            ) from error

    def _read(self) -> sqlite3.Connection:
        if self._base is None:
            raise StoreError(f"{self._path} is not open; open the store first.")
        return self._base


def _reading(path: Path) -> str:
    """Return how a user opens the file who may read it only, as the group dms may.

    Without a writer nothing lies beside it, and nothing may be made there.
    """
    alone = not path.with_name(path.name + "-wal").exists()
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"


def _corrupt(error: sqlite3.Error) -> bool:
    """Tell a damaged file from a full, locked or missing one."""
    return isinstance(error, sqlite3.DatabaseError) and (
        "malformed" in str(error) or "not a database" in str(error)
    )
