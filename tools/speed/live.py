"""The chain live: the newest frame wins; age of frames at alert time, drops, idle cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np

from dms.camera.live import LiveCamera
from dms.camera.settings import CameraSettings
from dms.camera.source import Picture, Source
from dms.chain import Chain
from dms.config import load
from dms.monitor import Monitor
from dms.values import Step


class Paced(Source):
    """Pictures from memory, each when it is due; stamped as a driver would, when it is taken."""

    def __init__(self, pictures: Sequence[np.ndarray], fps: float) -> None:
        self._pictures, self._period_s, self._at = pictures, 1.0 / fps, 0
        self._start_s = 0.0
        self.ended = False

    def open(self) -> None:
        self._start_s = time.monotonic()

    def grab(self) -> Picture | None:
        if self._at == len(self._pictures):
            self.ended = True
            return None
        due_s = self._start_s + self._at * self._period_s
        time.sleep(max(0.0, due_s - time.monotonic()))
        self._at += 1
        return Picture(self._pictures[self._at - 1], due_s)

    def close(self) -> None:
        self.ended = True


class Ages:
    """How old each frame was when it had been decided, and when it raised an alert."""

    def __init__(self) -> None:
        self.all_s: list[float] = []
        self.alerts_s: list[float] = []
        self.drops = 0
        self._sequence: int | None = None

    def take(self, step: Step) -> None:
        if step.frame is None:
            return
        age_s = time.monotonic() - step.frame.t_s
        self.all_s.append(age_s)
        if any(event.level for event in step.state.events):
            self.alerts_s.append(age_s)
        if self._sequence is not None:
            self.drops += step.frame.sequence - self._sequence - 1
        self._sequence = step.frame.sequence


def live(pictures: Sequence[np.ndarray], fps: float, overrides: list[str]) -> dict[str, float]:
    """Run ``pictures`` at ``fps`` as a live camera would bring them; return what it cost."""
    chain, ages = Chain(load(None, overrides)), Ages()
    _ = chain.perception  # loaded before the clock starts, as the service does
    camera = LiveCamera(lambda: Paced(pictures, fps), CameraSettings())
    bridges = chain.bridges()
    for bridge in bridges:
        bridge.open()
    with camera:
        monitor = Monitor(camera, chain.perception, chain.core, bridges, sinks=[ages])
        began, used = time.monotonic(), time.process_time()
        monitor.run()
        wall_s, cpu_s = time.monotonic() - began, time.process_time() - used
    for bridge in bridges:
        bridge.close()
    chain.close()
    return {
        "seconds": wall_s,
        "cpu_share": cpu_s / wall_s,
        "frames": len(ages.all_s),
        "drops": ages.drops,
        "age_median_ms": 1e3 * float(np.median(ages.all_s)),
        "age_p99_ms": 1e3 * float(np.percentile(ages.all_s, 99)),
        "alerts": len(ages.alerts_s),
        "age_at_alert_most_ms": 1e3 * max(ages.alerts_s) if ages.alerts_s else None,
        "threads": threading.active_count(),
    }
