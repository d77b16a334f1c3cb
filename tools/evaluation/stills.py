"""Infrared faces as stills with moving noise: open eyes are never closed, and nobody looks away.

A still shows one instant for a minute: what is misread once is misread all the time. Pictures with
shut eyes are known by name (films.SHUT) and told apart: there the eyes should read closed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from dms.chain import Chain
from dms.config import load
from dms.errors import ConfigError
from dms.values import Kind
from tools.evaluation.films import FATIGUE, FPS, SHUT, Watched, read_still, still, watch
from tools.nets.tiles import progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each still")
    parser.add_argument("--fps", type=float, default=FPS, help="of each film (%(default)g)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only stills whose name is here")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    chain = Chain(load(None, ["bridges=[]", "nets.expression=null", *args.set]))
    found = {}
    paths = chosen(args.data, args.only)
    for path in progress(paths, len(paths), "stills"):
        found[path.stem] = watch(chain, still(read_still(path), args.seconds, fps=args.fps))
    opened = {name: one for name, one in found.items() if name not in SHUT}
    shut = {name: one for name, one in found.items() if name in SHUT}
    return {
        "seconds": args.seconds,
        "fps": args.fps,
        **judge_open(opened),
        "shut_eyes": judge_shut(shut),
    }


def chosen(folder: Path, only: list[str] | None = None) -> list[Path]:
    """Return the pictures of a folder. Raises ConfigError where there are none."""
    paths = [path for path in sorted(folder.glob("*.jpg")) if not only or path.stem in only]
    if not paths:
        raise ConfigError(f"no pictures in {folder}; give a folder laid out as nir_faces")
    return paths


def judge_open(found: dict[str, Watched]) -> dict[str, Any]:
    """Figures of stills whose eyes are open; each name says what is wrong with it."""
    frames = sum(one.frames for one in found.values())
    seen = sum(one.seen for one in found.values())
    closed = {name: f"{one.longest_closed_s:.1f} s" for name, one in found.items() if one.closed}
    away = [name for name, one in found.items() if one.alerts({Kind.DISTRACTION})]
    tired = [name for name, one in found.items() if one.alerts(FATIGUE)]
    return {
        "stills": len(found),
        "said_closed": len(closed),
        "said_closed_longest": closed,
        "fatigue_alerts": len(tired),
        "fatigue_alerts_in": tired,
        "distraction_alerts": len(away),
        "distraction_alerts_in": away,
        "eyes_observable": round(seen / frames, 4) if frames else None,
        "not_observable": {
            name: round(one.seen / one.frames, 2)
            for name, one in found.items()
            if one.seen < 0.95 * one.frames
        },
    }


def judge_shut(found: dict[str, Watched]) -> dict[str, Any]:
    return {
        "stills": len(found),
        "said_closed": sum(one.closed > one.opened for one in found.values()),
        "said_open": [name for name, one in found.items() if one.opened > one.closed],
    }
