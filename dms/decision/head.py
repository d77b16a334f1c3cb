"""How far the head has come down of late: a fall or a look, by the face's place and its pitch.

The pitch alone does not tell: of a face seen from above the points fit badly, and a falling head
has read as a level one. The face's place in the picture does: its upper half lies about one face's
width from the joint of the neck, so that a drop of a third of a width is 20 degrees.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from statistics import median

from dms.settings import setting, settings
from dms.values import Box, HeadPose


@settings
class HeadSettings:
    """What counts as a head that has come down."""

    memory_s: float = setting(
        2.0,
        unit="s",
        gt=0,
        text="its height is the highest of this time; what is slower is posture",
    )
    arm: float = setting(
        1.0, gt=0, source="neck's joint to the brows 17-20 cm, a face as it is boxed 16-20 cm",
        text="face widths from the neck's joint to the upper half of the face",
    )  # fmt: skip
    near_deg: float = setting(4.0, unit="deg", gt=0, text="a fall begins where the drop passes it")
    down_deg: float = setting(10.0, unit="deg", gt=0, text="a head this far below has come down")
    far_deg: float = setting(
        20.0, unit="deg", gt=0, text="far down, where lids lowered and shut look alike"
    )
    regained: float = setting(0.5, gt=0, lt=1, text="share of the drop after which it is back up")
    posture_s: float = setting(
        10.0, unit="s", gt=0, text="a head down for this long is how the driver sits now"
    )

    def __post_init__(self) -> None:
        if not self.near_deg < self.down_deg < self.far_deg:
            raise ValueError("near_deg < down_deg < far_deg is expected")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a head was: middle, upper edge and width of the face in the picture, and its pitch."""

    t_s: float
    x: float
    y: float
    width: float
    pitch_deg: float | None


class Head:
    """Step it with every frame in time order; without a face it keeps what it saw last."""

    def __init__(self, settings: HeadSettings) -> None:
        self._settings = settings
        self._places: deque[Place] = deque()
        self._drops: deque[tuple[float, float]] = deque()
        self._top: Place | None = None  # from where it came down, while it is down
        self._up_s = float("-inf")  # when it was last up
        self._low = False  # far below this driver's normal, however slowly it came there
        self.drop_deg = 0.0
        self.deepest_deg = 0.0  # of the present drop, or of the one that has just ended
        self.deepest_s = float("-inf")
        self.back = False  # in this step the head came back up

    @property
    def down(self) -> bool:
        """Whether the head has come down and is not back up."""
        return self._top is not None or self._low

    @property
    def far(self) -> bool:
        """Whether it is so far down that the picture does not tell lowered lids from shut ones."""
        return self._low or self.drop_deg >= self._settings.far_deg

    @property
    def place(self) -> Place | None:
        """Where the head was seen last."""
        return self._places[-1] if self._places else None

    def highest(self, since_s: float) -> Place | None:
        """The highest place since then, with the highest pitch; None if there is none."""
        return _highest([place for place in self._places if place.t_s >= since_s])

    @property
    def fall_s(self) -> float:
        """When the head was last up, as its present drop began."""
        return self._up_s

    def was_down(self, t_s: float) -> bool:
        """Whether the head had come down by ``t_s``, at most ``memory_s`` ago."""
        drops = [drop for at_s, drop in self._drops if at_s <= t_s]
        return bool(drops) and drops[-1] >= self._settings.down_deg

    def step(self, t_s: float, face: Box | None, pose: HeadPose | None) -> None:
        """Take one frame: where the face is, and the head's pose against normal."""
        s = self._settings
        self.back = False
        if self._top is not None and t_s - self._up_s > s.posture_s:
            self._top, self.drop_deg = None, 0.0
            self._places.clear()
        if face is None or face.width <= 0:
            return
        pitch_deg = None if pose is None else pose.pitch_deg
        self._low = pitch_deg is not None and pitch_deg <= -s.far_deg
        # The upper edge: of a face seen from above the chin's half is what shrinks.
        place = Place(t_s, face.x + face.width / 2, face.y, face.width, pitch_deg)
        self._places.append(place)
        _forget(self._places, t_s - s.memory_s)
        self._measure(place)
        self._drops.append((t_s, max(self.drop_deg, s.far_deg if self._low else 0.0)))
        while self._drops[0][0] < t_s - s.memory_s:
            self._drops.popleft()

    def _measure(self, place: Place) -> None:
        s = self._settings
        top = self._top or _highest(self._places) or place
        self.drop_deg = self._below(place, top)
        if self._top is None:
            if self.drop_deg < s.near_deg:
                self._up_s = place.t_s
            elif self.drop_deg >= s.down_deg:
                self._top, self.deepest_deg = top, 0.0
        if self._top is None:
            return
        if self.drop_deg > self.deepest_deg:
            self.deepest_deg, self.deepest_s = self.drop_deg, place.t_s
        if self.drop_deg <= max(self.deepest_deg * (1 - s.regained), s.near_deg):
            self.back, self._top, self._up_s = True, None, place.t_s
            self._places.clear()
            self._places.append(place)

    def _below(self, place: Place, top: Place) -> float:
        late = [one.pitch_deg for one in self._places if one.pitch_deg is not None][-3:]
        pitch_deg = median(late) if late else None
        return self.below(replace(place, pitch_deg=pitch_deg), top)

    def below(self, place: Place, top: Place) -> float:
        """How many degrees ``place`` lies below ``top``, by the face's place or by its pitch.

        Level after a look up is not down: only a pitch below this driver's normal counts.
        """
        share = (place.y - top.y) / (top.width * self._settings.arm)
        if abs(place.x - top.x) > 2 * (place.y - top.y):  # it leans or leaves to the side
            share = 0.0
        fallen_deg = math.degrees(math.asin(min(max(share, 0.0), 1.0)))
        if top.pitch_deg is None or place.pitch_deg is None:
            return fallen_deg
        return max(fallen_deg, min(top.pitch_deg, 0.0) - place.pitch_deg)


def _highest(places: Sequence[Place]) -> Place | None:
    if not places:
        return None
    top = min(places, key=attrgetter("y"))
    pitches = [place.pitch_deg for place in places if place.pitch_deg is not None]
    return replace(top, pitch_deg=max(pitches, default=None))


def _forget(places: deque[Place], before_s: float) -> None:
    while places[0].t_s < before_s:
        places.popleft()
