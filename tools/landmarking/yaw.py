"""How far a model follows a head that turns: held-out photographs turned by known angles.

The truth is the teacher's points moved as the picture was, so beyond what it hides a turned
photograph shows nothing that the real head would not; ears and hair at its rim are stretched.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from dms.perception.landmarks import Landmarks, Predictor
from dms.perception.pose import PoseEstimator, PoseSettings
from dms.perception.schemes import DMS56
from dms.values import Box
from tools.landmarking.heads import Turn
from tools.landmarking.label import Array, Label
from tools.landmarking.labels import sound, turned
from tools.landmarking.pictures import CANVAS, box_of, placed

ANGLES_DEG = (-60, -45, -30, -20, -10, 0, 10, 20, 30, 45, 60)


def held_out(data: Path, most: int) -> list[Label]:
    """Label every tenth face photograph, none of which is trained on, near to frontal."""
    from tools.landmarking.teacher import Teacher  # noqa: PLC0415  # needs the teacher's wheels

    teacher, found = Teacher(), []
    for path in sorted((data / "face_photos").glob("*.jpg"))[::10]:
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        height, width = gray.shape
        label = teacher.label(gray, (np.array([width / 2, 0.55 * height]), float(width), 0.0))
        if label is not None and sound(label[0]) and turned(label[0]) < 1.15:
            found.append(label[0])
        if len(found) == most:
            break
    return found


def turns(label: Label) -> list[tuple[Turn, Array, Array]]:
    """Return each turn of one face with its picture and its true points."""
    gray, points, _, solid = placed(label, CANVAS)
    made = [Turn(solid, CANVAS, float(angle), 0.0) for angle in ANGLES_DEG]
    return [(turn, turn.picture(gray), turn.points(points)) for turn in made]


def yaw_curve(name: str, predictor: Predictor, labels: list[Label]) -> None:
    """Print for each angle how far points lie off and how much of the turn the pose reads.

    Also what it reads off the true points: the drawn depth is smooth, so a turned picture shows
    less of a turn than a head would.
    """
    pose = PoseEstimator(PoseSettings(), CANVAS, CANVAS)
    drawn: dict[int, list[float]] = {angle: [] for angle in ANGLES_DEG}
    gaps: dict[int, list[float]] = {angle: [] for angle in ANGLES_DEG}
    read: dict[int, list[float]] = {angle: [] for angle in ANGLES_DEG}
    for label in labels:
        for angle, (_, gray, truth) in zip(ANGLES_DEG, turns(label), strict=True):
            centre, side = box_of(truth)
            box = Box(float(centre[0]) - side / 2, float(centre[1]) - side / 2, side, side)
            marks = predictor.predict(gray, predictor.predict(gray, box).box)
            far = float(np.hypot(*(truth[12:24].mean(axis=0) - truth[:12].mean(axis=0))))
            if predictor.scheme is DMS56:
                gaps[angle].append(float(np.hypot(*(marks.points - truth).T).mean()) / far)
            exact = Landmarks(truth.astype(np.float32), DMS56)
            for yaws, face in ((read, Landmarks(marks.points, marks.scheme)), (drawn, exact)):
                found = pose.estimate(face)
                yaws[angle].append(np.nan if found is None else found.yaw_deg)
    rest, true = np.nanmedian(read[0]), np.nanmedian(drawn[0])
    text = ", ".join(
        f"{angle}: {np.nanmedian(read[angle]) - rest:+.0f}"
        f" of {np.nanmedian(drawn[angle]) - true:+.0f}"
        + (f" (off {np.mean(gaps[angle]):.3f})" if gaps[angle] else "")
        for angle in ANGLES_DEG
    )
    print(
        f"{name}: yaw read, of what the true points read, on {len(labels)} held-out "
        f"photographs turned by deg: {text}"
    )
