"""Faces against the same person's rest: anger + disgust, seven classes, on folders of stills.

``labels.csv`` names file, subject or person, expression and, where there are several, set. Rest is
the first neutral face of a person in the file's order in which a face is found; it is left out of
the figures. People without one, contempt, and labels that fewer than half of their raters agree to
are left out and counted; what needs no rest is measured on all faces (``absolute_rage_auroc``).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dms.decision.emotion.relative import SEVEN, RelativeHead
from dms.decision.emotion.rest import RestingFace, RestSettings
from dms.engine.engine import Engine
from dms.engine.manifest import Manifest, load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.preprocess.crop import FaceCropSettings, face_crop
from dms.engine.relative import relative_weights
from dms.errors import ConfigError
from dms.perception.expression import ExpressionNet, ExpressionSettings
from dms.perception.landmarks import LandmarkSettings, load_predictor
from dms.values import EXPRESSIONS, DriverObservation, ExpressionScores
from tools.evaluation.figures import auroc, interval, mean, rounded
from tools.evaluation.films import read_still
from tools.nets.posed import (
    HELD_OUT,
    HELD_OUT_FOLD,
    LEAST_AGREEMENT,
    agreement,
    anchors_of,
    family,
    held_out,
    named,
    padded,
    person_of,
)
from tools.nets.shipped import beside, engines, outputs
from tools.nets.tiles import Rows, progress, read_rows

FALSE = 0.1  # share of other faces that may be called angry
ANGRY = tuple(EXPRESSIONS.index(name) for name in ("anger", "disgust"))
NEUTRAL = SEVEN.index("neutral")
CALM = tuple(float(name == "neutral") for name in EXPRESSIONS)
CALM_FPS, CALM_MOST_S = 10.0, 60.0  # of the neutral picture, which is shown until rest is known


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--net", default="expression")
    parser.add_argument("--pad", action="store_true", help="the pictures are tight crops of faces")
    parser.add_argument(
        "--held-out", action="store_true", help="of posed_faces, people who were not trained on"
    )
    parser.add_argument(
        "--folds", type=Path, nargs=HELD_OUT, metavar="ENGINES",
        help="of posed_faces, everybody: fold 0, 1, ... of the people by the net in each folder",
    )  # fmt: skip
    parser.add_argument("--landmarks", default=LandmarkSettings().model, help="landmark model")


@dataclass(frozen=True, slots=True)
class Stills:
    """What is judged, a row a picture; ``rest``: row of the person's resting face, or -1."""

    crops: NDArray[np.uint8]
    label: NDArray[np.int64]  # place in SEVEN
    person: NDArray[np.str_]
    set: NDArray[np.str_]
    rest: NDArray[np.int64]
    left_out: dict[str, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a net says of each still: log odds and classes against rest, anger + disgust without."""

    odds: NDArray[np.float64]
    seven: NDArray[np.int64]
    absolute: NDArray[np.float64]


def measure(args: argparse.Namespace) -> dict[str, Any]:
    if args.folds:
        return _over_folds(args)
    manifest, weights = _net(args.net, args.engines)
    stills = read_stills(args, manifest, HELD_OUT_FOLD if args.held_out else None)
    found = {}
    for precision, engine in engines(manifest):
        reading = read(engine, manifest, RelativeHead.of(weights), stills)
        found[precision] = figures(stills, reading)
        if precision == "int8":
            found[precision]["sets"] = _by_set(stills, reading)
    return {**beside(found), **stills.left_out, "net": manifest.name, "landmarks": args.landmarks}


def _net(name: str, folder: Path) -> tuple[Manifest, dict[str, NDArray[np.float64]]]:
    manifest = load_manifest(name, folder)
    weights = relative_weights(manifest)
    if weights is None:
        raise ConfigError(f"{name} has no weights against rest; measure expression, or 'infrared'")
    return manifest, weights


def _by_set(stills: Stills, reading: Reading) -> dict[str, dict[str, Any]]:
    names = sorted(set(stills.set.tolist()) - {""})
    return {name: figures(stills, reading, stills.set == name) for name in names}


def _over_folds(args: argparse.Namespace) -> dict[str, Any]:
    """Everybody, each by the FP32 net of the fold that left them out."""
    parts = []
    for fold, folder in enumerate(args.folds):
        manifest, weights = _net(args.net, folder)
        stills = read_stills(args, manifest, fold)
        with OnnxEngine(manifest.path("fp32")) as engine:
            parts.append((stills, read(engine, manifest, RelativeHead.of(weights), stills)))
    stills, reading = joined(parts)
    return {
        **figures(stills, reading),
        "sets": _by_set(stills, reading),
        **stills.left_out,
        "folds": len(parts),
        "landmarks": args.landmarks,
    }


def joined(parts: Sequence[tuple[Stills, Reading]]) -> tuple[Stills, Reading]:
    """Put the people of several folds into one."""
    starts = np.cumsum([0, *(len(stills.label) for stills, _ in parts)])
    rest = [
        np.where(stills.rest < 0, -1, stills.rest + start)
        for (stills, _), start in zip(parts, starts.tolist(), strict=False)
    ]
    counts = {name: sum(one.left_out[name] for one, _ in parts) for name in parts[0][0].left_out}
    stills = Stills(
        *(np.concatenate([getattr(one, name) for one, _ in parts])
          for name in ("crops", "label", "person", "set")),
        np.concatenate(rest),
        counts,
    )  # fmt: skip
    reading = Reading(
        *(np.concatenate([getattr(one, name) for _, one in parts])
          for name in ("odds", "seven", "absolute"))
    )  # fmt: skip
    return stills, reading


def read_stills(args: argparse.Namespace, manifest: Manifest, fold: int | None) -> Stills:
    """Find the faces of a folder. Raises ConfigError where nothing can be judged.

    ``fold``: only of the people of this fold, None: of all.
    """
    rows = _rows(args.data, fold)
    predictor = load_predictor(LandmarkSettings(model=args.landmarks))
    framing = manifest.framing(FaceCropSettings)
    crops, kept, counts = [], [], {"not_found": 0, "contempt": 0, "little_agreed": 0}
    for row in progress(rows, len(rows), "faces"):
        agreed = agreement(row)
        if row["expression"] == "contempt":
            counts["contempt"] += 1
        elif agreed is not None and agreed < LEAST_AGREEMENT:
            counts["little_agreed"] += 1
        else:
            gray = read_still(args.data / row["file"])
            gray = padded(gray) if args.pad else gray
            anchors = anchors_of(gray, predictor)
            if anchors is None:
                counts["not_found"] += 1
            else:
                crops.append(face_crop(gray, anchors, framing))
                kept.append(row)
    if not kept:
        raise ConfigError(_nothing(args.data, counts))
    person = np.array([person_of(row) for row in kept])
    label = np.array([SEVEN.index(row["expression"]) for row in kept])
    rest = rests(person, label)
    person = np.array([who or f"?{at}" for at, who in enumerate(person.tolist())])
    rested = int((rest == np.arange(len(rest))).sum())
    counts |= {"without_neutral": int((rest < 0).sum()), "used_as_rest": rested}
    sets = np.array([family(row.get("set", "")) for row in kept])
    return Stills(np.stack(crops), label, person, sets, rest, counts)


def _nothing(folder: Path, counts: dict[str, int]) -> str:
    if counts["not_found"]:
        return f"no face was found in {folder}; try --pad for tight crops"
    left = f"{counts['contempt']} contempt, {counts['little_agreed']} of little agreement"
    return f"{folder}/labels.csv leaves nothing to judge: {left}; add faces of other expressions"


def _rows(folder: Path, fold: int | None) -> Rows:
    rows = named(folder, read_rows(folder, "file", "expression"))
    nobody = sum(not person_of(row) for row in rows)
    if nobody:
        print(f"{folder}/labels.csv: {nobody} rows name nobody: no rest is known", file=sys.stderr)
    others = sorted({row["expression"] for row in rows} - set(EXPRESSIONS))
    if others:
        print(f"{folder}/labels.csv: left out: {', '.join(others)}", file=sys.stderr)
    rows = [row for row in rows if row["expression"] in EXPRESSIONS]
    if fold is not None:
        people = held_out({person_of(row) for row in rows} - {""}, fold)
        rows = [row for row in rows if person_of(row) in people]
    if not rows:
        raise ConfigError(f"{folder}/labels.csv names none of {', '.join(EXPRESSIONS)}")
    return rows


def rests(person: NDArray[np.str_], label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row of the first neutral face of each row's person, -1 where there is none.

    ``person``: "" where a row names nobody, who then has no rest either.
    """
    first: dict[str, int] = {}
    for at, (who, seven) in enumerate(zip(person.tolist(), label.tolist(), strict=True)):
        if who and seven == NEUTRAL:
            first.setdefault(who, at)
    return np.array([first.get(who, -1) for who in person.tolist()])


def read(engine: Engine, manifest: Manifest, head: RelativeHead, stills: Stills) -> Reading:
    """Read all stills with one file of the net, against rest as the product does."""
    out = outputs(engine, stills.crops)
    net = ExpressionNet(engine, manifest, ExpressionSettings())
    seen = [
        net.told({name: part[at : at + 1] for name, part in out.items()})
        for at in range(len(stills.crops))
    ]
    odds, seven = np.zeros(len(seen)), np.zeros(len(seen), np.int64)
    places = [EXPRESSIONS.index(name) for name in SEVEN]
    for rest in sorted(set(stills.rest.tolist()) - {-1}):
        own = rested(head, seen[rest])
        for at in np.flatnonzero(stills.rest == rest):
            said = own.read(DriverObservation(0.0, expression=seen[at]), private=True).expression
            if said is None or said.relative is None or said.rage_log_odds is None:
                raise ConfigError("the net's embeddings are no finite numbers; export it again")
            odds[at] = said.rage_log_odds
            seven[at] = np.asarray(said.relative)[places].argmax()
    angry = np.array([sum(one.probabilities[i] for i in ANGRY) for one in seen])
    return Reading(odds, seven, angry)


def rested(head: RelativeHead, neutral: ExpressionScores) -> RestingFace:
    """Let the product learn rest from one picture of a face that is known to be at rest."""
    own = RestingFace(RestSettings(), head)
    calm = replace(neutral, probabilities=CALM)
    for frame in range(round(CALM_MOST_S * CALM_FPS)):
        if own.progress == 1.0:
            break
        shown = own.read(DriverObservation(frame / CALM_FPS, expression=calm), private=False)
        own.learn(shown, 1.0, speaking=False)
    return own


def figures(
    stills: Stills, reading: Reading, use: NDArray[np.bool_] | None = None
) -> dict[str, Any]:
    """Figures over the rows in ``use``, each with its interval by person."""
    every = np.ones(len(stills.label), bool) if use is None else use
    own = every & (stills.rest >= 0) & (stills.rest != np.arange(len(stills.rest)))
    right = (reading.seven == stills.label)[own]
    raging = np.isin(stills.label, [SEVEN.index("anger"), SEVEN.index("disgust")])
    odds, rage, people = reading.odds[own], raging[own], stills.person[own]
    absolute, all_rage = reading.absolute[every], raging[every]
    told = {
        "rage_auroc": (lambda i: auroc(odds[i], rage[i]), people),
        "found_at_10_percent_false": (lambda i: found_at(odds[i], rage[i]), people),
        "accuracy_7": (lambda i: mean(right[i]), people),
        "absolute_rage_auroc": (
            lambda i: auroc(absolute[i], all_rage[i]),
            stills.person[every],
        ),
    }
    made: dict[str, Any] = {}
    for name, (figure, groups) in told.items():
        made[name] = rounded(figure(np.arange(len(groups))))
        made[f"{name}_95"] = interval(figure, len(groups), groups)
    return made | {
        "pictures": int(own.sum()),
        "people": len(set(people.tolist())),
        "angry_or_disgusted": int(rage.sum()),
        "pictures_absolute": int(every.sum()),
    }


def found_at(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Share of positives above the threshold that at most :data:`FALSE` of the others pass."""
    others = np.sort(score[~positive])
    if not len(others) or not positive.any():
        return float("nan")
    threshold = others[len(others) - int(FALSE * len(others)) - 1]
    return mean(score[positive] > threshold)
