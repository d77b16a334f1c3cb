"""Whether the eyes are off the road: by their gaze, or by lids that follow it down."""

from __future__ import annotations

from dms.decision.excuses import Excuse
from dms.decision.gaze import Look
from dms.decision.tick import TOLERANCE_S, reached
from dms.decision.zones import ZoneSettings, off_road
from dms.values import VehicleContext


class GazeAway:
    """Step it with every frame in time order.

    ``settle_s``: the gaze must be off the road for so long; ``unseen_s``: seen off it and not
    since, it is :attr:`lost` for so long.
    """

    def __init__(
        self,
        zones: ZoneSettings,
        excuse: Excuse,
        *,
        settle_s: float,
        unseen_s: float,
        down_only: bool,
    ) -> None:
        self._zones, self._excuse = zones, excuse
        self._settle_s, self._unseen_s, self._down_only = settle_s, unseen_s, down_only
        self._seen_s = float("-inf")  # when it was last seen off the road
        self._back = True  # seen on the road since
        self.since_s: float | None = None  # since when it is off the road
        self.off: bool | None = None  # None: no gaze, or too unsure to say

    def lost(self) -> bool:
        """Tell whether the gaze was last seen off the road a moment ago and is not seen now."""
        return self.off is None and not self._back

    def step(
        self,
        t_s: float,
        look: Look | None,
        vehicle: VehicleContext | None,
        *,
        lowered: bool,
        counted: bool,
    ) -> None:
        """Take one frame; ``counted``: a look away is under way, by whatever source."""
        off = True if lowered else self._judge(t_s, look, vehicle, counted=counted)
        if off:
            self.since_s = t_s if self.since_s is None else self.since_s
            if self.off or self.lost() or reached(t_s - self.since_s, self._settle_s):
                self.off, self._back, self._seen_s = True, False, t_s
            return
        self.since_s = None
        self.off = off
        if off is False or t_s - self._seen_s > self._unseen_s + TOLERANCE_S:
            self._back = True

    def _judge(
        self, t_s: float, look: Look | None, vehicle: VehicleContext | None, *, counted: bool
    ) -> bool | None:
        if look is None:
            return None
        aside, down = off_road(look, self._zones, held=not self._back)
        if down or self._down_only:
            return down
        if not aside:
            self._excuse.end()
            return None if aside is None or down is None else False
        limit_deg = self._zones.yaw_deg
        free = self._excuse.frees(t_s, look.yaw_deg, limit_deg, vehicle, counted=counted)
        return not free
