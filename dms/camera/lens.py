"""Calibration: the lens from pictures of a chessboard, and the mounting from a look straight ahead.

Both give settings as YAML text; nothing is written or remembered here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.errors import CameraError
from dms.values import DriverObservation, Gray

_FEWEST_VIEWS = 8
_APART = 0.04  # of the picture's width: a view closer to an earlier one teaches nothing new
_WORST_PX = 1.0
_ROOM = 0.6  # of the face's size, around where its centre was seen
_FEWEST_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """A lens at one picture size; ``error_px`` is the mean distance of corners from their place."""

    width: int
    height: int
    matrix: tuple[float, float, float, float]  # fx, fy, cx, cy in pixels
    distortion: tuple[float, ...]  # k1 k2 p1 p2 k3
    error_px: float
    views: int

    def yaml(self) -> str:
        """Return the lines for the settings file."""
        matrix = ", ".join(f"{value:.2f}" for value in self.matrix)
        distortion = ", ".join(f"{value:.5f}" for value in self.distortion)
        return (
            "perception:\n  pose:\n"
            f"    intrinsics: [{matrix}]\n"
            f"    intrinsics_size: [{self.width}, {self.height}]\n"
            f"    distortion: [{distortion}]\n"
        )


class ChessboardViews:
    """Collects views of one chessboard that differ enough; ``columns`` x ``rows`` inner corners."""

    def __init__(self, columns: int, rows: int) -> None:
        self._pattern = (columns, rows)
        self._views: list[NDArray[np.float32]] = []
        self._size: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self._views)

    def add(self, gray: Gray) -> bool:
        """Look for the board in one picture; True if it was found and differs from earlier views.

        Raises CameraError where the picture's size changes.
        """
        size = (gray.shape[1], gray.shape[0])
        if self._size not in (None, size):
            raise CameraError("The pictures differ in size; calibrate with one size only.")
        self._size = size
        found, corners = cv2.findChessboardCornersSB(gray, self._pattern)
        if not found:
            return False
        view = np.asarray(corners, np.float32).reshape(-1, 2)
        limit = _APART * size[0]
        if any(np.abs(view - other).mean() < limit for other in self._views):
            return False
        self._views.append(view)
        return True

    def solve(self) -> Intrinsics:
        """Return the lens. Raises CameraError for too few views or a fit that is not good."""
        if len(self._views) < _FEWEST_VIEWS or self._size is None:
            raise CameraError(
                f"The board was seen in {len(self._views)} different places, {_FEWEST_VIEWS} are "
                "needed: hold it near, far, at every edge and tilted."
            )
        columns, rows = self._pattern
        board = np.zeros((columns * rows, 3), np.float32)
        board[:, :2] = np.mgrid[0:columns, 0:rows].T.reshape(-1, 2)
        error, matrix, distortion, _, _ = cv2.calibrateCamera(
            [board] * len(self._views), self._views, self._size, None, None
        )
        if not np.isfinite(error) or error > _WORST_PX:
            raise CameraError(
                f"The corners miss their places by {error:.2f} px, at most {_WORST_PX:.0f} is "
                "good: keep the board flat and still, and light it evenly."
            )
        return Intrinsics(
            *self._size,
            (float(matrix[0, 0]), float(matrix[1, 1]), float(matrix[0, 2]), float(matrix[1, 2])),
            tuple(float(value) for value in distortion.ravel()[:5]),
            float(error),
            len(self._views),
        )


@dataclass(frozen=True, slots=True)
class Mount:
    """Where the driver sits in the picture and from where the camera looks at them."""

    seat_region: tuple[float, float, float, float]  # of the face's centre: left, top, right, bottom
    yaw_deg: float | None  # of a driver looking straight ahead, against the camera's axis
    pitch_deg: float | None
    face_px: float

    def yaml(self) -> str:
        """Return the lines for the settings file."""
        region = ", ".join(f"{value:.2f}" for value in self.seat_region)
        return f"perception:\n  face:\n    seat_region: [{region}]\n"


def mounting(seen: Iterable[DriverObservation], width: int, height: int) -> Mount:
    """Return the mounting from observations of a driver who looks ahead and moves as they drive.

    Raises CameraError where no face was seen for long enough.
    """
    faces = [(one.t_s, one.face, one.pose) for one in seen if one.face is not None]
    if not faces or faces[-1][0] - faces[0][0] < _FEWEST_SECONDS:
        raise CameraError(
            f"The driver's face was not seen for {_FEWEST_SECONDS:.0f} s; see dms aim first."
        )
    boxes = [box for _, box, _ in faces]
    room = _ROOM * median(box.width for box in boxes)
    poses = [pose for _, _, pose in faces if pose is not None]
    across = [box.x + box.width / 2 for box in boxes]
    down = [box.y + box.height / 2 for box in boxes]
    region = (
        _share(float(np.percentile(across, 5)) - room, width),
        _share(float(np.percentile(down, 5)) - room, height),
        _share(float(np.percentile(across, 95)) + room, width),
        _share(float(np.percentile(down, 95)) + room, height),
    )
    return Mount(
        region,
        median(pose.yaw_deg for pose in poses) if poses else None,
        median(pose.pitch_deg for pose in poses) if poses else None,
        median(box.width for box in boxes),
    )


def _share(value: float, size: int) -> float:
    return min(max(value / size, 0.0), 1.0)
