"""Training pictures: each label drawn again and again with other pose, light, lids and covers."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dms.perception.dms56 import EyeFraming, FaceFraming, cut, eye_matrix, face_matrix
from dms.values import Box, Gray
from tools.landmarking.covers import cover
from tools.landmarking.heads import Turn
from tools.landmarking.jaws import open_mouth, opening
from tools.landmarking.label import Array, Label
from tools.landmarking.labels import DARK_LENSES, DOUBTFUL, TURNED, aspect, eyes_of, turned
from tools.landmarking.lids import close_eye, draw_spot
from tools.landmarking.light import Light

CANVAS = 256
_FACE_SHARE = 1 / 1.9  # of the canvas
# Point numbers of the mirrored face.
FLIP = [*range(12, 24), *range(12), 29, 28, 27, 26, 25, 24, 30, 31, 34, 33, 32]
FLIP += [39, 38, 37, 36, 35, 42, 41, 40, 47, 46, 45, 44, 43, 50, 49, 48, 55, 54, 53, 52, 51]
FACE_POINTS = [0, 6, 12, 18, *range(24, 56)]  # what the face net gives: eye corners, the rest


@dataclass
class Sample:
    """One picture with its points; ``hidden`` of each eye 0, 1, or NaN where it is in doubt."""

    gray: Gray
    points: Array
    hidden: list[float]


def box_of(points: Array) -> tuple[Array, float]:
    """Centre and side of the face's box, as Landmarks.box has it."""
    right, left = (points[0] + points[6]) / 2, (points[12] + points[18]) / 2
    eyes, mouth = (right + left) / 2, (points[35] + points[39]) / 2
    side = 1.65 * np.hypot(np.linalg.norm(left - right), np.linalg.norm(mouth - eyes))
    return (eyes + mouth) / 2, float(side)


def placed(label: Label, canvas: int) -> tuple[Gray, Array, Array, Array]:
    """Picture, points, iris and mesh of the face, upright in the middle of a square canvas."""
    centre, side = box_of(label.points)
    across = label.points[12:24].mean(axis=0) - label.points[:12].mean(axis=0)
    scale = canvas * _FACE_SHARE / side
    cos, sin = scale * across / np.hypot(*across)
    turn = np.array([[cos, sin], [-sin, cos]])
    offset, gray = np.full(2, canvas / 2) - turn @ centre, label.gray
    matrix = np.column_stack([turn, offset])
    if scale < 0.6:
        share = 1 / int(1 / scale)
        gray = cv2.resize(gray, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        matrix = np.column_stack([turn / share, offset])
    gray = cv2.warpAffine(gray, matrix, (canvas, canvas), borderMode=cv2.BORDER_REFLECT_101)
    points, iris = label.points @ turn.T + offset, label.iris @ turn.T + offset
    solid = np.hstack([label.mesh[:, :2] @ turn.T + offset, label.mesh[:, 2:] * scale])
    return np.asarray(gray, np.uint8), points, iris, solid


class Pictures:
    """Draws samples from labels; the same seed gives the same pictures."""

    def __init__(self, labels: list[Label], seed: int, canvas: int = CANVAS) -> None:
        self.labels, self.canvas = labels, canvas
        self.rng = np.random.default_rng(seed)
        self.light = Light(self.rng)

    def sample(self, label: Label) -> Sample:
        """Draw one picture of ``label``."""
        gray, points, iris = self._place(label)
        self._infrared_eyes(gray, points, iris)
        self._lids(gray, points)
        other = self.labels[self.rng.integers(len(self.labels))].gray
        hidden = cover(gray, points, other, self.rng)
        if label.shade < DARK_LENSES:
            hidden = [1.0, 1.0]
        elif label.shade < DOUBTFUL:
            hidden = [np.nan if h < 1 else h for h in hidden]
        return Sample(self.light.shine(gray), points, hidden)

    def box(self, points: Array) -> Box:
        """Return the face's box with the scatter of the detector, or twice that."""
        centre, side = box_of(points)
        wild = 2 if self.rng.random() < 0.2 else 1
        centre = centre + self.rng.normal(0, 0.045 * wild, 2) * side
        side *= float(np.exp(self.rng.normal(0, 0.08 * wild)))
        return Box(float(centre[0]) - side / 2, float(centre[1]) - side / 2, side, side)

    def _place(self, label: Label) -> tuple[Gray, Array, Array]:
        """Turn the head, perhaps open its mouth; roll, stretch and perhaps mirror the picture."""
        rng = self.rng
        gray, points, iris = self._upright(label)
        roll = np.deg2rad(rng.uniform(-30, 30) if rng.random() < 0.5 else rng.normal(0, 8))
        turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        turn = turn @ np.diag([np.exp(rng.normal(0, 0.04)), 1.0])
        mirrored = rng.random() < 0.5
        if mirrored:
            turn = turn @ np.diag([-1.0, 1.0])
        offset = np.full(2, self.canvas / 2) - turn @ box_of(points)[0]
        edge = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_REFLECT_101
        gray = np.asarray(
            cv2.warpAffine(
                gray, np.column_stack([turn, offset]), (self.canvas,) * 2, borderMode=edge
            ),
            np.uint8,
        )
        points, iris = points @ turn.T + offset, iris @ turn.T + offset
        return gray, points[FLIP] if mirrored else points, iris[::-1] if mirrored else iris

    def _upright(self, label: Label) -> tuple[Gray, Array, Array]:
        """Bring the face upright onto the canvas, its head turned and its mouth open at times."""
        rng = self.rng
        gray, points, iris, solid = placed(label, self.canvas)
        if turned(label) < TURNED and opening(points) < 0.12 and rng.random() < 0.25:
            open_mouth(gray, points, rng.uniform(0.05, 0.9), rng)
        if len(solid) and rng.random() < 0.5:
            most = 65 if turned(label) < 1.3 else 15  # a head that is turned already: a little
            yaw_deg = float(np.clip(rng.normal(0, 28), -most, most))
            moves = Turn(solid, self.canvas, yaw_deg, float(rng.normal(0, 9)))
            gray, points, iris = moves.picture(gray), moves.points(points), moves.points(iris)
        return gray, points, iris

    def _infrared_eyes(self, gray: Gray, points: Array, iris: Array) -> None:
        """Sometimes a light iris with a dark (or lit) pupil and the lamp's glint."""
        rng = self.rng
        if rng.random() > 0.3:
            return
        tone, pupil, glint = rng.uniform(90, 170), rng.uniform(0.3, 0.5), rng.random() < 0.8
        shift, bright = rng.normal(0, 0.2, 2), rng.random() < 0.15
        for eye, rim in zip(eyes_of(points), iris, strict=True):
            if aspect(eye) < 0.16:
                continue
            radius = float(np.linalg.norm(rim[1:] - rim[0], axis=1).mean())
            mask, before = np.zeros(gray.shape, np.uint8), gray.copy()
            cv2.fillPoly(mask, [np.round(eye * 8).astype(np.int32)], 1, cv2.LINE_8, 3)
            level = tone * (0.6 + 0.4 * before.mean() / 110)
            draw_spot(gray, rim[0], (radius, radius), 0, level, rng.uniform(0.5, 0.9), 0.6)
            dark = 230.0 if bright else rng.uniform(5, 40)
            draw_spot(gray, rim[0], (radius * pupil,) * 2, 0, dark, 0.95, 0.4)
            if glint:
                size = max(0.7, radius * 0.18)
                draw_spot(gray, rim[0] + shift * radius, (size, size), 0, 255, 1, 0.3)
            gray[mask == 0] = before[mask == 0]

    def _lids(self, gray: Gray, points: Array) -> None:
        """Close the eyes: not, fully or to any degree; sometimes one alone."""
        rng, drawn = self.rng, self.rng.random()
        if drawn > 0.55:
            return
        share = rng.uniform(0.9, 1.0) if drawn < 0.22 else rng.uniform(0.05, 0.95)
        shares = [share, float(np.clip(share + rng.normal(0, 0.03), 0, 1))]
        if rng.random() < 0.12:
            shares[rng.integers(2)] = rng.choice([0.0, rng.uniform(0, 1)])
        for eye, part in zip(eyes_of(points), shares, strict=True):
            if part > 0.02:
                close_eye(gray, eye, part)


def cut_off(sample: Sample, box: Box, share: float, rng: np.random.Generator) -> None:
    """Let the picture end so that ``share`` of the face's box lies beyond; its border repeats."""
    gray, side = sample.gray, rng.integers(4)
    if side % 2:
        gray = gray.T
    low, high = (box.y, box.y + box.height) if side % 2 else (box.x, box.x + box.width)
    if side < 2:
        first = int(low + share * (high - low))
        gray[:, :first] = gray[:, first : first + 1]
    else:
        last = int(high - share * (high - low))
        gray[:, last + 1 :] = gray[:, last : last + 1]
    for eye, contour in enumerate(eyes_of(sample.points)):
        place = float(contour[:, side % 2].mean())
        if place < first if side < 2 else place > last:
            sample.hidden[eye] = 1.0


def no_face(pictures: Pictures, sample: Sample) -> tuple[Gray, Box]:
    """Return a picture and a box in which there is no face to be fitted."""
    rng, gray = pictures.rng, sample.gray
    centre, side = box_of(sample.points)
    drawn = rng.random()
    if drawn < 0.45:  # beside the face
        angle, way = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 0.9)
        centre = centre + np.array([np.cos(angle), np.sin(angle)]) * side * way
        side *= float(np.exp(rng.normal(0, 0.25)))
    elif drawn < 0.6:  # a part of it
        centre, side = centre + rng.normal(0, 0.2, 2) * side, side * rng.uniform(0.25, 0.5)
    elif drawn < 0.65:  # far too large
        centre, side = centre + rng.normal(0, 0.1, 2) * side, side * rng.uniform(1.9, 2.4)
    elif drawn < 0.72:  # most of it is out of the picture
        gray = gray.copy()
        box = Box(float(centre[0]) - side / 2, float(centre[1]) - side / 2, side, side)
        cut_off(Sample(gray, sample.points, [0.0, 0.0]), box, rng.uniform(0.5, 0.9), rng)
    elif drawn < 0.85:  # lying or upside down
        gray = np.ascontiguousarray(np.rot90(gray, rng.integers(1, 4)))
        centre = np.full(2, gray.shape[0] / 2) + rng.normal(0, 0.1, 2) * side
    else:  # background
        strip = pictures.labels[rng.integers(len(pictures.labels))].gray[:40]
        gray = pictures.light.shine(cv2.resize(strip, (pictures.canvas,) * 2))
        centre = np.full(2, pictures.canvas / 2)
    return gray, Box(float(centre[0]) - side / 2, float(centre[1]) - side / 2, side, side)


def face_patch(gray: Gray, box: Box) -> Gray:
    framing = FaceFraming()
    return cut(gray, face_matrix(box, framing), (int(framing.side_px),) * 2)


def draw(labels: list[Label], count: int, seed: int) -> dict[str, Array]:
    """Draw the patches that the nets train on.

    ``faces`` (n, 80, 80), ``face_points`` (n, 36, 2) in patch sides from its middle, ``others``
    patches without a face; ``eyes`` (2n, 32, 48), ``lids`` (2n, 12, 2) in eye widths from the
    middle, ``hidden`` (2n,), ``aspects`` (2n,).
    """
    pictures, framing = Pictures(labels, seed), EyeFraming()
    rng = pictures.rng
    size = (int(framing.width_px), int(framing.height_px))
    middle = (np.array(size) - 1) / 2
    out: dict[str, list[Array]] = {}
    order = [rng.permutation(len(labels)) for _ in range(count // len(labels) + 1)]
    for number in np.concatenate(order)[:count]:
        sample = pictures.sample(labels[number])
        box = pictures.box(sample.points)
        if rng.random() < 0.12:
            cut_off(sample, box, rng.uniform(-0.1, 0.35), rng)
        where = np.array([box.x + box.width / 2, box.y + box.height / 2])
        local = (sample.points[FACE_POINTS] - where) / (FaceFraming().span * box.width)
        _add(out, faces=face_patch(sample.gray, box), face_points=local.astype(np.float32))
        if rng.random() < 0.35:
            _add(out, others=face_patch(*no_face(pictures, sample)))
        for side, eye in enumerate(eyes_of(sample.points)):
            width = float(np.linalg.norm(eye[0] - eye[6]))
            moves = rng.normal(0, 0.05, (3, 2)) * width
            matrix = eye_matrix(
                eye[0] + moves[0] + moves[1], eye[6] + moves[0] + moves[2], side == 1, framing
            )
            patch = cut(sample.gray, matrix, size)
            lids = (eye - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
            hidden = sample.hidden[side]
            if patch.std() <= 5 and hidden != 1:
                hidden = np.nan  # too dim to say
            lids = ((lids - middle) / framing.eye_px).astype(np.float32)
            _add(out, eyes=patch, lids=lids, hidden=hidden, aspects=aspect(eye))
    return {name: np.array(values) for name, values in out.items()}


def _add(out: dict[str, list[Array]], **values: object) -> None:
    for name, value in values.items():
        out.setdefault(name, []).append(np.asarray(value))
