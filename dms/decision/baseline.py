"""The driver's own normal: open-eye EAR, head pose, road-ahead gaze and resting expression.

From the first frame a population prior answers; the driver's own values take over within seconds
and are final after the first minute of driving. Clamps keep a sleepy or slouching driver from
teaching that this is normal.
"""

from __future__ import annotations

from collections.abc import Sequence

from dms.decision.learning import Angle, BaselineSettings, OpenLevel, ear_scale, logit_scale
from dms.decision.road import Road
from dms.odds import LOGIT_MOST
from dms.settings import setting, settings
from dms.values import EXPRESSIONS, HeadPose


@settings
class Known:
    """What was learned of a driver on an earlier drive; bounds are the population's widest."""

    right_ear: float = setting(0.28, ge=0.1, le=0.5, text="open EAR")
    left_ear: float = setting(0.28, ge=0.1, le=0.5, text="open EAR")
    right_logit: float = setting(4.0, ge=0, le=LOGIT_MOST, text="the net's logit of the open eye")
    left_logit: float = setting(4.0, ge=0, le=LOGIT_MOST, text="the net's logit of the open eye")
    yaw_deg: float = setting(0.0, unit="deg", ge=-90, le=90, text="head straight ahead")
    pitch_deg: float = setting(0.0, unit="deg", ge=-90, le=90, text="head straight ahead")
    roll_deg: float = setting(0.0, unit="deg", ge=-90, le=90, text="head straight ahead")
    rest: tuple[float, ...] = setting(
        (), max_length=len(EXPRESSIONS), text="resting expression in the order of EXPRESSIONS"
    )


class Baseline:
    """All that is learned of one driver; a new driver or recording starts a new one."""

    def __init__(self, settings: BaselineSettings, known: Known | None = None) -> None:
        self._settings = settings
        ears, logits = ear_scale(settings), logit_scale(settings)
        self.right_ear = OpenLevel(ears, settings, known.right_ear if known else None)
        self.left_ear = OpenLevel(ears, settings, known.left_ear if known else None)
        self.right_net = OpenLevel(logits, settings, known.right_logit if known else None)
        self.left_net = OpenLevel(logits, settings, known.left_logit if known else None)
        self._levels = (self.right_ear, self.left_ear, self.right_net, self.left_net)
        self._unsettled: Sequence[OpenLevel] = self._levels
        self.yaw = Angle(settings, settings.yaw_deg, settings.yaw_clamp_deg)
        self.pitch = Angle(settings, settings.pitch_deg, settings.pitch_clamp_deg)
        self.roll = Angle(settings, settings.roll_deg, settings.roll_clamp_deg)
        self.road = Road(settings.road)
        self.rest = tuple(1.0 if name == "neutral" else 0.0 for name in EXPRESSIONS)
        if known is not None:
            self.yaw.recall(known.yaw_deg)
            self.pitch.recall(known.pitch_deg)
            self.roll.recall(known.roll_deg)
            if len(known.rest) == len(EXPRESSIONS):
                self.rest = tuple(known.rest)
        self._rest_s = 0.0
        self._rest_recalled = known is not None and len(known.rest) == len(EXPRESSIONS)
        # Whether the rest is this driver's: seen for long enough, or on an earlier drive.
        self.rest_known = self._rest_recalled or settings.rest_least_s <= 0.0
        self._rested_s = float("-inf")
        self._seen_s = 0.0
        self.progress = 0.0  # share of the first minute that has been learned, 0..1
        self._pose_recalled = False
        self.learned = False

    def recall_pose(self, before: Baseline) -> None:
        """Start from where the driver before looked straight ahead: the camera is the same."""
        self._pose_recalled = True
        self.yaw.recall(before.yaw.value_deg)
        self.pitch.recall(before.pitch.value_deg)
        self.roll.recall(before.roll.value_deg)

    @property
    def known(self) -> Known | None:
        """What may be kept for the next drive; None until the first minute is over."""
        if not self.learned:
            return None
        return Known(
            right_ear=self.right_ear.value,
            left_ear=self.left_ear.value,
            right_logit=self.right_net.value,
            left_logit=self.left_net.value,
            yaw_deg=self.yaw.value_deg,
            pitch_deg=self.pitch.value_deg,
            roll_deg=self.roll.value_deg,
            rest=self.rest,
        )

    @property
    def taught_s(self) -> float:
        """How long the better seen eye has taught."""
        return max(level.learned_s for level in self._levels)

    def resembles(self, other: Baseline, least_ear: float = 1.0) -> bool:
        """Whether the same driver may have taught ``other``: eyes and head are much the same.

        Tired lids hang lower and are theirs all the same, down to ``least_ear`` of their open EAR
        and as long as the net reads them open: lower, they would be asleep here.
        """
        least = (least_ear, least_ear, 0.0, 0.0)
        levels = zip(self._levels, other._levels, least, strict=True)
        eyes = [a.resembles(b, lowest) for a, b, lowest in levels]
        angles = ((self.yaw, other.yaw), (self.pitch, other.pitch), (self.roll, other.roll))
        same = any(eye is True for eye in eyes) and all(eye is not False for eye in eyes)
        return same and all(a.resembles(b) for a, b in angles)

    def relative(self, pose: HeadPose) -> HeadPose:
        """Turn a pose against the camera into one against this driver's normal."""
        return HeadPose(
            pose.yaw_deg - self.yaw.value_deg,
            pose.pitch_deg - self.pitch.value_deg,
            pose.roll_deg - self.roll.value_deg,
        )

    def learn_eyes(
        self,
        ears: tuple[float | None, float | None],
        logits: tuple[float | None, float | None],
        dt_s: float,
        *,
        closed: bool,
    ) -> None:
        """Learn EARs corrected for pose and the net's logits, each (right, left).

        ``closed``: the eyes read closed now, which counts little after the first seconds.
        """
        weight_s = dt_s * self._settings.closed_rate if closed and self._seen_s > 5.0 else dt_s
        (right_ear, left_ear), (right_logit, left_logit) = ears, logits
        if right_ear is not None:
            self.right_ear.learn(right_ear, weight_s)
        if left_ear is not None:
            self.left_ear.learn(left_ear, weight_s)
        if right_logit is not None:
            self.right_net.learn(right_logit, weight_s)
        if left_logit is not None:
            self.left_net.learn(left_logit, weight_s)

    def learn_pose(
        self, pose: HeadPose, dt_s: float, *, away: bool = False, far: bool = False
    ) -> None:
        """Learn the pose against the camera.

        ``away`` is not learned after a stop, only a little on the way back (not ``far``).
        """
        if away and self._pose_recalled and not self.learned:
            dt_s *= 0.0 if far else self._settings.pose_far_rate
        self.yaw.learn(pose.yaw_deg, dt_s)
        self.pitch.learn(pose.pitch_deg, dt_s)
        self.roll.learn(pose.roll_deg, dt_s)

    def learn_rest(self, probabilities: Sequence[float], t_s: float, *, calm: bool) -> None:
        """Learn the resting expression scored at ``t_s``: a slow mean of the drive.

        It starts from a neutral face; what looks angry against it (not ``calm``) counts little
        once the rest is known. Before, it may be this driver's rest that looks angry.
        """
        s = self._settings
        since_s, self._rested_s = t_s - self._rested_s, t_s
        rate = 1.0 if calm or not self.rest_known else s.upset_rate
        dt_s = min(max(since_s, 0.0), 1.0) * rate
        self._rest_s = min(self._rest_s + dt_s, s.rest_memory_s)
        self.rest_known = self._rest_recalled or self._rest_s >= s.rest_least_s
        share = min(dt_s / (self._rest_s + s.rest_prior_s), 1.0)
        pairs = zip(self.rest, probabilities, strict=True)
        self.rest = tuple([r + (p - r) * share for r, p in pairs])

    def advance(self, dt_s: float) -> None:
        """Count ``dt_s`` of driving with the driver well seen towards the first minute."""
        self._seen_s += dt_s
        self.progress = self._seen_s / self._settings.learn_s
        if self.progress < 1.0:
            return
        self.progress = 1.0
        if self._unsettled:
            self._unsettled = [level for level in self._unsettled if not level.settle()]
        if not self.learned:
            self.learned = True
            self.yaw.settle()
            self.pitch.settle()
            self.roll.settle()
