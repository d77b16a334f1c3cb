"""Turning a head in a picture about its own axes: pixels move as their depth in the mesh says."""

from __future__ import annotations

import cv2
import numpy as np

from dms.values import Gray
from tools.landmarking.label import Array

_GRID = 64  # cells a side on which depth and moves are known
_REACH = 0.03  # of the picture's side: how far a vertex of the mesh speaks for its surroundings
_RELIEF = (
    1.35  # smoothing by _REACH flattens a head: turned by 30 deg its points read 22 without this
)


def depth_map(mesh: Array, size: int) -> Array:
    """(64, 64) depth away from the camera over a square picture of ``size`` px, in px.

    ``mesh``: (468, 3). Beyond the mesh the head goes back to its furthest vertex.
    """
    cells = (np.arange(_GRID) + 0.5) * size / _GRID - 0.5
    off_x, off_y = ((cells[:, None] - mesh[:, axis]) / (_REACH * size) for axis in (0, 1))
    near_x, near_y = (np.exp(-0.5 * np.minimum(off**2, 60)) for off in (off_x, off_y))
    known = near_y @ near_x.T
    depth = (near_y * mesh[:, 2]) @ near_x.T + 0.02 * mesh[:, 2].max()
    return np.asarray(depth / (known + 0.02))


class Turn:
    """One turn of a head: where its points go, and its picture. Angles in degrees."""

    def __init__(self, mesh: Array, size: int, yaw_deg: float, pitch_deg: float) -> None:
        self._size, self._yaw, self._pitch = size, np.radians(yaw_deg), np.radians(pitch_deg)
        depth = depth_map(mesh, size)
        self._middle = np.array([size / 2 - 0.5, size / 2 - 0.5, float(np.median(mesh[:, 2]))])
        self._depth = _RELIEF * (depth - self._middle[2])
        self._from_x, turned = self._rows(self._depth, self._yaw)
        from_y, _ = self._rows(turned.T, self._pitch)
        self._from_y = from_y.T
        self._turned = turned

    def _rows(self, depth: Array, angle: float) -> tuple[Array, Array]:
        """Where each cell of a row is read from, in cells, and the depth seen there then."""
        if angle < 0:  # what is near moves to the other side and hides what lies there
            sources, depths = self._rows(depth[:, ::-1], -angle)
            return _GRID - 1 - sources[:, ::-1], depths[:, ::-1]
        step = self._size / _GRID
        place = (np.arange(_GRID) + 0.5) * step - 0.5 - self._middle[0]
        moved = place * np.cos(angle) - depth * np.sin(angle)
        order = np.maximum.accumulate(moved, axis=1)  # what lies behind the rim is hidden
        sources, depths = np.empty_like(moved), np.empty_like(moved)
        new_depth = depth * np.cos(angle) + place * np.sin(angle)
        cells = np.arange(_GRID, dtype=np.float64)
        ramp = 1e-6 * cells
        for row in range(_GRID):
            sources[row] = np.interp(place, order[row] + ramp, cells)
            depths[row] = np.interp(sources[row], cells, new_depth[row])
        return sources, depths

    def points(self, points: Array) -> Array:
        """Where (..., 2) points of the picture come to lie."""
        flat = points.reshape(-1, 2) - self._middle[:2]
        depth = self._read(self._depth, points.reshape(-1, 2))
        x = flat[:, 0] * np.cos(self._yaw) - depth * np.sin(self._yaw)
        behind = depth * np.cos(self._yaw) + flat[:, 0] * np.sin(self._yaw)
        y = flat[:, 1] * np.cos(self._pitch) - behind * np.sin(self._pitch)
        return (np.column_stack([x, y]) + self._middle[:2]).reshape(points.shape)

    def _read(self, grid: Array, at: Array) -> Array:
        cell = ((at + 0.5) * _GRID / self._size - 0.5).astype(np.float32)
        found = cv2.remap(
            grid.astype(np.float32), cell[:, None, 0].copy(), cell[:, None, 1].copy(),
            cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        return np.asarray(found, np.float64)[:, 0]

    def maps(self) -> tuple[Array, Array]:
        """Return for every pixel the place (x, y) of the picture that it is read from."""
        step, size = self._size / _GRID, (self._size, self._size)
        rows = self._from_y.astype(np.float32)
        columns = np.tile(np.arange(_GRID, dtype=np.float32), (_GRID, 1))
        edge = cv2.BORDER_REPLICATE
        across = cv2.remap(self._from_x.astype(np.float32), columns, rows, cv2.INTER_LINEAR,
                           borderMode=edge)  # fmt: skip
        x, y = ((grid + 0.5) * step - 0.5 for grid in (across, rows))
        return cv2.resize(x, size), cv2.resize(y, size)

    def picture(self, gray: Gray) -> Gray:
        """Return the turned picture, the same size."""
        x, y = self.maps()
        return np.asarray(
            cv2.remap(gray, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
        )
