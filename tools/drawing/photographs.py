"""Eyes cut from face photographs, their corners and irises told by the landmark teacher.

Irises are moved and lids brought down by warping, so that real eyes are had at every gaze, lowered
and shut. The teacher's packages are needed only where there is no cache yet.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.drawing.eyes import EYE_PX, SIDE
from tools.drawing.people import Array
from tools.nets.lids import close
from tools.nets.tiles import progress

LEAST_EAR = 0.15  # below it a lid may be lowered or closing: the teacher cannot tell which
SIXTH = (0, 2, 4, 6, 8, 10)  # of the contour's twelve points those that lids.close takes
_OUT = 0.65  # of the eye distance, where a place is no eye any more


class Cut(NamedTuple):
    """Eyes (n, 104, 104) with level corners, and places (m, 104, 104) that show no eye.

    Contour (n, 12, 2), iris (n, 2) and its radius (n,) in eye widths from between the corners.
    """

    eyes: NDArray[np.uint8]
    contour: Array
    iris: Array
    radius: Array
    others: NDArray[np.uint8]


def cut_photographs(folder: Path, cache: Path) -> Cut:
    """Cut every eye of the folder's faces that the teacher is sure of; kept in ``cache``."""
    if cache.is_file():
        stored = np.load(cache)
        return Cut(*(stored[name] for name in Cut._fields))
    from tools.landmarking.labelling import _stills  # noqa: PLC0415 - it needs the teacher
    from tools.landmarking.labels import sound, turned  # noqa: PLC0415
    from tools.landmarking.teacher import Teacher  # noqa: PLC0415

    rng = np.random.default_rng(5)
    found: list[tuple[NDArray, Array, Array, float]] = []
    others: list[NDArray] = []
    count = len(list(folder.glob("*.jpg")))
    for label in progress(_stills(Teacher(), folder.name, folder), count, "photographs"):
        if not sound(label) or turned(label) > 1.6 or label.shade < 0.5:
            continue
        for side in (0, 1):
            contour = label.points[12 * side : 12 * side + 12]
            found.append(_one(label.gray, contour, label.iris[side], side == 1))
        others += _beside(label.gray, label.points, rng)
    eyes, contours, irises, radii = zip(*found, strict=True)
    cut = Cut(
        np.stack(eyes),
        np.array(contours, np.float32),
        np.array(irises, np.float32),
        np.array(radii, np.float32),
        np.stack(others),
    )
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, **cut._asdict())
    return cut


def level(outer: Array, inner: Array, mirrored: bool) -> Array:
    """(2, 3) map from the picture to a canvas in which this eye's corners lie level."""
    across = inner - outer
    width = float(np.hypot(*across))
    x, y = across / width * (EYE_PX / width)
    turn = np.array([[x, y], [y, -x] if mirrored else [-y, x]])
    return np.column_stack([turn, np.full(2, (SIDE - 1) / 2) - turn @ ((outer + inner) / 2)])


def _warped(gray: NDArray, matrix: Array) -> NDArray[np.uint8]:
    way = cv2.INTER_CUBIC if np.hypot(*matrix[0, :2]) > 0.8 else cv2.INTER_AREA
    return cv2.warpAffine(gray, matrix, (SIDE, SIDE), flags=way, borderMode=cv2.BORDER_REPLICATE)


def _one(
    gray: NDArray, contour: Array, iris: Array, mirrored: bool
) -> tuple[NDArray, Array, Array, float]:
    matrix = level(contour[0], contour[6], mirrored)

    def local(points: Array) -> Array:
        return (points @ matrix[:, :2].T + matrix[:, 2] - (SIDE - 1) / 2) / EYE_PX

    rim = local(iris)
    radius = float(np.linalg.norm(rim[1:] - rim[0], axis=1).mean())
    return _warped(gray, matrix), local(contour), rim[0], radius


def _beside(gray: NDArray, points: Array, rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    eyes = points[:24].reshape(2, 12, 2).mean(1)
    between = float(np.linalg.norm(eyes[1] - eyes[0]))
    found = []
    for _ in range(2):
        angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.5) * between
        middle = eyes[0] + away * np.array([np.cos(angle), np.sin(angle)])
        if min(np.linalg.norm(middle - eye) for eye in eyes) > _OUT * between:
            half = np.array([0.21 * between, 0])
            found.append(_warped(gray, level(middle - half, middle + half, False)))
    return found


def moved(eye: NDArray, contour: Array, iris: Array, radius: float, by: Array) -> NDArray[np.uint8]:
    """Move the iris by ``by`` (eye widths) behind the lids, which stay."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    middle = (SIDE - 1) / 2
    centre = iris * EYE_PX + middle + by * EYE_PX
    far = np.hypot(x - centre[0], y - centre[1]) / (radius * EYE_PX)
    share = np.clip((2.0 - far) / 0.85, 0, 1)
    hole = np.zeros((SIDE, SIDE), np.float32)
    rim = np.round((contour * EYE_PX + middle) * 16).astype(np.int32)
    cv2.fillPoly(hole, [rim], 1.0, cv2.LINE_AA, 4)
    share = share * cv2.GaussianBlur(hole, (0, 0), 1.0)
    at = (x - share * by[0] * EYE_PX, y - share * by[1] * EYE_PX)
    return cv2.remap(
        eye,
        at[0].astype(np.float32),
        at[1].astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def aspect(contour: Array) -> float:
    """EAR of a contour of 12 points."""
    gaps = np.linalg.norm(contour[1:6] - contour[11:6:-1], axis=1)
    return float(gaps.mean() / max(float(np.linalg.norm(contour[6] - contour[0])), 1e-6))


class Posed(NamedTuple):
    """Photographed eyes after warping: pictures, iris (n, 2), lids (n, 3), openness (n,)."""

    eyes: NDArray[np.uint8]
    iris: Array
    lids: Array
    openness: Array
    seen: Array  # share of the iris's height that is not covered


def pose(cut: Cut, seed: int, rounds: int = 2) -> Posed:
    """Each eye with another gaze and other lids, ``rounds`` times, and once as it is."""
    rng = np.random.default_rng(seed)
    made: list[tuple[NDArray, Array, Array, float, float]] = []
    for eye, contour, iris, radius in zip(*cut[:4], strict=True):
        if aspect(contour) < LEAST_EAR:
            continue
        made.append((eye, iris, np.array([1, 0, 0]), 1.0, 1.0))
        for _ in range(rounds):
            made.append(_posed(eye, contour, iris, float(radius), rng))
    eyes, irises, lids, openness, seen = zip(*made, strict=True)
    return Posed(
        np.stack(eyes), *(np.array(one, np.float32) for one in (irises, lids, openness, seen))
    )


def _posed(
    eye: NDArray, contour: Array, iris: Array, radius: float, rng: np.random.Generator
) -> tuple[NDArray, Array, Array, float, float]:
    rim = contour[list(SIXTH)] * EYE_PX + (SIDE - 1) / 2
    dice = rng.random()
    if dice < 0.35:  # another gaze, lids up
        by = np.array([rng.uniform(-0.2, 0.2), rng.uniform(-0.07, 0.07)])
        share = 0.0
        lids = np.array([1.0, 0.0, 0.0])
    elif dice < 0.65:  # lowered: the iris sinks, the lid follows and leaves a slit
        by = np.array([rng.uniform(-0.12, 0.12), rng.uniform(0.1, 0.2)])
        share = rng.uniform(0.5, 0.8)
        lids = np.array([0.0, 1.0, 0.0])
    elif dice < 0.75:  # drooping with the gaze ahead
        by, share = np.zeros(2), rng.uniform(0.25, 0.8)
        up = np.clip((1 - share - 0.15) / 0.5, 0, 1)
        lids = np.array([up, 0.0, 1 - up])
    else:
        by, share = np.array([0.0, rng.uniform(-0.05, 0.15)]), 1.0
        lids = np.array([0.0, 0.0, 1.0])
    out = moved(eye, contour, iris, radius, by) if by.any() else eye
    if share:
        out = close(out, rim, share)
    openness = float(np.clip((1 - share - 0.15) / 0.5, 0, 1))
    return out, iris + by, lids, openness, 1 - share
