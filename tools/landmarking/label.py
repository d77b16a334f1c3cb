"""The label of one picture, as the teacher gives it and the rules correct it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dms.values import Gray

Array = NDArray[np.float64]


@dataclass
class Label:
    """What the teacher says of one picture; spreads are between its looks, over eye sizes."""

    source: str
    file: str
    frame: int
    gray: Gray
    points: Array  # (56, 2) in pixels
    iris: Array  # (2, 5, 2): centre and rim of each iris
    score: float  # the mesh's own word on whether this is a face
    spread: float
    eye_spread: float
    shade: float  # skin below the eyes over the cheeks: dark lenses are below 0.3
    blink: bool = False  # labelled as blinking or closed
    wrong: bool = False  # labels and teacher contradict each other
    # the whole mesh, (468, 3): x, y and depth away from the camera, all in pixels
    mesh: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    lids: list[float] = field(default_factory=lambda: [1.0, 1.0])  # share of opening to keep
