"""The eye net: lids open, lowered or closed, where the iris is, and whether an eye is seen at all.

It is trained on infrared eyes with glasses and reflections, and has the word on whether the eye
aspect ratio may be believed: dlib draws an average eye where it sees none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dms.engine.engine import Engine
from dms.engine.manifest import Manifest
from dms.engine.preprocess.crop import Affine, EyeCropSettings, eye_matrices, eyes_at, to_batch
from dms.errors import EngineError
from dms.fast_init import fast_init
from dms.values import Gray, Iris, Lids

Heights = tuple[tuple[float, float], tuple[float, float]]
_LEAST_WIDTH = 0.2  # of the crop's side between the corners; less is no eye


@fast_init
@dataclass(frozen=True, slots=True)
class EyeScores:
    """What the net says of one eye; probabilities 0..1, of the lids given that it is visible."""

    open_probability: float
    visible_probability: float
    lids: Lids | None = None  # None: a net that tells open and closed only
    iris: Iris | None = None


class EyeStateNet:
    """Scores both eyes in one batch. Takes its crops' framing from the net's manifest."""

    def __init__(self, engine: Engine, manifest: Manifest) -> None:
        self._engine = engine
        self._framing = manifest.framing(EyeCropSettings)
        missing = {"open", "visible"} - manifest.outputs.keys()
        if missing:
            raise EngineError(
                f"the manifest of {manifest.name} lacks the outputs {', '.join(sorted(missing))}; "
                "use engines/ of the same version as dms"
            )

    def read(
        self,
        gray: Gray,
        anchors: NDArray[np.floating],
        corners: NDArray[np.floating] | None = None,
    ) -> tuple[EyeScores, EyeScores]:
        """Score the driver's right and left eye, given the (4, 2) anchors. Raises EngineError.

        ``corners``: (2, 2, 2), both corners of each eye by the landmarks. The iris's height is told
        from the mean of their heights and the net's: both err, and not alike.
        """
        matrices = self.matrices(anchors)
        heights = None if corners is None else self.heights(matrices, corners)
        return self.read_crops(eyes_at(gray, matrices, self._framing.size), heights)

    def read_crops(
        self, crops: NDArray[np.uint8], heights: Heights | None = None
    ) -> tuple[EyeScores, EyeScores]:
        """Score both eyes given their (2, s, s) crops, the left mirrored. Raises EngineError."""
        return self.scores(self._engine.infer(to_batch(crops)), heights)

    def scores(
        self, out: Mapping[str, NDArray[np.float32]], heights: Heights | None = None
    ) -> tuple[EyeScores, EyeScores]:
        """Both eyes from the net's outputs, each (2, n), and :meth:`heights` of the corners."""
        both = {name: two.tolist() for name, two in out.items()}
        right, left = ({name: two[eye] for name, two in both.items()} for eye in (0, 1))
        if heights is not None and "iris" in out:
            for points, ends in zip((right["iris"], left["iris"]), heights, strict=True):
                points[3], points[5] = (points[3] + ends[0]) / 2, (points[5] + ends[1]) / 2
        return _scores(right, mirrored=False), _scores(left, mirrored=True)

    def heights(self, matrices: Affine, corners: NDArray[np.floating]) -> Heights:
        """Heights of each eye's left and right corner in its crop, in sides from the middle.

        ``matrices``: of :meth:`matrices`, ``corners``: as :meth:`read` takes them. The left eye's
        crop is mirrored: its left corner is the one that lies to the right in the picture.
        """
        size = self._framing.size
        middle, found = (size - 1) / 2, []
        for eye, ((a, b, c), (d, e, f)) in enumerate(matrices.tolist()):
            ends = [(a * x + b * y + c, d * x + e * y + f) for x, y in corners[eye].tolist()]
            first, last = sorted(ends, reverse=eye == 1)
            found.append(((first[1] - middle) / size, (last[1] - middle) / size))
        return found[0], found[1]

    def matrices(self, anchors: NDArray[np.floating]) -> Affine:
        """Where both crops lie, (2, 2, 3); the left eye's is to be mirrored after cutting."""
        return eye_matrices(anchors, self._framing)


def _scores(out: Mapping[str, list[float]], *, mirrored: bool) -> EyeScores:
    lids = Lids(*(round(share, 6) for share in out["lids"])) if "lids" in out else None
    iris = iris_of(out["iris"], mirrored=mirrored) if "iris" in out else None
    opened, visible = round(out["open"][0], 6), round(out["visible"][0], 6)
    return EyeScores(opened, visible, lids=lids, iris=iris)


def iris_of(points: list[float], *, mirrored: bool) -> Iris:
    """Return where the iris is between the corners that the net sees beside it.

    ``points``: x and y of the iris, the crop's left and its right corner, in sides from its middle;
    then Laplace's b of the iris's offset in eye widths, of which a deviation is root two times.
    ``mirrored``: the crop is the mirror image of the picture.
    """
    x, y, left_x, left_y, right_x, right_y, spread = points
    across, down = right_x - left_x, right_y - left_y
    square = max(across * across + down * down, _LEAST_WIDTH**2)
    off_x, off_y = x - (left_x + right_x) / 2, y - (left_y + right_y) / 2
    along = (off_x * across + off_y * down) / square
    below = (off_y * across - off_x * down) / square
    return Iris(
        round(-along if mirrored else along, 5), round(below, 5), round(math.sqrt(2) * spread, 5)
    )
