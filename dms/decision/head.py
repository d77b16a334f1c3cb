"""How far the head has come down of late: a fall or a look, by the face's place and its pitch.

The pitch alone does not tell: of a face seen from above the points fit badly, and a falling head
has read as a level one. The face's place in the picture does: its upper half lies about one face's
width from the joint of the neck, so that a drop of a third of a width is 20 degrees.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
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


@dataclass(slots=True)
class Place:
    """Where a head was: middle, upper edge and width of the face in the picture, and its pitch."""

    t_s: float
    x: float
    y: float
    width: float
    pitch_deg: float | None


class _Places:
    """Where a head was of late, and the highest of it without a look at every place."""

    def __init__(self, memory_s: float) -> None:
        self._memory_s = memory_s
        self._all: deque[Place] = deque()
        self._highest: deque[Place] = deque()  # each lower than the one before, which ends sooner
        self._pitches: deque[tuple[float, float]] = deque()  # the same of the pitch, with its time
        self._late: deque[tuple[float, float]] = deque(maxlen=3)  # the last pitches, with times

    @property
    def last(self) -> Place | None:
        return self._all[-1] if self._all else None

    def pitch_deg(self) -> float | None:
        """Return the median of the last three that were told."""
        late = self._late
        if len(late) == 3:
            (_, first_deg), (_, second_deg), (_, third_deg) = late
            return sorted((first_deg, second_deg, third_deg))[1]
        return median([pitch_deg for _, pitch_deg in late]) if late else None

    def highest(self) -> Place | None:
        """Return the highest place, with the highest pitch."""
        if not self._highest:
            return None
        top, pitch_deg = self.peak()
        return Place(top.t_s, top.x, top.y, top.width, pitch_deg)

    def peak(self) -> tuple[Place, float | None]:
        """Return the same in two parts; there must be a place."""
        return self._highest[0], self._pitches[0][1] if self._pitches else None

    def since(self, since_s: float) -> _Places:
        """Return those since then."""
        late = _Places(self._memory_s)
        for place in self._all:
            if place.t_s >= since_s:
                late.add(place)
        return late

    def add(self, place: Place) -> None:
        """Take a place; what lies longer before it than the memory reaches is forgotten."""
        places, highest, pitches, late = self._all, self._highest, self._pitches, self._late
        places.append(place)
        while highest and highest[-1].y > place.y:
            highest.pop()
        highest.append(place)
        pitch_deg, before_s = place.pitch_deg, place.t_s - self._memory_s
        if pitch_deg is not None:
            while pitches and pitches[-1][1] < pitch_deg:
                pitches.pop()
            pitches.append((place.t_s, pitch_deg))
            late.append((place.t_s, pitch_deg))
        while places[0].t_s < before_s:
            places.popleft()
        while highest[0].t_s < before_s:
            highest.popleft()
        while pitches and pitches[0][0] < before_s:
            pitches.popleft()
        while late and late[0][0] < before_s:
            late.popleft()

    def clear(self) -> None:
        self._all.clear()
        self._highest.clear()
        self._pitches.clear()
        self._late.clear()


class Head:
    """Step it with every frame in time order; without a face it keeps what it saw last."""

    def __init__(self, settings: HeadSettings) -> None:
        self._settings = settings
        self._places = _Places(settings.memory_s)
        self._drops: deque[tuple[float, float]] = deque()
        self._down_s = float("-inf")  # the last of them that was down
        self._top: Place | None = None  # from where it came down, while it is down
        self.fall_s = float("-inf")  # when it was last up, as its present drop began
        self._low = False  # far below this driver's normal, however slowly it came there
        self.down = False  # the head has come down and is not back up
        self.far = False  # so far that the picture does not tell lowered lids from shut ones
        self.drop_deg = 0.0
        self.deepest_deg = 0.0  # of the present drop, or of the one that has just ended
        self.deepest_s = float("-inf")
        self.back = False  # in this step the head came back up

    @property
    def place(self) -> Place | None:
        """Where the head was seen last."""
        return self._places.last

    def highest(self, since_s: float) -> Place | None:
        """The highest place since then, with the highest pitch; None if there is none."""
        return self._places.since(since_s).highest()

    def was_down(self, t_s: float) -> bool:
        """Whether the head had come down by ``t_s``, at most ``memory_s`` ago."""
        drops = self._drops
        if not drops or self._down_s < drops[0][0]:
            return False
        for at_s, drop_deg in reversed(drops):
            if at_s <= t_s:
                return drop_deg >= self._settings.down_deg
        return False

    def step(self, t_s: float, face: Box | None, pose: HeadPose | None) -> None:
        """Take one frame: where the face is, and the head's pose against normal."""
        s = self._settings
        self.back = False
        if self._top is not None and t_s - self.fall_s > s.posture_s:
            self._top, self.drop_deg = None, 0.0
            self.down = self.far = self._low
            self._places.clear()
        if face is None or face.width <= 0:
            return
        pitch_deg = None if pose is None else pose.pitch_deg
        self._low = pitch_deg is not None and pitch_deg <= -s.far_deg
        # The upper edge: of a face seen from above the chin's half is what shrinks.
        place = Place(t_s, face.x + face.width / 2, face.y, face.width, pitch_deg)
        self._places.add(place)
        self._measure(place)
        self.down = self._top is not None or self._low
        drops, drop_deg = self._drops, self.drop_deg
        self.far = self._low or drop_deg >= s.far_deg
        if self._low and drop_deg < s.far_deg:
            drop_deg = s.far_deg
        drops.append((t_s, drop_deg))
        if drop_deg >= s.down_deg:
            self._down_s = t_s
        while drops[0][0] < t_s - s.memory_s:
            drops.popleft()

    def _measure(self, place: Place) -> None:
        s = self._settings
        top, places = self._top, self._places
        if top is None:
            high, high_deg = places.peak()
        else:
            high, high_deg = top, top.pitch_deg
        self.drop_deg = self._fallen_deg(place, places.pitch_deg(), high, high_deg)
        if top is None:
            if self.drop_deg < s.near_deg:
                self.fall_s = place.t_s
            elif self.drop_deg >= s.down_deg:
                self._top, self.deepest_deg = places.highest(), 0.0
        if self._top is None:
            return
        if self.drop_deg > self.deepest_deg:
            self.deepest_deg, self.deepest_s = self.drop_deg, place.t_s
        if self.drop_deg <= max(self.deepest_deg * (1 - s.regained), s.near_deg):
            self.back, self._top, self.fall_s = True, None, place.t_s
            self._places.clear()
            self._places.add(place)

    def below(self, place: Place, top: Place) -> float:
        """How many degrees ``place`` lies below ``top``, by the face's place or by its pitch.

        Level after a look up is not down: only a pitch below this driver's normal counts.
        """
        return self._fallen_deg(place, place.pitch_deg, top, top.pitch_deg)

    def _fallen_deg(
        self, place: Place, pitch_deg: float | None, top: Place, top_deg: float | None
    ) -> float:
        lower = place.y - top.y
        fallen_deg = 0.0
        if lower > 0.0 and abs(place.x - top.x) <= 2 * lower:  # else it leans or leaves to the side
            share = lower / (top.width * self._settings.arm)
            fallen_deg = math.degrees(math.asin(1.0 if share > 1.0 else share))
        if top_deg is None or pitch_deg is None:
            return fallen_deg
        below_deg = (0.0 if top_deg > 0.0 else top_deg) - pitch_deg
        return below_deg if below_deg > fallen_deg else fallen_deg
