"""Raw V4L2 buffers to pictures: the memory layouts of the kernel's pixel format documents."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.camera.settings import PixelFormat
from dms.errors import CameraLostError

_BYTES = {PixelFormat.GREY: 1, PixelFormat.YUYV: 2}  # a pixel; the deep grays take 2 too


def decode_buffer(
    data: bytes | NDArray[np.uint8], form: PixelFormat, width: int, height: int, stride: int = 0
) -> NDArray[Any]:
    """Return (height, width) gray, uint8 or uint16, from one buffer.

    ``stride``: bytes a line, 0 for no padding. Y10, Y12 and Y16 are little-endian 16-bit words.
    Raises CameraLostError for a short or broken buffer, as an unplug in mid-frame leaves one.
    """
    raw = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data.reshape(-1)
    if form is PixelFormat.MJPG:
        picture = cv2.imdecode(raw, cv2.IMREAD_GRAYSCALE) if raw.size else None
        if picture is None:
            raise CameraLostError("A JPEG picture came in broken; check the camera's cable.")
        return picture
    line = width * _BYTES.get(form, 2)
    stride = max(stride, line)
    needed = stride * (height - 1) + line
    if raw.size < needed:
        raise CameraLostError(
            f"A {form.value} picture of {width} x {height} came in cut off: {raw.size} of {needed} "
            "bytes; check the camera's cable, or ask for another size."
        )
    padded = np.zeros(stride * height, np.uint8)
    padded[: min(raw.size, padded.size)] = raw[: padded.size]
    lines = padded.reshape(height, stride)[:, :line]
    if form is PixelFormat.GREY:
        return np.ascontiguousarray(lines)
    if form is PixelFormat.YUYV:
        return np.ascontiguousarray(lines[:, 0::2])
    words: NDArray[np.uint16] = np.ascontiguousarray(lines).view("<u2")
    return words.astype(np.uint16)
