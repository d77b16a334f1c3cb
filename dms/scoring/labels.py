"""What truly happened in a recording, as told by a person or by the tool that rendered it.

Formats: our YAML (``recording.labels.yaml``), CSV with the columns kind, start_s, end_s, the blink
tables of the ZJU data set (clip, start_frame0, end_frame0), and OpenLABEL
(:mod:`dms.scoring.openlabel`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass as plain
from enum import Enum
from pathlib import Path

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from dms import yamlfile
from dms.errors import ConfigError
from dms.table import read_table
from dms.values import Kind


@plain(frozen=True, slots=True)
class Label:
    """One thing that happened, from ``start_s`` to ``end_s`` of the recording.

    An alert's label is its cause: eyes closed, gaze away. ``optional``: an alert here is right, but
    none is not wrong.
    """

    kind: Kind
    start_s: float
    end_s: float
    optional: bool = False
    note: str = ""


class Truth(str, Enum):
    """What is true of the driver over a stretch of time, for scoring frame by frame."""

    EYES_OPEN = "eyes_open"
    EYES_CLOSED = "eyes_closed"
    ROAD = "road"
    AWAY = "away"


@plain(frozen=True, slots=True)
class Stretch:
    """``truth`` holds from ``start_s`` up to ``end_s``."""

    truth: Truth
    start_s: float
    end_s: float


@plain(frozen=True, slots=True)
class Labels:
    """All that is known of one recording.

    ``kinds``: what was labelled; only that is scored. ``stretches``: the driver's true state where
    it is known, for scoring frame by frame; nothing is known elsewhere.
    """

    recording: str
    events: tuple[Label, ...]
    kinds: frozenset[Kind]
    stretches: tuple[Stretch, ...] = ()
    duration_s: float | None = None
    synthetic: bool = False


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class _Event:
    kind: Kind
    start_s: float = Field(ge=0, json_schema_extra={"unit": "s"})
    end_s: float = Field(ge=0, json_schema_extra={"unit": "s"})
    optional: bool = False
    note: str = ""


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class _Stretch:
    truth: Truth
    start_s: float = Field(ge=0, json_schema_extra={"unit": "s"})
    end_s: float = Field(ge=0, json_schema_extra={"unit": "s"})


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class _File:
    events: list[_Event]
    stretches: list[_Stretch] = Field(default_factory=list)
    recording: str | None = None
    kinds: list[Kind] = Field(default_factory=list)
    duration_s: float | None = None
    synthetic: bool = False
    seed: int | None = None  # of the tool that rendered it


_FILE = TypeAdapter(_File)
_COLUMNS = ("kind", "start_s", "end_s")
_ZJU = ("clip", "start_frame0", "end_frame0")
SUFFIXES = (".labels.yaml", ".labels.csv", ".openlabel.json")


def labels_beside(recording: Path) -> Path | None:
    """Return the label file that belongs to ``recording`` by name, or None."""
    for suffix in SUFFIXES:
        beside = recording.with_name(recording.stem + suffix)
        if beside.is_file():
            return beside
    return None


def load_labels(path: Path) -> Labels:
    """Read the labels of one recording, by the file's ending.

    Raises ConfigError with file and, for a table, line where something cannot be used.
    """
    if path.suffix in {".yaml", ".yml"}:
        return _from_yaml(path)
    if path.suffix == ".csv":
        return _from_csv(path)
    raise ConfigError(f"{path}: labels are read from .yaml, .csv or OpenLABEL .json")


def load_zju(path: Path, fps: float = 30.0) -> dict[str, Labels]:
    """Read a ZJU-style table of blinks: clip name -> its labels. Frames are 0-based, inclusive.

    A blink under way when the clip began starts at 0. Raises ConfigError where the table cannot
    be used.
    """
    blinks: dict[str, list[Label]] = defaultdict(list)
    for line, row in read_table(path, _ZJU):
        first = max(0.0, _number(path, line, row, "start_frame0"))
        last = _number(path, line, row, "end_frame0")
        blinks[row["clip"]].append(_label(f"{path}:{line}", "blink", first / fps, (last + 1) / fps))
    kinds = frozenset({Kind.BLINK})
    return {clip: Labels(clip, sort_labels(events), kinds) for clip, events in blinks.items()}


def _from_yaml(path: Path) -> Labels:
    content, lines = yamlfile.read(path)
    file = yamlfile.load_data(content, _FILE, str(path), lines)
    events = [
        _label(
            f"{path}:{lines.get(('events', number), 1)}",
            event.kind.value,
            event.start_s,
            event.end_s,
            event.optional,
            event.note,
        )
        for number, event in enumerate(file.events)
    ]
    return Labels(
        recording=file.recording or path.name.removesuffix(".labels.yaml"),
        events=sort_labels(events),
        kinds=frozenset(file.kinds) or frozenset(event.kind for event in events),
        stretches=tuple(
            _stretch(f"{path}:{lines.get(('stretches', number), 1)}", one)
            for number, one in enumerate(file.stretches)
        ),
        duration_s=file.duration_s,
        synthetic=file.synthetic,
    )


def _from_csv(path: Path) -> Labels:
    events = [
        _label(
            f"{path}:{line}",
            row["kind"],
            _number(path, line, row, "start_s"),
            _number(path, line, row, "end_s"),
        )
        for line, row in read_table(path, _COLUMNS)
    ]
    kinds = frozenset(event.kind for event in events)
    return Labels(path.name.removesuffix(".labels.csv"), sort_labels(events), kinds)


def _label(
    where: str, kind: str, start_s: float, end_s: float, optional: bool = False, note: str = ""
) -> Label:
    _check_span(where, start_s, end_s)
    return Label(_kind(where, kind), float(start_s), float(end_s), optional, note)


def _stretch(where: str, one: _Stretch) -> Stretch:
    _check_span(where, one.start_s, one.end_s)
    return Stretch(one.truth, one.start_s, one.end_s)


def _check_span(where: str, start_s: float, end_s: float) -> None:
    if not 0 <= start_s <= end_s:
        raise ConfigError(f"{where}: expected 0 <= start_s <= end_s, got {start_s} and {end_s}")


def _kind(where: str, name: str) -> Kind:
    try:
        return Kind(name)
    except ValueError as error:
        known = ", ".join(kind.value for kind in Kind)
        raise ConfigError(f"{where}: kind is {name!r}; expected one of {known}") from error


def _number(path: Path, line: int, row: Mapping[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{path}:{line}: {column} is {row[column]!r}; expected a number")
    return value


def sort_labels(events: list[Label]) -> tuple[Label, ...]:
    """Return labels in order of time."""
    return tuple(sorted(events, key=lambda event: (event.start_s, event.end_s, event.kind)))
