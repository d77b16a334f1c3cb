"""Eye crops for training: MRL Eye by subject, what is no eye, and augmentation of whole batches."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import dlib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from dms.engine.preprocess.crop import EyeCropSettings, cut, eye_crops, eye_matrices
from dms.perception.landmarks import DLIB68, Landmarks, dlib68_file, shape_points
from tools.nets import lids
from tools.nets.tiles import EYE_PX as WORK
from tools.nets.tiles import progress

FINE = 3  # lids are moved at this many times the stored resolution


class Photographs(NamedTuple):
    """Crops (n, 40, 40) of eyes with their openness (n,), and of what is no eye."""

    eyes: NDArray[np.uint8]
    openness: NDArray[np.float32]
    others: NDArray[np.uint8]


def face_patches(folder: Path, cache: Path) -> Photographs:
    """Cut eyes (open, closed and half closed by hand) and places beside them from photographs."""
    if cache.is_file():
        stored = np.load(cache)
        return Photographs(stored["eyes"], stored["openness"], stored["others"])
    detector = dlib.get_frontal_face_detector()
    model = dlib.shape_predictor(str(dlib68_file()))
    rng = np.random.default_rng(11)
    eyes: list[tuple[NDArray[np.uint8], float]] = []
    others: list[NDArray[np.uint8]] = []
    paths = sorted(folder.glob("*.jpg"))
    for path in progress(paths, len(paths), "photographs"):
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        boxes = detector(gray, 0)
        if len(boxes) == 1:
            marks = Landmarks(shape_points(model, gray, boxes[0]), DLIB68)
            eyes += _lids(gray, marks, rng)
            others += _beside(gray, marks.anchors, rng)
    crops, openness = zip(*eyes, strict=True)
    found = Photographs(np.stack(crops), np.array(openness, np.float32), np.stack(others))
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, **found._asdict())
    return found


def _lids(
    gray: NDArray[np.uint8], marks: Landmarks, rng: np.random.Generator
) -> list[tuple[NDArray[np.uint8], float]]:
    """Each eye as it is, shut, and on the way; none where it may be behind sunglasses."""
    fine = EyeCropSettings(size=WORK * FINE)
    between = float(np.linalg.norm(marks.anchors[1] - marks.anchors[0]))
    cheeks = eye_crops(gray, marks.anchors + np.array([0, 0.55 * between]), fine)
    found: list[tuple[NDArray[np.uint8], float]] = []
    matrices = eye_matrices(marks.anchors, fine)
    for matrix, rim, cheek in zip(matrices, (marks.right_eye, marks.left_eye), cheeks, strict=True):
        patch = cut(gray, matrix, fine.size)
        if lids.aspect_ratio(rim) < lids.LEAST_EAR or np.median(patch) < 0.5 * np.median(cheek):
            continue
        moved = rim @ matrix[:, :2].T + matrix[:, 2]
        for closed in (0.0, 1.0, float(rng.uniform(0.2, 0.8))):
            shut = lids.close(patch, moved, closed)
            found.append((cv2.resize(shut, (WORK, WORK), interpolation=cv2.INTER_AREA), 1 - closed))
    return found


def _beside(
    gray: NDArray[np.uint8], anchors: NDArray[np.float32], rng: np.random.Generator
) -> list[NDArray[np.uint8]]:
    """Up to three crops of places well away from both eyes."""
    between = float(np.linalg.norm(anchors[1] - anchors[0]))
    found = []
    for _ in range(3):
        angle = rng.uniform(0, 2 * np.pi)
        away = rng.uniform(0.55, 1.6) * between * np.array([np.cos(angle), np.sin(angle)])
        moved = anchors + away
        if min(np.linalg.norm(moved[0] - eye) for eye in anchors[:2]) > 0.5 * between:
            found.append(eye_crops(gray, moved, EyeCropSettings(size=WORK))[0])
    return found


def _uniform(n: int, low: float, high: float, rng: torch.Generator) -> Tensor:
    return (torch.rand(n, generator=rng) * (high - low) + low)[:, None, None, None]


def _sometimes(n: int, chance: float, rng: torch.Generator) -> Tensor:
    return (torch.rand(n, generator=rng) < chance).float()[:, None, None, None]


def place(crops: Tensor, size: int, rng: torch.Generator, shift: float = 0.18) -> Tensor:
    """Cut (n, 1, 40, 40) gray 0..1 to ``size`` with random turn, zoom, stretch, shift, mirror."""
    n = len(crops)
    turn = torch.randn(n, generator=rng) * 0.17
    zoom = torch.exp(torch.randn(n, generator=rng) * 0.17)
    stretch = torch.exp(torch.randn(n, generator=rng) * 0.06)
    mirror = torch.where(torch.rand(n, generator=rng) < 0.5, -1.0, 1.0)
    moved = torch.randn(n, 2, generator=rng) * shift
    cos, sin = torch.cos(turn) / zoom, torch.sin(turn) / zoom
    rows = [cos * stretch * mirror, -sin, moved[:, 0], sin * mirror, cos / stretch, moved[:, 1]]
    theta = torch.stack(rows, 1).view(n, 2, 3)
    grid = functional.affine_grid(theta, [n, 1, size, size], align_corners=False)
    return functional.grid_sample(crops, grid, padding_mode="border", align_corners=False)


def shine(
    crops: Tensor, rng: torch.Generator, chance: float, radius: tuple[float, float]
) -> Tensor:
    """One saturated spot at a random place in some crops; ``radius`` in shares of the side."""
    n, size = len(crops), crops.shape[-1]
    axis = (torch.arange(size) + 0.5) / size
    x, y = _uniform(n, 0.1, 0.9, rng), _uniform(n, 0.15, 0.85, rng)
    r = _uniform(n, *radius, rng)
    aspect = torch.exp(_uniform(n, -0.5, 0.5, rng))
    far = ((axis[None, None, None] - x) * aspect / r) ** 2
    far = far + ((axis[None, None, :, None] - y) / aspect / r) ** 2
    light = torch.exp(-(far**1.5)) * _sometimes(n, chance, rng) * _uniform(n, 0.6, 1.0, rng)
    return crops * (1 - light) + light


def rims(crops: Tensor, rng: torch.Generator, chance: float) -> Tensor:
    """Draw a spectacle rim: an ellipse's outline around the eye, dark or light, in some crops."""
    n, size = len(crops), crops.shape[-1]
    axis = (torch.arange(size) + 0.5) / size
    x, y = _uniform(n, 0.4, 0.6, rng), _uniform(n, 0.45, 0.65, rng)
    wide, high = _uniform(n, 0.38, 0.65, rng), _uniform(n, 0.25, 0.5, rng)
    power = _uniform(n, 2.0, 5.0, rng)
    far = ((axis[None, None, None] - x).abs() / wide) ** power
    far = (far + ((axis[None, None, :, None] - y).abs() / high) ** power) ** (1 / power)
    edge = torch.exp(-(((far - 1) / _uniform(n, 0.05, 0.14, rng)) ** 2))
    edge = edge * _sometimes(n, chance, rng)
    return crops * (1 - edge) + edge * _uniform(n, 0.0, 0.6, rng)


def light(crops: Tensor, rng: torch.Generator) -> Tensor:
    """Gradient, gamma, contrast, level, blur, coarseness and noise."""
    n, size = len(crops), crops.shape[-1]
    axis = (torch.arange(size) + 0.5) / size - 0.5
    slope = axis[None, None, None] * _uniform(n, -1.0, 1.0, rng)
    slope = slope + axis[None, None, :, None] * _uniform(n, -0.6, 0.6, rng)
    out = crops * (1 + slope * _sometimes(n, 0.5, rng))
    out = out.clamp(1e-4, 1) ** torch.exp(_uniform(n, -0.6, 0.6, rng))
    mean = out.mean((2, 3), keepdim=True)
    level = (mean * torch.exp(_uniform(n, -0.6, 0.6, rng))).clamp(0.08, 0.75)
    out = (out - mean) * torch.exp(_uniform(n, -0.7, 0.9, rng)) + level
    if torch.rand(1, generator=rng) < 0.5:
        small = int(torch.randint(14, size, (1,), generator=rng))
        coarse = functional.interpolate(out, (small, small), mode="area")
        coarse = functional.interpolate(coarse, (size, size), mode="bilinear")
        some = _sometimes(n, 0.4, rng)
        out = out * (1 - some) + coarse * some
    spread = out.std((2, 3), keepdim=True).clamp(max=0.1)
    sigma = spread * _uniform(n, 0.0, 0.35, rng) * _sometimes(n, 0.5, rng)
    out = out + torch.randn(out.shape, generator=rng) * sigma
    return (out.clamp(0, 1) * 255).round() / 255


def hide(crops: Tensor, rng: torch.Generator) -> Tensor:
    """Make eyes that cannot be seen: by a dark lens, a sheet of glare or a cover."""
    n, size = len(crops), crops.shape[-1]
    kind = torch.randint(0, 4, (n,), generator=rng)[:, None, None, None]
    axis = (torch.arange(size) + 0.5) / size - 0.5
    slope = axis[None, None, None] * _uniform(n, -1, 1, rng)
    slope = slope + axis[None, None, :, None] * _uniform(n, -1, 1, rng)
    # A dark lens fills the crop up to its rim; next to nothing shines through it.
    x, y = _uniform(n, -0.12, 0.12, rng), _uniform(n, -0.15, 0.15, rng)
    wide, high = _uniform(n, 0.4, 0.75, rng), _uniform(n, 0.32, 0.6, rng)
    far = ((axis[None, None, None] - x).abs() / wide) ** 3
    far = (far + ((axis[None, None, :, None] - y).abs() / high) ** 3) ** (1 / 3)
    inside = torch.sigmoid((1 - far) * 25)
    dark = _uniform(n, 0.0, 0.3, rng) + slope * 0.15 + crops * _uniform(n, 0.0, 0.05, rng)
    lens = crops * (1 - inside) + dark * inside
    lens = shine(lens, rng, 0.4, (0.03, 0.25))
    # Glare: white over the middle, with soft edges.
    spread = (axis[None, None, None] - x / 2) ** 2 + (axis[None, None, :, None] - y / 2) ** 2
    spread = spread.sqrt()
    white = torch.sigmoid((_uniform(n, 0.3, 0.6, rng) - spread) * _uniform(n, 12, 40, rng))
    glare = crops * (1 - white) + white * _uniform(n, 0.85, 1.0, rng)
    # A hand or hat: one tone with a soft edge over most of the crop.
    tone = _uniform(n, 0.1, 0.9, rng) + slope * 0.3
    edge = torch.sigmoid((slope + _uniform(n, 0.25, 0.6, rng)) * 20)
    cover = crops * (1 - edge) + tone * edge
    out = torch.where(kind <= 1, lens, torch.where(kind == 2, glare, cover))
    return out.clamp(0, 1)
