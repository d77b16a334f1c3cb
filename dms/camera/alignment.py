"""Where the significant bits of deep gray stand in their 16-bit words: below, or above.

V4L2 defines Y10 and Y12 with the bits at the bottom. NVIDIA's VI, which brings the CSI cameras of a
Jetson, writes them at the top and may repeat the highest ones below (Allied Vision's driver for
Jetson, vi5_formats.h: T_R16). Read as V4L2 says, such a picture is white.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

_log = logging.getLogger(__name__)
_LOOKS = (
    300  # pictures with something in them, after which the bits count as standing at the bottom
)


class Alignment:
    """Tells of one camera how many bits a word is to be read with; step it with every picture.

    It decides once: on the first picture that only top-aligned words can explain, or for the
    bottom once :data:`_LOOKS` pictures that are not black have shown nothing of the kind. Where
    ``asked`` (``camera.bits``) is set, that counts and nothing is looked at.
    """

    def __init__(self, name: str, bits: int, asked: int | None = None) -> None:
        self._name, self._bits = name, bits
        self._looks = _LOOKS if 8 < bits < 16 and asked is None else 0
        self._read_as = bits

    def bits_of(self, image: NDArray[Any]) -> int:
        """Return the bits by which to scale this (H, W) picture: as declared, or 16."""
        if self._looks > 0 and image.dtype == np.uint16 and image.size and image.any():
            self._looks -= 1
            if top_aligned(image, self._bits):
                self._looks, self._read_as = 0, 16
                _log.warning(
                    "The camera's %s values stand in the upper bits of their words, as NVIDIA's VI "
                    "writes them: read as 16 bits; camera.bits: 16 says so once and for all.",
                    self._name,
                )
        return self._read_as


def top_aligned(image: NDArray[np.uint16], bits: int) -> bool:
    """Whether no picture of ``bits`` significant bits at the bottom of its words looks like this.

    Either a value is above what they can hold, or all low bits are empty or repeat the high ones
    (a dark picture, whose values are small), in a picture of more than one value.
    """
    if int(image.max()) >= 1 << bits:
        return True
    if image.min() == image.max():
        return False
    shift = 16 - bits
    low, high = image & ((1 << shift) - 1), image >> shift
    return not np.any(low) or bool(np.all(low == high >> max(bits - shift, 0)))
