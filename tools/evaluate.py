#!/usr/bin/env python3
"""Measure the shipped nets on a folder laid out as its namesake in the measurement data.

    python tools/evaluate.py expression --data ../shared/data/fer2013
    python tools/evaluate.py infrared   --data ../shared/data/nir_faces
    python tools/evaluate.py relative   --data ../shared/data/nir_faces
    python tools/evaluate.py eyes       --data ../shared/data/mrl_eyes_64
                                        --zju ../shared/data/zju_blink
    python tools/evaluate.py lids       --data ../shared/data/lowered
    python tools/evaluate.py lowered    --data ../shared/data/lowered
    python tools/evaluate.py gaze       --data ../shared/data/gaze
    python tools/evaluate.py blinks     --data ../shared/data/zju_blink
    python tools/evaluate.py yawns      --data ../shared/data/yawn_frames
    python tools/evaluate.py awake      --data ../shared/data
    python tools/evaluate.py stills     --data ../shared/data/nir_faces
    python tools/evaluate.py covers     --data ../shared/data
    python tools/evaluate.py photos     --data ../shared/data
    python tools/evaluate.py rates      --data ../shared/data/clips --film out/demo/demo.avi
    python tools/evaluate.py drowsy
    python tools/evaluate.py nods
    python tools/evaluate.py drifts
    python tools/evaluate.py rage       --data ../shared/data

Figures are of the CPU's INT8 files, with those of TensorRT's Q/DQ files (run by ONNX Runtime with
optimisations off) and of the FP32 files beside them; intervals are 95 %.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:  # run as a file: what it imports stands beside tools/
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from dms.engine.manifest import FOLDER
from dms.errors import DmsError
from tools.nets.files import update

VERBS = {
    "expression": "expression net on FER2013 and FER+ (not on its Training part)",
    "infrared": "expression net on infrared frames, through the product's own chain",
    "relative": "faces against the same person's rest, on infrared or posed stills",
    "readings": "which head of the expression net drives, and against which prior: an ablation",
    "eyes": "eye-state net on MRL Eye, on subjects it was not trained on",
    "lids": "lids open, lowered, closed on labelled eye tiles, drawn as infrared too",
    "lowered": "clips labelled by eye: looks down, closures, yawns, by the whole chain",
    "gaze": "gaze on portraits, drawn glances, a film and infrared pupils",
    "blinks": "blinks on clips laid out as zju_blink, by the whole chain",
    "awake": "awake people: false fatigue alerts, and how long their eyes were seen",
    "stills": "infrared stills with moving noise: open eyes, frontal heads",
    "covers": "painted sunglasses, hands, glare, brims and masks: named, and never open",
    "photos": "photos before the camera are told; how near real people come to such stillness",
    "rates": "the same alerts at 15 frames/s and half the size; ends of long closures",
    "drowsy": "rendered and observation drives that grow tired and fresh again",
    "nods": "drawn nods and looks down with the head, told apart",
    "drifts": "drawn eyes that fall shut or look down, read by the eye net, told apart",
    "rage": "road rage and micro-expressions on made sequences, by the whole chain",
    "yawns": "one-frame evidence of the mouth on yawn stills, by the product's own chain",
}


SAVED = {
    "expression",
    "infrared",
    "relative",
    "readings",
    "eyes",
    "lids",
    "gaze",
    "rage",
}  # of one net


def plain(value: Any) -> Any:
    """Figures as JSON can hold them: what is not a number is null."""
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(figures: dict[str, Any], indent: str = "") -> None:
    for name, value in figures.items():
        if name.startswith("confusion"):
            continue
        if isinstance(value, dict):
            print(f"{indent}{name}:")
            show(value, indent + "  ")
        else:
            print(f"{indent}{name}: {value}")


def save(verb: str, figures: dict[str, Any], args: argparse.Namespace, picture: Any) -> None:
    """Put the figures in the net's manifest and draw its confusion matrix beside it."""
    kept = {k: v for k, v in figures.items() if not k.startswith("confusion") and k != "net"}
    for part in (kept.get("fp32", {}), kept.get("int8_qdq", {})):
        for name in [one for one in part if one.startswith("confusion") or one == "strata"]:
            part.pop(name)
    net = str(figures["net"])
    name = f"{verb}_held_out" if getattr(args, "held_out", False) else verb
    update(args.engines / f"{net}.yaml", {}, {name: kept})
    if picture is not None:
        picture(figures, args.engines / f"{net}-{verb}.png")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    modules = {}
    for verb, text in VERBS.items():
        modules[verb] = import_module(f"tools.evaluation.{verb}")
        one = verbs.add_parser(verb, help=text, description=modules[verb].__doc__)
        if getattr(modules[verb], "NEEDS_DATA", True):
            one.add_argument("--data", type=Path, required=True, help="laid out as its namesake")
        one.add_argument("--json", action="store_true", help="print one JSON object")
        one.add_argument("--engines", type=Path, default=FOLDER)
        if verb in SAVED:
            one.add_argument(
                "--save", action="store_true", help="into the manifest, with a picture"
            )
        modules[verb].add_arguments(one)
    args = parser.parse_args()
    if "data" in args and not args.data.is_dir():
        parser.error(f"--data {args.data} is no folder")
    try:
        figures = plain(modules[args.verb].measure(args))
    except DmsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:  # a file of the folder
        print(f"{error}; --data takes a folder laid out as its namesake", file=sys.stderr)
        return 1
    if args.verb in SAVED and args.save:
        save(args.verb, figures, args, getattr(modules[args.verb], "picture", None))
    print(json.dumps(figures, allow_nan=False)) if args.json else show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
