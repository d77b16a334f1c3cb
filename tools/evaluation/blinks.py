"""Blinks on clips of faces, by the whole chain of the product: every frame, no tuning to a clip."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dms.bench.bench import bench
from dms.chain import Chain
from dms.config import load
from dms.errors import ConfigError
from dms.scoring.labels import Labels, load_zju
from dms.scoring.match import ScoringSettings, Tally, match, tally
from dms.values import Kind
from tools.evaluation.figures import all_rounded, interval
from tools.nets.tiles import progress

SUFFIXES = (".mp4", ".avi", ".mkv", ".mov")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--people", nargs="+", type=int, metavar="N", help="only clips whose name begins so"
    )


def measure(args: argparse.Namespace) -> dict[str, Any]:
    table = args.data / "blinks.csv"
    clips = sorted(path for path in args.data.iterdir() if path.suffix.lower() in SUFFIXES)
    if args.people:
        named = tuple(f"{number:06}" for number in args.people)
        clips = [clip for clip in clips if clip.stem.startswith(named)]
    if not clips:
        raise ConfigError(f"no clips in {args.data}; give a folder laid out as zju_blink")
    chain = Chain(load(None, ["bridges=[]", *args.set]))
    glasses = wearing_glasses(table)
    counts, groups, seen = [], [], []
    for clip in progress(clips, len(clips), "clips"):
        labels = load_zju(table, rate_of(clip)).get(
            clip.stem, Labels(clip.stem, (), frozenset({Kind.BLINK}))
        )
        result = bench(str(clip), chain)
        found = tally(match(result.events, labels, {}, ScoringSettings())).get(Kind.BLINK, Tally())
        counts.append(found)
        groups.append(glasses.get(clip.stem))
        seen.append(result.availability or 0.0)
    return figures(counts, groups) | {
        "clips": len(clips),
        "eyes_observable": round(float(np.mean(seen)), 4),
        "worst": worst_clips(clips, counts),
    }


def figures(counts: list[Tally], groups: list[bool | None]) -> dict[str, Any]:
    """F1, precision and recall over all clips, with and without glasses; intervals by clip."""

    def part(which: list[int]) -> Tally:
        return sum((counts[i] for i in which), Tally())

    every = part(list(range(len(counts))))
    worn = part([i for i, group in enumerate(groups) if group])
    bare = part([i for i, group in enumerate(groups) if group is False])
    said = {
        "f1": every.f1,
        "precision": every.precision,
        "recall": every.recall,
        "f1_glasses": worn.f1,
        "f1_no_glasses": bare.f1,
        "found": every.found,
        "missed": every.missed,
        "false": every.false,
    }
    spread = interval(lambda drawn: part(list(drawn)).f1 or 0.0, len(counts))
    return all_rounded(said) | {"f1_interval": spread}


def rate_of(clip: Path) -> float:
    capture = cv2.VideoCapture(str(clip))
    rate = float(capture.get(cv2.CAP_PROP_FPS))
    capture.release()
    if not rate > 0:
        raise ConfigError(f"{clip} tells no frame rate; encode it again")
    return rate


def wearing_glasses(table: Path) -> dict[str, bool]:
    """Whether glasses are worn, of the clips of which the table says so."""
    with table.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    return {row["clip"]: row["glasses"] == "1" for row in rows if row.get("glasses")}


def worst_clips(clips: list[Path], counts: list[Tally]) -> dict[str, str]:
    faulty = [
        (one.missed + one.false, clip.stem, one) for clip, one in zip(clips, counts, strict=True)
    ]
    faulty.sort(key=lambda item: (-item[0], item[1]))
    return {
        name: f"{one.found} found, {one.missed} missed, {one.false} false"
        for wrong, name, one in faulty[:8]
        if wrong
    }
