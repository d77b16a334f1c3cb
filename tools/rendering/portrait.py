"""A puppet made of one photograph: lids, mouth, head and lean can be set, a gray picture comes out.

The photograph is NASA's public-domain portrait of Eileen Collins that scikit-image ships. All
places are pixels of that photograph (512 x 512), read off it by eye; nothing here detects a face.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]
Picture = NDArray[np.uint8]
Curve = tuple[tuple[float, float], ...]

SHA256 = "a8c429c18afa7b0fd5673e598d73a21225d94c864a71bbb3885126fdecb41071"
WIDTH, HEIGHT = 640, 480  # of the film
SCALE = 2.0  # film pixels per photograph pixel: the face box is 180 pixels wide
SEEN = (60, 0, 400, 330)  # left, top, right, bottom of the part of the photograph that is used
CENTRE = (224.0, 106.0)  # between the eyes and the nose: turns and leans go about it
PLACE = (320.0, 222.0)  # where CENTRE stands in the film
TILT_DEG = 4.0  # the head's own roll in the photograph, taken out
YAWS = np.arange(-50.0, 50.1, 2.0)  # the turns whose warps are computed once
TURNING = (134, 4, 316, 214)  # the part of the photograph that turns: head and neck

# (top of the upper lashes, lower lid's rim, height above which the skin stays).
EYES: tuple[tuple[Curve, Curve, float], ...] = (
    (
        ((190, 100.8), (194, 97.8), (200, 95.9), (205, 96.1), (210, 98.0), (216, 103.2)),
        ((190, 101.2), (195, 103.0), (200, 104.6), (205, 105.0), (210, 104.6), (216, 103.4)),
        92.0,
    ),
    (
        ((233, 104.2), (239, 99.6), (245, 97.8), (250, 98.2), (255, 99.8), (261, 104.6)),
        ((233, 104.4), (240, 106.0), (245, 107.0), (250, 107.2), (255, 106.4), (261, 104.8)),
        94.5,
    ),
)
LASHES = 2.4  # photograph pixels, their height in the middle of the lid
UPPER_LIP: Curve = (  # its lower edge
    (203, 140.2), (210, 142.2), (217, 143.5), (224, 144.1), (231, 143.7), (238, 142.4), (245, 140.4)
)  # fmt: skip
LOWER_LIP: Curve = (  # its upper edge
    (203, 140.6), (207, 144.8), (211, 147.8), (217, 149.7), (224, 150.2), (231, 149.4),
    (236, 146.8), (245, 141.0),
)  # fmt: skip
RELIEF, AXIS = 1.9, 130.0  # stretch of the block's depth; depth of the axis that heads turn about
CHIN_Y, NECK_Y, MOUTH_X = 179.0, 212.0, 225.0
# The smile's folds, from the wings of the nose to beside the mouth: centre and half axes.
FOLDS = ((198.5, 136.0, 8.0, 12.0), (250.0, 137.0, 8.0, 13.0))
SAG = 6.0  # photograph pixels by which the smile's corners are pulled down
JAW_DROP = 18.0  # photograph pixels at a full yawn


@dataclass(frozen=True, slots=True)
class Puppet:
    """How the puppet stands in one frame."""

    lid: float = 0.0  # 0 open .. 1 closed
    mouth: float = 0.0  # 0 closed .. 1 a full yawn
    yaw_deg: float = 0.0  # against the camera's axis, to the driver's left +
    pitch_deg: float = 0.0  # up +
    roll_deg: float = 0.0  # to the driver's right +
    right_px: float = 0.0  # shift of the whole person in the film
    down_px: float = 0.0


class Portrait:
    """The photograph, cut out, relit and ready to be moved. Picture after picture, no state."""

    def __init__(self) -> None:
        photograph = _photograph()
        left, top, right, bottom = SEEN
        infrared = photograph[..., 0] * np.float32(0.75) + photograph[..., 1] * np.float32(0.25)
        size = (int((right - left) * SCALE), int((bottom - top) * SCALE))
        crop = np.s_[top:bottom, left:right]
        skin = cv2.resize(infrared[crop], size, interpolation=cv2.INTER_LANCZOS4)
        self._skin: Picture = np.clip(skin, 0, 255).astype(np.uint8)
        alpha = cv2.resize(_cut_out(photograph)[crop], size, interpolation=cv2.INTER_LINEAR)
        columns = (np.arange(size[0], dtype=np.float32) + 0.5) / SCALE - 0.5 + left
        rows = (np.arange(size[1], dtype=np.float32) + 0.5) / SCALE - 0.5 + top
        self._x, self._y = np.meshgrid(columns, rows)
        # The suit lies further from the lamp than the face.
        distance = 1.0 - 0.45 * _smooth(185.0, 300.0, self._y)
        self._skin = (self._skin * distance).astype(np.uint8)
        self._soften_folds()
        self._alpha: Picture = alpha
        self._window = _window(*TURNING)
        self._depth = _depth(self._x[self._window], self._y[self._window])
        self._turns = _turns(self._x[self._window], self._y[self._window], self._depth)
        self._shades = _shades(self._depth)
        self._cabin = _cabin()
        self._resting = self._skin.copy()
        self._move_mouth(self._resting, 0.0)

    def picture(self, puppet: Puppet) -> Map:
        """Return the film's frame (480, 640) float32 gray 0..255, without the sensor's noise."""
        texture = self._resting.copy()
        if puppet.mouth > 0.0:
            texture = self._skin.copy()
            self._move_mouth(texture, puppet.mouth)
        if puppet.lid > 0.0:
            self._move_lids(texture, puppet.lid)
        alpha = self._alpha.copy()
        # Who looks ahead beside the camera shows it their side; the film's lens is WIDTH px long.
        aside_deg = math.degrees(math.atan2(puppet.right_px, WIDTH))
        self._turn(texture, alpha, puppet.yaw_deg + aside_deg, puppet.pitch_deg)
        placing = _placing(puppet)
        person = cv2.warpAffine(texture, placing, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        # Shoulders go on below the photograph's used part; nothing does beside or above it.
        edge = cv2.BORDER_CONSTANT
        weight = cv2.warpAffine(alpha, placing, (WIDTH, HEIGHT), borderMode=edge, borderValue=0)
        share = weight * np.float32(1 / 255)
        return np.asarray(self._cabin + (person - self._cabin) * share, np.float32)

    def _sample(self, texture: Picture, x: Map, y: Map) -> Picture:
        """Read a texture at places of the photograph."""
        u = (x - SEEN[0] + np.float32(0.5)) * np.float32(SCALE) - np.float32(0.5)
        v = (y - SEEN[1] + np.float32(0.5)) * np.float32(SCALE) - np.float32(0.5)
        return np.asarray(cv2.remap(texture, u, v, cv2.INTER_LINEAR), np.uint8)

    def _soften_folds(self) -> None:
        """Smooth the smile's folds beside nose and mouth, so that the resting face is calm."""
        for x, y, wide, high in FOLDS:
            near = ((self._x - x) / wide) ** 2 + ((self._y - y) / high) ** 2
            share = 0.9 * np.exp(-(near**2))
            smooth = cv2.GaussianBlur(self._skin, (0, 0), 5.0 * SCALE)
            self._skin = (self._skin + (smooth.astype(np.float32) - self._skin) * share).astype(
                np.uint8
            )

    def _move_lids(self, texture: Picture, lid: float) -> None:
        for upper_rim, lower_rim, crease in EYES:
            window = _window(upper_rim[0][0] - 1, crease - 1, upper_rim[-1][0] + 1, 111)
            x, y = self._x[window], self._y[window]
            rim, lower = _curve(upper_rim, x[0]), _curve(lower_rim, x[0])
            open_ = np.maximum(lower - rim, 0.0)
            lashes = np.minimum(np.float32(LASHES), open_)
            moved = rim + lid * np.maximum(open_ - lashes + 1.0, 0.0)
            top = np.minimum(np.float32(crease), rim - 2.0)
            skin = top + (y - top) * (rim - top) / (moved - top)
            lash = rim + (y - moved)  # the lashes keep their height
            read = np.where(y < moved, np.where(y > top, skin, y), lash)
            read = np.where(y < moved + lashes, read, y).astype(np.float32)
            texture[window] = self._sample(texture, x, read)

    def _move_mouth(self, texture: Picture, mouth: float) -> None:
        """Close the smile (0) or let the jaw drop (up to 1), the gap filled with a dark cavity."""
        window = _window(166, 126, 284, NECK_Y + 4)
        x, y = self._x[window], self._y[window]
        side = 1.0 - _smooth(14.0, 54.0, np.abs(x[0] - MOUTH_X))
        # Corners come inward as the jaw drops.
        inward = 1.0 + (0.1 + 0.22 * mouth) * np.exp(-(((y - 152.0) / 15.0) ** 2)) * side
        across = (MOUTH_X + (x - MOUTH_X) * inward).astype(np.float32)
        columns = across[int((150 - 126) * SCALE)]
        y = y - _sag(x, y)  # no smile: everything below is in the sagged picture
        upper, lower = _curve(UPPER_LIP, columns), _curve(LOWER_LIP, columns)
        gap = np.maximum(lower - upper, 0.0)
        closing = gap * (1.0 - min(1.0, mouth * 5.0))
        opening = np.sqrt(np.clip(1.0 - ((columns - 224.0) / 21.5) ** 2, 0.0, 1.0))
        lip = lower - closing + JAW_DROP * mouth * opening  # the lower lip's upper edge now
        chin = CHIN_Y + 0.9 * JAW_DROP * mouth * side
        to_chin = lower + (y - lip) * (CHIN_Y - lower) / (chin - lip)
        to_neck = CHIN_Y + (y - chin) * (NECK_Y - CHIN_Y) / (NECK_Y - chin)
        read = np.where(y < lip, np.minimum(y, lower), np.where(y < chin, to_chin, to_neck))
        read = np.where(y < NECK_Y, read, y).astype(np.float32)
        changed = self._sample(texture, across, read).astype(np.float32)
        # The lower lip, pale in the photograph, gets an edge that shows when the jaw has dropped.
        under = np.exp(-(((y - lip - 1.0) / 2.2) ** 2)) * opening
        changed *= 1.0 - np.float32(0.35 * min(1.0, 2.0 * mouth)) * under
        # The cavity: below the upper teeth, above the lower lip; the tongue is a little brighter.
        teeth = upper + (0.7 - 0.6 * min(1.0, 2.0 * mouth)) * gap  # lips cover them in a yawn
        inside = _smooth(-0.4, 0.8, y - teeth) * _smooth(-0.4, 0.8, lip - y)
        inside = inside * np.clip((lip - teeth - 1.0) / 4.0, 0.0, 1.0)
        tongue = 30.0 + 26.0 * _smooth(0.45, 1.0, (y - teeth) / np.maximum(lip - teeth, 1.0))
        texture[window] = (changed + (tongue - changed) * inside).astype(np.uint8)

    def _turn(self, texture: Picture, alpha: Picture, yaw: float, pitch: float) -> None:
        """Turn the head in place: each pixel reads where the turned surface shows there."""
        place = float(np.clip((yaw - YAWS[0]) / (YAWS[1] - YAWS[0]), 0, len(YAWS) - 1.001))
        low, part = int(place), np.float32(place % 1.0)
        read_x = self._turns[low] * (1 - part) + self._turns[low + 1] * part
        shade = self._shades[low] * (1 - part) + self._shades[low + 1] * part
        x, y = self._x[self._window], self._y[self._window]
        u, v = (read_x - x[0, 0]) * np.float32(SCALE), (y - y[0, 0]) * np.float32(SCALE)
        depth = cv2.remap(self._depth, u, v, cv2.INTER_LINEAR)
        read_y = y + depth * np.float32(math.sin(math.radians(pitch)))
        texture[self._window] = np.clip(texture[self._window] * shade, 0, 255).astype(np.uint8)
        texture[self._window] = self._sample(texture, read_x, read_y)
        alpha[self._window] = self._sample(alpha, read_x, read_y)


def _photograph() -> Picture:
    from skimage.data import astronaut  # noqa: PLC0415  # the extra "demo"

    picture: Picture = np.ascontiguousarray(astronaut())
    if hashlib.sha256(picture.tobytes()).hexdigest() != SHA256:
        raise SystemExit("scikit-image's astronaut is not the picture this tool was made for")
    return picture


def _window(left: float, top: float, right: float, bottom: float) -> tuple[slice, slice]:
    """Slices of the texture for a part of the photograph."""
    x0, y0 = SEEN[:2]
    rows = slice(round((top - y0) * SCALE), round((bottom - y0) * SCALE))
    return rows, slice(round((left - x0) * SCALE), round((right - x0) * SCALE))


def _curve(points: Curve, x: Map) -> Map:
    at = np.asarray(points, np.float32)
    y = np.interp(x, at[:, 0], at[:, 1]).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(y.reshape(1, -1), (0, 0), 3.0), np.float32).reshape(-1)


def _sag(x: Map, y: Map) -> Map:
    """How far the picture is pulled down around the corners of the mouth."""
    beside = np.exp(-(((x - 202.0) / 11.0) ** 2)) + np.exp(-(((x - 246.0) / 11.0) ** 2))
    return np.asarray(SAG * beside * np.exp(-(((y - 145.0) / 11.0) ** 2)), np.float32)


def _smooth(low: float, high: float, x: Map) -> Map:
    """0 below ``low``, 1 above ``high``, smooth between."""
    part = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(part * part * (3.0 - 2.0 * part), np.float32)


def _cut_out(photograph: Picture) -> Picture:
    """Return the person's alpha (512, 512) uint8, found by GrabCut from a rough outline."""
    mask = np.full(photograph.shape[:2], cv2.GC_BGD, np.uint8)
    outline = [(148, 105), (152, 40), (190, 8), (250, 8), (304, 40), (308, 105), (296, 128),
               (280, 150), (268, 172), (310, 215), (316, 240), (360, 262), (372, 330), (372, 511),
               (10, 511), (16, 330), (50, 250), (104, 215), (112, 180), (150, 145), (178, 150),
               (172, 130)]  # fmt: skip
    cv2.fillPoly(mask, [np.asarray(outline, np.int32)], cv2.GC_PR_FGD)
    cv2.ellipse(mask, (228, 75), (58, 45), 0, 0, 360, cv2.GC_FGD, -1)
    cv2.ellipse(mask, (224, 120), (42, 58), 0, 0, 360, cv2.GC_FGD, -1)
    cv2.fillPoly(mask, [np.asarray([(60, 330), (120, 200), (300, 230), (340, 330)])], cv2.GC_FGD)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)
    cv2.grabCut(photograph[..., ::-1].copy(), mask, None, *models, 4, cv2.GC_INIT_WITH_MASK)
    person = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8) * 255
    person = cv2.morphologyEx(person, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    person = cv2.erode(person, np.ones((3, 3), np.uint8), iterations=2)  # no bright fringe
    return np.asarray(cv2.GaussianBlur(person, (0, 0), 1.2), np.uint8)


def _depth(x: Map, y: Map) -> Map:
    """Height of the head over its turning axis in photograph pixels: a rounded block with a nose.

    Made to agree with real heads (dms.perception.schemes): the nose's tip lies about half
    the distance of the eyes' outer corners before them, so that a turn of n degrees reads as n
    degrees.
    """
    above = np.sqrt(np.clip(1.0 - (np.clip(104.0 - y, 0.0, None) / 92.0) ** 2, 0.0, 1.0))
    width = 72.0 - 20.0 * _smooth(105.0, 178.0, y)
    round_ = np.sqrt(np.clip(1.0 - ((x - 226.0) / width) ** 2, 0.0, 1.0))
    nose = 11.0 * np.exp(-(((x - 224.5) / 9.0) ** 2) - ((y - 127.0) / 15.0) ** 2)
    chin = 4.0 * np.exp(-(((x - 222.0) / 16.0) ** 2) - ((y - 176.0) / 14.0) ** 2)
    neck = 1.0 - _smooth(181.0, 210.0, y)
    depth = (74.0 * above * round_ + nose + chin) * neck
    relief = cv2.GaussianBlur(depth.astype(np.float32), (0, 0), 2.0) * np.float32(RELIEF)
    return np.asarray(relief - np.float32(AXIS) * neck.astype(np.float32), np.float32)


def _turns(x: Map, y: Map, depth: Map) -> Map:
    """(len(YAWS), H, W): the photograph's x that shows at each place when the head has turned."""
    neck = 1.0 - _smooth(178.0, 212.0, y)
    column = x[0].astype(np.float64)
    tables = np.empty((len(YAWS), *x.shape), np.float32)
    for table, yaw in zip(tables, np.radians(YAWS), strict=True):
        angle = yaw * neck
        moved = CENTRE[0] + (x - CENTRE[0]) * np.cos(angle) + depth * np.sin(angle)
        # What lies behind the silhouette is hidden: keep the front's monotone part.
        if yaw >= 0:
            moved = np.maximum.accumulate(moved, axis=1)
        else:
            moved = np.minimum.accumulate(moved[:, ::-1], axis=1)[:, ::-1]
        for row, place in zip(table, moved, strict=True):
            row[:] = np.interp(column, place, column)
    return tables


def _shades(depth: Map) -> Map:
    """(len(YAWS), H, W): how a lamp beside the lens lights the turned surface, 1 when frontal."""
    smooth = cv2.GaussianBlur(depth, (0, 0), 6.0) / np.float32(RELIEF)  # the lamp is soft
    slope_x = np.gradient(smooth, axis=1) * SCALE
    slope_y = np.gradient(smooth, axis=0) * SCALE
    length = np.sqrt(1.0 + slope_x**2 + slope_y**2)
    shades = np.empty((len(YAWS), *depth.shape), np.float32)
    for shade, yaw in zip(shades, np.radians(YAWS), strict=True):
        facing = (np.cos(yaw) + slope_x * np.sin(yaw)) / length  # towards the lens
        shade[:] = 0.62 + 0.38 * np.clip(facing, 0.0, 1.0)
    return shades


def _placing(puppet: Puppet) -> NDArray[np.float64]:
    """2 x 3: texture to film."""
    roll = TILT_DEG + puppet.roll_deg
    centre = ((CENTRE[0] - SEEN[0]) * SCALE, (CENTRE[1] - SEEN[1]) * SCALE)
    placing = cv2.getRotationMatrix2D(centre, roll, 1.0)
    placing[0, 2] += PLACE[0] + puppet.right_px - centre[0]
    placing[1, 2] += PLACE[1] + puppet.down_px - centre[1]
    return np.asarray(placing)


def _cabin() -> Map:
    """Return the dark surround (480, 640), out of focus: roof, headrest, seat back, windows."""
    cabin = np.full((HEIGHT, WIDTH), 9.0, np.float32)
    cv2.rectangle(cabin, (0, 0), (WIDTH, 70), 15.0, -1)
    cv2.fillPoly(cabin, [np.asarray([(0, 90), (95, 80), (70, 330), (0, 350)])], 22.0)
    cv2.fillPoly(cabin, [np.asarray([(560, 75), (640, 85), (640, 300), (585, 290)])], 19.0)
    cv2.rectangle(cabin, (150, 300), (500, HEIGHT), 20.0, -1)
    cv2.ellipse(cabin, (322, 190), (150, 130), 0, 0, 360, 27.0, -1)
    cabin = cv2.GaussianBlur(cabin, (0, 0), 9.0)
    return np.asarray(cabin, np.float32)
