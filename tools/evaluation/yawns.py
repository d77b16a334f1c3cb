"""Yawn stills against eating, drinking, phoning and talking: the one-frame evidence of the mouth.

A still has no duration, so what is scored is whether its one frame speaks for a yawn: by the mouth
net from yawns.likely_below, or without that net by lips from yawns.peak_least. A face that is not
found is a missed yawn. The net that ships has learned from yawn_frames itself: on that folder its
figures flatter it, and `python -m tools.train.mouth --folds 4` gives those of people left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from dms.chain import Chain
from dms.config import load
from dms.values import Frame
from tools.evaluation.figures import all_rounded, auroc, interval, mean, rounded
from tools.evaluation.films import read_still
from tools.nets.tiles import integers, progress, read_rows

LOOKS = 3  # a still counts as this many frames, so that a weak face is confirmed as in a video
STEP_S = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--set", action="append", default=[], metavar="KEY=VALUE")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    rows = read_rows(args.data, "file", "yawn")
    yawns = integers(rows, "yawn") == 1
    chain = Chain(load(None, ["bridges=[]", "nets.expression=null", *args.set]))
    yawning = chain.settings.core.yawns
    limit = yawning.likely_below if chain.settings.nets.mouth else yawning.peak_least
    ratios = [_ratio(chain, args.data / row["file"]) for row in progress(rows, len(rows), "stills")]
    score = np.array([-1.0 if ratio is None else ratio for ratio in ratios])
    wide = score >= limit
    found = score >= 0
    said = {
        "recall": mean(wide[yawns]),
        "false_positive_rate": mean(wide[~yawns]),
        "auroc": auroc(score, yawns),
        "faces_found": int(found.sum()),
        "recall_of_found_faces": mean(wide[yawns & found]),
        "pictures": len(rows),
        "limit": limit,
    }
    at = np.flatnonzero(yawns)
    return all_rounded(said) | {
        "recall_interval": interval(lambda drawn: float(wide[at[drawn]].mean()), len(at)),
        "recall_at_5_percent": rounded(found_at_five_percent(score, yawns)),
    }


def _ratio(chain: Chain, path: Path) -> float | None:
    gray = read_still(path)
    chain.reset()
    seen = None
    for look in range(LOOKS):
        observed = chain.perception.observe(Frame(gray, look * STEP_S, look))
        seen = observed if observed.face is not None else seen
    if seen is None:
        return None
    return seen.yawn if chain.settings.nets.mouth else seen.mar


def found_at_five_percent(score: np.ndarray, yawns: np.ndarray) -> float:
    """Recall at the threshold that lets 5 % of the others through, for comparing mouth measures."""
    others = np.sort(score[~yawns])[::-1]
    if not len(others):
        return float("nan")
    limit = others[min(int(0.05 * len(others)), len(others) - 1)]
    return mean(score[yawns] > limit)
