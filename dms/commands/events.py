"""``dms events``: list, export or erase what the service has stored."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dms.commands.options import add_settings, check_above_zero, may_erase, settings_of
from dms.files.events import event_object
from dms.masking import cell, told
from dms.store.events import EventStore, store_path
from dms.store.rows import Note, StoredEvent
from dms.values import Kind, Level

_COLUMNS = ("number", "drive", "utc", "t_s", "kind", "level", "start_s", "end_s", "reason")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument("what", choices=("list", "export", "drives", "audit", "erase"))
    add_settings(parser)
    parser.add_argument(
        "--store", type=Path, metavar="FILE", help="another file than the service's"
    )
    parser.add_argument("--hours", type=float, help="only the last so many hours")
    parser.add_argument("--level", type=int, choices=range(4), default=0, help="this level and up")
    parser.add_argument("--kind", choices=[kind.value for kind in Kind], help="only this kind")
    parser.add_argument("--format", choices=("jsonl", "csv"), default="jsonl", help="of export")
    parser.add_argument("--yes", action="store_true", help="erase without asking")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    if args.hours is not None:
        check_above_zero("--hours", args.hours)
    settings = settings_of(args).service.store
    path = args.store or store_path(settings, os.environ)
    with EventStore(path, settings, must_exist=True) as store:
        if args.what == "erase":
            return _erase(store, path, args.yes)
        if args.what == "drives":
            for drive in store.drives():
                end = _time(drive.seen_utc_s) + ("" if drive.ended else " (power cut or running)")
                print(f"drive {drive.number}: {_time(drive.begin_utc_s)} to {end}")
            return 0
        if args.what == "audit":
            for utc_s, note in store.notes():
                print(f"{_time(utc_s)} {told(str(note))}")
            return 0
        since = time.time() - args.hours * 3600 if args.hours is not None else None
        found = store.events(since, Level(args.level), Kind(args.kind) if args.kind else None)
        if args.what == "list":
            for kept in found:
                event = kept.event
                print(
                    f"{kept.number:6} {_time(kept.utc_s)} {event.kind.value:13} "
                    f"level {event.level}  {told(event.reason)}"
                )
        else:
            _export(found, args.format)
    return 0


def _export(found: Iterable[StoredEvent], form: str) -> None:
    rows = (_object(kept) for kept in found)
    if form == "jsonl":
        for row in rows:
            print(json.dumps(row, allow_nan=False))
        return
    writer = csv.DictWriter(sys.stdout, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: cell(v) if isinstance(v, str) else v for key, v in row.items()})


def _object(kept: StoredEvent) -> dict[str, Any]:
    return {
        "number": kept.number, "drive": kept.drive, "utc": _time(kept.utc_s),
        **event_object(kept.event), "reason": told(kept.event.reason),
    }  # fmt: skip


def _erase(store: EventStore, path: Path, sure: bool) -> int:
    if not may_erase("dms events erase", f"Erase every stored event in {path}?", sure=sure):
        return 1
    store.erase()
    store.note([Note("every event erased", f"dms events erase, user {os.getuid()}")])
    print(f"Every event in {path} is erased.")
    return 0


def _time(utc_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(utc_s))
