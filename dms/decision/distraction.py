"""Attention off the road, by head or by gaze: how long, how often, and what excuses it.

Looking up is free, as is looking into a turn. A head that hangs to the side or onto the chest is
slumped: off the road in every profile, and never excused. Where no gaze is read, the head alone has
the word; where it was read off the road and is not seen since, nobody knows for a while.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from dms.decision.excuses import Excuse
from dms.decision.gaze import Look
from dms.decision.gaze_away import GazeAway
from dms.decision.tick import Tick, reached
from dms.decision.zones import ZoneSettings
from dms.settings import setting, settings
from dms.values import AttentionBy, HeadPose, VehicleContext


@settings
class DistractionSettings:
    """Where the road ends, in degrees off this driver's own normal."""

    yaw_deg: float = setting(30.0, unit="deg", gt=0, lt=90, text="away beyond this yaw")
    yaw_back_deg: float = setting(24.0, unit="deg", gt=0, lt=90, text="back on the road below it")
    pitch_deg: float = setting(-20.0, unit="deg", gt=-90, lt=0, text="away below this pitch")
    pitch_back_deg: float = setting(-15.0, unit="deg", gt=-90, lt=0, text="back above it")
    slump_roll_deg: float = setting(
        35.0, unit="deg", gt=0, lt=90, text="slumped beyond this roll, as of a head on a shoulder"
    )
    slump_roll_back_deg: float = setting(
        27.0, unit="deg", gt=0, lt=90, text="upright again below it"
    )
    slump_pitch_deg: float = setting(
        -40.0, unit="deg", gt=-90, lt=0, text="slumped below this pitch: chin on the chest"
    )
    settle_s: float = setting(0.2, unit="s", ge=0, text="back for this long ends a glance away")
    turning_yaw_deg: float = setting(
        18.0, unit="deg", gt=0, text="face lost beyond this yaw: lost by turning away"
    )
    turning_pitch_deg: float = setting(-12.0, unit="deg", lt=0, text="or below this pitch")
    turning_roll_deg: float = setting(
        25.0, unit="deg", gt=0, text="face lost beyond this roll: lost by slumping"
    )
    turning_memory_s: float = setting(0.5, unit="s", gt=0, text="pose this old still tells how")
    steering_from_deg: float = setting(
        30.0, unit="deg", gt=0, text="steering wheel beyond this: looking that way is the road"
    )
    steering_gain: float = setting(0.4, ge=0, text="degrees of free yaw per degree of steering")
    free_yaw_deg: float = setting(
        75.0, unit="deg", gt=0, lt=120, text="most yaw that steering excuses"
    )
    mirror_s: float = setting(
        2.0, unit="s", ge=0,
        text="with the indicator set, a look to that side is free this long, over the shoulder too",
    )  # fmt: skip
    gaze_settle_s: float = setting(
        0.1, unit="s", ge=0, text="gaze off the road begins a look once it has lasted for this long"
    )
    gaze_unseen_s: float = setting(
        5.0, unit="s", ge=0,
        text="gaze last seen off the road and not since: unknown so long, then the head's word",
    )  # fmt: skip

    def __post_init__(self) -> None:
        nearer = self.yaw_back_deg < self.yaw_deg and self.pitch_back_deg > self.pitch_deg
        if not nearer or self.slump_roll_back_deg >= self.slump_roll_deg:
            raise ValueError("the way back to the road must be nearer than the way off it")

    def beyond(self, pose: HeadPose) -> bool:
        """Whether this pose begins a look away, and does not merely go on with one."""
        return pose.pitch_deg < self.pitch_deg or abs(pose.yaw_deg) > self.yaw_deg


@dataclass(frozen=True, slots=True)
class Glance:
    """One look away that has ended."""

    start_s: float
    end_s: float


class Distraction:
    """The away timers. Step it with every frame in time order."""

    def __init__(
        self,
        settings: DistractionSettings,
        zones: ZoneSettings | None = None,
        *,
        window_s: float = 30.0,
        reset_s: float = 2.0,
        down_only: bool = False,
    ) -> None:
        self._settings = settings
        self._window_s, self._reset_s, self._down_only = window_s, reset_s, down_only
        self._pose: HeadPose | None = None  # the last one seen
        self._pose_s = float("-inf")
        self.start_s: float | None = None  # when the present look away began
        self._back_s: float | None = None
        self._road_s = 0.0
        self._excuse = self._new_excuse()
        self._gaze = GazeAway(
            zones if zones is not None else ZoneSettings(),
            self._new_excuse(),
            settle_s=settings.gaze_settle_s,
            unseen_s=settings.gaze_unseen_s,
            down_only=down_only,
        )
        self._began_by_head = False  # the head has been off the road within this look
        self._rested_s = float("-inf")
        self._spans: deque[tuple[float, float]] = deque()
        self.summed_s = 0.0  # time away within the window since the last reset by a look back
        self.away: bool | None = None
        self.by: AttentionBy | None = None  # what says so, None while nothing does
        self.away_s = 0.0
        self.turned = False  # the face was lost by turning away
        self.slumped = False  # the head hangs, or was lost on its way to hanging
        self.head: bool | None = None  # off the road by the head alone
        self.glance: Glance | None = None

    def _new_excuse(self) -> Excuse:
        s = self._settings
        return Excuse(
            mirror_s=s.mirror_s,
            from_deg=s.steering_from_deg,
            gain=s.steering_gain,
            most_deg=s.free_yaw_deg,
        )

    def step(
        self,
        tick: Tick,
        pose: HeadPose | None,
        vehicle: VehicleContext | None = None,
        *,
        look: Look | None = None,
        lowered: bool = False,
        turned_away: bool = False,
        counts: bool = True,
    ) -> None:
        """Take one frame: pose against normal, or None where no face is seen.

        ``look``: the gaze, None where none is read; ``lowered``: the lids follow a gaze that is
        down. ``turned_away``: perception itself says why the face is lost. ``counts`` is False
        while the vehicle stands still or is slow: timers then rest at zero.
        """
        t_s, dt_s = tick.t_s, tick.dt_s
        self.glance = None
        before = self.away
        self.head = self._judge(t_s, pose, vehicle, turned_away)
        counted = self.start_s is not None
        self._gaze.step(t_s, look, vehicle, lowered=lowered, counted=counted)
        self.away, self.by = self.head, None
        if self.head or self._gaze.off is not False:
            self.away, self.by = self._either()
        if not counts:
            self._rest()
            self._rested_s = t_s
        elif self.away is None or tick.gap_s:
            self._freeze(tick)
        elif self.away:
            self._off(t_s, dt_s if before else 0.0)
        else:
            self._on(t_s, dt_s, was_away=before is True)
        if self._spans:
            self._forget(t_s)

    def _either(self) -> tuple[bool | None, AttentionBy | None]:
        """Join head and gaze: either is enough to be away; only both can say that nothing is."""
        if self.head:
            return True, AttentionBy.BOTH if self._gaze.off else AttentionBy.HEAD
        if self._gaze.off:
            return True, AttentionBy.GAZE
        return (None if self._gaze.lost() else self.head), None

    def _judge(
        self,
        t_s: float,
        pose: HeadPose | None,
        vehicle: VehicleContext | None,
        turned_away: bool,
    ) -> bool | None:
        if pose is None:
            recent = t_s - self._pose_s <= self._settings.turning_memory_s
            if recent and self._pose is not None:
                self.slumped |= abs(self._pose.roll_deg) > self._settings.turning_roll_deg
            if turned_away or self.slumped or (recent and self._was_turning()):
                self.turned = True
            if not (self.turned and self._side_counts()):
                return None
            if not self.slumped and self._checks_lost(t_s, vehicle):
                return None  # excused, but nobody has seen them look at the road
            return True
        self.turned = False
        self._pose, self._pose_s = pose, t_s
        s = self._settings
        roll_deg = s.slump_roll_back_deg if self.slumped else s.slump_roll_deg
        self.slumped = abs(pose.roll_deg) > roll_deg or pose.pitch_deg < s.slump_pitch_deg
        return self.slumped or self._off_road(t_s, pose, vehicle)

    def _was_turning(self) -> bool:
        s, pose = self._settings, self._pose
        return pose is not None and (
            abs(pose.yaw_deg) > s.turning_yaw_deg or pose.pitch_deg < s.turning_pitch_deg
        )

    def _side_counts(self) -> bool:
        """Whether a face lost on the way it was going is away in this profile."""
        if not self._down_only or self.slumped:
            return True
        return self._pose is not None and self._pose.pitch_deg < self._settings.turning_pitch_deg

    def _off_road(self, t_s: float, pose: HeadPose, vehicle: VehicleContext | None) -> bool:
        s = self._settings
        counted = self.start_s is not None
        held = self.head is True or (counted and self._began_by_head)
        if pose.pitch_deg < (s.pitch_back_deg if held else s.pitch_deg):
            return True
        if self._down_only:
            return False
        limit = s.yaw_back_deg if held else s.yaw_deg
        if abs(pose.yaw_deg) <= limit:
            self._excuse.end()
            return False
        return not self._excuse.frees(t_s, pose.yaw_deg, limit, vehicle, counted=counted)

    def _checks_lost(self, t_s: float, vehicle: VehicleContext | None) -> bool:
        """Whether a face lost by turning is excused."""
        s, pose = self._settings, self._pose
        if pose is None or pose.pitch_deg < s.turning_pitch_deg:
            return False
        counted = self.start_s is not None
        return self._excuse.frees_lost(
            t_s, pose.yaw_deg, s.turning_yaw_deg, vehicle, counted=counted
        )

    def _off(self, t_s: float, dt_s: float) -> None:
        self._back_s, self._road_s = None, 0.0
        if self.start_s is None:
            since_s = self._gaze.since_s if not self.head else None
            self.start_s = t_s if since_s is None else max(since_s, self._rested_s)
            self._began_by_head, self.away_s = False, 0.0
            dt_s = t_s - self.start_s
        self._began_by_head |= self.head is True
        self.away_s += dt_s
        if dt_s > 0:
            self._add_span(t_s - dt_s, t_s)

    def _on(self, t_s: float, dt_s: float, *, was_away: bool) -> None:
        if was_away and self.start_s is not None:  # a look lasts until the first frame back
            self.away_s += dt_s
            self._add_span(t_s - dt_s, t_s)
        if self._back_s is None:
            self._back_s = t_s
        else:
            self._road_s += dt_s
        if self.start_s is not None and reached(t_s - self._back_s, self._settings.settle_s):
            self.glance = Glance(self.start_s, self._back_s)
            self.start_s, self.away_s = None, 0.0
        if self._spans and reached(self._road_s, self._reset_s):
            self._drop_spans()

    def _freeze(self, tick: Tick) -> None:
        """Nothing is known of this time: neither timer moves; only the window slides on."""
        if tick.gap_s and self.away is not None:
            self._back_s = None

    def _rest(self) -> None:
        self.start_s, self._back_s, self.away_s, self._road_s = None, None, 0.0, 0.0
        self._drop_spans()

    def _add_span(self, start_s: float, end_s: float) -> None:
        self._spans.append((start_s, end_s))
        self.summed_s += end_s - start_s

    def _drop_spans(self) -> None:
        self._spans.clear()
        self.summed_s = 0.0

    def _forget(self, t_s: float) -> None:
        spans, oldest_s = self._spans, t_s - self._window_s
        while spans and spans[0][1] <= oldest_s:
            start_s, end_s = spans.popleft()
            self.summed_s -= end_s - start_s
        if not spans:
            self.summed_s = 0.0  # what rounding has left
        elif spans[0][0] < oldest_s:
            start_s, end_s = spans[0]
            self.summed_s -= oldest_s - start_s
            spans[0] = (oldest_s, end_s)
