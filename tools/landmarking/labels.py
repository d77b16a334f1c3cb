"""Labels corrected by what the clips say, sifted by rules, and split by people.

Rules were set on contact sheets: the mesh's score above 0.9, its looks within 3 % of the eye
distance, the iris model's within 5 % of the eye's width, eyes of similar width (no profiles).
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import yaml

from tools.landmarking.label import Array, Label

SOURCES = ("face_photos", "utk_faces", "yawn_frames")
TRAINED_PEOPLE = (1, 3, 6, 9, 13, 17)  # of ZJU; 2, 5, 8, 11, 15 and 19 are held out
HELD_CLIPS = ("microsleep_desk.mp4", "head_turned_away.mp4")
DARK_LENSES, DOUBTFUL = 0.15, 0.5  # shade below the first hides eyes, below the second may
TURNED = 1.5  # see turned()
_EVEN = 0.8  # share of the eyes' difference in opening that is taken for the teacher's noise
_CLOSED = 0.04  # openness that a fully closed eye is given


def aspect(eye: Array) -> float:
    """EAR of a contour of 12 points."""
    gaps = np.linalg.norm(eye[1:6] - eye[11:6:-1], axis=1)
    return float(gaps.mean() / max(float(np.linalg.norm(eye[6] - eye[0])), 1e-6))


def eyes_of(points: Array) -> tuple[Array, Array]:
    return points[:12], points[12:24]


def closed_spans(data: Path) -> dict[str, list[tuple[int, int, bool, bool]]]:
    """First and last frame of each labelled closure, if fully closed, if only roughly placed."""
    spans: dict[str, list[tuple[int, int, bool, bool]]] = {}
    with (data / "zju_blink" / "blinks.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            first, last = int(row["start_frame0"]), int(row["end_frame0"])
            full, rough = row["fully_closed_seen"] == "1", row["align"] == "linear"
            spans.setdefault(f"{row['clip']}.mp4", []).append((first, last, full, rough))
    clips = yaml.safe_load((data / "clips" / "labels.yaml").read_text())
    for file_name, label in clips.items():
        for first, last in label.get("blinks", []) + label.get("eyes_closed", []):
            spans.setdefault(file_name, []).append((first, last, True, False))
    return spans


def correct(labels: list[Label], data: Path) -> list[Label]:
    """Close eyes as far as their clips' labels say; return the video frames worth training on.

    Where a closure is labelled full, the teacher's least opening in it becomes closed and the
    others shrink in proportion; where the teacher sees none at all, the frames are dropped.
    """
    spans, clips = closed_spans(data), {}
    for label in labels:
        if label.source not in SOURCES:
            clips.setdefault(label.file, {})[label.frame] = label
    kept = []
    for name, frames in clips.items():
        ratios = {n: [aspect(eye) for eye in eyes_of(lab.points)] for n, lab in frames.items()}
        base = np.median(list(ratios.values()), axis=0)
        for first, last, full, rough in spans.get(name, []):
            margin = 4 if rough else 1
            near = [n for n in range(first - margin, last + margin + 1) if n in frames]
            if near and full:
                _close(near, frames, {n: np.array(ratios[n]) / base for n in near})
            for number in range(first - 3, last + 4):
                if number in frames and not frames[number].blink:
                    frames[number].blink = True
                    kept.append(frames[number])
        every = 15 if name[0].isdigit() else 20 if len(frames) > 1000 else 3
        kept += [lab for n, lab in frames.items() if n % every == 0 and not lab.blink]
    for label in kept:
        _apply(label)
    return kept


def _close(near: list[int], frames: dict[int, Label], openness: dict[int, Array]) -> None:
    for eye in (0, 1):
        least = min(openness[n][eye] for n in near)
        for number in near:
            value = openness[number][eye]
            if least >= 0.75:
                frames[number].wrong = True
            elif least > 0.06 and value < 1:
                target = max((value - least) / (1 - least), 0.0) + _CLOSED
                frames[number].lids[eye] = min(1.0, target / value)


def _apply(label: Label) -> None:
    """Lower the upper lids to the share of their opening that is to be kept."""
    for eye, keep in enumerate(label.lids):
        contour = label.points[12 * eye : 12 * eye + 12]
        contour[1:6] = contour[11:6:-1] + keep * (contour[1:6] - contour[11:6:-1])
    label.lids = [1.0, 1.0]


def even(label: Label) -> None:
    """Bring both eyes' openings together: the teacher's difference is more noise than face.

    Eyes open and close as one (labelled winks are drawn later); a turned head's differ truly.
    """
    if turned(label) > 1.3:
        return
    eyes = eyes_of(label.points)
    ratios = [aspect(eye) for eye in eyes]
    if min(ratios) < 0.1:
        return
    for eye, ratio in zip(eyes, ratios, strict=True):
        gain = 1 + _EVEN * ((ratios[0] + ratios[1]) / 2 / ratio - 1)
        middle = (eye[1:6] + eye[11:6:-1]) / 2
        half = (eye[1:6] - eye[11:6:-1]) / 2 * gain
        eye[1:6], eye[11:6:-1] = middle + half, middle - half


def turned(label: Label) -> float:
    """Return how unlike the eyes' widths are: 1 for a frontal face, 4 about 50 deg of yaw."""
    widths = [float(np.linalg.norm(eye[0] - eye[6])) for eye in eyes_of(label.points)]
    return max(widths) / max(min(widths), 1e-3)


def sound(label: Label) -> bool:
    """Tell whether the teacher's label may be trusted (the rules above)."""
    near = turned(label) > TURNED  # the far eye is vague, the rest is as good
    steady = label.spread < (0.045 if near else 0.03)
    steady = steady and label.eye_spread < (0.09 if near else 0.05)
    return label.score > 0.9 and steady and turned(label) < 4.0 and not label.wrong


def _number(label: Label) -> int:
    return int("".join(c for c in label.file if c.isdigit()) or 0)


def held_stills(labels: list[Label]) -> list[Label]:
    """Return the sound stills that are never trained on: every tenth."""
    stills = [label for label in labels if label.source in SOURCES]
    return [label for label in stills if _number(label) % 10 == 0 and sound(label)]


def split(labels: list[Label], data: Path, people: tuple[int, ...] | None) -> list[Label]:
    """Return the sound labels to train on; without ``people`` nothing is held out but stills.

    Held out: every still whose number ends in 0, ZJU's other people, HELD_CLIPS.
    """
    chosen = []
    for label in labels:
        if label.source in SOURCES and _number(label) % 10:
            # Wide open mouths are rare elsewhere.
            chosen += [label] * (3 if label.source == "yawn_frames" else 1)
    for label in correct(labels, data):
        if label.source == "zju_blink":
            held = people is not None and int(label.file[:6]) not in people
        else:
            held = people is not None and label.file in HELD_CLIPS
        if not held:
            chosen.append(label)
    chosen = [label for label in chosen if sound(label)]
    for label in {id(label): label for label in chosen}.values():
        even(label)
    return [label for label in chosen for _ in range(4 if turned(label) > TURNED else 1)]
