"""Writes a run's frame table, events and labels as MCAP, for Foxglove and Rerun. Extra ``mcap``.

Messages are JSON with their JSON schema, so that a viewer plots every number without a plug-in:
``/dms/frame`` a frame, ``/dms/event`` what was reported, ``/dms/label`` what was labelled.
"""

from __future__ import annotations

import heapq
import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dms.errors import ConfigError
from dms.files.columns import COLUMNS, TEXTS, unit_of
from dms.files.events import event_object
from dms.files.frames import Series, load_frames
from dms.scoring.labels import Label
from dms.values import Event

_NS = 1_000_000_000
_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_SPAN = {"kind": _TEXT, "start_s": _NUMBER, "end_s": _NUMBER}


def write_mcap(frames: Path, events: Sequence[Event], labels: Sequence[Label], path: Path) -> int:
    """Write ``path`` (.mcap) and return how many messages it holds.

    An unknown value is left out of its message, never 0. Raises ConfigError without the library or
    where a file cannot be used.
    """
    try:
        writers: Any = importlib.import_module("mcap.writer")
    except ImportError as error:
        raise ConfigError("MCAP needs its library: pip install 'dms-jetson[mcap]'") from error
    told = [(label.start_s, "/dms/label", _label(label)) for label in labels]
    told += [(event.t_s, "/dms/event", event_object(event)) for event in events]
    table = load_frames(frames)
    rows = ((float(t_s), "/dms/frame", _row(table, at)) for at, t_s in enumerate(table["t_s"]))
    count = 0
    try:
        with path.open("wb") as file:
            writer = writers.Writer(file)
            writer.start(profile="", library="dms")
            channels = {topic: _channel(writer, topic, schema) for topic, schema in _schemas()}
            for t_s, topic, thing in heapq.merge(rows, sorted(told, key=_time), key=_time):
                at_ns = round(t_s * _NS)
                data = json.dumps(thing, allow_nan=False).encode()
                writer.add_message(channels[topic], at_ns, data, at_ns, count)
                count += 1
            writer.finish()
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; choose another place") from error
    return count


def _channel(writer: Any, topic: str, schema: dict[str, Any]) -> int:
    name = "dms." + topic.rsplit("/", 1)[1].title()
    number = writer.register_schema(name, "jsonschema", json.dumps(schema).encode())
    return int(writer.register_channel(topic, "json", number))


def _schemas() -> list[tuple[str, dict[str, Any]]]:
    columns = {
        name: {**_NUMBER, "description": f"{text} {unit_of(name)}".rstrip()}
        for name, text in COLUMNS.items()
        if name not in TEXTS
    }
    event = {**_SPAN, "t_s": _NUMBER, "level": {"type": "integer"}, "reason": _TEXT}
    return [
        ("/dms/frame", {"type": "object", "properties": columns}),
        ("/dms/event", {"type": "object", "properties": {**event, "values": {"type": "object"}}}),
        ("/dms/label", {"type": "object", "properties": {**_SPAN, "note": _TEXT}}),
    ]


def _time(told: tuple[float, str, dict[str, Any]]) -> float:
    return told[0]


def _row(table: Mapping[str, Series], at: int) -> dict[str, float]:
    return {name: float(values[at]) for name, values in table.items() if np.isfinite(values[at])}


def _label(label: Label) -> dict[str, Any]:
    return {
        "kind": label.kind.value,
        "start_s": label.start_s,
        "end_s": label.end_s,
        "note": label.note,
    }
