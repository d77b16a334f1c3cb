"""The strip of a timeline that shows what the eyes were on: one coloured bar a stretch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dms.files.frames import Series
from dms.stretches import runs
from dms.values import GazeZone

LANE = "gaze zone"
COLOURS = {
    GazeZone.ROAD: "green", GazeZone.LEFT: "blue", GazeZone.RIGHT: "sky", GazeZone.UP: "grey",
    GazeZone.MIRROR: "purple", GazeZone.DOWN: "orange", GazeZone.CENTRE: "brown",
    GazeZone.INSTRUMENTS: "orange", GazeZone.LAP: "red",
}  # fmt: skip
_LEAST_S = 0.1  # shorter stretches are no look of their own
_MOST_BARS = 6000


def zones_seen(frames: Mapping[str, Series]) -> list[GazeZone]:
    """Return the zones that a frame table names, in the order of :class:`GazeZone`."""
    codes = frames.get("gaze_zone")
    if codes is None:
        return []
    found = np.unique(codes[np.isfinite(codes)])
    return [z for at, z in enumerate(GazeZone) if z in COLOURS and at in found]


def zone_bars(frames: Mapping[str, Series]) -> list[dict[str, Any]]:
    """Return one trace of bars for each zone, on :data:`LANE`."""
    stretches: dict[GazeZone, list[tuple[float, float]]] = {z: [] for z in zones_seen(frames)}
    if not stretches:
        return []
    for zone, start_s, end_s in list(_stretches(frames))[:_MOST_BARS]:
        stretches[zone].append((start_s, end_s))
    return [
        {
            "type": "bar",
            "orientation": "h",
            "base": [round(start_s, 3) for start_s, _ in spans],
            "x": [round(end_s - start_s, 3) for start_s, end_s in spans],
            "y": [LANE] * len(spans),
            "width": 0.66,
            "opacity": 0.45 if zone is GazeZone.ROAD else 0.85,
            "marker": {"color": f"@{COLOURS[zone]}", "line": {"width": 0}},
            "text": [f"eyes on: {zone.value}, {a:.2f} to {b:.2f} s" for a, b in spans],
            "textposition": "none",
            "hovertemplate": "%{text}<extra></extra>",
            "showlegend": False,
        }
        for zone, spans in stretches.items()
        if spans
    ]


def _stretches(frames: Mapping[str, Series]) -> Iterator[tuple[GazeZone, float, float]]:
    codes, t_s = frames["gaze_zone"], frames["t_s"]
    for at, zone in enumerate(GazeZone):
        if zone in COLOURS:
            for first, last in runs(codes == at):
                start_s, end_s = float(t_s[first]), float(t_s[min(last + 1, len(t_s) - 1)])
                if end_s - start_s >= _LEAST_S:
                    yield zone, start_s, end_s
