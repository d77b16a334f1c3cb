"""What one crop of the kernel is: the job record, filled from the same matrix as the CPU path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dms.engine.preprocess.crop import MOST_OVERSAMPLING, Affine, oversampled
from dms.errors import EngineError

# struct CropJob of crop.h
JOB = np.dtype(
    [
        ("source", "<u8"),
        ("target", "<u8"),
        ("steps", "<u8"),
        ("inverse", "<f8", (6,)),
        ("width", "<i4"),
        ("height", "<i4"),
        ("pitch", "<i4"),
        ("shift", "<i4"),
        ("bytes", "<i4"),
        ("size", "<i4"),
        ("factor", "<i4"),
        ("mirror", "<i4"),
    ],
    align=True,
)
BLOCK = 16  # threads a side for pixels
LINE = 256  # threads a block for coordinate terms


@dataclass(frozen=True, slots=True)
class Source:
    """A frame in the GPU's reach. ``bits`` 8, or 9..16 in little-endian 16-bit samples.

    NV12's first plane is 8-bit gray with the picture's pitch.
    """

    address: int
    width: int
    height: int
    pitch: int
    bits: int = 8

    def __post_init__(self) -> None:
        if not 8 <= self.bits <= 16:
            raise EngineError(f"a frame of {self.bits} bits a pixel cannot be read; use 8 to 16")


def inverse(matrix: Affine) -> list[float]:
    """Invert a (2, 3) affine in the order of operations of OpenCV's warpAffine."""
    a, b, tx = (float(value) for value in matrix[0])
    c, d, ty = (float(value) for value in matrix[1])
    determinant = a * d - b * c
    determinant = 1.0 / determinant if determinant != 0 else 0.0
    a11, a22 = d * determinant, a * determinant
    a12, a21 = -b * determinant, -c * determinant
    return [a11, a12, -a11 * tx - a12 * ty, a21, a22, -a21 * tx - a22 * ty]


def steps_bytes(size: int) -> int:
    """Bytes of scratch memory that one crop of this side needs at most."""
    return 4 * 4 * size * MOST_OVERSAMPLING


def fill(
    job: np.void,
    matrix: Affine,
    size: int,
    source: Source,
    target: int,
    steps: int,
    *,
    mirror: bool = False,
) -> None:
    """Write one record of :data:`JOB`: the crop of ``source`` by ``matrix`` (picture -> crop).

    ``target`` and ``steps`` are addresses of size x size floats and of :func:`steps_bytes`.
    """
    finer, factor = oversampled(matrix)
    job["source"], job["target"], job["steps"] = source.address, target, steps
    job["inverse"] = inverse(finer)
    job["width"], job["height"], job["pitch"] = source.width, source.height, source.pitch
    job["shift"], job["bytes"] = source.bits - 8, 1 if source.bits == 8 else 2
    job["size"], job["factor"], job["mirror"] = size, factor, int(mirror)


def steps_grid(largest: int, jobs: int) -> tuple[int, int, int]:
    """Blocks of :data:`LINE` threads that compute the coordinate terms."""
    return -(-4 * largest * MOST_OVERSAMPLING // LINE), 1, jobs


def grid(largest: int, jobs: int) -> tuple[int, int, int]:
    """Blocks of the launch for crops up to ``largest`` px a side."""
    side = -(-largest // BLOCK)
    return side, side, jobs
