"""Awake people: no fatigue alert, with the eyes counted as observable at least 95 % of the time.

Three recordings: a long webcam clip of grimaces, all ZJU clips in a row as one drive, and every
infrared face with open eyes as a still with moving noise for ten seconds; those that are there.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from dms.chain import Chain
from dms.config import load
from dms.errors import ConfigError
from dms.values import DriverState, Kind
from tools.evaluation.films import (
    FATIGUE,
    SHUT,
    Watched,
    clips_in_a_row,
    read_clip,
    read_still,
    still,
    watch,
)
from tools.evaluation.stills import chosen
from tools.nets.tiles import progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each infrared still")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    chain = Chain(load(None, ["bridges=[]", *args.set]))
    webcam = args.data / "clips" / "expressions_webcam.mp4"
    row = sorted((args.data / "zju_blink").glob("*.mp4"))
    infrared = args.data / "nir_faces"
    if not (webcam.is_file() or row or infrared.is_dir()):
        raise ConfigError(f"{args.data} holds neither {webcam.name} nor zju_blink nor nir_faces")
    parts = {
        "webcam": [watch(chain, read_clip(webcam))] if webcam.is_file() else [],
        "zju_in_a_row": [watch(chain, clips_in_a_row(row))] if row else [],
    }
    stills = chosen(infrared) if infrared.is_dir() else []
    paths = [path for path in stills if path.stem not in SHUT]
    parts["infrared_stills"] = [
        watch(chain, still(read_still(path), args.seconds))
        for path in progress(paths, len(paths), "stills")
    ]
    every = [one for part in parts.values() for one in part]
    return figures(every) | {name: figures(part) for name, part in parts.items()}


def figures(films: list[Watched]) -> dict[str, Any]:
    """Fatigue alerts, what else was said, and how often the eyes were seen.

    ``gaze_step_deg``: median change of the gaze from frame to frame, of its less steady angle.
    """
    frames = sum(one.frames for one in films)
    alerts = [event for one in films for event in one.alerts(FATIGUE)]
    kinds = Counter(event.kind for one in films for event in one.events)
    steps = [step for one in films for step in gaze_steps(one.states)]
    return {
        "films": len(films),
        "frames": frames,
        "fatigue_alerts": len(alerts),
        "told": [f"{event.kind.value} at {event.t_s:.1f} s: {event.reason}" for event in alerts],
        "distractions": sum(len(one.alerts({Kind.DISTRACTION})) for one in films),
        "yawns": kinds[Kind.YAWN],
        "glances": kinds[Kind.GLANCE],
        "gaze_step_deg": round(median(steps), 3) if steps else None,
        "eyes_observable": round(sum(one.seen for one in films) / frames, 4) if frames else None,
    }


def gaze_steps(states: Sequence[DriverState]) -> Iterator[float]:
    """By how many degrees the gaze changed from frame to frame, where both tell it."""
    for before, after in pairwise(states):
        if before.gaze is not None and after.gaze is not None:
            yaw_deg = after.gaze.yaw_deg - before.gaze.yaw_deg
            yield max(abs(yaw_deg), abs(after.gaze.pitch_deg - before.gaze.pitch_deg))
