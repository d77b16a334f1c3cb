"""Head and eyes together: what the driver looks at, and since when it is not the road."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from operator import itemgetter

from dms.decision.baseline import Baseline
from dms.decision.distraction import Distraction, DistractionSettings
from dms.decision.gaze import Gazer, GazeSettings, Look
from dms.decision.openness import Openness
from dms.decision.profiles import Rules
from dms.decision.tick import Tick
from dms.decision.zones import ZoneSettings, zone_of
from dms.values import (
    AttentionBy,
    DriverObservation,
    Event,
    Gaze,
    GazeZone,
    HeadPose,
    Kind,
    Level,
    Unseen,
    VehicleContext,
)

# Bound once, as in dms.decision.policy.
_TURNED_AWAY, _UNKNOWN, _ROAD = Unseen.TURNED_AWAY, GazeZone.UNKNOWN, GazeZone.ROAD


class Attention:
    """Step it with every frame in time order: :meth:`look` before the lids are judged, then on."""

    def __init__(
        self,
        distraction: DistractionSettings,
        gaze: GazeSettings,
        zones: ZoneSettings,
        rules: Rules,
    ) -> None:
        self._gaze_settings, self._zones = gaze, zones
        self.distraction = Distraction(
            distraction,
            zones,
            window_s=rules.repeated_window_s,
            reset_s=rules.repeated_reset_s,
            down_only=rules.down_only,
        )
        self.forget()

    def forget(self) -> None:
        """Drop what is known of the present driver's eyes; the timers go on."""
        self._gazer = Gazer(self._gaze_settings)
        self._look: Look | None = None
        self._zone_s: dict[GazeZone, float] = defaultdict(float)  # within the present look away
        self._by: set[AttentionBy] = set()
        self.zone = GazeZone.UNKNOWN
        self.gaze: Gaze | None = None  # of the frame that was looked at last, None if not known

    def look(
        self, tick: Tick, observation: DriverObservation, opened: Openness, base: Baseline
    ) -> Look | None:
        """Read this frame's gaze against the road, None where none is known."""
        self._look = look = self._gazer.step(tick, observation, (opened.right, opened.left), base)
        self.gaze = None if look is None else look.gaze()
        return look

    def step(
        self,
        tick: Tick,
        observation: DriverObservation,
        pose: HeadPose | None,
        vehicle: VehicleContext | None,
        *,
        lowered: bool,
        unseen: Unseen | None,
        counts: bool,
    ) -> list[Event]:
        """Step the away timers; return the glance that has ended in this frame, if one has.

        ``pose`` is the head's against normal, ``unseen`` why the eyes are not seen; the rest as
        :meth:`~dms.decision.distraction.Distraction.step` has it.
        """
        distraction = self.distraction
        turned = observation.unseen is _TURNED_AWAY or unseen is _TURNED_AWAY
        distraction.step(
            tick, pose, vehicle,
            look=self._look, lowered=lowered, turned_away=turned, counts=counts,
        )  # fmt: skip
        zone = self.zone = zone_of(
            self._look, pose if distraction.head else None, self._zones, lowered=lowered
        )
        by, start_s = distraction.by, distraction.start_s
        if by is not None and start_s is not None:
            if zone is not _UNKNOWN and zone is not _ROAD:
                self._zone_s[zone] += tick.dt_s
            self._by.add(by)
        events = [self._glance(tick.t_s)] if distraction.glance is not None else []
        if start_s is None and (self._zone_s or self._by):
            self._zone_s.clear()
            self._by.clear()
        return events

    def learn(self, base: Baseline, speed_kmh: float | None, dt_s: float) -> None:
        """Teach the road from this frame's gaze, unless it is off the road as far as known."""
        if self.distraction.away is False:
            self._gazer.learn(base, speed_kmh, dt_s)

    def _glance(self, t_s: float) -> Event:
        """Note the look away that has ended, and where it went for the longest time."""
        glance = self.distraction.glance
        known = sorted(self._zone_s.items(), key=itemgetter(1))
        by = self._by.pop() if len(self._by) == 1 else AttentionBy.BOTH
        zone = known[-1][0] if known else GazeZone.UNKNOWN
        event = Event(t_s, Kind.GLANCE, Level.NONE, "looked away")
        if glance is None:
            return event
        values = {"zone": zone.value, "by": by.value}
        return replace(event, start_s=glance.start_s, end_s=glance.end_s, values=values)
