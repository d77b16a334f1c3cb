"""Stream time of a recording: starts at 0, always rises, whatever stamps the file carries."""

from __future__ import annotations

import logging

_log = logging.getLogger(__name__)
_USUAL_FPS = 30.0  # where the file says nothing believable
_BELIEVABLE_FPS = (1.0, 1000.0)
_REWIND_S = 1.0  # a larger step back is a restarted count, a smaller one a misplaced frame


class RecordingClock:
    """Turns one recording's raw stamps into seconds since its first frame.

    A stamp that does not advance is replaced by the nominal period, a count that restarts or jumps
    by more than ``largest_gap_s`` goes on from where it was; both are logged once. A single stamp
    makes no new count, and where the former count goes on, a new one ends: after damage, pictures
    may come late.
    """

    def __init__(self, fps: float, largest_gap_s: float, time_scale: float = 1.0) -> None:
        low, high = _BELIEVABLE_FPS
        self._period_s = 1.0 / (fps if low <= fps <= high else _USUAL_FPS)
        self._largest_gap_s = largest_gap_s
        self._time_scale = time_scale
        self._offset_s: float | None = None
        self._newest_s = 0.0  # highest raw stamp since the last restart
        # Raw stamp and time of what may be a new count; newest stamp and offset of the one before.
        self._odd: tuple[float, float] | None = None
        self._left: tuple[float, float] | None = None
        self._t_s = 0.0
        self._told = False

    def stamp(self, raw_s: float | None) -> float:
        """Return the time of the next frame, given its raw stamp."""
        if self._offset_s is None:
            self._newest_s = raw_s or 0.0
            self._offset_s = -self._newest_s
            return 0.0
        self._t_s = self._next(raw_s, self._offset_s)
        return self._t_s * self._time_scale

    def _next(self, raw_s: float | None, offset_s: float) -> float:
        nominal_s = self._t_s + self._period_s
        if raw_s is None:
            return nominal_s
        step_s = raw_s - self._newest_s
        if self._left is not None and step_s > _REWIND_S:
            newest_s, old_s = self._left
            if 0 < raw_s - newest_s <= _REWIND_S:  # the count before goes on: late pictures
                self._newest_s, self._offset_s, self._left = newest_s, old_s, None
                offset_s, step_s = old_s, raw_s - newest_s
        if step_s < -_REWIND_S or step_s > self._largest_gap_s:
            self._tell(raw_s)
            odd, self._odd = self._odd, (raw_s, nominal_s)
            if odd is None or not 0 < raw_s - odd[0] <= self._largest_gap_s:
                return nominal_s
            self._left = self._newest_s, offset_s
            self._newest_s, offset_s = raw_s, odd[1] - odd[0]  # a second one goes on from the first
            self._offset_s = offset_s
            step_s = raw_s - odd[0]
        self._odd = None
        if step_s <= 0:
            self._tell(raw_s)
            return nominal_s
        self._newest_s = raw_s
        t_s = raw_s + offset_s
        # After a repaired stamp the true ones need a moment to catch up.
        return t_s if t_s > self._t_s else self._t_s + self._period_s / 10

    def _tell(self, raw_s: float) -> None:
        if not self._told:
            self._told = True
            _log.warning(
                "The recording's stamps jump or fall at %.3f s (raw %.3f s); repaired from there.",
                self._t_s,
                raw_s,
            )
