"""Head pose from landmarks by perspective-n-point, with the camera's intrinsics or a default.

Angles are against the camera's axis; what is straight ahead for this driver is the baseline's.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.landmarks import Landmarks, Scheme
from dms.settings import setting, settings
from dms.values import HeadPose

# Driver's frame (x to the driver's left, y up, z out of the face) seen by a camera that he faces.
_FACING = np.diag([1.0, -1.0, -1.0])


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
        self._distortion = np.asarray(settings.distortion, np.float64)
        self._models: dict[str, tuple[list[int], NDArray[np.float64]]] = {}

    def estimate(self, marks: Landmarks) -> HeadPose | None:
        """Return the pose of ``marks``, or None where no pose explains the points."""
        rows, model = self._model(marks.scheme)
        image = marks.points[rows].astype(np.float64)
        if float(np.ptp(image, axis=0).min()) < 1.0:
            return None  # the points lie on a line: no pose can be told from them
        found, rotation, _ = cv2.solvePnP(
            model, image, self._camera, self._distortion, flags=cv2.SOLVEPNP_SQPNP
        )
        if not found or not np.isfinite(rotation).all():
            return None
        return angles(np.asarray(cv2.Rodrigues(rotation)[0], np.float64))

    def _model(self, scheme: Scheme) -> tuple[list[int], NDArray[np.float64]]:
        if scheme.name not in self._models:
            self._models[scheme.name] = (
                list(scheme.pose),
                np.array(list(scheme.pose.values()), np.float64),
            )
        return self._models[scheme.name]


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
    facing = _FACING @ rotation
    yaw = math.atan2(facing[0, 2], facing[2, 2])
    pitch = math.asin(max(-1.0, min(1.0, float(facing[1, 2]))))
    roll = math.atan2(facing[1, 0], facing[1, 1])
    return HeadPose(math.degrees(yaw), math.degrees(pitch), math.degrees(roll))
