"""The face's shape in its own frame, in which brows, nose and mouth move but the head does not."""

from __future__ import annotations

import numpy as np

from dms.perception.landmarks import Landmarks

CHANNELS = 14


def face_shape(marks: Landmarks) -> tuple[float, ...] | None:
    """Return :data:`CHANNELS` places in distances between the eyes' centres, None if degenerate.

    Origin between the eyes, x along them to the driver's left, y down the face: six brow points'
    y, both wings' y, both lip rims' y, both mouth corners' x and y. The lids are left out: they
    blink.
    """
    scheme = marks.scheme
    right, left = marks.anchors[:2].astype(np.float64)
    across = left - right
    square = float(across @ across)
    if square <= 1.0:
        return None
    down = np.array([-across[1], across[0]])
    points = (marks.points.astype(np.float64) - (right + left) / 2) @ np.stack([across, down]).T
    points /= square
    heights = points[[*scheme.brows, *scheme.wings, *scheme.lip_rims], 1]
    corners = points[list(scheme.mouth_corners)].ravel()
    return tuple(round(float(value), 5) for value in (*heights, *corners))
