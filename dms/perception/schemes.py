"""How the points of each landmark model are numbered: parts by name, never by index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Scheme:
    """Where the parts stand in a predictor's points.

    Eyes: outer corner, upper lid outer to inner, inner corner, lower lid inner to outer, with as
    many points on the upper as on the lower lid, so that upper[i] faces lower[-1 - i].
    Mouth: (right corner, left corner) of the outer lips; ``lips``: pairs (upper, lower) of the
    inner lips. ``pose``: index -> 3D model point in mm (x to the driver's left, y up, z forward
    out of the face). ``brows``: right outer, middle, inner, left inner, middle, outer; ``wings``
    of the nose, right and left; ``lip_rims``: middle of the upper and of the lower outer lip.
    """

    name: str
    count: int
    right_eye: tuple[int, ...]
    left_eye: tuple[int, ...]
    mouth_corners: tuple[int, int]
    inner_corners: tuple[int, int]
    lips: tuple[tuple[int, int], ...]
    pose: Mapping[int, tuple[float, float, float]]
    # (gain, offset) that bring this model's mouth aspect ratio to the scale of dlib's inner lips
    lip_scale: tuple[float, float]
    closed_ear: float  # EAR of a closed eye over the open one, as this model draws it
    brows: tuple[int, ...]
    wings: tuple[int, int]
    lip_rims: tuple[int, int]
    # Pairs of points whose middles are the anchors: four first ones, then their partners.
    anchor_rows: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        half = len(self.right_eye) // 2
        rows = (
            *(self.right_eye[0], self.left_eye[0], *self.mouth_corners),
            *(self.right_eye[half], self.left_eye[half], *self.mouth_corners),
        )
        object.__setattr__(self, "anchor_rows", rows)


# A head that does not change with its face's expression, in mm: the mean of the 3D meshes that the
# teacher of DMS56 sees on 2,837 photographs, its two halves made alike, 90 mm between the eyes'
# outer corners, as upright as the median of them. Yaw read off it from the points alone agrees
# with that of the meshes (correlation 0.998, slope 1.09), and foreshortening bears it out.
_OUTER, _INNER, _WING = (45.0, 34.3, -42.3), (17.3, 32.3, -36.8), (17.6, -8.4, -26.2)
_ROOT, _TIP, _BASE = (0.0, 37.4, -20.2), (0.0, 0.0, 0.0), (0.0, -11.4, -18.4)


def _head(
    right: tuple[int, int, int], middle: tuple[int, int, int], left: tuple[int, int, int]
) -> dict[int, tuple[float, float, float]]:
    """Give the head's places to (outer corner, inner corner, wing) and (root, tip, base)."""
    sides = (_OUTER, _INNER, _WING)
    mirrored = [(-x, y, z) for x, y, z in sides]
    return dict(zip((*right, *middle, *left), (*mirrored, _ROOT, _TIP, _BASE, *sides), strict=True))


# iBUG 68 points (Sagonas et al. 2013), 0-based.
DLIB68 = Scheme(
    name="dlib68",
    count=68,
    right_eye=(36, 37, 38, 39, 40, 41),
    left_eye=(45, 44, 43, 42, 47, 46),
    mouth_corners=(48, 54),
    inner_corners=(60, 64),
    lips=((61, 67), (62, 66), (63, 65)),
    pose=_head((36, 39, 31), (27, 30, 33), (45, 42, 35)),
    lip_scale=(1.0, 0.0),
    closed_ear=0.45,
    brows=(17, 19, 21, 22, 24, 26),
    wings=(31, 35),
    lip_rims=(51, 57),
)

# Our own 56 points. The numbers behind the names are MediaPipe's face mesh vertices, which the
# teacher gives.
#  0..11 right eye: outer corner 33, upper lid 161 160 159 158 157, inner corner 133,
#        lower lid 154 153 145 144 163; 12..23 left eye, mirrored in the same order
# 24..29 brows: right outer 70, middle 105, inner 107; left inner 336, middle 334, outer 300
# 30..34 nose: root 168, tip 4, right wing 98, base 2, left wing 327
# 35..42 outer lips: right corner 61, upper 37 0 267, left corner 291, lower 314 17 84
# 43..50 inner lips: right corner 78, upper 82 13 312, left corner 308, lower 317 14 87
# 51..55 jaw: right ear 93, right corner 172, chin 152, left corner 397, left ear 323
DMS56 = Scheme(
    name="dms56",
    count=56,
    right_eye=tuple(range(12)),
    left_eye=tuple(range(12, 24)),
    mouth_corners=(35, 39),
    inner_corners=(43, 47),
    lips=((44, 50), (45, 49), (46, 48)),
    pose=_head((0, 6, 32), (30, 31, 33), (12, 18, 34)),
    lip_scale=(3.6, -0.33),
    closed_ear=0.4,
    brows=(24, 25, 26, 27, 28, 29),
    wings=(32, 34),
    lip_rims=(37, 41),
)
