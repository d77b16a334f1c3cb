"""One line on how the service is doing: for systemctl status, the journal and the live view."""

from __future__ import annotations

import logging
import time
from collections import deque

from dms.decision.faults import new_faults
from dms.masking import told
from dms.service.notify import Notifier
from dms.settings import setting, settings
from dms.values import Fault, Frame, Level, Step

_log = logging.getLogger(__name__)


@settings
class StartSettings:
    """How the service starts."""

    ready_s: float = setting(
        8.0, gt=0, unit="s", text="what has not answered by then is told in the status as missing"
    )
    load_retry_s: float = setting(
        10.0, gt=0, unit="s", text="pause before nets that did not load are tried again"
    )


_EVERY_S = 5.0
_WINDOW_S = 5.0


class Status:
    """Collects what is missing and how fast frames come; a sink of the loop."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._is_ready = False
        self._times: deque[float] = deque()
        self._told_s = float("-inf")
        self._sequence: int | None = None
        self._faults: tuple[Fault, ...] = ()
        self.missing: dict[str, str] = {}
        self.parts: tuple[str, ...] = ("camera", "engine")  # what is set up, besides the decision
        self.refused: str | None = None
        self.frames = 0
        self.drops = 0

    @property
    def fps(self) -> float:
        """Frames a second over the last seconds; 0 once none has come for so long."""
        if len(self._times) < 2 or time.monotonic() - self._times[-1] > _WINDOW_S:
            return 0.0
        return (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-6)

    def ready(self) -> None:
        """Tell systemd once that start-up is over, complete or not."""
        self._notifier.status(self.line(self._faults))
        if not self._is_ready:
            self._is_ready = True
            self._notifier.ready()
            _log.info("Ready. %s", self.line(self._faults))

    def line(self, faults: tuple[Fault, ...]) -> str:
        """Return the status in words."""
        parts = {fault.part.value for fault in faults}
        wrong = [f"{part}: {why}" for part, why in self.missing.items() if part not in parts]
        wrong += [str(fault) for fault in faults]
        if self.refused:
            wrong.append(f"settings refused: {self.refused}")
        words = told("; ".join(wrong))  # a refusal may quote settings or a library
        return f"degraded: {words}" if wrong else f"running at {self.fps:.1f} frames/s"

    def health(self, faults: tuple[Fault, ...]) -> dict[str, str | None]:
        """Return what is wrong with each part that is set up, None where it is well."""
        wrong: dict[str, str | None] = dict.fromkeys(self.parts)
        wrong.update(self.missing)
        for fault in faults:
            wrong[fault.part.value] = fault.words
        return wrong

    def take(self, step: Step) -> None:
        """Count a frame; log faults as they come and go; refresh the status line now and then."""
        now_s = time.monotonic()
        if step.frame is not None:
            self._count(step.frame, now_s)
            self.missing.pop("camera", None)
        changed = step.moment.faults != self._faults
        if changed:
            self._log_faults(step.moment.faults)
        if changed or now_s - self._told_s >= _EVERY_S:
            self._told_s = now_s
            self._notifier.status(self.line(step.moment.faults))
        for event in step.state.events:
            if event.level > Level.NONE:
                _log.warning(
                    "%s level %d: %s", event.kind.value, event.level, event.reason,
                    extra={"fields": {
                        "DMS_KIND": event.kind.value, "DMS_LEVEL": int(event.level),
                        "DMS_T": round(event.t_s, 3),
                    }},
                )  # fmt: skip

    def _count(self, frame: Frame, now_s: float) -> None:
        self.frames += 1
        if self._sequence is not None and frame.sequence > self._sequence:
            self.drops += frame.sequence - self._sequence - 1
        self._sequence = frame.sequence
        self._times.append(now_s)
        while self._times[0] < now_s - _WINDOW_S:
            self._times.popleft()

    def _log_faults(self, faults: tuple[Fault, ...]) -> None:
        fresh = new_faults(self._faults, faults)
        for fault in fresh:
            _log.error("Fault: %s", fault, extra={"fields": {"DMS_FAULT": str(fault)}})
        for fault in faults:
            if fault not in self._faults and fault not in fresh:
                _log.info("Still: %s", fault)
        for fault in new_faults(faults, self._faults):
            _log.warning("Over: %s", fault, extra={"fields": {"DMS_FAULT_OVER": str(fault)}})
        self._faults = faults
