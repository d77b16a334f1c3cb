"""What may stand before a face: sunglasses, frames, glare, a hand, a mask."""

from __future__ import annotations

import cv2
import numpy as np

from dms.values import Gray
from tools.landmarking.label import Array
from tools.landmarking.lids import draw_spot

Hidden = list[float]  # of both eyes: 0 seen, 1 hidden, NaN in doubt


def cover(gray: Gray, points: Array, other: Gray, rng: np.random.Generator) -> Hidden:
    """Draw at most one kind of cover in place; ``other`` lends its texture to hands and masks."""
    drawn = rng.random()
    if drawn < 0.07:
        return _sunglasses(gray, points, rng)
    if drawn < 0.22:
        _frame(gray, points, rng)
        return _glare(gray, points, rng) if rng.random() < 0.5 else [0.0, 0.0]
    if drawn < 0.32:
        return _glare(gray, points, rng)
    if drawn < 0.38:
        return _hand(gray, points, other, rng)
    if drawn < 0.43:
        _mask(gray, points, other, rng)
    return [0.0, 0.0]


def _eyes(points: Array) -> tuple[list[Array], float, float]:
    """Centres of both eyes, their distance, and their line's angle in degrees, -90..90."""
    right, left = (points[0] + points[6]) / 2, (points[12] + points[18]) / 2
    across = left - right
    angle = float(np.rad2deg(np.arctan2(across[1], across[0])))
    return [right, left], float(np.hypot(*across)), (angle + 90) % 180 - 90


def _sunglasses(gray: Gray, points: Array, rng: np.random.Generator) -> Hidden:
    centres, size, angle = _eyes(points)
    alpha, shade = rng.uniform(0.75, 1.0), rng.uniform(0, 60)
    axes = (size * rng.uniform(0.32, 0.46), size * rng.uniform(0.24, 0.38))
    drop = np.array([0, rng.uniform(0, 0.08) * size])
    for centre in centres:
        draw_spot(gray, centre + drop, axes, angle, shade, alpha, 0.8)
    ends = [tuple(centre.astype(int).tolist()) for centre in centres]
    cv2.line(gray, ends[0], ends[1], shade, max(1, int(size * 0.05)))
    if rng.random() < 0.4:
        for centre in centres:
            spot = centre + rng.normal(0, 0.12, 2) * size
            alpha_spot = rng.uniform(0.4, 1)
            draw_spot(
                gray, spot, (size * 0.08, size * 0.04), rng.uniform(0, 180), 255, alpha_spot, 2
            )
    return [1.0, 1.0] if alpha > 0.85 else [np.nan, np.nan]


def _frame(gray: Gray, points: Array, rng: np.random.Generator) -> None:
    centres, size, angle = _eyes(points)
    axes = (size * rng.uniform(0.33, 0.45), size * rng.uniform(0.22, 0.36))
    shade = float(rng.choice([rng.uniform(0, 60), rng.uniform(180, 255)]))
    thick = int(max(1, size * rng.uniform(0.015, 0.06)))
    drop, square = np.array([0, rng.uniform(0, 0.1) * size]), rng.random() < 0.5
    for centre in centres:
        x, y = centre + drop
        if square:
            corners = cv2.boxPoints(((float(x), float(y)), (2 * axes[0], 2 * axes[1]), angle))
            outline = [np.round(corners * 8).astype(np.int32)]
            cv2.polylines(gray, outline, True, shade, thick, cv2.LINE_AA, 3)
        else:
            at, half = (int(x * 8), int(y * 8)), (int(axes[0] * 8), int(axes[1] * 8))
            cv2.ellipse(gray, at, half, angle, 0, 360, shade, thick, cv2.LINE_AA, 3)
    way = (centres[1] - centres[0]) / size * axes[0]
    start, end = centres[0] + way + drop, centres[1] - way + drop
    ends = [tuple(place.astype(int).tolist()) for place in (start, end)]
    cv2.line(gray, ends[0], ends[1], shade, thick)


def _glare(gray: Gray, points: Array, rng: np.random.Generator) -> Hidden:
    centres, size, _ = _eyes(points)
    shared, hidden = rng.normal(0, 0.18, 2) * size, [0.0, 0.0]
    for number, centre in enumerate(centres):
        if rng.random() > 0.85:
            continue
        radius, alpha = size * rng.uniform(0.03, 0.2), rng.uniform(0.6, 1.0)
        place = centre + shared + rng.normal(0, 0.05, 2) * size
        axes = (radius, radius * rng.uniform(0.4, 1))
        draw_spot(gray, place, axes, rng.uniform(0, 180), 255, alpha, rng.uniform(0.5, 4))
        off = float(np.linalg.norm(place - centre))
        if radius > 0.15 * size and alpha > 0.8 and off < 0.1 * size:
            hidden[number] = 1.0
        elif radius > 0.1 * size and off < 0.18 * size:
            hidden[number] = np.nan
    return hidden


def _hand(gray: Gray, points: Array, other: Gray, rng: np.random.Generator) -> Hidden:
    centres, size, _ = _eyes(points)
    width, height = int(size * rng.uniform(0.5, 1.2)) + 4, int(size * rng.uniform(0.4, 1.0)) + 4
    centre = centres[rng.integers(2)] + rng.normal(0, 0.08, 2) * size
    mask = np.zeros(gray.shape, np.uint8)
    at, half = tuple(centre.astype(int).tolist()), (width // 2, height // 2)
    cv2.ellipse(mask, at, half, rng.uniform(-40, 40), 0, 360, 1, -1)
    y = int(rng.integers(0, max(1, other.shape[0] - height)))
    x = int(rng.integers(0, max(1, other.shape[1] - width)))
    texture = cv2.resize(other[y : y + height, x : x + width], gray.shape[::-1])
    if rng.random() < 0.6:
        texture = cv2.GaussianBlur(texture, (0, 0), 8)
    gray[mask > 0] = texture[mask > 0]
    hidden = []
    for eye in (points[:12], points[12:24]):
        places = np.clip(np.round(eye).astype(int), 0, gray.shape[0] - 1)
        share = mask[places[:, 1], places[:, 0]].mean()
        hidden.append(1.0 if share > 0.7 else np.nan if share > 0.15 else 0.0)
    return hidden


def _mask(gray: Gray, points: Array, other: Gray, rng: np.random.Generator) -> None:
    """Cover the lower face from the nose down."""
    top = points[31] + rng.normal(0, 0.03, 2) * np.linalg.norm(points[0] - points[12])
    outline = [np.round(np.array([*points[51:56], top])).astype(np.int32)]
    mask = np.zeros(gray.shape, np.uint8)
    cv2.fillPoly(mask, outline, 1)
    texture = cv2.resize(other, gray.shape[::-1])
    texture = cv2.GaussianBlur(texture, (0, 0), rng.uniform(2, 12))
    gray[mask > 0] = texture[mask > 0]
