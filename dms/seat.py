"""Who sits at the wheel: another driver must not be judged by the former one's open eyes.

No face is recognised. A driver can change only while nobody is seen; who is seen next is learned
anew, and is then compared by what is measured anyway: where eyes and head are much like the former
driver's, his baseline is taken up again.
"""

from __future__ import annotations

from dms.baseline import Baseline, BaselineSettings, Known
from dms.settings import setting, settings

_TOLERANCE_S = 1e-3  # timestamps of containers are rounded to milliseconds


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
        20.0, unit="s", gt=0, text="open eyes seen of the next driver before he is compared"
    )
    longest_step_s: float = setting(
        0.5, unit="s", gt=0, text="a longer gap between frames is time in which nothing is known"
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
        self._last_s: float | None = None
        self._standing_s = self._unknown_s = 0.0  # since the last face
        self._ignition_off = False
        self._waits = False  # the next face may be another driver's
        self._stood = False  # as the vehicle surely stood still
        self.taken = False  # in this step somebody sat down, who may be another
        self.changed = False  # in this step he turned out to be another, at standstill

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
        t_s: float,
        *,
        face: bool,
        stands: bool | None = None,
        ignition: bool | None = None,
        closed: bool = False,
    ) -> None:
        """Take one frame: whether a face is seen, and what the vehicle says (None: unknown).

        ``closed``: a closure longer than a blink runs. Who slept out of sight stays who he is.
        """
        self.taken = self.changed = False
        self._wait(t_s, stands, ignition)
        if not face:
            return
        self._standing_s = self._unknown_s = 0.0
        if self._waits and (self._stood or not closed):
            self._sit_down()
        elif self._former is not None and self.baseline.taught_s >= self._settings.compare_s:
            self._compare(self._former)

    def _wait(self, t_s: float, stands: bool | None, ignition: bool | None) -> None:
        """Add up how long nobody has been seen while the vehicle may have stood still."""
        s = self._settings
        dt_s = 0.0 if self._last_s is None else t_s - self._last_s
        self._last_s = t_s
        if stands is None or dt_s > s.longest_step_s:
            self._unknown_s += dt_s
        elif stands:
            self._standing_s += dt_s
        started = self._ignition_off and ignition is True
        self._ignition_off = ignition is False or (self._ignition_off and not started)
        if started or self._standing_s >= s.empty_standing_s - _TOLERANCE_S:
            self._waits = self._stood = True
        elif self._standing_s + self._unknown_s >= s.empty_s - _TOLERANCE_S:
            self._waits = True

    def _sit_down(self) -> None:
        """Learn anew; a driver who has hardly been learned is not compared with."""
        before = self.baseline
        self.baseline = Baseline(self._baseline_settings)
        self.baseline.recall_pose(before)
        if before.learned or (before is self._owner and self._owned):
            self._former = before
        elif before is self._owner:
            self._owner = self.baseline
        self._waits, self.taken = False, True

    def _compare(self, former: Baseline) -> None:
        if former.resembles(self.baseline):
            self.baseline = former
        else:
            self.changed = self._stood
        self._former, self._stood = None, False
