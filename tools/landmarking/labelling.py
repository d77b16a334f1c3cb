"""Runs the teacher over all training pictures once; its labels stay outside the project."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import cv2
import dlib
import numpy as np

from dms.values import Gray
from tools.landmarking.label import Array, Label
from tools.landmarking.labels import SOURCES
from tools.landmarking.teacher import Teacher

_LONGEST_PX = 700
_HOG = dlib.get_frontal_face_detector()


def label_all(data: Path, cache: Path) -> list[Label]:
    """Labels of every training picture; kept in ``cache``, which never belongs in the project."""
    if cache.is_file():
        with cache.open("rb") as file:
            kept: list[Label] = pickle.load(file)
            return kept
    teacher, labels = Teacher(), []
    for source in SOURCES:
        labels += list(_stills(teacher, source, data / source))
        print(f"{source}: {len(labels)} labels so far", flush=True)
    for source, pattern in (("zju_blink", "*.mp4"), ("clips", "*.m*")):
        for path in sorted((data / source).glob(pattern)):
            labels += list(_video(teacher, source, path))
        print(f"{source}: {len(labels)} labels so far", flush=True)
    cache.parent.mkdir(parents=True, exist_ok=True)
    with cache.open("wb") as file:
        pickle.dump(labels, file, protocol=5)
    return labels


def _stills(teacher: Teacher, source: str, folder: Path) -> Iterator[Label]:
    for path in sorted(folder.glob("*.jpg")):
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        height, width = gray.shape
        roi = _search(gray)
        found = teacher.label(gray, roi) if roi else None
        if found is None and source != "yawn_frames":  # these are aligned: the face is here
            roi = (np.array([width / 2, 0.55 * height]), float(width), 0.0)
            found = teacher.label(gray, roi)
        if found:
            label = found[0]
            label.source, label.file = source, path.name
            yield label


def _video(teacher: Teacher, source: str, path: Path) -> Iterator[Label]:
    video, roi, number = cv2.VideoCapture(str(path)), None, -1
    while True:
        good, image = video.read()
        if not good:
            return
        number += 1
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        scale = min(1.0, 640 / max(gray.shape)) if max(gray.shape) > _LONGEST_PX else 1.0
        if scale < 1:
            gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found = teacher.label(gray, roi, rounds=1) if roi else None
        if found is None or found[0].score < 0.5 or number % 30 == 0:
            start = _search(gray)
            again = teacher.label(gray, start) if start else None
            if again and (found is None or again[0].score >= found[0].score - 0.05):
                found = again
        roi = found[1] if found else None
        if found:
            label = found[0]
            label.source, label.file, label.frame = source, path.name, number
            yield label


def _search(gray: Gray) -> tuple[Array, float, float] | None:
    """Return where dlib's detector sees the strongest face, as a mesh ROI."""
    scale = 2.0 if max(gray.shape) < 300 else min(1.0, 640 / max(gray.shape))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=way)
    found, scores, _ = _HOG.run(small, 1 if scale == 1 else 0, -0.2)
    if not found:
        return None
    r = found[int(np.argmax(scores))]
    centre = np.array([r.left() + r.right(), r.top() + r.bottom()]) / 2 / scale
    return centre, 1.6 * r.width() / scale, 0.0
