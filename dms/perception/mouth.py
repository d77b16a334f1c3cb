"""The mouth net: how much one face looks as in a yawn, told from talk, food, a cup or a phone.

It looks at the whole lower face, as the points of wide open and half hidden mouths are the
landmarks' weakest. How long that lasts decides over time, elsewhere.
"""

from __future__ import annotations

from math import hypot, isfinite

import numpy as np
from numpy.typing import NDArray

from dms.engine.backends import open_engine
from dms.engine.engine import Engine
from dms.engine.manifest import Manifest, load_manifest
from dms.engine.preprocess.crop import Affine, Similarity, cut, to_batch
from dms.errors import EngineError
from dms.perception.landmarks import Landmarks
from dms.settings import setting, settings
from dms.values import Gray


@settings
class MouthCropSettings:
    """How the crop is framed: an upright square about the lower face, sized by all anchors."""

    size: int = setting(40, unit="px", ge=16, le=128, text="side of the crop")
    side: float = setting(2.05, gt=0.5, le=5, text="side of the square over the face's size")
    down: float = setting(
        0.62, ge=0, le=2, text="its centre below the eyes, in the same unit: eyes and mouth apart"
    )


def mouth_matrix(anchors: NDArray[np.floating], framing: MouthCropSettings) -> Affine:
    """Where the crop lies: (2, 3), picture -> crop. ``anchors``: ``Landmarks.anchors``.

    Its turn comes from the eyes alone, as the mouth's corners move; its size is the diagonal of
    eye distance and of the eyes' distance from the mouth, which a turned head hardly changes.
    Raises EngineError where the eyes coincide.
    """
    right, left, *corners = [complex(x, y) for x, y in anchors.tolist()]
    across, eyes, mouth = left - right, (right + left) / 2, (corners[0] + corners[1]) / 2
    between = abs(across)
    face = hypot(between, abs(mouth - eyes))
    if not (isfinite(face) and between > 1e-6):
        raise EngineError("the face's anchors coincide or are not finite; skip this frame")
    along = across / between
    turn = framing.size / (framing.side * face) * along.conjugate()
    middle = complex(framing.size / 2 - 0.5, framing.size / 2 - 0.5)
    return Similarity(turn, middle - turn * (eyes + 1j * along * framing.down * face)).matrix


def load_mouth_net(name: str) -> MouthNet:
    """Load the net of this name; it is so small that it always runs on the CPU in FP32."""
    manifest = load_manifest(name)
    return MouthNet(open_engine(manifest, precision="fp32"), manifest)


class MouthNet:
    """Scores one mouth. Takes its crop's framing from the net's manifest."""

    def __init__(self, engine: Engine, manifest: Manifest) -> None:
        self._engine = engine
        self._framing = manifest.framing(MouthCropSettings)
        if "yawn" not in manifest.outputs:
            raise EngineError(
                f"the manifest of {manifest.name} lacks the output yawn; use engines/ of the same "
                "version as dms"
            )

    def read(self, gray: Gray, anchors: NDArray[np.floating]) -> float:
        """Return the probability 0..1 of a yawning mouth. Raises EngineError."""
        crop = cut(gray, mouth_matrix(anchors, self._framing), self._framing.size)
        return round(float(self._engine.infer(to_batch(crop))["yawn"][0, 0]), 6)


def mouth_aspect_ratio(marks: Landmarks) -> float | None:
    """Return the mean gap of the inner lips over the distance of their corners, None if flat.

    On the scale of dlib's points, whichever model placed them (``Scheme.lip_scale``): 0 for
    a closed mouth; what a yawn reads stands in :class:`dms.decision.fatigue.yawns.YawnSettings`.
    """
    scheme, points = marks.scheme, marks.points.tolist()  # so few that arrays would cost more
    right, left = scheme.inner_corners
    width = _apart(points[left], points[right])
    if width <= 0.0:
        return None
    gaps = [_apart(points[lower], points[upper]) for upper, lower in scheme.lips]
    gain, offset = scheme.lip_scale
    return max(0.0, gain * (sum(gaps) / len(gaps)) / width + offset)


def _apart(one: list[float], other: list[float]) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])
