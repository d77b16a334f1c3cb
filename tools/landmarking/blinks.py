"""Blinks by plain EAR on labelled clips, the same rule for every landmark model."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from dms.perception.eyes import aspect_ratio
from dms.perception.face import FaceSettings, FaceTracker
from dms.perception.landmarks import Predictor
from dms.values import Frame

Array = NDArray[np.float64]
RULE = 0.75  # of the clip's own EAR: DESIGN.md, "The driver's own normal"
SHORTEST_S = 0.05
TOLERANCE = 3  # frames that a labelled blink may be off


def frames(path: Path) -> Iterator[Frame]:
    video = cv2.VideoCapture(str(path))
    rate = video.get(cv2.CAP_PROP_FPS) or 30.0
    number = 0
    while True:
        good, image = video.read()
        if not good:
            return
        yield Frame(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), number / rate, number)
        number += 1


def eye_ratios(predictor: Predictor, path: Path) -> tuple[Array, float]:
    """EAR of the right and the left eye in each frame, NaN without a face; frames a second."""
    tracker = FaceTracker(predictor, FaceSettings())
    rows, last = [], 0.0
    for frame in frames(path):
        face = tracker.find(frame)
        both = (np.nan, np.nan)
        if face is not None:
            both = (aspect_ratio(face.marks.right_eye), aspect_ratio(face.marks.left_eye))
        rows.append(both)
        last = frame.t_s
    return np.array(rows), (len(rows) - 1) / last if last else 30.0


def closures(ratios: Array, rate: float, share: float) -> list[tuple[int, int]]:
    """Find runs of frames in which the eyes' mean EAR is below ``share`` of the clip's median."""
    mean = np.nanmean(ratios, axis=1)
    shut = np.nan_to_num(mean, nan=np.inf) < share * np.nanmedian(mean)
    found, start = [], None
    for number, closed in enumerate([*shut, False]):
        if closed and start is None:
            start = number
        elif not closed and start is not None:
            if (number - start) / rate >= SHORTEST_S - 1e-9:
                found.append((start, number - 1))
            start = None
    return found


def match(
    found: list[tuple[int, int]], true: list[tuple[int, int]]
) -> tuple[int, list[tuple[int, int]], list[tuple[int, int]]]:
    """Hits, missed labels, false closures; each closure may explain one label."""
    left, missed = list(found), []
    for start, end in true:
        hit = next((f for f in left if f[0] <= end + TOLERANCE and f[1] >= start - TOLERANCE), None)
        if hit is None:
            missed.append((start, end))
        else:
            left.remove(hit)
    return len(true) - len(missed), missed, left


def f1(hits: int, missed: int, false: int) -> float:
    return 2 * hits / max(2 * hits + missed + false, 1)


def blink_labels(data: Path) -> dict[str, list[tuple[int, int, bool]]]:
    labels: dict[str, list[tuple[int, int, bool]]] = {}
    with (data / "zju_blink" / "blinks.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            span = (int(row["start_frame0"]), int(row["end_frame0"]))
            labels.setdefault(row["clip"], []).append((*span, row["fully_closed_seen"] == "1"))
    return labels


def blinks(name: str, predictor: Predictor, data: Path, people: set[int]) -> list[tuple[Path, int]]:
    """Print blink F1 and the depth of full closures; return the frames that went wrong."""
    labels, series, wrong = blink_labels(data), {}, []
    for path in sorted((data / "zju_blink").glob("*.mp4")):
        if not people or int(path.stem[:6]) in people:
            series[path] = eye_ratios(predictor, path)
    scores, cut_off = {}, 0
    for share in np.arange(0.4, 0.96, 0.025).round(3):
        total = np.zeros(3, int)
        for path, (ratios, rate) in series.items():
            true = [(a, b) for a, b, _ in labels.get(path.stem, [])]
            hits, missed, false = match(closures(ratios, rate, float(share)), true)
            # A closure that the clip's ends cut off is no whole blink: labels leave most out.
            whole = [(a, b) for a, b in false if a > 0 and b < len(ratios) - 1]
            total += (hits, len(missed), len(whole))
            if share == RULE:
                cut_off += len(false) - len(whole)
                wrong += [(path, (a + b) // 2) for a, b in missed + whole]
        scores[float(share)] = (f1(*total), *total)
    best = max(scores, key=lambda share: scores[share][0])
    depth = [
        np.nanmin(np.nanmean(ratios, axis=1)[a : b + 1]) / np.nanmedian(np.nanmean(ratios, axis=1))
        for path, (ratios, _) in series.items()
        for a, b, full in labels.get(path.stem, [])
        if full and not np.isnan(ratios[a : b + 1]).all()
    ]
    ours = scores[RULE]
    print(
        f"{name}: blinks of {len(series)} clips, below {RULE} of the clip's median: F1 "
        f"{ours[0]:.3f} (hits {ours[1]}, missed {ours[2]}, false {ours[3]}; with the "
        f"{cut_off} false ones that the clip's ends cut off: "
        f"{f1(ours[1], ours[2], ours[3] + cut_off):.3f}); best share {best}: "
        f"F1 {scores[best][0]:.3f}; EAR at full closure over open: median "
        f"{statistics.median(depth):.3f}"
    )
    return wrong


def closed_clips(name: str, predictor: Predictor, data: Path) -> None:
    """Print closed over open EAR on the clips whose closed frames are labelled."""
    labels = yaml.safe_load((data / "clips" / "labels.yaml").read_text())
    for file, label in labels.items():
        spans = label.get("eyes_closed", []) + label.get("blinks", [])
        if not spans:
            continue
        ratios = np.nanmean(eye_ratios(predictor, data / "clips" / file)[0], axis=1)
        shut = np.zeros(len(ratios), bool)
        for start, end in spans:
            shut[max(0, start - 3) : end + 4] = True
        base = np.nanmedian(ratios[~shut])
        long = [np.nanmedian(ratios[a + 4 : b - 3]) / base for a, b in label.get("eyes_closed", [])]
        short = [np.nanmin(ratios[a : b + 1]) / base for a, b in label.get("blinks", [])]
        print(
            f"{name}: {file}: EAR closed over open: held closed "
            f"{', '.join(f'{v:.3f}' for v in long) or '-'}; least in blinks "
            f"{', '.join(f'{v:.3f}' for v in short)}; faces {np.isfinite(ratios).mean():.3f}"
        )
