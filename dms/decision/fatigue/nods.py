"""Nods: the head falls with the eyes shut, and jerks back. One may only be reported at its return.

A look down and back up moves the head as far and as fast; its eyes are open, or half open, for a
moment while the head is down, or as it begins to come back.
"""

from __future__ import annotations

from dataclasses import dataclass

from dms.decision.head import Head, Place
from dms.decision.lids import Signs
from dms.decision.tick import reached
from dms.settings import setting, settings


@settings
class NodSettings:
    """How far a head falls in a nod, and how fast it comes back."""

    fall_deg: float = setting(12.0, unit="deg", gt=0, text="how far it falls from where eyes shut")
    before_s: float = setting(
        0.5, unit="s", ge=0, text="the fall may begin this long before the eyes shut"
    )
    regained: float = setting(0.5, gt=0, lt=1, text="share of the fall after which it is back")
    jerk_s: float = setting(
        0.6, unit="s", gt=0, text="longest way back, from four fifths of the fall or out of sight"
    )
    shortest_s: float = setting(
        0.5, unit="s", ge=0, text="eyes shut or unseen for this long: shorter is a blink"
    )
    longest_s: float = setting(
        2.0, unit="s", gt=0, text="longer hangs who sleeps or looks down, told by its time"
    )
    open_s: float = setting(
        0.06, unit="s", ge=0, text="an eye seen open for certain for this long: no nod"
    )
    leap_s: float = setting(
        0.1, unit="s", ge=0, text="so fast a way back that the eyes may open in it"
    )
    pair_s: float = setting(
        60.0, unit="s", gt=0, text="two nods within this corroborate drowsiness; one may be a bump"
    )
    pause_s: float = setting(2.0, unit="s", ge=0, text="two nods are at least this far apart")


@dataclass(frozen=True, slots=True)
class Nod:
    """One nod, from where the eyes shut, or are seen shut again, to where the head is back."""

    start_s: float
    end_s: float
    fall_deg: float
    before_s: float | None = None  # when the one before ended, if that was within pair_s


class Nods:
    """Finds nods. Step it with every frame in time order."""

    def __init__(self, settings: NodSettings) -> None:
        self._settings = settings
        self._start_s: float | None = None  # of the closure that it belongs to
        self._since_s = float("-inf")  # when it may have begun: there, or when seen again
        self._from: Place | None = None  # where the head was then
        self._deepest_deg = 0.0
        self._low_s = float("-inf")  # when it was last near its lowest, or out of sight
        self._seen_s = float("-inf")  # when a face was last seen
        self._open_s: float | None = None
        self._looked = False
        self._last_s = float("-inf")  # the last nod

    def step(
        self,
        t_s: float,
        head: Head,
        signs: Signs,
        *,
        closure_s: float | None,
        shut: bool,
        seen: bool,
    ) -> Nod | None:
        """Take one frame and return the nod that it ended, if any.

        ``closure_s``: when the present closure began, ``shut``: the eyes read closed or unseen,
        ``seen``: a face is seen.
        """
        s = self._settings
        # A face that was lost and is seen again with the eyes still shut may nod anew.
        lost, over = t_s - self._seen_s > s.before_s, t_s - self._since_s > s.longest_s
        self._seen_s = t_s if seen else self._seen_s
        if closure_s != self._start_s:
            self._start_s = closure_s
            self._begin(t_s if closure_s is None else closure_s, head.highest(t_s - s.before_s))
        elif seen and lost and over:
            self._begin(t_s, head.place)
        if closure_s is None or self._from is None:
            return None
        if not seen:
            self._low_s = t_s
            return None
        self._look(t_s, signs)
        place = head.place
        fallen_deg = 0.0 if place is None else head.below(place, self._from)
        self._deepest_deg = max(self._deepest_deg, fallen_deg)
        if fallen_deg >= 0.8 * self._deepest_deg:
            self._low_s = t_s
        if self._deepest_deg < s.fall_deg or fallen_deg > (1 - s.regained) * self._deepest_deg:
            return None
        fits = s.shortest_s <= t_s - self._since_s <= s.longest_s
        jerks = t_s - self._low_s <= s.jerk_s
        leapt = t_s - self._low_s <= s.leap_s
        looked = self._looked or not (shut or leapt)
        self._from = None  # whatever it was, it is over
        if looked or not fits or not jerks or t_s - self._last_s < s.pause_s:
            return None
        before_s = self._last_s if t_s - self._last_s <= s.pair_s else None
        self._last_s = t_s
        return Nod(self._since_s, t_s, self._deepest_deg, before_s)

    def _begin(self, since_s: float, place: Place | None) -> None:
        self._since_s, self._from = since_s, place
        self._deepest_deg, self._low_s = 0.0, float("-inf")
        self._open_s, self._looked = None, False

    def _look(self, t_s: float, signs: Signs) -> None:
        """Note that the eyes were open, or lowered, while the head was down."""
        if not signs.certain_open and not signs.lowered:
            self._open_s = None
            return
        self._open_s = t_s if self._open_s is None else self._open_s
        self._looked |= reached(t_s - self._open_s, self._settings.open_s)
