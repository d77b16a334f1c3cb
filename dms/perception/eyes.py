"""What the picture says of one eye: aspect ratio, contrast, and whether it can be seen at all.

It does not say how open the eye is: that needs the driver's own normal (see openness).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from dms.odds import logit
from dms.perception.landmarks import Landmarks
from dms.settings import setting, settings
from dms.values import EyeEvidence, Gray, HeadPose, Lids, Points, Unseen

Contour = Sequence[Sequence[float]]  # points of an eye: so few that arrays would cost more


@settings
class EyeSettings:
    """When an eye is too poorly pictured for its values to count."""

    smallest_px: float = setting(
        8.0, unit="px", gt=0, text="width of the eye below which lids cannot be told apart"
    )
    lowered_least_px: float = setting(
        20.0, unit="px", ge=0,
        text="width of the eye below which lowered lids are not told: only open or closed",
    )  # fmt: skip
    largest_yaw_deg: float = setting(
        55.0, unit="deg", gt=0, le=90, text="head yaw beyond which the far eye is hidden"
    )
    dark_mean: float = setting(12.0, unit="gray", ge=0, le=255, text="mean below this is dark")
    glare_share: float = setting(
        0.35, unit="share", gt=0, le=1, text="share of saturated pixels that hides the eye"
    )
    saturated: int = setting(
        250, unit="gray", gt=0, le=255, text="a pixel this bright is burnt out"
    )


def aspect_ratio(contour: Points) -> float:
    """Return the eye aspect ratio of a (2n+2, 2) contour ordered as in landmarks.Scheme.

    Mean distance of facing lid points over the distance of the corners; with six points this is
    the EAR of Soukupova and Cech (2016). Returns 0.0 for a contour without width.
    """
    return _ratio_and_width(contour.tolist())[0]


def _ratio_and_width(contour: Contour) -> tuple[float, float]:
    """Return the aspect ratio of a contour and the distance of its corners."""
    half = len(contour) // 2
    (x, y), (u, v) = contour[0], contour[half]
    width = math.hypot(u - x, v - y)
    if width <= 0.0:
        return 0.0, width
    facing = zip(contour[1:half], reversed(contour[half + 1 :]), strict=True)
    gaps = [math.hypot(x - u, y - v) for (x, y), (u, v) in facing]
    return sum(gaps) / len(gaps) / width, width


def joint_scores(said: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Join the (open, visible) probabilities that several nets give one eye.

    Open: the mean of their log odds, as each errs on other faces. Visible: the least, as one that
    sees no eye is enough not to believe any.
    """
    if len(said) == 1:
        return said[0]
    odds = sum([logit(opened) for opened, _ in said]) / len(said)
    return round(1.0 / (1.0 + math.exp(-odds)), 6), min([visible for _, visible in said])


def without_lowered(lids: Lids) -> Lids:
    """Return ``lids`` of an eye too small to tell lowered ones: what is left is open or closed."""
    told = lids.open + lids.closed
    opened = lids.open / told if told > 0.0 else 0.5
    return Lids(opened, 0.0, 1.0 - opened)


def eye_region(gray: Gray, contour: Contour) -> Gray:
    """Return the part of ``gray`` around an eye's contour, half an eye wider; may be empty."""
    across, down = [x for x, _ in contour], [y for _, y in contour]
    left, right, top, bottom = min(across), max(across), min(down), max(down)
    margin = 0.25 * (right - left)
    height, width = gray.shape
    x0, x1 = max(0, int(left - margin)), min(width, int(right + margin) + 1)
    y0, y1 = max(0, int(top - margin)), min(height, int(bottom + margin) + 1)
    return gray[y0:y1, x0:x1] if x1 > x0 and y1 > y0 else gray[:0, :0]


def mean_gray(region: Gray) -> float:
    """Return the mean of a region that is not empty, also of every n-th pixel."""
    return float(cv2.sumElems(np.ascontiguousarray(region))[0]) / region.size


def mean_and_spread(region: Gray) -> tuple[float, float]:
    """Return the mean gray of a region that is not empty and its standard deviation."""
    mean, spread = cv2.meanStdDev(region)
    return float(mean[0, 0]), float(spread[0, 0])


def observe_eye(
    gray: Gray,
    marks: Landmarks,
    left: bool,
    pose: HeadPose | None,
    settings: EyeSettings,
    face_mean: float | None = None,
) -> EyeEvidence:
    """Measure one eye of ``marks`` on ``gray``; the net's probabilities are added by the caller.

    ``face_mean``: mean gray of the face, against which the eye is dark or bright.
    """
    contour = (marks.left_eye if left else marks.right_eye).tolist()
    region = eye_region(gray, contour)
    if region.size == 0:
        return EyeEvidence(unseen=Unseen.NO_FACE)
    mean, spread = mean_and_spread(region)
    contrast = spread / mean if mean > 0 else 0.0
    ratio, width = _ratio_and_width(contour)
    unseen = _turned_or_small(width, left, pose, settings)
    if unseen is None:
        unseen = _dark_or_glaring(region, mean, spread, settings)
    shade = mean / face_mean if face_mean else None
    return EyeEvidence(
        ear=ratio,
        contrast=contrast,
        shade=shade,
        unseen=unseen,
        width_px=width,
    )


def _turned_or_small(
    width: float, left: bool, pose: HeadPose | None, settings: EyeSettings
) -> Unseen | None:
    if pose is not None:
        # Turned to the left the left eye is the far one, hidden behind the nose first.
        far = pose.yaw_deg if left else -pose.yaw_deg
        if far > settings.largest_yaw_deg:
            return Unseen.TURNED_AWAY
    if width < settings.smallest_px:
        return Unseen.TOO_SMALL
    return None


def _dark_or_glaring(
    region: Gray, mean: float, spread: float, settings: EyeSettings
) -> Unseen | None:
    if mean < settings.dark_mean:
        return Unseen.DARK
    above, share = settings.saturated - mean, settings.glare_share
    if above > 0.0 and spread * spread * (1.0 - share) < share * above * above:
        return None  # so few at most can be so bright (Cantelli's inequality): no need to count
    if np.count_nonzero(region >= settings.saturated) > share * region.size:
        return Unseen.GLARE
    return None
