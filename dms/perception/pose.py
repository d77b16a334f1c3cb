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
_MIRROR = np.array([1.0, 1.0, -1.0])
_ROUNDS = 4  # of refinement: within 1 deg up to 45 deg of yaw


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
    """Head pose for pictures of one size."""

    def __init__(self, settings: PoseSettings, width_px: int, height_px: int) -> None:
        self._camera = camera_matrix(settings, width_px, height_px)
        self._middle, self._focal = self._camera[:2, 2], self._camera[[0, 1], [0, 1]]
        self._calibrated = settings.intrinsics is not None
        self._distortion = np.asarray(settings.distortion, np.float64)
        self._models: dict[str, _Head] = {}

    def estimate(self, marks: Landmarks) -> HeadPose | None:
        """Return the pose of ``marks``, or None where no pose explains the points."""
        head = self._models.get(marks.scheme.name)
        if head is None:
            head = self._models[marks.scheme.name] = _Head(marks.scheme, near=self._calibrated)
        image = marks.points.take(head.rows, axis=0).astype(np.float64)
        across, down = (image.max(axis=0) - image.min(axis=0)).tolist()
        if not math.isfinite(across + down) or min(across, down) < 1.0:
            return None  # the points lie on a line: no pose can be told from them
        rays = self._rays(image)
        to_middle = _turn_to(rays.mean(axis=0))
        seen = rays @ to_middle.T
        return angles(to_middle.T @ head.turn(seen[:, :2] / seen[:, 2:]))

    def _rays(self, image: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 3) directions of points in the camera's frame, at depth 1."""
        rays = np.ones((len(image), 3))
        if self._distortion.size:
            flat = cv2.undistortPoints(image[:, None], self._camera, self._distortion)[:, 0]
        else:
            flat = (image - self._middle) / self._focal
        rays[:, :2] = flat
        return rays


class _Head:
    """The rigid points of one scheme; ``near``: what is nearer looks larger."""

    def __init__(self, scheme: Scheme, *, near: bool) -> None:
        self._near = near
        self.rows = list(scheme.pose)
        model = np.array(list(scheme.pose.values()), np.float64) @ _FACING  # as the camera sees it
        self._model = model - model.mean(axis=0)
        self._inverse = np.linalg.pinv(self._model)  # (3, n)
        self._scatter = self._model.T @ self._model
        self._spread = float((self._model**2).sum())

    def turn(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (3, 3) model-to-camera rotation under which the model shows as (n, 2) points.

        The affine map of least squares, made a scaled rotation (Tomasi and Kanade 1992); then in
        turn the points as a parallel picture would have them (POSIT, DeMenthon and Davis 1995) and
        the best rotation to them and their depth (Kabsch 1976).
        """
        flat = points - points.mean(axis=0)
        size, left, right = cv2.SVDecomp((self._inverse @ flat).T)
        rows = left @ right
        (a, b, c), (d, e, f) = rows.tolist()
        third = (b * f - c * e, c * d - a * f, a * e - b * d)
        rotation: NDArray[np.float64] = np.array([(a, b, c), (d, e, f), third])
        scale = float(size[0, 0] + size[1, 0]) / 2
        seen = np.empty((3, 3))
        seen[:2] = flat.T @ self._model
        for _ in range(_ROUNDS):
            if self._near:
                flat = points * (1.0 + scale * (self._model @ rotation[2])[:, None])
                seen[:2] = (flat - flat.mean(axis=0)).T @ self._model
            seen[2] = scale * (rotation[2] @ self._scatter)
            size, left, right = cv2.SVDecomp(seen)
            rotation = np.asarray(left @ right, np.float64)
            one, two, least = size.ravel().tolist()
            if cv2.determinant(rotation) < 0:  # a mirror image
                rotation, least = (left * _MIRROR) @ right, -least
            scale = (one + two + least) / self._spread
        return np.asarray(rotation @ _FACING)


def _turn_to(ray: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shortest (3, 3) rotation that brings ``ray`` onto the camera's axis."""
    x, y, z = ray.tolist()
    length = math.hypot(x, y, z)
    x, y, z = x / length, y / length, z / length
    k = 1.0 / (1.0 + z)
    return np.array([[1 - k * x * x, -k * x * y, -x], [-k * x * y, 1 - k * y * y, -y], [x, y, z]])


def camera_matrix(settings: PoseSettings, width_px: int, height_px: int) -> NDArray[np.float64]:
    """Return the 3x3 camera matrix at this picture size, scaled from the calibrated size."""
    if settings.intrinsics is None:
        focal = settings.focal_over_width * width_px
        return np.array([[focal, 0, width_px / 2], [0, focal, height_px / 2], [0, 0, 1]])
    fx, fy, cx, cy = settings.intrinsics
    calibrated_width, calibrated_height = settings.intrinsics_size or (width_px, height_px)
    sx, sy = width_px / calibrated_width, height_px / calibrated_height
    return np.array([[fx * sx, 0, cx * sx], [0, fy * sy, cy * sy], [0, 0, 1]])


def angles(rotation: NDArray[np.float64]) -> HeadPose:
    """Return yaw (left +), pitch (up +) and roll (right +) of a 3x3 model-to-camera rotation."""
    (_, _, x), (a, b, y), (_, _, z) = (_FACING @ rotation).tolist()
    yaw = math.atan2(x, z)
    pitch = math.asin(max(-1.0, min(1.0, y)))
    roll = math.atan2(a, b)
    return HeadPose(math.degrees(yaw), math.degrees(pitch), math.degrees(roll))
