"""Which recordings a run takes, the segments of one drive joined to one recording."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from dms.camera.image_folder import natural
from dms.camera.joined import Segment, named_s
from dms.errors import ConfigError
from dms.files.observations import OBSERVATIONS
from dms.scoring.corpus import Entry, find
from dms.scoring.labels import labels_beside

_TAKEN = ("report.html", "summary.json")  # of the whole run, beside the recordings' folders
SEGMENTS = "segments.csv"  # of a joined recording: which of its files begins when
_log = logging.getLogger(__name__)


def recordings(sources: Sequence[str], *, join: bool = False) -> list[Entry]:
    """Return the recordings that ``sources`` name, in a stable order.

    Rows of a manifest with the same ``drive`` are the segments of one, in the order of its rows;
    with ``join`` all of them are, by their names in natural order. Raises ConfigError.
    """
    found = find(sources)
    if join:
        if len(found) < 2:
            raise ConfigError(f"--join wants segments, but {sources[0]} names one recording")
        found = sorted(found, key=lambda entry: _in_order(entry.source))
        return [_joined(f"{found[0].name}+{len(found) - 1}", found)]
    drives: dict[str, list[Entry]] = {}
    for entry in found:
        if entry.drive is not None:
            drives.setdefault(entry.drive, []).append(entry)
    first = {id(parts[0]): (name, parts) for name, parts in drives.items()}
    made = [
        _joined(*first[id(entry)]) if id(entry) in first else entry
        for entry in found
        if entry.drive is None or id(entry) in first
    ]
    names = [entry.name for entry in made]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"a drive and another recording are called {twice[0]}; rename the drive")
    return made


def write_segments(segments: Iterable[Segment], path: Path) -> None:
    """Write where each file of a joined recording begins and ends, in seconds of the whole."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("source", "start_s", "end_s", "frames"))
        for one in segments:
            rows.writerow((one.source, round(one.start_s, 3), round(one.end_s, 3), one.frames))


def load_segments(folder: Path) -> list[Segment]:
    """Return what :func:`write_segments` wrote into a result's folder, [] where it is no drive."""
    with suppress(OSError), (folder / SEGMENTS).open(encoding="utf-8", newline="") as file:
        return [
            Segment(row["source"], float(row["start_s"]), float(row["end_s"]), int(row["frames"]))
            for row in csv.DictReader(file)
        ]
    return []


def _in_order(source: str) -> list[object]:
    return [natural(Path(part)) for part in Path(source).parts]


def _joined(name: str, parts: Sequence[Entry]) -> Entry:
    """Return one recording of ``parts``; what is said of a part is said of all of them."""
    if Path(name).name != name or name in {"", "..", *_TAKEN} or not name.isprintable():
        raise ConfigError(f"the drive {name!r} cannot be a folder's name; call it otherwise")
    if replayed := [one.source for one in parts if one.source.endswith(OBSERVATIONS)]:
        raise ConfigError(
            f"{replayed[0]} is no film; only films and pictures can be joined. Join the drive's "
            "films with --keep-observations: that keeps the whole drive as one .jsonl to replay"
        )
    starts = [start for one in parts if (start := named_s(one.source)) is not None]
    if len(set(starts)) < len(starts):
        raise ConfigError(
            f"segments of {name} begin at one time by name: of two cameras? join those of one"
        )
    labels = {one.labels for one in parts if one.labels}
    scales = {one.time_scale for one in parts}
    groups = [one.groups for one in parts]
    if len(labels) > 1 or len(scales) > 1 or any(one != groups[0] for one in groups):
        raise ConfigError(
            f"the segments of {name} must have one and the same labels, time_scale and groups"
        )
    if not labels and (beside := [p.source for p in parts if labels_beside(Path(p.source))]):
        _log.warning(
            "%s: the labels beside %s are not read: those of a drive are one file, in the time of "
            "the whole, named in a manifest.", name, beside[0],
        )  # fmt: skip
    sources = tuple(one.source for one in parts)
    return replace(parts[0], name=name, labels=next(iter(labels), None), parts=sources, drive=None)
