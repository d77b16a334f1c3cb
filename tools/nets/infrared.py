"""Makes visible-light face crops look like what a cabin's infrared camera sees, and jitters crops.

Each effect is switched on with its own probability, so that an ablation can leave one out by name.
All functions take and return float32 arrays of gray values 0..255.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Rng = np.random.Generator


def _grid(size: int) -> tuple[Image, Image]:
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = np.meshgrid(axis, axis)
    return x, y


def lamp(image: Image, rng: Rng) -> Image:
    """Light by one lamp beside the lens: bright where it points, falling off towards the rim."""
    x, y = _grid(image.shape[0])
    cx, cy = rng.uniform(0.25, 0.75), rng.uniform(0.2, 0.8)
    width = rng.uniform(0.45, 1.0)
    light = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * width**2))
    return image * (light / light.mean() * rng.uniform(0.8, 1.4))


def surround(image: Image, rng: Rng) -> Image:
    """Let what is not face go dark (night) or pale (a lit wall)."""
    x, y = _grid(image.shape[0])
    distance = np.sqrt(
        ((x - 0.5) / rng.uniform(0.36, 0.46)) ** 2 + ((y - 0.55) / rng.uniform(0.5, 0.62)) ** 2
    )
    outside = 1 / (1 + np.exp(-(distance - 1) * rng.uniform(8, 30)))
    level = rng.uniform(0, 60) if rng.random() < 0.6 else rng.uniform(120, 220)
    strength = outside * rng.uniform(0.5, 1)
    return image * (1 - strength) + level * strength


def skin(image: Image, rng: Rng) -> Image:
    """Skin under near infrared: pale, low in contrast, soft; lips and brows lose their colour."""
    size = image.shape[0]
    low = cv2.GaussianBlur(image, (0, 0), size * rng.uniform(0.08, 0.16))
    detail = image - low
    target = rng.uniform(110, 215)
    low = low + (target - low) * rng.uniform(0.2, 0.65)
    detail = detail * rng.uniform(0.6, 1.2)
    # Dark detail (brows, lips, shadows) fades more than bright detail.
    detail = np.where(detail < 0, detail * rng.uniform(0.6, 1.0), detail)
    return low + detail


def wash(image: Image, rng: Rng) -> Image:
    """Over-exposure: a shoulder that flattens the bright end."""
    gain = rng.uniform(1.2, 2.2)
    return 255 * (1 - np.exp(-np.maximum(image, 0) / 255 * gain)) / (1 - np.exp(-gain))


def gamma(image: Image, rng: Rng) -> Image:
    """Another tone curve."""
    power = float(np.exp(rng.uniform(-0.7, 0.7)))
    return 255 * (np.clip(image, 0, 255) / 255) ** power


def contrast(image: Image, rng: Rng) -> Image:
    """Lower contrast at another level, so that quantisation to whole grays shows."""
    mean = float(image.mean())
    return (image - mean) * rng.uniform(0.25, 0.9) + rng.uniform(30, 200)


def noise(image: Image, rng: Rng) -> Image:
    """Sensor noise, more of it in bright parts; at times in rows."""
    sigma = rng.uniform(1, 8)
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    out = image + grain * sigma * np.sqrt(np.clip(image, 0, 255) / 255 + 0.15)
    if rng.random() < 0.2:
        out = out + rng.standard_normal((image.shape[0], 1), dtype=np.float32) * sigma * 0.4
    return out


def blur(image: Image, rng: Rng) -> Image:
    """Out of focus or smeared by motion."""
    unit = image.shape[0] / 48
    if rng.random() < 0.6:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.9) * unit)
    length = round(int(rng.integers(1, 4)) * unit)
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    angle = rng.uniform(0, np.pi)
    end = (length + np.array([np.cos(angle), np.sin(angle)]) * length).round().astype(int)
    cv2.line(kernel, (2 * length - int(end[0]), 2 * length - int(end[1])), tuple(end.tolist()), 1)
    return cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1))


def coarse(image: Image, rng: Rng) -> Image:
    """Show a face far away: fewer pixels."""
    size = image.shape[0]
    small = int(size * rng.uniform(0.5, 0.9))
    less = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    return cv2.resize(less, (size, size), interpolation=cv2.INTER_LINEAR)


def compress(image: Image, rng: Rng) -> Image:
    """Blocks of a video codec."""
    gray = np.clip(image, 0, 255).astype(np.uint8)
    _, code = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))])
    return cv2.imdecode(code, cv2.IMREAD_GRAYSCALE).astype(np.float32)


def glasses(image: Image, rng: Rng) -> Image:
    """Rims around the eyes of an aligned crop and the lamp's spot on one or both lenses."""
    size = image.shape[0]
    out = image.copy()
    rx, ry = rng.uniform(0.135, 0.17) * size, rng.uniform(0.09, 0.14) * size
    y = rng.uniform(0.38, 0.44) * size
    tone = rng.uniform(0, 90) if rng.random() < 0.8 else rng.uniform(150, 240)
    layer = np.zeros((size * 4, size * 4), np.uint8)
    centres = [(0.323 * size, y), (0.677 * size, y)]
    for x, cy in centres:
        axes = (int(rx * 4), int(ry * 4))
        cv2.ellipse(layer, (int(x * 4), int(cy * 4)), axes, 0, 0, 360, 255, int(rng.integers(2, 6)))
    left, right = (
        (int((centres[0][0] + rx) * 4), int(y * 4)),
        (
            int((centres[1][0] - rx) * 4),
            int(y * 4),
        ),
    )
    cv2.line(layer, left, right, 255, 3)
    rim = cv2.resize(layer, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    out = out * (1 - rim) + tone * rim
    for x, cy in centres:
        if rng.random() < 0.6:
            sx, sy = x + rng.normal(0, 0.05) * size, cy + rng.normal(0, 0.04) * size
            out = spot(out, sx, sy, rng.uniform(0.5, 2.2) * size / 48)
    return out


def spot(image: Image, x: float, y: float, radius: float) -> Image:
    """Add a saturated round reflection at (x, y) in pixels."""
    gx, gy = np.meshgrid(np.arange(image.shape[1]), np.arange(image.shape[0]))
    light = np.exp(-((((gx - x) ** 2 + (gy - y) ** 2) / (2 * radius**2)) ** 1.5))
    return np.asarray(image * (1 - light) + 255 * light, np.float32)


def cover(image: Image, rng: Rng) -> Image:
    """Put a hand, the wheel or a phone over part of the face."""
    size = image.shape[0]
    out = image.copy()
    level = rng.uniform(0, 230)
    width, height = (rng.uniform(0.15, 0.4, 2) * size).astype(int)
    x, y = rng.integers(-width // 2, size - width // 2), rng.integers(-height // 2, size)
    x0, y0 = max(int(x), 0), max(int(y), 0)
    patch = out[y0 : max(int(y) + height, 0), x0 : max(int(x) + width, 0)]
    patch[:] = level + rng.standard_normal(patch.shape, dtype=np.float32) * rng.uniform(0, 12)
    return out


def invert_iris(image: Image, rng: Rng) -> Image:
    """Bright-pupil effect of a lamp beside the lens: a small light dot in each eye."""
    size = image.shape[0]
    out = image
    radius = rng.uniform(0.4, 0.9) * size / 48
    for x in (0.323, 0.677):
        shift = rng.normal(0, 0.015, 2) * size
        out = spot(out, x * size - 0.5 + shift[0], 0.394 * size - 0.5 + shift[1], radius)
    return out


EFFECTS: dict[str, tuple[float, Callable[[Image, Rng], Image]]] = {
    "skin": (0.35, skin),
    "surround": (0.35, surround),
    "lamp": (0.35, lamp),
    "bright_pupil": (0.1, invert_iris),
    "glasses": (0.12, glasses),
    "cover": (0.1, cover),
    "wash": (0.25, wash),
    "gamma": (0.4, gamma),
    "contrast": (0.25, contrast),
    "coarse": (0.15, coarse),
    "blur": (0.15, blur),
    "noise": (0.35, noise),
    "compress": (0.2, compress),
}  # in the order in which they happen to light on its way to the net


SENSOR = frozenset({"glasses", "cover", "coarse", "blur", "noise", "compress"})


def night(image: Image, rng: Rng) -> Image:
    """Show a face as a lamp beside the lens does: even pale skin, sharp but faint, dark around it.

    Levels and contrasts are those of nir_faces as a whole (five quantiles of gray mean and spread,
    detail, sharpness, surround), which were looked at without labels.
    """
    size = image.shape[0]
    x, y = _grid(size)
    low = cv2.GaussianBlur(image, (0, 0), size * 0.1)
    fine = image - cv2.GaussianBlur(image, (0, 0), size * 0.028)
    middle = image - low - fine
    weight = np.exp(-(((x - 0.5) / 0.3) ** 2) - ((y - 0.55) / 0.38) ** 2)
    weight /= weight.sum()
    spread = np.sqrt(((middle + fine) ** 2 * weight).sum()) + 4
    gain = min(16 * np.exp(rng.normal(0, 0.35)) / spread, 1.6)
    middle *= np.where(middle < 0, rng.uniform(0.75, 1.0), rng.uniform(0.8, 1.0))
    face = rng.normal(167, 12)
    shade = (low - (low * weight).sum()) * rng.uniform(0.25, 0.7) * rng.uniform(0.5, 1.0)
    cx, cy = rng.normal(0.5, 0.15), rng.normal(0.5, 0.1)
    away = np.clip(((x - cx) ** 2 + (y - cy) ** 2) * 4, 0, 1.5)
    out = face + gain * (shade + middle + fine * rng.uniform(1.3, 2.6))
    out *= 1 - rng.uniform(0, 0.35) * away
    distance = np.hypot((x - 0.5) / rng.uniform(0.38, 0.46), (y - 0.55) / rng.uniform(0.5, 0.62))
    outside = rng.uniform(0.5, 1) / (1 + np.exp(-(distance - 1) * rng.uniform(8, 25)))
    dark = face - rng.normal(55, 18) if rng.random() < 0.8 else rng.uniform(0, 60)
    out += (dark - out) * outside
    if rng.random() < 0.75:
        out += (_pupils(out, rng) - out) * rng.uniform(0.5, 1.0)
    return out + rng.standard_normal(out.shape, dtype=np.float32) * rng.uniform(0.5, 2.5)


def _pupils(image: Image, rng: Rng) -> Image:
    """The lamp's reflection in both eyes, at one place of each."""
    size = image.shape[0]
    radius = rng.uniform(0.35, 0.8) * size / 64
    dx, dy = rng.normal(0, 0.012, 2) * size
    for eye_x in (0.323, 0.677):
        x = eye_x * size - 0.5 + dx + rng.normal(0, 0.3)
        image = spot(image, x, 0.394 * size - 0.5 + dy + rng.normal(0, 0.3), radius)
    return image


def cabin(image: Image, rng: Rng) -> Image:
    """:func:`night` with what glasses, hands and the sensor do to it."""
    others = frozenset(EFFECTS) - SENSOR
    return infrared(night(image, rng).astype(np.float32), rng, others)


def infrared(image: Image, rng: Rng, without: frozenset[str] = frozenset()) -> Image:
    """Apply a random choice of :data:`EFFECTS` to a face crop aligned to the default template."""
    for name, (chance, effect) in EFFECTS.items():
        if name not in without and rng.random() < chance:
            image = effect(image, rng).astype(np.float32)
    return image
