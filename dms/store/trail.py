"""The audit trail: who paused, switched, acknowledged, cleared or reloaded, and over which way.

What repeats is counted, so that a flood of commands is a line a minute.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from dms.masking import told
from dms.store.rows import Note
from dms.values import Command, Step

_log = logging.getLogger(__name__)
_WINDOW_S = 60.0
_MOST_KINDS = 64  # different notes within a window
_LONGEST = 200  # characters


class Trail:
    """Takes notes from any thread and hands them on to the journal and to ``keep``.

    A sink of the loop, too: what began or ended by itself, as a pause whose time is over.
    """

    def __init__(
        self,
        keep: Callable[[Note], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keep, self._clock = keep, clock
        self._lock = threading.Lock()
        self._again: dict[tuple[str, str], int] = {}
        self._since_s = clock()
        self._before: tuple[object, ...] | None = None
        self._acknowledged = False

    def note(self, what: str, source: str) -> None:
        """Note that ``source`` did ``what``: at once, or counted where it did so just now."""
        key = told(what)[:_LONGEST], told(source)[:_LONGEST]
        with self._lock:
            self._turn()
            if key not in self._again and len(self._again) >= _MOST_KINDS:
                key = ("more of many kinds", "all")
            is_new = key not in self._again
            self._again[key] = 0 if is_new else self._again[key] + 1
        if is_new:
            self._tell(Note(*key))

    def command(self, command: Command, source: str) -> None:
        """Note a request that was taken."""
        for words in _asked(command):
            self.note(words, source)

    def take(self, step: Step) -> None:
        """Note what the state shows; a sink of the loop."""
        state, vehicle = step.state, step.moment.vehicle
        acknowledged = bool(vehicle is not None and vehicle.acknowledge)
        if acknowledged and not self._acknowledged:
            self.note("acknowledged", "the vehicle's signal")
        self._acknowledged = acknowledged
        reason = state.pause_reason.value if state.paused and state.pause_reason else None
        now = (state.paused, reason, state.warnings_on, state.rage_on)
        if self._before not in (None, now):
            paused = f"paused ({reason})" if state.paused else "watching"
            warnings, rage = (_switch(on) for on in (state.warnings_on, state.rage_on))
            self.note(f"now {paused}, warnings {warnings}, rage {rage}", "dms")
        self._before = now
        with self._lock:
            self._turn()

    def flush(self) -> None:
        """Tell what was only counted, as the service ends."""
        with self._lock:
            self._turn(ended=True)

    def _turn(self, *, ended: bool = False) -> None:
        """Tell what repeated, once its minute is over."""
        now_s = self._clock()
        if not ended and now_s - self._since_s < _WINDOW_S:
            return
        again, self._again, self._since_s = self._again, {}, now_s
        for (what, source), times in again.items():
            if times:
                self._tell(Note(f"again: {what}", source, times))

    def _tell(self, note: Note) -> None:
        fields = {"DMS_AUDIT": note.what, "DMS_SOURCE": note.source}
        _log.info("Audit: %s", note, extra={"fields": fields})
        self._keep(note)


def _asked(command: Command) -> list[str]:
    words = []
    if command.pause is not None:
        reason = command.pause_reason.value if command.pause_reason else "no reason given"
        words.append(
            f"pause asked for ({reason})" if command.pause else "end of the pause asked for"
        )
    if command.warnings is not None:
        words.append(f"warnings switched {_switch(command.warnings)}")
    if command.rage is not None:
        words.append(f"rage switched {_switch(command.rage)}")
    if command.press:
        words.append("button pressed")
    if command.acknowledge:
        words.append("acknowledged")
    return words


def _switch(on: bool) -> str:
    return "on" if on else "off"
