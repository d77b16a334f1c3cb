"""Yawns over time: one long, wide opening of the mouth, unlike talk or laughter.

Each frame's word is the mouth net's where there is one, else the mouth aspect ratio's. Half of all
yawns are hidden by a hand, so they only corroborate drowsiness, never make it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from dms.decision.tick import reached
from dms.settings import setting, settings


@settings
class YawnSettings:
    """How wide and how long a mouth must be open, by the mouth net or its inner lips."""

    likely_above: float = setting(
        0.45, gt=0, lt=1, text="the mouth net's probability from which an opening begins"
    )
    likely_below: float = setting(
        0.3, gt=0, lt=1, source="above: 8 % of people left out who eat, talk or phone",
        text="below this it has ended; one frame from here speaks for a yawn",
    )  # fmt: skip
    likely_peak: float = setting(0.6, gt=0, lt=1, text="surest frame of a yawn, at least")
    sure_above: float = setting(
        0.68, gt=0, lt=1, text="two of the net's words in a row from here: talk flickers about it"
    )
    steady_above: float = setting(0.5, gt=0, lt=1, text="or all its words from here for shortest_s")
    gape_least: float = setting(
        0.015, ge=0, lt=2,
        text="mean mouth aspect ratio of a yawn of the net's: lips that touch read 0.00",
    )  # fmt: skip
    leap_s: float = setting(
        0.15, unit="s", ge=0, text="lips from shut to peak_least in less: a shout or a start"
    )
    hold_s: float = setting(
        0.3,
        unit="s",
        gt=0,
        text="the net's word counts this long, then the lips alone do; an opening takes no longer",
    )
    open_above: float = setting(
        0.22, gt=0, lt=2, text="mouth aspect ratio of an opening; wide yawns read 0.35 and more"
    )
    shut_below: float = setting(0.15, gt=0, lt=2, text="below this the opening has ended")
    peak_least: float = setting(0.3, gt=0, lt=2, text="widest point of a yawn, at least")
    shortest_s: float = setting(
        0.6, unit="s", gt=0, source="yawns last 3.5-6.3 s in all, acted ones are wide for 0.6 s",
        text="open without a break for this long",
    )  # fmt: skip
    longest_s: float = setting(10.0, unit="s", gt=0, text="longer is no yawn (singing, broken fit)")
    flicker_s: float = setting(0.1, unit="s", ge=0, text="a shorter dip does not end the opening")
    smile_most: float = setting(
        0.75, gt=0, le=1, text="mean happiness above this while the mouth is wide is laughter"
    )
    bout_most: int = setting(
        3, ge=1, text="more such openings within bout_s are song: none of them is a yawn"
    )
    bout_s: float = setting(15.0, unit="s", gt=0, text="time of that; yawns come minutes apart")
    window_s: float = setting(300.0, unit="s", gt=0, text="yawns of this time are counted")

    def __post_init__(self) -> None:
        if not self.shut_below < self.open_above < self.peak_least:
            raise ValueError("shut_below < open_above < peak_least is expected")
        if not self.likely_below < self.likely_above < self.likely_peak:
            raise ValueError("likely_below < likely_above < likely_peak is expected")


@dataclass(frozen=True, slots=True)
class Yawn:
    """One yawn: the wide part from ``start_s`` to ``end_s``.

    ``peak``: the mouth net's surest probability, or the widest mouth aspect ratio without the net.
    """

    start_s: float
    end_s: float
    peak: float


class Yawns:
    """Finds yawns. Step it with every frame in time order."""

    def __init__(self, settings: YawnSettings) -> None:
        self._settings = settings
        self._start_s: float | None = None
        self._rise_s: float | None = None  # since when the mouth is not shut
        self._wide_s = 0.0  # last time it was wide
        self._peak = 0.0  # on the scale of _width
        self._told = 0.0  # the same as it was measured
        self._likely: float | None = None  # the mouth net's last word
        self._likely_s = float("-inf")
        self._smile, self._wide_frames = 0.0, 0  # happiness while wide, summed
        self._steady_s = float("inf")  # the last word below steady_above
        self._shut_s = float("-inf")  # when the lips were last shut
        self._gape, self._frames = 0.0, 0  # mouth aspect ratio of the opening, summed
        self._by_net = self._sure = self._leapt = False  # of the present opening
        self._ends: deque[float] = deque()  # of yawns
        self.count = 0  # yawns within the window
        self._bout: deque[float] = deque()  # ends of all such openings of late, yawns or not
        self.yawning: bool | None = None

    @property
    def _laughed(self) -> bool:
        return self._smile > self._settings.smile_most * self._wide_frames

    def step(
        self,
        t_s: float,
        mar: float | None,
        happiness: float | None = None,
        likely: float | None = None,
    ) -> Yawn | None:
        """Take one frame and return the yawn that it ended, if any; None is an unseen mouth.

        ``likely``: probability of the mouth net, None in frames without it.
        """
        s = self._settings
        if likely is not None:
            self._hear(t_s, likely)
        elif mar is None or t_s - self._likely_s > s.hold_s:
            self._likely = None
        if mar is not None and mar < s.shut_below:
            self._shut_s = t_s
        wide = self._width(mar)
        if wide is None or wide < -1.0:
            self._rise_s = None
        elif self._rise_s is None:
            self._rise_s = t_s
        if self._ends or self._bout:
            _forget(self._ends, t_s - s.window_s)
            _forget(self._bout, t_s - s.bout_s)
            self.count = len(self._ends)
        if wide is not None and wide >= (0.0 if self._start_s is None else -1.0):
            if self._start_s is None:
                # Begun as it ends, at the shut limit; a mouth that rests ajar is no long yawn.
                rise_s = t_s if self._rise_s is None else self._rise_s
                self._start_s, self._peak, self._told = max(rise_s, t_s - s.hold_s), wide, 0.0
                self._smile, self._wide_frames = 0.0, 0
                self._gape, self._frames = 0.0, 0
                self._by_net = self._leapt = False
                self._sure = likely is not None and self._sure
            self._watch(t_s, mar)
            self._wide_s, self._peak = t_s, max(self._peak, wide)
            self._told = max(self._told, (mar or 0.0) if self._likely is None else self._likely)
            if happiness is not None and wide >= 1.0:
                self._smile += happiness
                self._wide_frames += 1
            long = s.shortest_s <= t_s - self._start_s <= s.longest_s
            sings = len(self._bout) >= s.bout_most
            gapes = long and self._peak >= 1.0 and self._gaped
            self.yawning = gapes and not self._laughed and not sings
            return None
        yawn = None
        if self._start_s is not None and reached(t_s - self._wide_s, s.flicker_s):
            yawn = self._end(t_s)
        if self._start_s is None:
            self.yawning = None if wide is None else False
        return yawn

    def _hear(self, t_s: float, likely: float) -> None:
        """Take a word of the net's."""
        s = self._settings
        before = self._likely if t_s - self._likely_s <= s.hold_s else None
        if likely < s.steady_above or before is None:
            self._steady_s = t_s
        sure = min(before or 0.0, likely) >= s.sure_above
        steady = sure or reached(t_s - self._steady_s, s.shortest_s)
        self._sure = steady or (self._sure and self._start_s is not None)
        self._likely, self._likely_s = likely, t_s

    def _watch(self, t_s: float, mar: float | None) -> None:
        """Follow the lips through an opening, for its shape."""
        s = self._settings
        self._by_net = self._by_net or self._likely is not None
        self._gape, self._frames = self._gape + (mar or 0.0), self._frames + 1
        if mar is not None and mar >= s.peak_least:
            self._leapt = self._leapt or not reached(t_s - self._shut_s, s.leap_s)

    @property
    def _gaped(self) -> bool:
        """Whether an opening of which the net has told has a yawn's shape."""
        apart = self._gape >= self._settings.gape_least * self._frames
        return not self._by_net or (apart and self._sure and not self._leapt)

    def _width(self, mar: float | None) -> float | None:
        """How wide the mouth is on one scale: -1 shut again, 0 opening, 1 as wide as a yawn."""
        s = self._settings
        if self._likely is not None:
            return _on_scale(self._likely, s.likely_below, s.likely_above, s.likely_peak)
        return None if mar is None else _on_scale(mar, s.shut_below, s.open_above, s.peak_least)

    def _end(self, t_s: float) -> Yawn | None:
        s = self._settings
        start_s = self._start_s if self._start_s is not None else t_s
        self._start_s = None
        wide_s = self._wide_s - start_s
        if self._laughed or self._peak < 1.0 or not self._gaped:
            return None
        if not reached(wide_s, s.shortest_s) or wide_s > s.longest_s:
            return None
        self._bout.append(t_s)
        if len(self._bout) > s.bout_most:
            while self._ends and self._ends[-1] >= self._bout[0]:  # those before were song too
                self._ends.pop()
            self.count = len(self._ends)
            return None
        self._ends.append(t_s)
        self.count = len(self._ends)
        return Yawn(start_s, self._wide_s, self._told)


def _on_scale(value: float, shut: float, opened: float, peak: float) -> float:
    """Return -1 at ``shut``, 0 at ``opened`` and 1 at ``peak``, straight between and beyond."""
    if value < opened:
        return (value - opened) / (opened - shut)
    return (value - opened) / (peak - opened)


def _forget(times: deque[float], before_s: float) -> None:
    while times and times[0] < before_s:
        times.popleft()
