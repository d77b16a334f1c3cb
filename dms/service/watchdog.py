"""Is every stage of the loop getting on? Feeds the watchdog while it is, names the one that hangs.

A fault that is reported and retried is life: only a stage that does not come back stops it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from dms.service.notify import Notifier
from dms.settings import setting, settings

_log = logging.getLogger(__name__)
_OFTEN = 4  # looks within the time that systemd allows
_USUAL_WATCHDOG_S = 10.0  # where systemd watches nothing, for the log's sake
_GRACE_S = 0.5  # a stage past its deadline may go on: the whole machine may have stood still


@settings
class LivenessSettings:
    """How long each stage may take before the service is taken to hang and started again."""

    camera_s: float = setting(
        6.0, gt=0, unit="s", text="wait for a frame (reported as silent earlier)"
    )
    perception_s: float = setting(5.0, gt=0, unit="s", text="landmarks and nets of one frame")
    decision_s: float = setting(2.0, gt=0, unit="s", text="one step of the decision core")
    bridge_s: float = setting(3.0, gt=0, unit="s", text="hand one state to every bridge")
    record_s: float = setting(3.0, gt=0, unit="s", text="hand one state to store and view")
    load_s: float = setting(60.0, gt=0, unit="s", text="load landmarks and nets, build engines")


class Liveness:
    """Knows the stage the loop is in and since when; looks at it from a thread of its own."""

    def __init__(
        self,
        settings: LivenessSettings,
        notifier: Notifier,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._notifier = notifier
        self._clock = clock
        self._now = ("load", clock())
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def enter(self, stage: str) -> None:
        """Note that the loop has come to ``stage``: camera, perception, decision, ..."""
        self._now = (stage, self._clock())

    @property
    def stage(self) -> str:
        """The stage that the loop is in."""
        return self._now[0]

    def stuck(self) -> tuple[str, float] | None:
        """Return the stage that is past its deadline and for how long it has run, else None."""
        stage, since_s = self._now
        taken_s = self._clock() - since_s
        deadline_s = float(getattr(self._settings, f"{stage}_s"))
        return (stage, taken_s) if taken_s > deadline_s else None

    def look(self) -> bool:
        """Feed the watchdog if all is well; name the stage that hangs otherwise.

        A process that was not scheduled for seconds wakes up with this thread as well as with the
        loop, which then gets a moment to go on.
        """
        stuck = self.stuck()
        if stuck is not None:
            self._stop.wait(_GRACE_S)
            stuck = self.stuck()
        if stuck is None:
            self._notifier.alive()
            return True
        stage, taken_s = stuck
        text = f"The stage {stage} hangs: no progress for {taken_s:.1f} s; the service starts anew."
        _log.critical("%s", text, extra={"fields": {"DMS_STAGE": stage}})
        self._notifier.status(text)
        self._notifier.hung()
        return False

    def start(self) -> None:
        """Begin looking."""
        self._thread = threading.Thread(target=self._watch, name="dms-liveness", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; a second call does nothing."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)
            self._thread = None

    def _watch(self) -> None:
        period_s = (self._notifier.watchdog_s or _USUAL_WATCHDOG_S) / _OFTEN
        while self.look() and not self._stop.wait(period_s):
            pass
