"""Head pose from landmarks: the turn under which a rigid head shows its points as they are seen.

Only points that keep their place when the face speaks or yawns take part. The head is small beside
its distance, so it is taken to be pictured in parallel along the ray to its middle; where the lens
is calibrated, what is nearer also looks larger. Angles are against the camera's axis; what is
straight ahead for this driver is the baseline's.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.perception.landmarks import Landmarks
from dms.perception.schemes import Scheme
from dms.settings import setting, settings
from dms.values import HeadPose

# Driver's frame (x to the driver's left, y up, z out of the face) seen by a camera that they face.
_FACING = np.diag([1.0, -1.0, -1.0])
_ROUNDS = 4  # of refinement: within 1 deg up to 45 deg of yaw
_STEPS = 20  # of Newton's method at most; a face takes five
_Point = tuple[float, float]
_Vector = tuple[float, float, float]


@settings
class PoseSettings:
    """The camera's geometry. Without a calibration, focal length follows from a typical lens."""

    focal_over_width: float = setting(
        1.0,
        unit="widths",
        gt=0.2,
        le=10,
        source="53 deg of horizontal view, a common cabin lens",
        text="focal length over picture width while intrinsics are unknown",
    )
    intrinsics: tuple[float, ...] | None = setting(
        None,
        unit="px",
        source="dms calibrate intrinsics",
        text="fx, fy, cx, cy at the size given by intrinsics_size; null: the default above",
    )
    intrinsics_size: tuple[int, int] | None = setting(
        None, unit="px", source="the calibrated picture", text="width, height of that calibration"
    )
    distortion: tuple[float, ...] = setting(
        (), source="OpenCV k1 k2 p1 p2 [k3]", text="lens distortion; empty: none"
    )

    def __post_init__(self) -> None:
        if self.intrinsics is not None:
            if len(self.intrinsics) != 4 or self.intrinsics_size is None:
                raise ValueError("intrinsics takes fx, fy, cx, cy, and needs intrinsics_size")
            if min(*self.intrinsics[:2], *self.intrinsics_size) <= 0:
                raise ValueError("fx, fy and intrinsics_size must be greater than 0")
        if len(self.distortion) not in {0, 4, 5, 8}:
            raise ValueError(f"distortion takes 0, 4, 5 or 8 numbers, got {len(self.distortion)}")


class PoseEstimator:
    """Head pose for pictures of one size. All in plain floats: so few that arrays cost more."""

    def __init__(self, settings: PoseSettings, width_px: int, height_px: int) -> None:
        self._camera = camera_matrix(settings, width_px, height_px)
        self._middle: list[float] = self._camera[:2, 2].tolist()
        self._focal: list[float] = self._camera[[0, 1], [0, 1]].tolist()
        self._calibrated = settings.intrinsics is not None
        self._distortion = np.asarray(settings.distortion, np.float64)
        self._models: dict[str, _Head] = {}

    def estimate(self, marks: Landmarks) -> HeadPose | None:
        """Return the pose of ``marks``, or None where no pose explains the points."""
        head = self._models.get(marks.scheme.name)
        if head is None:
            head = self._models[marks.scheme.name] = _Head(marks.scheme, near=self._calibrated)
        image = marks.points.take(head.rows, axis=0).tolist()
        across, down = [x for x, _ in image], [y for _, y in image]
        if not math.isfinite(sum(across) + sum(down)):
            return None
        if min(max(across) - min(across), max(down) - min(down)) < 1.0:
            return None  # the points lie on a line: no pose can be told from them
        rays = self._rays(image)
        middle = _Middle(
            sum([x for x, _ in rays]) / len(rays), sum([y for _, y in rays]) / len(rays)
        )
        try:
            turn = head.turn(middle.seen(rays))
        except ZeroDivisionError:  # on a line that leans
            return None
        return _angles([middle.back(column) for column in zip(*turn, strict=True)])

    def _rays(self, image: list[_Point]) -> list[_Point]:
        """Where the rays of the picture's points cross the plane at depth 1 of the camera."""
        if self._distortion.size:
            points = np.array(image)[:, None]
            straight = cv2.undistortPoints(points, self._camera, self._distortion)[:, 0]
            return [(x, y) for x, y in straight.tolist()]
        (cx, cy), (fx, fy) = self._middle, self._focal
        return [((x - cx) / fx, (y - cy) / fy) for x, y in image]


class _Middle:
    """The shortest rotation that brings the ray of the head's middle onto the camera's axis."""

    def __init__(self, x: float, y: float) -> None:
        length = math.hypot(x, y, 1.0)
        self._x, self._y, self._z = x / length, y / length, 1.0 / length
        self._by = 1.0 / (1.0 + self._z)

    def seen(self, rays: list[_Point]) -> list[_Point]:
        """Where the turned camera sees what lies at these places of the camera's plane."""
        u, v, w, by = self._x, self._y, self._z, self._by
        found = []
        for x, y in rays:
            along = u * x + v * y
            aside, depth = 1.0 + by * along, along + w
            found.append(((x - u * aside) / depth, (y - v * aside) / depth))
        return found

    def back(self, vector: _Vector) -> _Vector:
        """Turn a direction in the turned camera's frame back to the camera's."""
        x, y, z = vector
        along = self._x * x + self._y * y
        aside = self._by * along - z
        return x - self._x * aside, y - self._y * aside, self._z * z - along


class _Head:
    """The rigid points of one scheme; ``near``: what is nearer looks larger."""

    def __init__(self, scheme: Scheme, *, near: bool) -> None:
        self._near = near
        self.rows = list(scheme.pose)
        model = np.array(list(scheme.pose.values()), np.float64) @ _FACING  # as the camera sees it
        model -= model.mean(axis=0)
        scatter = model.T @ model
        self._model: list[_Vector] = model.tolist()
        self._scatter: list[_Vector] = scatter.tolist()
        self._inverse: list[_Vector] = np.linalg.pinv(scatter).tolist()
        self._spread = float(scatter.trace())

    def turn(self, points: list[_Point]) -> tuple[_Vector, _Vector, _Vector]:
        """Return the rows of the model-to-camera rotation under which the model shows as points.

        The affine map of least squares, made a scaled rotation (Tomasi and Kanade 1992); then in
        turn the points as a parallel picture would have them (POSIT, DeMenthon and Davis 1995) and
        the best rotation to them and their depth (Kabsch 1976). Raises ZeroDivisionError where the
        points lie on a line.
        """
        across, down = self._against(points)
        one, two = _times(self._inverse, across), _times(self._inverse, down)
        x, y, z = _cross(one, two)
        area = math.sqrt(x * x + y * y + z * z)
        third = (x / area, y / area, z / area)
        scale = math.sqrt(sum([a * a for a in (*one, *two)]) + 2.0 * area) / 2.0
        depth = third
        for _ in range(_ROUNDS):
            if self._near:
                across, down = self._against(self._nearer(points, scale, third))
            x, y, z = _times(self._scatter, third)
            depth = (scale * x, scale * y, scale * z)
            total, third = nearest_row(across, down, depth)
            scale = total / self._spread
        _, first = nearest_row(down, depth, across)
        return first, _cross(third, first), third

    def _against(self, points: list[_Point]) -> tuple[_Vector, _Vector]:
        """Return the sums of the model's points times x, and times y, of ``points``."""
        a = b = c = d = e = f = 0.0
        for (u, v), (x, y, z) in zip(points, self._model, strict=True):
            a, b, c = a + u * x, b + u * y, c + u * z
            d, e, f = d + v * x, e + v * y, f + v * z
        return (a, b, c), (d, e, f)

    def _nearer(self, points: list[_Point], scale: float, third: _Vector) -> list[_Point]:
        """Return ``points`` as a parallel picture would have them, given the model's depth."""
        x, y, z = third
        larger = [1.0 + scale * (a * x + b * y + c * z) for a, b, c in self._model]
        return [(u * by, v * by) for (u, v), by in zip(points, larger, strict=True)]


def _times(rows: list[_Vector], vector: _Vector) -> _Vector:
    (a, b, c), (d, e, f), (g, h, i) = rows
    x, y, z = vector
    return a * x + b * y + c * z, d * x + e * y + f * z, g * x + h * y + i * z


def _cross(one: _Vector, two: _Vector) -> _Vector:
    (a, b, c), (d, e, f) = one, two
    return b * f - c * e, c * d - a * f, a * e - b * d


def nearest_row(one: _Vector, two: _Vector, three: _Vector) -> tuple[float, _Vector]:
    """Return the third row of the rotation nearest to the matrix of these rows.

    And before it the sum of the matrix's singular values, the least of them negative where it is a
    mirror image. By invariants of the stretch (Hoger and Carlson 1984), as an SVD costs more.
    """
    (a, b, c), (d, e, f), (x, y, z) = one, two, three
    u, v, w = b * f - c * e, c * d - a * f, a * e - b * d
    first, second, third = a * a + b * b + c * c, d * d + e * e + f * f, x * x + y * y + z * z
    along, aside = a * x + b * y + c * z, d * x + e * y + f * z
    volume, square = u * x + v * y + w * z, first + second + third
    areas = u * u + v * v + w * w + (first + second) * third - along * along - aside * aside
    total = _sum_of_stretches(square, areas, volume)
    pairs = (total * total - square) / 2.0
    unlike, own = total * pairs - volume, pairs + square - third
    return total, (
        (own * x + total * u - along * a - aside * d) / unlike,
        (own * y + total * v - along * b - aside * e) / unlike,
        (own * z + total * w - along * c - aside * f) / unlike,
    )


def _sum_of_stretches(square: float, areas: float, volume: float) -> float:
    """Return the sum of three numbers by their squares' sum, their pairs' squares', and product.

    Newton's method from above on the largest root; it comes down without passing it.
    """
    total = math.sqrt(square + 2.0 * math.sqrt(3.0 * max(areas, 0.0)))
    for _ in range(_STEPS):
        twice_pairs = total * total - square
        over = twice_pairs * twice_pairs - 4.0 * areas - 8.0 * volume * total
        step = over / (4.0 * total * twice_pairs - 8.0 * volume)
        total -= step
        if step < 1e-9 * total:  # the next one would be its square
            break
    return total


def camera_matrix(settings: PoseSettings, width_px: int, height_px: int) -> NDArray[np.float64]:
    """Return the 3x3 camera matrix at this picture size, scaled from the calibrated size."""
    if settings.intrinsics is None:
        focal = settings.focal_over_width * width_px
        return np.array([[focal, 0, width_px / 2], [0, focal, height_px / 2], [0, 0, 1]])
    fx, fy, cx, cy = settings.intrinsics
    calibrated_width, calibrated_height = settings.intrinsics_size or (width_px, height_px)
    sx, sy = width_px / calibrated_width, height_px / calibrated_height
    return np.array([[fx * sx, 0, cx * sx], [0, fy * sy, cy * sy], [0, 0, 1]])


def _angles(columns: list[_Vector]) -> HeadPose:
    """Return yaw (left +), pitch (up +) and roll (right +) of a model-to-camera rotation."""
    (_, a, _), (_, b, _), (x, y, z) = columns
    yaw, pitch = math.atan2(-x, z), math.asin(max(-1.0, min(1.0, y)))
    return HeadPose(math.degrees(yaw), math.degrees(pitch), math.degrees(math.atan2(-a, b)))
