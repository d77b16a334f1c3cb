"""Lower faces for training: yawns and what is no yawn, and jaws that drop by drawing."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.engine.preprocess.crop import cut
from dms.perception.face import FaceSettings, FaceTracker
from dms.perception.landmarks import LandmarkSettings, Predictor, load_predictor
from dms.perception.mouth import MouthCropSettings, mouth_matrix
from dms.values import Box, Frame
from tools.landmarking.jaws import open_mouth, opening
from tools.nets.tiles import progress, read_rows

WORK = 64  # side of the stored crops; cut again for each batch
FINE = MouthCropSettings(size=WORK)
LOOKS = 3
# Where the face is in the aligned photographs: no search is needed.
ALIGNED = {"face_photos": Box(44, 66, 90, 90), "utk_faces": Box(30, 40, 140, 140)}
# Pictures of yawn_frames that show one person, by eye; every other picture is a person of its own.
PEOPLE = (
    (0, 2, 3, 4, 8, 10, 15, 16, 17, 51, 56, 59), (1, 5, 40, 43, 46, 93), (7, 47), (14, 20, 24),
    (12, 30, 34), (18, 33, 41), (19, 21), (23, 39, 45), (25, 55), (22, 28), (31, 50), (42, 48, 58),
    (60, 65, 70, 80, 86, 98, 117), (61, 104), (62, 78, 115),
    (63, 64, 84, 87, 91, 94, 97, 100, 103, 107, 108, 111, 114), (66, 83, 109),
    (68, 69, 72, 73, 74, 79, 90, 92, 95, 101, 102, 105, 106, 110, 112, 113, 116), (71, 85),
)  # fmt: skip


class Mouths(NamedTuple):
    """Crops (n, 64, 64): labelled stills with their person, plain faces, and drawn yawns."""

    stills: NDArray[np.uint8]
    yawn: NDArray[np.bool_]
    person: NDArray[np.int64]
    faces: NDArray[np.uint8]
    drawn: NDArray[np.uint8]


def mouths(data: Path, cache: Path) -> Mouths:
    """Cut all crops once; they are kept in ``cache``, which never belongs in the project."""
    if cache.is_file():
        return Mouths(**np.load(cache))
    predictor = load_predictor(LandmarkSettings(model="dms56"))
    found = Mouths(*_stills(data / "yawn_frames", predictor), *_photographs(data, predictor))
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, **found._asdict())
    return found


def person_of(number: int) -> int:
    """Who picture ``number`` of yawn_frames shows; negative for someone seen once."""
    for person, pictures in enumerate(PEOPLE):
        if number in pictures:
            return person
    return -1 - number


def _stills(folder: Path, predictor: Predictor) -> tuple[NDArray, NDArray, NDArray]:
    crops, yawns, people = [], [], []
    rows = read_rows(folder)
    for row in progress(rows, len(rows), "stills"):
        gray = cv2.imread(str(folder / row["file"]), cv2.IMREAD_GRAYSCALE)
        tracker, face = FaceTracker(predictor, FaceSettings()), None
        for look in range(LOOKS):
            face = tracker.find(Frame(gray, look * 0.2, look)) or face
        if face is not None:
            crops.append(cut(gray, mouth_matrix(face.marks.anchors, FINE), WORK))
            yawns.append(row["yawn"] == "1")
            people.append(person_of(int(row["file"][5:8])))
    return np.stack(crops), np.array(yawns), np.array(people)


def _photographs(data: Path, predictor: Predictor) -> tuple[NDArray, NDArray]:
    """Faces as they are, and upright ones with closed mouths again with a dropped jaw."""
    rng, faces, drawn = np.random.default_rng(5), [], []
    for name, box in ALIGNED.items():
        paths = sorted((data / name).glob("*.jpg"))
        for path in progress(paths, len(paths), name):
            gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            marks = predictor.predict(gray, predictor.predict(gray, box).box)
            if marks.fit is not None and marks.fit < 0.8:
                continue
            anchors, pad = marks.anchors, 60
            faces.append(cut(gray, mouth_matrix(anchors, FINE), WORK))
            across = anchors[1] - anchors[0]
            points = marks.points.astype(np.float64) + pad
            if abs(across[1] / across[0]) > 0.12 or opening(points) > 0.15:
                continue
            wide = cv2.copyMakeBorder(gray, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
            open_mouth(wide, points, float(rng.uniform(0.6, 1.3)), rng)
            drawn.append(cut(wide, mouth_matrix(anchors + pad, FINE), WORK))
    return np.stack(faces), np.stack(drawn)
