"""Open or closed on MRL Eye, on people the net was not trained on; and on ZJU's frames."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.engine.backends import open_engine
from dms.engine.manifest import Manifest, load_manifest
from dms.engine.preprocess.crop import EyeCropSettings
from dms.perception.eye_net import EyeStateNet
from dms.perception.face import FaceSettings, FaceTracker
from dms.perception.landmarks import LandmarkSettings, load_predictor
from dms.values import Frame
from tools.drawing.calibration_crops import resized
from tools.evaluation.figures import auroc, balanced_accuracy, interval, rounded
from tools.nets.shipped import beside, by_precision
from tools.nets.tiles import Mrl, progress

CLEAR = 8  # frames from any blink at which a ZJU eye is certainly open


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--zju", type=Path, help="measure on ZJU's open and closed frames too")
    parser.add_argument("--landmarks", default=LandmarkSettings().model, help="landmark model")
    parser.add_argument(
        "--all-subjects", action="store_true", help="trained subjects too (not honest figures)"
    )


def measure(args: argparse.Namespace) -> dict[str, Any]:
    manifest = load_manifest("eye_state", args.engines)
    mrl = Mrl(args.data)
    trained = np.ravel(manifest.decision["trained_subjects"]).astype(int)
    use = np.ones(len(mrl.open), bool) if args.all_subjects else ~np.isin(mrl.subject, trained)
    if not use.any():
        sys.exit("every subject of this folder was trained on; there is nothing honest to measure")
    chosen = np.flatnonzero(use)
    size = manifest.framing(EyeCropSettings).size
    crops = np.stack([resized(image, size) for image in mrl.images[chosen]])
    found = {
        precision: figures(out, mrl, chosen)
        for precision, out in by_precision(manifest, crops).items()
    }
    result = {**beside(found), "net": manifest.name}
    if args.zju:
        result["zju"] = zju(manifest, args.zju, args.landmarks)
    return result


def figures(out: dict[str, NDArray], mrl: Mrl, chosen: NDArray) -> dict[str, Any]:
    """Balanced accuracy overall and in every stratum."""
    probability, truth = out["open"][:, 0], mrl.open[chosen]
    said = (probability > 0.5).astype(int)
    subject = mrl.subject[chosen]
    strong = mrl.strong[chosen]

    def figure(use: NDArray) -> float | None:
        return rounded(balanced_accuracy(said[use], truth[use]))

    strata = {}
    for name, values in mrl.strata.items():
        for value in np.unique(values[chosen]):
            inside = values[chosen] == value
            strata[f"{name}_{value}"] = {
                "pictures": int(inside.sum()),
                "balanced_accuracy": figure(inside),
                "recall_open": rounded(_recall(said, truth, inside, 1)),
                "recall_closed": rounded(_recall(said, truth, inside, 0)),
            }
    return {
        "balanced_accuracy": figure(np.ones(len(said), bool)),
        "balanced_accuracy_95": interval(
            lambda i: balanced_accuracy(said[i], truth[i]), len(said), subject
        ),
        "balanced_accuracy_strong_reflections": figure(strong),
        "balanced_accuracy_strong_reflections_95": interval(
            lambda i: balanced_accuracy(said[i][strong[i]], truth[i][strong[i]]), len(said), subject
        ),
        "auroc": rounded(auroc(probability, truth == 1)),
        "called_visible": rounded(float(np.mean(out["visible"] > 0.5))),
        "pictures": len(said),
        "subjects": [int(one) for one in np.unique(subject)],
        "strata": strata,
        "confusion": [[int(((truth == t) & (said == s)).sum()) for s in (0, 1)] for t in (0, 1)],
    }


def _recall(said: NDArray, truth: NDArray, use: NDArray, value: int) -> float:
    inside = use & (truth == value)
    return float((said[inside] == value).mean()) if inside.any() else float("nan")


def zju(manifest: Manifest, folder: Path, landmarks: str) -> dict[str, Any]:
    """Frames in the middle of full blinks against frames far from any, cut by our own chain."""
    with (folder / "blinks.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    predictor = load_predictor(LandmarkSettings(model=landmarks))
    scores: list[float] = []
    visible: list[float] = []
    truth: list[bool] = []
    paths = sorted(folder.glob("*.mp4"))
    with open_engine(manifest) as engine:
        net = EyeStateNet(engine, manifest)
        for path in progress(paths, len(paths), "clips"):
            blinks = [row for row in rows if row["clip"] == path.stem]
            tracker = FaceTracker(predictor, FaceSettings())
            for index, gray in _frames(path):
                face = tracker.find(Frame(gray, index / 30, index))
                opened = _truth(index, blinks)
                if face is None or opened is None:
                    continue
                pair = net.read(gray, face.marks.anchors)
                scores.append(float(np.mean([eye.open_probability for eye in pair])))
                visible.append(float(np.mean([eye.visible_probability for eye in pair])))
                truth.append(opened)
    score, positive = np.array(scores), np.array(truth)
    return {
        "frames_open": int(positive.sum()),
        "frames_closed": int((~positive).sum()),
        "auroc": rounded(auroc(score, positive)),
        "balanced_accuracy": rounded(balanced_accuracy(score > 0.5, positive)),
        "recall_closed": rounded(float((score[~positive] <= 0.5).mean())),
        "called_visible": rounded(float((np.array(visible) > 0.5).mean())),
    }


def _truth(index: int, blinks: list[dict[str, str]]) -> bool | None:
    """Open, closed, or unknown: on the way, or near a blink."""
    for row in blinks:
        first, last = int(row["start_frame0"]), int(row["end_frame0"])
        if first - CLEAR <= index <= last + CLEAR:
            middle, exact = (first + last) / 2, row["align"] != "linear"
            closed = row["fully_closed_seen"] == "1" and exact and abs(index - middle) <= 1
            return False if closed else None
    return True


def _frames(path: Path) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    capture = cv2.VideoCapture(str(path))
    index = 0
    while True:
        read, picture_ = capture.read()
        if not read:
            break
        yield index, cv2.cvtColor(picture_, cv2.COLOR_BGR2GRAY)
        index += 1
    capture.release()


def picture(figures: dict[str, Any], path: Path) -> None:
    """Draw the confusion matrix; rows are the truth."""
    from tools.evaluation.picture import confusion  # noqa: PLC0415 - matplotlib is an extra

    confusion(path, [("MRL Eye, unseen people", ("closed", "open"), figures["confusion"])])
