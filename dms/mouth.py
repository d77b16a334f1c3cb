"""The mouth aspect ratio; whether an open mouth is a yawn is decided over time, elsewhere."""

from __future__ import annotations

import numpy as np

from dms.perception.landmarks import Landmarks


def mouth_aspect_ratio(marks: Landmarks) -> float | None:
    """Return the mean gap of the inner lips over the distance of their corners, None if flat.

    On the scale of dlib's points, whichever model placed them (``Scheme.lip_scale``): 0 for
    a closed mouth; what a yawn reads stands in :class:`dms.decision.fatigue.yawns.YawnSettings`.
    """
    scheme, points = marks.scheme, marks.points
    right, left = scheme.inner_corners
    width = float(np.hypot(*(points[left] - points[right])))
    if width <= 0.0:
        return None
    upper, lower = np.asarray(scheme.lips).T
    gaps = points[lower] - points[upper]
    gain, offset = scheme.lip_scale
    return max(0.0, gain * float(np.hypot(gaps[:, 0], gaps[:, 1]).mean()) / width + offset)
