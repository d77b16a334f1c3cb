"""Who sits at the wheel: another driver must not be judged by the former one's open eyes.

No face is recognised. A driver can change only while nobody is seen; who is seen next is learned
from the start, and is then compared by what is measured anyway: where eyes and head are much like
the former driver's, that baseline is taken up again. Lids that only hang lower are the same
driver's, tired.
"""

from __future__ import annotations

from dms.decision.baseline import Baseline, Known
from dms.decision.learning import BaselineSettings
from dms.decision.tick import Tick, reached
from dms.settings import setting, settings


@settings
class SeatSettings:
    """When the next face may be another driver's."""

    empty_standing_s: float = setting(
        5.0, unit="s", gt=0, text="nobody seen for this long at standstill: it may be another"
    )
    empty_s: float = setting(
        20.0, unit="s", gt=0,
        text="the same where nothing is known of the vehicle's motion; never while it moves",
    )  # fmt: skip
    compare_s: float = setting(
        20.0, unit="s", gt=0, text="open eyes seen of the next driver before they are compared"
    )
    ignition_off_s: float = setting(
        1.0, unit="s", ge=0, text="ignition off for this long, not in motion: it may be another"
    )
    tired_ratio: float = setting(
        0.6, gt=0, le=1,
        text="same head, open EAR down to this part of the former's: tired, not another",
    )  # fmt: skip
    tired_ratio_parked: float = setting(
        0.7, gt=0, le=1, text="the same after gear park or ignition, when drivers do change"
    )
    asleep_s: float = setting(
        1.0, unit="s", ge=0, text="who comes back into sight asleep for this long is no other"
    )


class Seat:
    """The present driver's baseline. Step it with every frame in time order, before its use."""

    def __init__(
        self, settings: SeatSettings, baseline: BaselineSettings, known: Known | None = None
    ) -> None:
        self._settings, self._baseline_settings = settings, baseline
        self.baseline = Baseline(baseline, known)
        self._owner = self.baseline  # of the driver who may be remembered
        self._owned = known is not None
        self._former: Baseline | None = None  # until the next driver has been compared
        self._standing_s = self._unknown_s = 0.0  # since the last face
        self._parked = False  # since the last face
        self._off_since_s: float | None = None  # ignition
        self._asleep_s = 0.0  # how long who came back has been seen asleep
        self._waits = False  # the next face may be another driver's
        self._stood = False  # as the vehicle was parked or its ignition off
        self.taken = False  # in this step somebody sat down, who may be another
        self.changed = False  # in this step they turned out to be another, after parking

    @property
    def known(self) -> Known | None:
        """What may be kept of the driver with whom it began, as :attr:`Baseline.known`."""
        return self._owner.known

    def keep_owner(self, old: Seat) -> None:
        """Go on for ``old``: where another driver has sat down, the first one is remembered."""
        if old.baseline is not old._owner:
            self._owner = old._owner

    def step(
        self,
        tick: Tick,
        *,
        face: bool,
        stands: bool | None = None,
        ignition: bool | None = None,
        parked: bool = False,
        closed: bool = False,
    ) -> None:
        """Take one frame: whether a face is seen, and what the vehicle says (None: unknown).

        ``parked``: gear park at standstill. A stop alone, as at a red light, is no sign of a
        change: it only lets the next face be learned again and compared. ``closed``: a closure
        longer than a blink runs. Who slept out of sight is the same.
        """
        self.taken = self.changed = False
        elapsed_s = tick.dt_s + tick.gap_s
        self._wait(tick, elapsed_s, stands, parked=parked)
        if ignition is not None or self._off_since_s is not None:
            self._ignite(tick, stands, ignition)
        if not face:
            self._asleep_s = 0.0
            return
        back = self._standing_s + self._unknown_s <= elapsed_s  # seen in the frame before, too
        self._standing_s, self._unknown_s, self._parked = 0.0, 0.0, False
        if self._waits and (not closed or (self._stood and stands is True)):
            self._sit_down()
        elif self._waits and not self._stood:
            self._protect(elapsed_s if back else 0.0)
        elif self._former is not None and self.baseline.taught_s >= self._settings.compare_s:
            self._compare(self._former)

    def _wait(self, tick: Tick, elapsed_s: float, stands: bool | None, *, parked: bool) -> None:
        """Add up how long nobody has been seen while the vehicle may have stood still."""
        s = self._settings
        if stands is None or tick.gap_s:
            self._unknown_s += elapsed_s
        elif stands:
            self._standing_s += tick.dt_s
        self._parked = self._parked or parked
        if self._standing_s and reached(self._standing_s, s.empty_standing_s):
            self._waits = True
            self._stood = self._stood or self._parked
        elif not self._waits and reached(self._standing_s + self._unknown_s, s.empty_s):
            self._waits = True

    def _ignite(self, tick: Tick, stands: bool | None, ignition: bool | None) -> None:
        """Note that the ignition has been off and on again; in motion that is a glitch."""
        off_s = self._off_since_s
        if stands is False or ignition is True:
            self._off_since_s = None
        elif ignition is False and off_s is None:
            self._off_since_s = tick.t_s
        if off_s is None or stands is False or ignition is not True:
            return
        if tick.reached(off_s, self._settings.ignition_off_s):
            self._waits = self._stood = True

    def _protect(self, dt_s: float) -> None:
        """Keep the baseline of who is seen asleep, also once they wake up."""
        self._asleep_s += dt_s
        if reached(self._asleep_s, self._settings.asleep_s):
            self._waits = False

    def _sit_down(self) -> None:
        """Learn again; a driver who has hardly been learned is not compared with."""
        before = self.baseline
        self.baseline = Baseline(self._baseline_settings)
        self.baseline.recall_pose(before)
        if before.learned or (before is self._owner and self._owned):
            self._former = before
        elif before is self._owner:
            self._owner = self.baseline
        if self._former is None:
            self._stood = False
        self._waits, self._asleep_s, self.taken = False, 0.0, True

    def _compare(self, former: Baseline) -> None:
        s = self._settings
        least = s.tired_ratio_parked if self._stood else s.tired_ratio
        if former.resembles(self.baseline, least):
            self.baseline = former
        else:
            self.changed = self._stood
        self._former, self._stood = None, False
