"""Measure landmark models on the measurement data: python -m tools.landmarking.measure --help.

Prints every figure of the model card for each model in the same run. The blink rule is the same
for all: EAR of both eyes below a share of the clip's median, for 0.05 s or more.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from dms.perception.dlib68 import rectangle, shape_points
from dms.perception.eyes import aspect_ratio
from dms.perception.face import FaceSettings, FaceTracker
from dms.perception.landmarks import Landmarks, LandmarkSettings, Predictor, load_predictor
from dms.perception.schemes import DLIB68, DMS56, Scheme
from dms.values import Box, Gray
from tools.landmarking.blinks import blinks, closed_clips, frames
from tools.landmarking.yaw import held_out, yaw_curve

Array = NDArray[np.float64]
# Points that both schemes have: iBUG number -> ours.
COMMON = {
    36: 0, 37: 2, 38: 4, 39: 6, 40: 8, 41: 10, 45: 12, 44: 14, 43: 16, 42: 18, 47: 20, 46: 22,
    17: 24, 19: 25, 21: 26, 22: 27, 24: 28, 26: 29, 27: 30, 30: 31, 33: 33,
    48: 35, 50: 36, 51: 37, 52: 38, 54: 39, 56: 40, 57: 41, 58: 42,
    60: 43, 61: 44, 62: 45, 63: 46, 64: 47, 65: 48, 66: 49, 67: 50, 8: 53,
}  # fmt: skip
_HOG = dlib.get_frontal_face_detector()


class Trees(Predictor):
    """A predictor of dlib's own trainer with our 56 points, as tools/train/landmarks.py makes."""

    scheme = DMS56

    def __init__(self, path: Path) -> None:
        self._model = dlib.shape_predictor(str(path))

    def predict(self, gray: Gray, box: Box) -> Landmarks:
        return Landmarks(shape_points(self._model, gray, rectangle(dlib, box)), self.scheme)


def load(name: str) -> Predictor:
    if name.endswith(".dat"):
        return Trees(Path(name))
    model, _, path = name.partition(":")
    return load_predictor(LandmarkSettings(model=model, path=path or None))


def numbers(scheme: Scheme) -> list[int]:
    return list(COMMON if scheme is DLIB68 else COMMON.values())


def eye_distance(marks: Landmarks) -> float:
    right, left = marks.anchors[:2]
    return float(np.hypot(*(left - right)))


def detect(gray: Gray) -> Box | None:
    """Return the strongest face that dlib's detector sees at a width of 640 px."""
    scale = min(1.0, 640 / gray.shape[1])
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found, scores, _ = _HOG.run(small, 0, 0.0)
    if not found:
        return None
    r = found[int(np.argmax(scores))]
    return Box(r.left() / scale, r.top() / scale, r.width() / scale, r.height() / scale)


def settle(predictor: Predictor, gray: Gray, box: Box) -> Landmarks:
    """Points as a tracker has them: once from the detector's box, once from their own."""
    return predictor.predict(gray, predictor.predict(gray, box).box)


def infrared(
    models: dict[str, Predictor], data: Path
) -> list[tuple[float, Gray, dict[str, Landmarks]]]:
    """Print distances to the 68-point model and the eyes' agreement on infrared faces."""
    cases, lost = [], dict.fromkeys(models, 0)
    for path in sorted((data / "nir_faces").glob("*.jpg")):
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        box = detect(gray)
        if box is not None:
            marks = {name: settle(model, gray, box) for name, model in models.items()}
            cases.append((gray, box, marks))
            for name, found in marks.items():
                lost[name] += not (0.6 < found.box.width / box.width < 1.6)
    print(f"infrared: {len(cases)} faces that the detector finds")
    worst = []
    for name, model in models.items():
        pairs = [
            (abs(r - left), (r + left) / 2)
            for _, _, marks in cases
            for r, left in [
                (aspect_ratio(marks[name].right_eye), aspect_ratio(marks[name].left_eye))
            ]
        ]
        gap = statistics.mean(a / m for a, m in pairs)
        flat = statistics.mean(a for a, _ in pairs) / statistics.mean(m for _, m in pairs)
        text = f"{name}: infrared: lost {lost[name]}; left-right EAR difference {gap:.3f} of the "
        text += f"face's EAR, {flat:.3f} of the mean EAR"
        if name != "dlib68" and "dlib68" in models:
            each = [separation(marks[name], marks["dlib68"]) for _, _, marks in cases]
            parts = np.mean(each, axis=0)
            text += f"; to dlib68 mean {parts.mean():.4f} of the eye distance, eyes "
            text += f"{parts[:12].mean():.4f}, brows {parts[12:18].mean():.4f}, nose "
            text += (
                f"{parts[18:21].mean():.4f}, mouth {parts[21:37].mean():.4f}, chin {parts[37]:.4f}"
            )
            if model.scheme is DMS56 and not worst:
                worst = [(float(e.mean()), c[0], c[2]) for e, c in zip(each, cases, strict=True)]
        print(text)
    return worst


def separation(one: Landmarks, other: Landmarks) -> Array:
    """Distance of each common point over the eye distance of ``other``."""
    gaps = one.points[numbers(one.scheme)] - other.points[numbers(other.scheme)]
    return np.hypot(gaps[:, 0], gaps[:, 1]) / eye_distance(other)


def still_faces(data: Path) -> list[tuple[Gray, Box]]:
    """Every tenth face photograph: none of them is trained on."""
    faces = []
    for path in sorted((data / "face_photos").glob("*.jpg"))[::10]:
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        gray = cv2.resize(gray, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        box = detect(gray)
        if box is not None:
            faces.append((gray, box))
    return faces


def jitter(name: str, predictor: Predictor, faces: list[tuple[Gray, Box]]) -> None:
    """Print how far points and EAR move on a still face under sensor noise of 4 gray."""
    rng, moves, ratios = np.random.default_rng(0), [], []
    for gray, box in faces[:20]:
        marks, points, ears = settle(predictor, gray, box), [], []
        for _ in range(20):
            noisy = np.clip(gray + rng.normal(0, 4, gray.shape), 0, 255).astype(np.uint8)
            marks = predictor.predict(noisy, marks.box)
            points.append(marks.points[numbers(marks.scheme)])
            ears.append((aspect_ratio(marks.right_eye) + aspect_ratio(marks.left_eye)) / 2)
        moves.append(np.std(points, axis=0).mean() / eye_distance(marks))
        ratios.append(np.std(ears) / np.mean(ears))
    print(
        f"{name}: jitter on a still face, noise 4: points {statistics.mean(moves):.5f} of the eye "
        f"distance, EAR {statistics.mean(ratios):.4f} of EAR"
    )


def curve(name: str, predictor: Predictor, faces: list[tuple[Gray, Box]]) -> None:
    """Print the distance to the model's own points on the clean picture, by scale and light."""
    clean = [(gray, box, settle(predictor, gray, box)) for gray, box in faces[:80]]
    rng = np.random.default_rng(1)
    rows = []
    for width in (60, 80, 120, 200, 300):
        gaps = []
        for gray, box, marks in clean:
            k = width / box.width
            small = cv2.resize(gray, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
            found = settle(predictor, small, Box(box.x * k, box.y * k, width, width))
            gaps.append(_moved(found.points / np.float32(k), marks))
        rows.append(f"{width} px {statistics.mean(gaps):.4f}")
    print(f"{name}: moved by scale: {', '.join(rows)}")
    rows = []
    for gain in (0.08, 0.15, 0.3, 0.6, 1.5, 2.5):
        gaps = []
        for gray, box, marks in clean:
            lit = gray * gain + rng.normal(0, 3, gray.shape)
            found = settle(predictor, np.clip(lit, 0, 255).astype(np.uint8), box)
            gaps.append(_moved(found.points, marks))
        rows.append(f"x{gain} {statistics.mean(gaps):.4f}")
    print(f"{name}: moved by brightness (noise 3): {', '.join(rows)}")


def _moved(points: NDArray[np.float32], marks: Landmarks) -> float:
    keep = numbers(marks.scheme)
    return float(np.hypot(*(points[keep] - marks.points[keep]).T).mean()) / eye_distance(marks)


def fits(name: str, predictor: Predictor, faces: list[tuple[Gray, Box]], data: Path) -> None:
    """Print how the fit score tells faces from boxes beside them, in pictures not trained on."""
    infrared_faces = []
    for path in sorted((data / "nir_faces").glob("*.jpg")):
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        box = detect(gray)
        if box is not None:
            infrared_faces.append((gray, box))
    for kind, pictures in (("photographs", faces), ("infrared", infrared_faces)):
        right, wrong = [], []
        for gray, box in pictures:
            right.append(settle(predictor, gray, box).fit)
            for x, y, k in ((0.7, 0, 1), (-0.7, 0, 1), (0, 0.6, 1), (0.5, -0.6, 1), (0, 0, 2.2)):
                side = k * box.width
                shift = (box.width - side) / 2
                aside = Box(
                    box.x + x * box.width + shift, box.y + y * box.width + shift, side, side
                )
                wrong.append(predictor.predict(gray, aside).fit)
        if any(fit is None for fit in right):
            print(f"{name}: tells no fit")
            return
        good, bad = np.array(right, float), np.array(wrong, float)
        area = (good[:, None] > bad[None]).mean()
        print(
            f"{name}: fit on {kind}: above 0.5 on {(good > 0.5).mean():.3f} of {len(good)} faces "
            f"(least {good.min():.2f}), below 0.5 on {(bad < 0.5).mean():.3f} of {len(bad)} boxes "
            f"beside them; AUROC {area:.4f}"
        )


def turned(models: dict[str, Predictor], faces: list[tuple[Gray, Box]]) -> None:
    """Print the models' distance by how far the nose tip lies off the eyes' middle (yaw)."""
    other = next(name for name in models if name != "dlib68")
    bins: dict[int, list[float]] = {}
    for gray, box in faces:
        reference = settle(models["dlib68"], gray, box)
        right, left = reference.anchors[:2]
        off = float((reference.points[30] - (right + left) / 2) @ (left - right))
        yaw = np.degrees(
            np.arcsin(np.clip(off / float((left - right) @ (left - right)) / 0.62, -1, 1))
        )
        gap = separation(settle(models[other], gray, box), reference).mean()
        bins.setdefault(int(abs(yaw) // 10) * 10, []).append(float(gap))
    text = ", ".join(
        f"{a}-{a + 10} deg {np.mean(v):.4f} ({len(v)})" for a, v in sorted(bins.items())
    )
    print(f"{other}: to dlib68 by yaw on held-out photographs: {text}")


def speed(name: str, predictor: Predictor, faces: list[tuple[Gray, Box]]) -> None:
    times = []
    for gray, box in faces[:40] * 8:
        start = time.perf_counter()
        predictor.predict(gray, box)
        times.append(1e3 * (time.perf_counter() - start))
    code = (
        "import sys, time; import dlib, cv2, dms.perception.dms56\n"
        "from dms.perception.landmarks import LandmarkSettings, load_predictor\n"
        "model, _, path = sys.argv[1].partition(':')\n"
        "start = time.perf_counter()\n"
        "load_predictor(LandmarkSettings(model=model, path=path or None))\n"
        "print(1e3 * (time.perf_counter() - start))"
    )
    loads = []
    if not name.endswith(".dat"):
        for _ in range(3):
            run = subprocess.run(
                [sys.executable, "-c", code, name], capture_output=True, text=True, check=True
            )
            loads.append(float(run.stdout))
    print(
        f"{name}: one face, one core: median {statistics.median(times):.3f} ms, least "
        f"{min(times):.3f} ms; load {min(loads, default=float('nan')):.1f} ms"
    )


def contact_sheet(
    path: Path,
    worst: list[tuple[float, Gray, dict[str, Landmarks]]],
    wrong: list[tuple[Path, int]],
    name: str,
    predictor: Predictor,
) -> None:
    """Write the 12 infrared faces that differ most and 12 frames of blinks that went wrong."""
    cells = []
    for gap, gray, marks in sorted(worst, key=lambda case: -case[0])[:12]:
        cells.append(_cell(gray, list(marks.values()), f"{gap:.3f}"))
    for file, number in wrong[:: max(1, len(wrong) // 12)][:12]:
        tracker = FaceTracker(predictor, FaceSettings())
        for frame in frames(file):
            face = tracker.find(frame)
            if frame.sequence == number and face is not None:
                cells.append(_cell(frame.gray, [face.marks], f"{file.stem[4:]} {number}"))
    cells += [np.zeros((240, 240, 3), np.uint8)] * (-len(cells) % 6)
    sheet = np.vstack([np.hstack(cells[i : i + 6]) for i in range(0, len(cells), 6)])
    cv2.imwrite(str(path), sheet)
    print(f"{name}: worst cases in {path} (first colour: {name})")


def _cell(gray: Gray, found: list[Landmarks], text: str) -> NDArray[np.uint8]:
    box = found[0].box
    k = 240 / (1.5 * box.width)
    shift = np.array([box.x - 0.25 * box.width, box.y - 0.25 * box.height])
    matrix = np.array([[k, 0, -k * shift[0]], [0, k, -k * shift[1]]])
    cell = cv2.cvtColor(cv2.warpAffine(gray, matrix, (240, 240)), cv2.COLOR_GRAY2BGR)
    for marks, colour in zip(found, ((0, 255, 0), (0, 0, 255), (255, 128, 0)), strict=False):
        for x, y in (marks.points - shift) * k:
            cv2.circle(cell, (int(x), int(y)), 1, colour, -1)
    cv2.putText(cell, text, (3, 12), 0, 0.4, (255, 255, 0), 1)
    return cell


def yaw_curves(models: dict[str, Predictor], data: Path) -> None:
    """Print how each model follows photographs that are turned by known angles."""
    try:
        labels = held_out(data, 40)
    except ImportError as error:
        print(f"yaw: needs the teacher, which is not installed ({error})")
        return
    for name, model in models.items():
        yaw_curve(name, model, labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("DMS_DATA", str(Path(__file__).resolve().parents[3] / "shared/data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument(
        "--models", nargs="+", default=["dms56", "dlib68"], help="dms56[:folder], dlib68, FILE.dat"
    )
    parser.add_argument("--people", type=int, nargs="*", default=[], help="ZJU people, default all")
    parser.add_argument(
        "--parts", nargs="+", default=["speed", "blinks", "clips", "infrared", "rest", "yaw"]
    )
    parser.add_argument("--worst", type=Path, help="contact sheet of the worst cases (not in here)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    models = {name: load(name) for name in options.models}
    faces = still_faces(options.data) if {"speed", "rest"} & set(options.parts) else []
    wrong: list[tuple[Path, int]] = []
    for name, model in models.items():
        if "speed" in options.parts:
            speed(name, model, faces)
        if "blinks" in options.parts:
            found = blinks(name, model, options.data, set(options.people))
            wrong = wrong or found
        if "clips" in options.parts:
            closed_clips(name, model, options.data)
        if "rest" in options.parts:
            jitter(name, model, faces)
            curve(name, model, faces)
            fits(name, model, faces, options.data)
    if "yaw" in options.parts:
        yaw_curves(models, options.data)
    worst = infrared(models, options.data) if "infrared" in options.parts else []
    if "rest" in options.parts and "dlib68" in models and len(models) > 1:
        turned(models, faces)
    if options.worst:
        name = options.models[0]
        contact_sheet(options.worst, worst, wrong, name, models[name])


if __name__ == "__main__":
    main()
