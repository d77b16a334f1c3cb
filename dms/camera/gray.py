"""Any picture to the one form perception knows: 8-bit gray, upright."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.camera.settings import CameraSettings
from dms.camera.source import Picture
from dms.errors import CameraError
from dms.values import Gray

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def to_eight_bits(image: NDArray[Any], bits: int | None = None) -> NDArray[np.uint8]:
    """Scale integer pictures by their declared depth, float ones from 0..1, to uint8.

    Never by the picture's own brightest value, which would make the picture pump.
    """
    if image.dtype == np.uint8:
        return cast("NDArray[np.uint8]", image)
    if image.dtype == np.uint16:
        shifted = np.right_shift(image, max((bits or 16) - 8, 0))
        return cast("NDArray[np.uint8]", np.minimum(shifted, 255).astype(np.uint8))
    if image.dtype.kind == "f":
        levels = np.rint(np.clip(np.nan_to_num(image), 0.0, 1.0) * 255.0)
        return cast("NDArray[np.uint8]", levels.astype(np.uint8))
    raise CameraError(
        f"Pictures of type {image.dtype} are not supported; convert them to 8 or 16 bits."
    )


def to_gray(image: NDArray[np.uint8]) -> Gray:
    """Reduce (H, W), (H, W, 1), BGR or BGRA to (H, W)."""
    if image.ndim == 2:
        return image
    channels = image.shape[2]
    if channels == 1:
        return image[:, :, 0]
    if channels in (3, 4):
        code = cv2.COLOR_BGR2GRAY if channels == 3 else cv2.COLOR_BGRA2GRAY
        return cast("Gray", cv2.cvtColor(image, code))
    raise CameraError(f"A picture of {channels} channels is not supported; give gray or colour.")


def frame_picture(picture: Picture, settings: CameraSettings) -> Gray:
    """Return the picture as perception wants it: (H, W) uint8, contiguous, turned upright."""
    if picture.image.size == 0 or picture.image.ndim not in (2, 3):
        raise CameraError(f"An empty or odd picture of shape {picture.image.shape} came in.")
    gray = to_gray(to_eight_bits(picture.image, settings.bits or picture.bits))
    if settings.rotate_deg:
        gray = cast("Gray", cv2.rotate(gray, _TURNS[settings.rotate_deg]))
    if settings.mirror:
        gray = cast("Gray", cv2.flip(gray, 1))
    return np.ascontiguousarray(gray)
