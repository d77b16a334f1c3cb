"""Draws eyes as a cabin camera might see them, in visible light or infrared; many at a time."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.drawing.people import CLOSED, LOWERED, ROLLED, SQUINTING, Array, Eyes

SIDE, SPAN = 104, 2.8  # pixels of a picture's side, and eye widths that it shows
EYE_PX = SIDE / SPAN
Rng = np.random.Generator


def grid() -> tuple[Array, Array]:
    """X (1, 1, side) and y (1, side, 1) of the pixels' centres in eye widths."""
    axis = ((np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE - 0.5) * SPAN
    return axis[None, None, :], axis[None, :, None]


def draw_eyes(eyes: Eyes, rng: Rng) -> NDArray[np.uint8]:
    """Pictures (n, 104, 104) of these eyes."""
    n = len(eyes.what)
    parts = [_some(_slice(eyes, at), rng) for at in np.array_split(np.arange(n), n // 128 + 1)]
    return np.concatenate(parts)


def _slice(eyes: Eyes, at: NDArray) -> Eyes:
    return Eyes(**{name: getattr(eyes, name)[at] for name in eyes.__dataclass_fields__})


class _Dice:
    """Random columns (n, 1, 1)."""

    def __init__(self, n: int, rng: Rng) -> None:
        self.n, self.rng = n, rng

    def uniform(self, low: float, high: float) -> Array:
        return self.rng.uniform(low, high, (self.n, 1, 1)).astype(np.float32)

    def chance(self, share: float) -> Array:
        return (self.rng.random((self.n, 1, 1)) < share).astype(np.float32)

    def waves(self, cells: int) -> Array:
        """Smooth noise (n, side, side) of about +-1 with ``cells`` a side."""
        coarse = self.rng.standard_normal((self.n, cells, cells), dtype=np.float32)
        size = (SIDE, SIDE)
        return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_CUBIC) for one in coarse])


def _edge(distance: Array, soft: Array | float) -> Array:
    """1 where ``distance`` is well above 0, 0 well below, over a width of about ``soft``."""
    return 1 / (1 + np.exp(-np.clip(distance / soft * 4, -30, 30)))


def _bump(distance: Array, width: Array | float) -> Array:
    return np.exp(-np.minimum((distance / width) ** 2, 30))


def _column(values: Array) -> Array:
    return np.asarray(values, np.float32)[:, None, None]


def _some(eyes: Eyes, rng: Rng) -> NDArray[np.uint8]:
    dice = _Dice(len(eyes.what), rng)
    x, y = grid()
    infrared = _column(eyes.infrared)
    tilt = dice.uniform(-0.15, 0.15)
    t = 2 * (x - tilt * 0.5 * (1 - (2 * x) ** 2).clip(0, 1))
    arch = np.clip(1 - np.abs(t).clip(0, 1) ** dice.uniform(1.7, 2.6), 0, 1)
    bowl = np.clip(1 - np.abs(2 * x).clip(0, 1) ** dice.uniform(1.8, 3.0), 0, 1)
    upper, lower = _column(eyes.upper) * arch, _column(eyes.lower) * bowl
    upper = np.minimum(upper, lower)
    inside = _edge(0.5 - np.abs(x), 0.06)
    seen = _edge(y - upper, 0.03) * _edge(lower - y, 0.03) * inside
    seen *= np.clip(_column(eyes.gap) / 0.02, 0, 1)
    skin = _skin(eyes, dice, x, y, upper, infrared)
    eye = _eyeball(eyes, dice, x, y, upper, infrared, skin.mean((1, 2), keepdims=True))
    picture = skin * (1 - seen) + eye * seen
    picture = _lashes(eyes, dice, picture, x, y, upper, lower, inside)
    picture = _beyond(dice, _light(dice, picture, x, y), x, y)
    soft = dice.uniform(0.3, 1.4).ravel() * np.where(rng.random(dice.n) < 0.2, 1.8, 1.0)
    for one, sigma in zip(picture, soft, strict=True):
        cv2.GaussianBlur(one, (0, 0), float(sigma), dst=one)
    return np.clip(np.round(picture * 255), 0, 255).astype(np.uint8)


def _skin(eyes: Eyes, dice: _Dice, x: Array, y: Array, upper: Array, infrared: Array) -> Array:
    """Skin with the socket's shade, the lid's fold and bulge, the brow, bags and wrinkles."""
    tone = np.where(infrared > 0, dice.uniform(0.35, 0.85), dice.uniform(0.12, 0.8))
    skin = tone * (1 + 0.05 * dice.waves(4) + 0.02 * dice.waves(14))
    hollow = np.sqrt(
        (x / dice.uniform(0.5, 0.9)) ** 2 + ((y + 0.05) / dice.uniform(0.3, 0.55)) ** 2
    )
    skin *= 1 - dice.uniform(-0.05, 0.5) * _edge(1 - hollow, dice.uniform(0.4, 1.2))
    socket = _bump(x - dice.uniform(0.45, 0.75), 0.3) * _bump(y + dice.uniform(0.0, 0.4), 0.35)
    skin *= 1 - dice.uniform(0.0, 0.5) * socket
    above = _bump(y + dice.uniform(0.25, 0.5), dice.uniform(0.1, 0.25))
    skin *= 1 - dice.uniform(-0.1, 0.35) * above
    # The fold stays near where it is with the gaze ahead; shut lids are smooth between.
    wide = np.abs(x) / dice.uniform(0.5, 0.62)
    fold = (_column(eyes.upper_open) - dice.uniform(0.04, 0.16)) * np.clip(1 - wide**2.2, 0, 1)
    fold = np.minimum(fold + 0.25 * _column(eyes.upper - eyes.upper_open), upper - 0.03)
    depth = dice.uniform(0.05, 0.45) * dice.chance(0.7) * _edge(1 - wide, 0.2)
    skin *= 1 - depth * _bump(y - fold, dice.uniform(0.02, 0.07))
    bulge = _bump(y - (fold + upper) / 2, np.maximum((upper - fold) / 3, 0.02))
    skin *= 1 + dice.uniform(-0.05, 0.3) * bulge * _edge(0.45 - np.abs(x), 0.2)
    # The ball under the lid may shine, more so with powder on it.
    off = (x - dice.uniform(-0.25, 0.25)) ** 2 / 2 + (y - (fold + 2 * upper) / 3) ** 2
    gloss = _bump(np.sqrt(off), dice.uniform(0.03, 0.14)) * _edge(upper - y, 0.04)
    skin *= 1 + dice.uniform(0.1, 1.3) * dice.chance(0.3) * gloss
    brow = dice.uniform(-0.95, -0.55) - dice.uniform(0.0, 0.15) * (1 - (1.4 * x) ** 2)
    hair = 0.7 + 0.3 * dice.waves(40)
    dark = dice.uniform(0.1, 0.85) * dice.chance(0.85) * np.where(infrared > 0, 0.7, 1.0)
    skin *= 1 - dark * hair.clip(0, 1) * _bump(y - brow, dice.uniform(0.05, 0.12)) * _edge(
        0.85 - np.abs(x), 0.3
    )
    bag = _column(eyes.lower) + dice.uniform(0.1, 0.3) - 0.25 * x * x
    skin *= 1 - dice.uniform(0.0, 0.3) * _bump(y - bag, dice.uniform(0.03, 0.09)) * _edge(
        0.6 - np.abs(x), 0.4
    )
    tight = np.isin(eyes.what, (SQUINTING, CLOSED)) * (dice.rng.random(dice.n) < 0.5)
    rays = np.sin((y - 0.1 * x) * dice.uniform(30, 60)) * _edge(-x - 0.45, 0.2)
    return skin * (1 - _column(tight) * dice.uniform(0.0, 0.15) * rays)


def _eyeball(
    eyes: Eyes, dice: _Dice, x: Array, y: Array, upper: Array, infrared: Array, around: Array
) -> Array:
    """The white, iris, pupil (dark, bright or not to be told) and the lamps' spots on them."""
    white = np.where(infrared > 0, dice.uniform(0.4, 0.95), dice.uniform(0.45, 0.95))
    white = white * (0.35 + 0.65 * np.sqrt(np.clip(around, 0.05, 1) / 0.6)).clip(0.3, 1.1)
    ball = white * (1 - dice.uniform(0.1, 0.6) * (1.7 * np.abs(x)).clip(0, 1) ** 2)
    ball = ball * (1 + 0.05 * dice.waves(10))
    ball *= 1 - dice.uniform(0.0, 0.25) * _bump(x - 0.45, 0.06)  # the corner at the nose
    across = _column(np.cos(np.radians(eyes.yaw))) * dice.uniform(0.92, 1.12)
    down = _column(np.cos(np.radians(eyes.pitch)))
    dx, dy = x - _column(eyes.iris_x), y - _column(eyes.iris_y)
    far = np.sqrt((dx / across) ** 2 + (dy / down) ** 2)
    radius = _column(eyes.radius)
    # Brown eyes are dark in visible light and middling in infrared; few eyes are as pale as white.
    tone = np.where(infrared > 0, dice.uniform(0.1, 0.75), dice.uniform(0.06, 0.6) ** 1.3)
    iris = tone * white.clip(0.3, 1) * (1 + 0.12 * dice.waves(30))
    iris = iris * (1 - dice.uniform(0.0, 0.6) * _bump(far - radius, 0.03))
    ball = ball + (iris - ball) * _edge(radius - far, dice.uniform(0.02, 0.06))
    kind = dice.rng.random((dice.n, 1, 1))
    bright = (kind < 0.3) * infrared
    faint = (kind > 0.75) * dice.chance(0.8)
    level = np.where(bright > 0, dice.uniform(0.55, 1.3), dice.uniform(0.0, 0.12))
    pupil = np.where(faint > 0, iris * 0.9, level)
    size = radius * np.where(infrared > 0, dice.uniform(0.3, 0.75), dice.uniform(0.25, 0.55))
    ball = ball + (pupil - ball) * _edge(size - far, dice.uniform(0.015, 0.04))
    shade = _bump(np.maximum(y - upper, 0), dice.uniform(0.04, 0.12))
    ball = ball * (1 - dice.uniform(0.1, 0.6) * shade)
    for chance in (0.75, 0.35, 0.2):  # what the cornea mirrors
        gx, gy = dice.uniform(-0.13, 0.13), dice.uniform(-0.13, 0.13)
        spot = _bump(np.sqrt((dx - gx) ** 2 + (dy - gy) ** 2), dice.uniform(0.015, 0.045))
        ball = ball + (1.2 - ball) * spot * dice.chance(chance) * dice.uniform(0.3, 1.0)
    return ball


def _lashes(
    eyes: Eyes, dice: _Dice, picture: Array, x: Array, y: Array, upper: Array, lower: Array,
    inside: Array,
) -> Array:  # fmt: skip
    """The dark line of the upper lid, its fringe (hanging where lids are down), the lower rim."""
    down = np.isin(eyes.what, (LOWERED, CLOSED, ROLLED))
    shut = _column(down & (eyes.what != LOWERED))
    # Paint: lashes so thick and dark that they look like an iris. All lids may have it.
    painted = dice.chance(0.2) * np.where(shut > 0, 1.0, dice.chance(0.7))
    thick = dice.uniform(0.015, 0.06) * (1 + painted * dice.uniform(0.5, 1.5))
    line = _bump(y - upper + thick * dice.uniform(-0.5, 0.8), thick) * inside
    dark = np.maximum(dice.uniform(0.15, 0.92), painted * dice.uniform(0.7, 0.95))
    picture = picture * (1 - dark * line)
    # Hairs lean outwards and stand in clumps of their own length.
    root = x * (1 + dice.uniform(0.0, 1.2) * (y - upper)) + 0.012 * dice.waves(9)
    hairs = 0.55 + 0.45 * np.sin(root * dice.uniform(45, 130) + 6 * x * x + dice.uniform(0, 6))
    clumps = np.clip(0.8 + 0.5 * dice.waves(12).mean(1, keepdims=True) * 3, 0.25, 1.6)
    way = np.where(_column(down) > 0, dice.uniform(0.2, 1.0), -dice.uniform(0.2, 1.0))
    length = dice.uniform(0.03, 0.14) * np.abs(way) * clumps * (1 + 0.5 * painted)
    along = (y - upper) * np.sign(way)
    fringe = np.exp(-np.clip(along, 0, 2) / length) * _edge(along, 0.03) * inside
    dark = np.maximum(dice.uniform(0.0, 0.6), painted * dice.uniform(0.5, 0.9))
    picture = picture * (1 - dark * hairs * fringe)
    # Shut lids may have a second line: the lower lid's edge below lashes that stand out.
    # Skin shines between both: an outline like an eye's, with no iris in it.
    second = lower + dice.uniform(0.05, 0.2) * np.sqrt(np.clip(1 - (2 * x) ** 2, 0, 1))
    some = shut * dice.chance(0.4)
    between = _edge(y - upper, 0.04) * _edge(second - y, 0.04) * inside * some
    picture = picture * (1 + dice.uniform(-0.1, 0.4) * between)
    line = _bump(y - second, dice.uniform(0.015, 0.04)) * inside * some
    picture = picture * (1 - dice.uniform(0.3, 0.9) * line)
    # A pale pencil, or tears and lamps along the edge: a broken light line, no white of an eye.
    pale = _bump(y - upper - dice.uniform(-0.05, 0.08), dice.uniform(0.01, 0.025)) * inside
    broken = _edge(np.sin(root * dice.uniform(8, 50)) + dice.uniform(-0.6, 0.8), 0.4)
    pale = pale * broken * dice.chance(0.12) * dice.uniform(0.2, 0.9)
    picture = picture + (1 - picture) * pale
    rim = _bump(y - lower, 0.02) * inside * np.where(_column(eyes.gap) > 0.02, 1.0, 0.2)
    return picture * (1 - dice.uniform(-0.15, 0.35) * rim)


def _light(dice: _Dice, picture: Array, x: Array, y: Array) -> Array:
    """Slopes of light, the edge of a shadow, spectacle rims, a veil of glare."""
    picture = picture * (1 + dice.uniform(-0.35, 0.35) * x + dice.uniform(-0.3, 0.3) * y)
    turn = dice.uniform(0, 6.28)
    edge = np.cos(turn) * x + np.sin(turn) * y - dice.uniform(-0.9, 0.9)
    dark = dice.uniform(0.25, 0.8) * dice.chance(0.15)
    picture = picture * (1 - dark * _edge(edge, dice.uniform(0.05, 0.5)))
    power = dice.uniform(2.0, 5.0)
    wide, high = dice.uniform(0.65, 1.1), dice.uniform(0.4, 0.85)
    across = np.abs(x - dice.uniform(-0.15, 0.15)) / wide
    far = (across**power + (np.abs(y - dice.uniform(-0.1, 0.25)) / high) ** power) ** (1 / power)
    rim = _bump(far - 1, dice.uniform(0.03, 0.1)) * dice.chance(0.25)
    picture = picture + (dice.uniform(0.0, 0.6) - picture) * rim
    veil = _bump(np.cos(turn) * x + np.sin(turn) * y - dice.uniform(-0.7, 0.7), 0.35)
    return picture + (1 - picture) * veil * dice.uniform(0.1, 0.6) * dice.chance(0.1)


def _beyond(dice: _Dice, picture: Array, x: Array, y: Array) -> Array:
    """What lies behind the face's edge, or hair and a hand before it, at one side."""
    turn = dice.uniform(-0.6, 0.6) + np.pi * dice.chance(0.5)
    far = np.cos(turn) * x + np.sin(turn) * y - dice.uniform(0.5, 0.9)
    ground = dice.uniform(0.0, 0.95) * (1 + 0.2 * dice.waves(6))
    cover = _edge(far + 0.03 * dice.waves(5), dice.uniform(0.03, 0.15)) * dice.chance(0.15)
    return picture + (ground - picture) * cover
