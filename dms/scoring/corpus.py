"""Which recordings a bench run takes: files, folders, globs, or a manifest with labels and groups.

A manifest is CSV or YAML: each row names a ``source``, may name ``labels``, ``time_scale`` and the
``drive`` that it is a segment of; each other column is a group to measure by (glasses, night, ...).
Paths are relative to the manifest.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass as checked

from dms import yamlfile
from dms.errors import ConfigError
from dms.files.observations import OBSERVATIONS
from dms.plainfile import check_name
from dms.scoring.labels import Labels, labels_beside, load_labels, load_zju
from dms.scoring.openlabel import (
    annotations_beside,
    group_word,
    groups_of,
    is_openlabel,
    is_other_view,
    load_openlabel,
    merged,
)
from dms.table import read_table

VIDEOS = frozenset((
    ".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg",
    ".mts", ".ts", ".webm", ".wmv",
))  # fmt: skip
_EVENTS, _KEPT = "events.jsonl", "observations.jsonl"  # a run's results for a recording
_PARTS, _PART_KEY = {"part-observations.jsonl", "earlier-observations.jsonl"}, "part-key"
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm", ".webp"})
FPS = 30.0  # of labels in frames where the recording does not say
_GLOB = frozenset("*?[")
_COLUMNS = frozenset(
    {"source", "labels", "time_scale", "drive"}
)  # of a manifest; others are groups


@dataclass(frozen=True, slots=True)
class Entry:
    """One recording of a run. ``name`` is unique in the run and fit for a folder's name.

    ``time_scale``: as ``camera.time_scale``, for this recording alone; None: as the settings say.
    ``parts``: the segments that are joined to it, in their order, the first of them ``source``;
    ``drive``: the name of what it is a segment of, where it is not joined yet.
    """

    name: str
    source: str
    labels: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    time_scale: float | None = None
    parts: tuple[str, ...] = ()
    drive: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """All that is read."""
        return self.parts or (self.source,)

    def read_labels(self) -> Labels | None:
        """The labels in any format, on the clock that the run has.

        Raises ConfigError where they cannot be used or a table does not name the recording.
        """
        return labels_of(self, rate_of(self.source) / (self.time_scale or 1.0))


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class _Row:
    source: str
    labels: str | None = None
    groups: dict[str, str | int | float | bool] = field(default_factory=dict)
    time_scale: float | None = None
    drive: str | None = None


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class _Manifest:
    recordings: list[_Row]


_MANIFEST = TypeAdapter(_Manifest)


def find(sources: Sequence[str]) -> list[Entry]:
    """Return the recordings that ``sources`` name, in a stable order, each once.

    Raises ConfigError where one names nothing or a manifest cannot be used.
    """
    found: dict[str, Entry] = {}
    for source in sources:
        for new in _expand(source):
            path = new.source
            check_name(path)
            # Not resolved: links of two names to one video are two recordings.
            place = os.path.abspath(path)  # noqa: PTH100
            if not Path(place).name:
                raise ConfigError(f"{source} names {place}, no recording; name a video or folder")
            old = found.get(place)
            if old is None or not _told_of(old):
                found[place] = new
            elif _told_of(new) and _told_of(new) != _told_of(old):
                raise ConfigError(
                    f"{path} is named twice, with other labels or groups; keep one of them"
                )
    if not found:
        raise ConfigError(f"{sources[0]} names no recording; add a row for each")
    names = _names(list(found))
    return [replace(entry, name=name) for name, entry in zip(names, found.values(), strict=True)]


def _told_of(entry: Entry) -> tuple[object, ...]:
    """Return what a manifest says of a recording, () where it says nothing."""
    told = (entry.labels, entry.groups, entry.time_scale, entry.drive)
    return told if any(told) else ()


def labels_paths(entry: Entry) -> list[Path]:
    """Return the files with a recording's labels: the manifest's, or those beside it by name."""
    if entry.labels:
        return [Path(entry.labels)]
    if entry.parts:  # what lies beside a segment is in that segment's time
        return []
    beside = labels_beside(Path(entry.source))
    return [beside] if beside else annotations_beside(Path(entry.source))


def annotated(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries with the groups that their OpenLABEL annotations name, as DMD's do.

    What a manifest says stands. An annotation that cannot be used names none: its recording says
    why when it is run, and the others' groups are known all the same.
    """
    told = []
    for entry in entries:
        named: Mapping[str, str] = {}
        if paths := [path for path in labels_paths(entry) if path.suffix == ".json"]:
            with suppress(ConfigError):
                named = groups_of(paths[0])
        told.append(replace(entry, groups={**named, **entry.groups}))
    return told


def rate_of(source: str) -> float:
    """Frames a second of a video as its container says, else :data:`FPS`."""
    rate = _declared(source, cv2.CAP_PROP_FPS)
    return rate if 1.0 <= rate <= 1000.0 else FPS


def _declared(source: str, what: int) -> float:
    """Return what a video's container says of itself, a property of OpenCV; 0 for no video."""
    if Path(source).suffix.lower() not in VIDEOS:
        return 0.0
    # A colon in its name would name a protocol to FFmpeg.
    capture = cv2.VideoCapture(f"file:{source}" if ":" in source else source)
    try:
        return float(capture.get(what))
    finally:
        capture.release()


def length_frames(source: str) -> int:
    """How many frames a recording has, as far as can be told without running it; else 0."""
    path = Path(source)
    if path.suffix == OBSERVATIONS:
        with suppress(OSError), path.open("rb") as file:
            return sum(b'"t_s"' in line for line in file)  # not the header
    return max(0, int(_declared(source, cv2.CAP_PROP_FRAME_COUNT)))


def labels_of(entry: Entry, fps: float) -> Labels | None:
    """Return the labels of a recording; ``fps`` turns frames into seconds. Raises ConfigError."""
    parts = [_labels(Path(entry.source), path, fps) for path in labels_paths(entry)]
    return parts[0] if len(parts) == 1 else merged(parts) if parts else None


def _labels(source: Path, path: Path, fps: float) -> Labels:
    if is_openlabel(path) or path.suffix == ".json":
        return load_openlabel(path, fps)
    if path.suffix == ".csv" and _is_zju(path):
        clips = load_zju(path, fps)
        if source.stem not in clips:
            raise ConfigError(f"{path} has no clip {source.stem!r}; leave its labels empty")
        return clips[source.stem]
    return load_labels(path)


def _expand(source: str) -> Iterable[Entry]:
    """Yield the recordings that ``source`` names, without names of their own yet."""
    path = Path(source)
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError) as error:  # a name that no file can have
        if isinstance(error, PermissionError):
            raise ConfigError(f"cannot look for {source}: {error.strerror}") from error
        raise ConfigError(f"{source[:80]!r} cannot be a file's name: {error}") from error
    if is_folder:
        yield from (Entry("", str(one)) for one in _in_folder(path))
    elif path.suffix.lower() in {".yaml", ".yml"}:
        yield from _from_yaml(path)
    elif path.suffix.lower() == ".csv":
        yield from _from_csv(path)
    elif path.exists():
        yield Entry("", str(path))
    elif _GLOB & set(source):
        hits = [Path(hit) for hit in sorted(glob.glob(source, recursive=True))]  # noqa: PTH207 - an absolute pattern
        recordings = [hit for hit in hits if _is_recording(hit)]
        if not recordings:
            raise ConfigError(f"no recording matches {source!r}; quote the pattern and check it")
        yield from (Entry("", str(hit)) for hit in recordings)
    else:
        raise ConfigError(f"there is no {source!r}; give a file, a folder, a glob or a manifest")


def _is_recording(path: Path) -> bool:
    told = path.name.endswith((".events.jsonl", ".observations.jsonl")) or is_other_view(path)
    named = path.suffix.lower() in VIDEOS or path.suffix == OBSERVATIONS
    hidden = path.name.startswith(".")  # ._drive.mp4, which macOS puts beside a film on a card
    return named and not told and not hidden and path.name != _EVENTS and path.is_file()


def _is_result(path: Path) -> bool:
    """Tell whether an earlier run left the file, as where --out lies within what is run."""
    if path.name in _PARTS:  # of one that was cut short
        return path.with_name(_PART_KEY).is_file()
    return path.name == _KEPT and path.with_name(_EVENTS).is_file()


def _in_folder(folder: Path) -> list[Path]:
    """Return the recordings below a folder; a folder of pictures alone is itself one."""
    found = (path for path in folder.rglob("*") if _is_recording(path))
    recordings = sorted(path for path in found if not _is_result(path))
    if recordings:
        return recordings
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        raise ConfigError(f"cannot look into {folder}: {error.strerror}") from error
    if any(Path(name).suffix.lower() in PICTURES for name in names):
        return [folder if folder.name.strip(".") else folder.resolve()]  # . and .. have no name
    raise ConfigError(f"{folder} holds neither recordings nor pictures")


def _from_yaml(path: Path) -> Iterable[Entry]:
    for row in yamlfile.load(path, _MANIFEST).recordings:
        groups = {name: group_word(value) for name, value in row.groups.items()}
        yield _row(path, row.source, row.labels, groups, row.time_scale, row.drive)


def _from_csv(path: Path) -> Iterable[Entry]:
    about = "a manifest needs a column 'source', see docs/bench.md"
    for line, row in read_table(path, ("source",), about, whole=True):
        rest = {k: v for k, v in row.items() if k not in _COLUMNS and v}
        scale = _scale(f"{path}:{line}", row.get("time_scale"))
        labels, drive = row.get("labels") or None, row.get("drive") or None
        yield _row(path, row["source"], labels, rest, scale, drive)


def _scale(where: str, cell: str | None) -> float | None:
    try:
        return float(cell) if cell else None
    except ValueError:
        raise ConfigError(f"{where}: time_scale must be a number, got {cell!r}") from None


def _row(
    manifest: Path,
    source: str,
    labels: str | None,
    groups: Mapping[str, str],
    time_scale: float | None,
    drive: str | None,
) -> Entry:
    if not source.strip():
        raise ConfigError(f"{manifest}: a source is empty; name a recording, or leave out its row")
    place = manifest.parent / source
    try:
        there = place.exists()
    except (OSError, ValueError):  # a name that no file can have
        there = False
    if not there:
        raise ConfigError(f"{manifest}: there is no recording {source!r} beside it")
    if time_scale is not None and not 0 < time_scale <= 100:
        raise ConfigError(
            f"{manifest}: time_scale of {source!r} must be in (0, 100], got {time_scale}"
        )
    labels = str(manifest.parent / labels) if labels else None
    return Entry("", str(place), labels, groups, time_scale, drive=drive)


def _is_zju(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.readline().startswith("clip,")
    except UnicodeDecodeError:
        return False
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check the path") from error


def _names(sources: Sequence[str]) -> list[str]:
    """Return a name of its own for each source: its stem, with as many folders as that takes."""
    paths = [Path(source).with_suffix("") for source in sources]
    tails: dict[Path, str] = {}
    depth, left = 1, set(paths)
    while left:
        counts = Counter(path.parts[-depth:] for path in set(paths))
        done = {
            path for path in left if counts[path.parts[-depth:]] == 1 or depth >= len(path.parts)
        }
        tails |= {path: "-".join(part.strip("/") for part in path.parts[-depth:]) for path in done}
        left -= done
        depth += 1
    names = [tails[path] for path in paths]
    counted = Counter(names)
    taken: set[str] = set()
    for at, (name, source) in enumerate(zip(names, sources, strict=True)):
        unique = name if counted[name] == 1 else f"{name}{Path(source).suffix}"
        number = 2
        while unique in taken:  # night/1.mp4 beside night-1.mp4
            unique, number = f"{name}{Path(source).suffix}-{number}", number + 1
        taken.add(unique)
        names[at] = unique
    return names
