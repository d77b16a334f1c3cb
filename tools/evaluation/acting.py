"""Lets a still act: small moves of head and light, noise, a mouth that talks or sings, squinting.

What is made is no film of a person: identity and pictures are real, the movement is drawn. Only the
four anchors of a face are used, so any landmark model can frame it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.engine.preprocess.crop import fit_similarity
from dms.perception.face import FaceSettings, FaceTracker
from dms.perception.landmarks import Predictor
from dms.values import Frame

SIDE = 360  # pixels of the square picture
EYES = np.array([(150.0, 150.0), (210.0, 150.0)])  # where the eyes' centres stand in it
MOUTH_DOWN = 65.0  # the mouth's corners below them, for framing only
LOOKS = 3  # a still counts as this many frames, so that a weak face is confirmed as in a video
SEARCH_WIDTH = 600  # pixels; larger stills are searched in every nth pixel, for speed
NOISE = 3.0  # gray, standard deviation
Picture = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Move:
    """What the face does now, each 0..1. ``flash``: share of the scene's other still."""

    mouth: float = 0.0
    squint: float = 0.0
    sun: float = 0.0
    blink: float = 0.0
    flash: float = 0.0


STILL = Move()


@dataclass(frozen=True, slots=True)
class Scene:
    """One stretch: the stills shown one after the other, each for an equal share, and the move."""

    name: str
    seconds: float
    stills: Sequence[Picture]
    move: Callable[[float], Move] = lambda _: STILL
    other: Picture | None = None


def framed(path: Path, predictor: Predictor) -> Picture | None:
    """The face of a still in a (SIDE, SIDE) picture, None where the product finds none."""
    gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if gray is None:
        return None
    tracker = FaceTracker(predictor, FaceSettings())
    factor = max(1, gray.shape[1] // SEARCH_WIDTH)
    small = np.ascontiguousarray(gray[::factor, ::factor])
    face = None
    for look in range(LOOKS):
        face = face or tracker.find(Frame(small, look * 0.2, look))
    if face is None:
        return None
    anchors = face.marks.anchors * factor
    down = np.array([(10.0, MOUTH_DOWN), (-10.0, MOUTH_DOWN)])
    matrix = fit_similarity(anchors, np.concatenate([EYES, EYES + down])).matrix
    made = cv2.warpAffine(gray, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA)
    return made.astype(np.float32)


class Actor:
    """Makes frames of scenes; the same seed gives the same film."""

    def __init__(self, seed: int, fps: float) -> None:
        self._random = np.random.default_rng(seed)
        self._fps = fps
        self._drift = np.zeros(5)  # x, y, turn, zoom, light, each in its own standard deviations
        axis = np.arange(SIDE, dtype=np.float32)
        self._x, self._y = np.meshgrid(axis, axis)
        shape = (8, SIDE, SIDE)
        self._noise = NOISE * self._random.standard_normal(shape, dtype=np.float32)
        self._number = 0

    def play(self, scenes: Sequence[Scene]) -> Iterator[tuple[Scene, Frame]]:
        """Yield every frame with its scene."""
        for scene in scenes:
            count = round(scene.seconds * self._fps)
            for at in range(count):
                still = scene.stills[at * len(scene.stills) // count]
                gray = self._draw(still, scene.move(at / self._fps), scene.other)
                yield scene, Frame(gray, self._number / self._fps, self._number)
                self._number += 1

    def _draw(self, still: Picture, move: Move, other: Picture | None) -> NDArray[np.uint8]:
        keep = np.exp(-1.0 / (self._fps * 1.5))  # the drift forgets within 1.5 s
        self._drift = keep * self._drift + np.sqrt(1 - keep**2) * self._random.standard_normal(5)
        if move.flash and other is not None:
            still = still + np.float32(move.flash) * (other - still)
        x, y, gap = self._where(move)
        picture = cv2.remap(still, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
        if gap is not None:
            picture *= np.where(gap, np.float32(0.4), np.float32(1.0))
        light = np.float32(1.0 + 0.04 * self._drift[4])
        if move.sun:
            light = light + np.float32(move.sun) * (0.3 + 0.7 * self._x / SIDE)
        noise = self._noise[self._random.integers(len(self._noise))]
        roll = tuple(self._random.integers(0, SIDE, 2).tolist())
        made = picture * light + np.roll(noise, roll, (0, 1))
        return np.ascontiguousarray(np.clip(made, 0, 255).astype(np.uint8))

    def _where(self, move: Move) -> tuple[Picture, Picture, NDArray[np.bool_] | None]:
        """From where each pixel comes: the head's drift, the face's move; the mouth's dark gap."""
        x_px, y_px, turn, zoom, _ = self._drift
        angle, scale = np.deg2rad(1.2 * turn), 1 + 0.01 * zoom
        a, b = np.float32(np.cos(angle) / scale), np.float32(np.sin(angle) / scale)
        middle = np.float32(SIDE / 2)
        dx, dy = self._x - middle, self._y - middle
        x = a * dx - b * dy + middle + np.float32(2.0 * x_px)
        y = b * dx + a * dy + middle + np.float32(2.0 * y_px)
        between = float(EYES[1, 0] - EYES[0, 0])
        gap = None
        if move.mouth:
            y, gap = _opened(x, y, move.mouth * 0.4 * between, between)
        lids = max(0.45 * move.squint, 0.85 * move.blink)
        if lids:
            y = _lidded(x, y, lids, move.squint * 0.07 * between, between)
        return x.astype(np.float32), y.astype(np.float32), gap


def _opened(
    x: Picture, y: Picture, gap_px: float, between: float
) -> tuple[Picture, NDArray[np.bool_]]:
    """Let the lower face hang by ``gap_px``; the line between the lips widens to a dark gap."""
    centre, line = float(EYES[:, 0].mean()), float(EYES[0, 1]) + MOUTH_DOWN
    near = np.exp(-(((x - centre) / (0.5 * between)) ** 2))
    lips = np.exp(-(((x - centre) / (0.3 * between)) ** 4))
    far = np.exp(-((np.maximum(y - line, 0) / (1.4 * between)) ** 2))
    below = np.maximum(y - line, 0)
    gap = (y > line) & (below < gap_px * lips * near)
    return np.where(y > line, line + np.maximum(below - gap_px * near * far, 0), y), gap


def _lidded(x: Picture, y: Picture, shut: float, frown_px: float, between: float) -> Picture:
    """Bring the lids together by ``shut`` and the brows down by ``frown_px``."""
    for eye_x, eye_y in EYES:
        near = np.exp(-(((x - eye_x) / (0.33 * between)) ** 2))
        lid = near * np.exp(-(((y - eye_y) / (0.2 * between)) ** 2))
        brow = near * np.exp(-(((y - eye_y + 0.35 * between) / (0.22 * between)) ** 2))
        y = eye_y + (y - eye_y) / (1 - shut * lid) - frown_px * brow
    return y


def talking(t_s: float) -> Move:
    """Syllables, 4 a second, in phrases of two seconds."""
    phrase = max(np.sin(np.pi * t_s / 2.5), 0.0) ** 0.5
    return Move(mouth=float(0.45 * phrase * np.sin(4 * np.pi * t_s) ** 2), blink=blinking(t_s))


def singing(t_s: float) -> Move:
    """Long vowels with a wide mouth."""
    wide = 0.55 + 0.45 * np.sin(2 * np.pi * 0.35 * t_s)
    return Move(mouth=float(wide * (0.8 + 0.2 * np.sin(12 * np.pi * t_s))), blink=blinking(t_s))


def squinting(t_s: float) -> Move:
    """Narrowed eyes and lowered brows in glaring light from one side."""
    return Move(squint=1.0, sun=0.6 + 0.2 * float(np.sin(0.8 * t_s)), blink=blinking(t_s))


def resting(t_s: float) -> Move:
    """Nothing but blinks."""
    return Move(blink=blinking(t_s))


def blinking(t_s: float) -> float:
    """Lids of a blink of 150 ms every 3.7 s."""
    return float(t_s % 3.7 < 0.15)
