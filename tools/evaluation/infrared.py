"""Expression on real infrared frames, by the product's own detector, landmarks and crop."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dms.engine.manifest import load_manifest
from dms.errors import ConfigError
from dms.perception.expression import ExpressionNet, ExpressionSettings
from dms.perception.face import FaceSettings, FaceTracker
from dms.perception.landmarks import LandmarkSettings, load_predictor
from dms.values import EXPRESSIONS, Frame
from tools.evaluation.figures import accuracy, auroc, interval, mean, rounded
from tools.evaluation.films import read_still
from tools.nets.shipped import beside, engines
from tools.nets.tiles import progress, read_rows

SEVEN = [i for i, name in enumerate(EXPRESSIONS) if name != "contempt"]
ANGER, DISGUST = EXPRESSIONS.index("anger"), EXPRESSIONS.index("disgust")
LOOKS = 3  # a still counts as this many frames, so that a weak face is confirmed as in a video


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--net", default="expression", help="an expression net of --engines")
    parser.add_argument("--landmarks", default=LandmarkSettings().model, help="landmark model")
    parser.add_argument("--ferplus-weight", type=float, help="instead of the product's")
    parser.add_argument("--prior-power", type=float, help="instead of the product's")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    manifest = load_manifest(args.net, args.engines)
    default = ExpressionSettings()
    how = ExpressionSettings(
        ferplus_weight=_or(args.ferplus_weight, default.ferplus_weight),
        prior_power=_or(args.prior_power, default.prior_power),
    )
    rows = labelled_pictures(args.data)
    faces = find_faces(args.data, args.landmarks, [row["file"] for row in rows])
    truth = np.array([EXPRESSIONS.index(row["expression"]) for row in rows])
    people = np.array([row["subject"] for row in rows])
    found = {}
    groups = {}
    for precision, engine in engines(manifest):
        scores = _scores(ExpressionNet(engine, manifest, how), faces)
        found[precision] = figures(scores, truth, people)
        found[precision] |= judge_affect(scores, rows)
        if precision == "int8":
            groups = figures_by_group(scores, truth, rows)
    return {
        **beside(found),
        "faces_found": sum(face is not None for face in faces),
        "pictures": len(rows),
        "groups": groups,
        "net": manifest.name,
        "landmarks": args.landmarks,
    }


def labelled_pictures(folder: Path) -> list[dict[str, str]]:
    """Rows with one of the eight expressions; the others are named on stderr."""
    rows = read_rows(folder, "file", "subject", "expression")
    others = sorted({row["expression"] for row in rows} - set(EXPRESSIONS))
    words = f"{folder}/labels.csv: no expression of {', '.join(EXPRESSIONS)}: {', '.join(others)}"
    kept = [row for row in rows if row["expression"] in EXPRESSIONS]
    if not kept:
        raise ConfigError(words)
    if others:
        print(f"{words}; {len(rows) - len(kept)} pictures are left out", file=sys.stderr)
    return kept


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def find_faces(
    folder: Path, landmarks: str, files: list[str]
) -> list[tuple[NDArray, NDArray] | None]:
    """Picture and anchors of the face in every file, None where none is found.

    Raises ConfigError for a file that is no picture.
    """
    predictor = load_predictor(LandmarkSettings(model=landmarks))
    found: list[tuple[NDArray, NDArray] | None] = []
    for file in progress(files, len(files), "faces"):
        gray = read_still(folder / file)
        tracker = FaceTracker(predictor, FaceSettings())
        face = None
        for look in range(LOOKS):
            face = face or tracker.find(Frame(gray, look * 0.2, look))
        found.append(None if face is None else (gray, face.marks.anchors))
    return found


def _scores(net: ExpressionNet, faces: list[tuple[NDArray, NDArray] | None]) -> NDArray[np.float64]:
    """(n, 10): eight probabilities, valence, arousal; a row of zeros where no face was found."""
    table = np.zeros((len(faces), 10))
    for row, face in zip(table, faces, strict=True):
        if face is not None:
            scores = net.read(*face)
            row[:] = (*scores.probabilities, scores.valence, scores.arousal)
    return table


def figures(scores: NDArray, truth: NDArray, people: NDArray) -> dict[str, Any]:
    """Figures over the pictures without contempt; a face that was not found counts as wrong."""
    use = np.isin(truth, SEVEN)
    scores, truth, people = scores[use], truth[use], people[use]
    seven, said = scores[:, SEVEN], _said(scores)
    right = said == truth
    rage, raging = scores[:, ANGER] + scores[:, DISGUST], np.isin(truth, (ANGER, DISGUST))
    angry = truth == ANGER
    return {
        "accuracy_7": rounded(mean(right)),
        "accuracy_7_95": interval(lambda i: right[i].mean(), len(right), people),
        "accuracy_7_over_mean": rounded(accuracy(_said(scores, seven.sum(0)), truth)),
        "anger_recall": rounded(float(right[angry].mean())) if angry.any() else None,
        "anger_recall_95": interval(
            lambda i: accuracy(said[i][angry[i]], truth[i][angry[i]]), len(right), people
        ),
        "rage_auroc": rounded(auroc(rage, raging)),
        "rage_auroc_95": interval(lambda i: auroc(rage[i], raging[i]), len(rage), people),
        "pictures_7": len(truth),
        "recalls": {
            EXPRESSIONS[c]: rounded(float(right[truth == c].mean())) for c in np.unique(truth)
        },
        "confusion": [[int(((truth == t) & (said == s)).sum()) for s in SEVEN] for t in SEVEN],
    }


def _said(scores: NDArray, usual: NDArray | float = 1.0) -> NDArray[np.int64]:
    """The strongest of the seven over what is ``usual``, -1 where no face was found."""
    seven = scores[:, SEVEN]
    best = (seven / np.maximum(usual, 1e-9)).argmax(1)
    return np.where(seven.sum(1) > 0, np.array(SEVEN)[best], -1)


def judge_affect(scores: NDArray, rows: list[dict[str, str]]) -> dict[str, float | None]:
    """Correlation of valence and arousal with the labels, over the faces found that have one."""
    found: dict[str, float | None] = {}
    for column, name in ((8, "valence"), (9, "arousal")):
        if name in rows[0]:
            label = np.array([_number(row[name]) for row in rows])
            use = np.isfinite(label) & (scores[:, :8].sum(1) > 0)
            pair = scores[use, column], label[use]
            known = use.sum() > 1 and min(map(np.ptp, pair)) > 0
            found[f"{name}_correlation"] = rounded(np.corrcoef(*pair)[0, 1]) if known else None
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def figures_by_group(scores: NDArray, truth: NDArray, rows: list[dict[str, str]]) -> dict[str, Any]:
    groups = np.array([row.get("gender", "") for row in rows])
    found = {}
    for group in sorted(set(groups) - {""}):
        use = (groups == group) & np.isin(truth, SEVEN)
        found[str(group)] = {
            "pictures": int(use.sum()),
            "accuracy_7": rounded(accuracy(_said(scores[use]), truth[use])),
        }
    return found


def picture(figures: dict[str, Any], path: Path) -> None:
    """Draw the confusion matrix; rows are the truth."""
    from tools.evaluation.picture import confusion  # noqa: PLC0415 - matplotlib is an extra

    names = [EXPRESSIONS[i] for i in SEVEN]
    confusion(path, [("infrared frames", names, figures["confusion"])])
