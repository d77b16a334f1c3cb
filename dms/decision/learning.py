"""How a driver's own values are learned: from the population's, within bounds, slowly later."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from dms.decision.road import RoadSettings
from dms.odds import LOGIT_MOST
from dms.settings import setting, settings

_BINS = 120


@settings
class BaselineSettings:
    """What the population looks like and how fast this driver's own values replace it."""

    learn_s: float = setting(
        60.0, unit="s", gt=0, le=600, source="DESIGN: first minute", text="seen time until learned"
    )
    open_prior_s: float = setting(0.7, unit="s", gt=0, text="weight of the population's open eye")
    open_quantile: float = setting(
        0.65, gt=0.5, lt=1, text="quantile taken as open: above the median since blinks are low"
    )
    known_prior_s: float = setting(
        5.0, unit="s", gt=0, text="weight of an open eye that is known from an earlier drive"
    )
    settle_s: float = setting(
        20.0, unit="s", ge=0, text="time an eye must have taught before its value is final"
    )
    open_half_life_s: float = setting(300.0, unit="s", gt=0, text="forgetting of the open eye")
    ear: float = setting(0.28, gt=0.1, lt=0.5, text="population's open EAR with dlib's 68 points")
    ear_spread: float = setting(0.035, gt=0, lt=0.2, text="its standard deviation")
    ear_lowest: float = setting(0.18, gt=0, text="an open EAR below this is never learned")
    ear_lowest_early: float = setting(0.235, gt=0, text="the same until learned: stricter")
    ear_highest: float = setting(0.42, lt=1, text="an open EAR above this is never learned")
    ear_drop: float = setting(0.10, ge=0, lt=0.5, text="most the learned EAR may sink later")
    ear_rise: float = setting(
        0.5, ge=0, le=1, text="most it may rise later: who began half asleep may wake up"
    )
    logit: float = setting(3.4, gt=0, lt=8, text="the nets' usual mean logit of an open eye")
    logit_spread: float = setting(1.0, gt=0, text="its standard deviation between people")
    logit_lowest: float = setting(1.5, gt=0, text="an open logit below this is never learned")
    logit_lowest_early: float = setting(2.0, gt=0, text="the same until learned: stricter")
    logit_drop: float = setting(0.4, ge=0, lt=1, text="most it may sink later, as with night")
    closed_rate: float = setting(0.1, ge=0, le=1, text="learning rate while the eyes read closed")
    yaw_deg: float = setting(0.0, unit="deg", gt=-90, lt=90, text="camera's yaw: from the mount")
    pitch_deg: float = setting(0.0, unit="deg", gt=-90, lt=90, text="its pitch")
    roll_deg: float = setting(0.0, unit="deg", gt=-90, lt=90, text="its roll")
    pose_prior_s: float = setting(3.0, unit="s", gt=0, text="weight of the mounting's pose")
    pose_memory_s: float = setting(180.0, unit="s", gt=0, text="seen time the pose remembers")
    pose_near_deg: float = setting(12.0, unit="deg", gt=0, text="frames beyond are outliers")
    pose_early_deg: float = setting(
        25.0, unit="deg", gt=0, text="the same at first, as the mount is rarely known exactly"
    )
    pose_early_s: float = setting(10.0, unit="s", ge=0, text="how long that is so")
    pose_far_rate: float = setting(0.1, ge=0, le=1, text="learning rate of those outliers")
    yaw_clamp_deg: float = setting(25.0, unit="deg", ge=0, text="most the yaw may be offset")
    pitch_clamp_deg: float = setting(20.0, unit="deg", ge=0, text="most the pitch may be offset")
    roll_clamp_deg: float = setting(15.0, unit="deg", ge=0, text="most the roll may be offset")
    pose_drift_deg: float = setting(6.0, unit="deg", ge=0, text="most it may drift once learned")
    rest_prior_s: float = setting(3.0, unit="s", ge=0, text="weight of a neutral resting face")
    rest_least_s: float = setting(
        20.0, unit="s", ge=0, text="resting face seen this long is known; until then, no road rage"
    )
    upset_rate: float = setting(0.1, ge=0, le=1, text="learning rate while the face looks angry")
    rest_memory_s: float = setting(180.0, unit="s", gt=0, text="memory of the resting expression")
    road: RoadSettings = RoadSettings()

    def __post_init__(self) -> None:
        ears = [self.ear_lowest, self.ear_lowest_early, self.ear, self.ear_highest]
        if [0.1, *ears, 0.5] != sorted([0.1, *ears, 0.5]):
            raise ValueError(
                "ear_lowest, ear_lowest_early, ear and ear_highest must rise from at least 0.1 to "
                f"at most 0.5, got {ears}"
            )
        logits = [self.logit_lowest, self.logit_lowest_early, self.logit]
        if [0.0, *logits] != sorted([0.0, *logits]):
            raise ValueError(
                "logit_lowest, logit_lowest_early and logit must rise from at least 0, got "
                f"{logits}"
            )


@dataclass(frozen=True, slots=True)
class Scale:
    """Range and bounds of what :class:`OpenLevel` learns."""

    bottom: float
    top: float
    usual: float
    spread: float
    lowest: float
    lowest_early: float
    highest: float
    drop: float
    rise: float


def ear_scale(s: BaselineSettings) -> Scale:
    """Return the scale of the EAR."""
    lowest, highest = (s.ear_lowest, s.ear_lowest_early), s.ear_highest
    return Scale(0.0, 0.6, s.ear, s.ear_spread, *lowest, highest, s.ear_drop, s.ear_rise)


def logit_scale(s: BaselineSettings) -> Scale:
    """Return the scale of the net's logit, which :data:`LOGIT_MOST` cuts off."""
    lowest, most = (s.logit_lowest, s.logit_lowest_early), LOGIT_MOST
    return Scale(-most, most, s.logit, s.logit_spread, *lowest, most, s.logit_drop, 1.0)


class OpenLevel:
    """Time-weighted running upper quantile of one eye's measure, started from the population."""

    def __init__(
        self, scale: Scale, settings: BaselineSettings, known: float | None = None
    ) -> None:
        prior_s = settings.open_prior_s
        if known is not None:  # from an earlier drive: narrower and weightier, but still learned
            usual = min(max(known, scale.lowest), scale.highest)
            scale = replace(scale, usual=usual, spread=scale.spread / 3, lowest_early=scale.lowest)
            prior_s = settings.known_prior_s
        self._scale_of, self._settings, self._bottom = scale, settings, scale.bottom
        self._half_life_s = settings.open_half_life_s
        self._prior_s, self._known = prior_s, known is not None
        self._bin = (scale.top - scale.bottom) / _BINS
        middles = [scale.bottom + (i + 0.5) * self._bin for i in range(_BINS)]
        weights = [math.exp(-0.5 * ((x - scale.usual) / scale.spread) ** 2) for x in middles]
        total = sum(weights)
        self._mass = [w / total * prior_s for w in weights]
        self._unit = 1.0  # mass of one second now, so that forgetting costs nothing per bin
        self._at = 0  # the bin of the last quantile, near which the next one lies
        self._below: float | None = 0.0  # mass of the bins below it; None: to be summed anew
        self._anchor: float | None = None
        self._due_s = 0.0
        self.learned_s = 0.0  # time that has taught it
        self.own = 1.0 if self._known else 0.0  # the driver's part of the value, 0..1
        self.value = scale.usual

    def learn(self, value: float, weight_s: float) -> None:
        """Add ``weight_s`` seconds of this value."""
        over, unit = value - self._bottom, self._unit
        if not over > 0.0 or weight_s <= 0.0:
            return
        at = int(over / self._bin)
        self._mass[_BINS - 1 if at >= _BINS else at] += weight_s * unit
        if at < self._at:
            self._below = None
        self._unit = unit * 2.0 ** (weight_s / self._half_life_s)
        if self._unit > 1e6:
            self._mass = [m / self._unit for m in self._mass]
            self._unit, self._below = 1.0, None
        self.learned_s = learned_s = self.learned_s + weight_s
        if not self._known:
            self.own = learned_s / (learned_s + self._prior_s)
        scale = self._scale_of
        if self._anchor is None:
            value = self._quantile()
            value = scale.lowest_early if value < scale.lowest_early else value
            self.value = scale.highest if value > scale.highest else value
            return
        self._due_s += weight_s
        if self._due_s >= 0.5:  # slow once learned, so costs less
            self._due_s = 0.0
            low = max(scale.lowest, self._anchor * (1 - scale.drop))
            high = min(scale.highest, self._anchor * (1 + scale.rise))
            self.value = min(max(self._quantile(), low), high)

    def resembles(self, other: OpenLevel, least: float) -> bool | None:
        """Whether ``other`` has measured about this value; None where either has seen too little.

        About: no further off than this value might sink later, and lower down to ``least`` of it.
        """
        least_s = self._settings.settle_s / 2
        if other.learned_s < least_s or not (self._known or self.learned_s >= least_s):
            return None
        ratio = other._quantile() / (self._anchor or self.value)  # its value has early bounds
        return min(least, 1 - self._scale_of.drop) <= ratio <= 1 + self._scale_of.drop

    def settle(self) -> bool:
        """From now on the value may move only a little; False where too little of it was seen."""
        if self._anchor is None and self.learned_s >= self._settings.settle_s:
            scale = self._scale_of  # the stricter early bound no longer holds
            self._anchor = min(max(self._quantile(), scale.lowest), scale.highest)
            self.value = self._anchor
        return self._anchor is not None

    def _quantile(self) -> float:
        masses, at = self._mass, self._at
        seen = sum(masses[:at]) if self._below is None else self._below
        goal = self._settings.open_quantile * sum(masses[at:], seen)
        while at > 0 and seen >= goal:
            at = max(at - 4, 0)
            seen = sum(masses[:at])
        for i in range(at, _BINS):
            mass = masses[i]
            if seen + mass >= goal:
                self._at, self._below = i, seen
                return self._bottom + (i + (goal - seen) / mass) * self._bin
            seen += mass
        return self._scale_of.usual


class Angle:
    """Running mean of one head angle, started from the mounting, with outliers held back."""

    def __init__(self, settings: BaselineSettings, prior_deg: float, clamp_deg: float) -> None:
        self._settings = settings
        self._prior_deg, self._clamp_deg = prior_deg, clamp_deg
        self._mass_s = settings.pose_prior_s
        self._early_s = settings.pose_prior_s + settings.pose_early_s
        self._mean_deg = prior_deg
        self._low_deg, self._high_deg = prior_deg - clamp_deg, prior_deg + clamp_deg
        self._anchor_deg: float | None = None
        self.value_deg = prior_deg

    def learn(self, angle_deg: float, weight_s: float) -> None:
        """Add ``weight_s`` seconds at this angle."""
        s, mass_s = self._settings, self._mass_s
        near_deg = s.pose_early_deg if mass_s < self._early_s else s.pose_near_deg
        if abs(angle_deg - self.value_deg) > near_deg:
            weight_s *= s.pose_far_rate
        mass_s += weight_s
        self._mass_s = mass_s = s.pose_memory_s if mass_s > s.pose_memory_s else mass_s
        mean_deg = self._mean_deg
        mean_deg += (angle_deg - mean_deg) * (1.0 if weight_s > mass_s else weight_s / mass_s)
        self._mean_deg = mean_deg
        low, high = self._low_deg, self._high_deg
        mean_deg = low if mean_deg < low else mean_deg
        self.value_deg = high if mean_deg > high else mean_deg

    def recall(self, angle_deg: float) -> None:
        """Start from an earlier drive's angle, within the clamp about the mounting's."""
        within_deg = min(max(angle_deg, self._low_deg), self._high_deg)
        self._mean_deg = self.value_deg = within_deg

    def resembles(self, other: Angle) -> bool:
        """Whether ``other`` lies where this value may drift, once learned."""
        middle_deg = self.value_deg if self._anchor_deg is None else self._anchor_deg
        return abs(other.value_deg - middle_deg) <= self._settings.pose_drift_deg

    def settle(self) -> None:
        """From now on the value may drift only a little."""
        self._anchor_deg = anchor_deg = self.value_deg
        drift_deg, low_deg = self._settings.pose_drift_deg, self._prior_deg - self._clamp_deg
        self._low_deg = max(low_deg, anchor_deg - drift_deg)
        self._high_deg = min(self._prior_deg + self._clamp_deg, anchor_deg + drift_deg)
