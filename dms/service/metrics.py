"""Numbers for Prometheus as a text file (node_exporter's textfile collector reads it)."""

from __future__ import annotations

import logging
import time
from collections import deque
from pathlib import Path

from dms.service.status import Status
from dms.values import DriverState, EyesState, Moment, Step

_log = logging.getLogger(__name__)
_EVERY_S = 5.0
_KEPT = 600  # latencies, some 20 s at 30 frames/s
_THERMAL = Path("/sys/class/thermal")


class Metrics:
    """Rewrites one file every five seconds; a sink of the loop."""

    def __init__(self, path: Path, status: Status) -> None:
        self._path = path
        self._status = status
        self._latencies: deque[float] = deque(maxlen=_KEPT)
        self._alerts: dict[str, int] = {}
        self._alert_age_s: float | None = None  # of the frame, at the newest alert
        self._written_s = time.monotonic()
        self._told = False

    def take(self, step: Step) -> None:
        """Note one step."""
        now_s = time.monotonic()
        if step.frame is not None:
            self._latencies.append(now_s - step.frame.t_s)
            if any(event.level for event in step.state.events):
                self._alert_age_s = now_s - step.frame.t_s
        for event in step.state.events:
            self._alerts[event.kind.value] = self._alerts.get(event.kind.value, 0) + 1
        if now_s - self._written_s >= _EVERY_S:
            self._written_s = now_s
            self._write(self.text(step.moment, step.state))

    def text(self, moment: Moment, state: DriverState) -> str:
        """Return the file's content."""
        lines = [
            _line("dms_frames_total", "counter", self._status.frames),
            _line("dms_frames_dropped_total", "counter", self._status.drops),
            _line("dms_frames_per_second", "gauge", round(self._status.fps, 2)),
            _line("dms_faults", "gauge", len(moment.faults)),
            _line("dms_alert_level", "gauge", int(state.level)),
            _line("dms_baseline_progress", "gauge", round(state.baseline_progress, 3)),
            "# TYPE dms_eyes gauge",
            *(f'dms_eyes{{state="{one.value}"}} {int(state.eyes is one)}' for one in EyesState),
            "# TYPE dms_part_well gauge",
            *(
                f'dms_part_well{{part="{part}"}} {int(why is None)}'
                for part, why in self._status.health(moment.faults).items()
            ),
        ]
        if state.drowsiness is not None:  # unknown is no number
            lines.append(_line("dms_drowsiness_level", "gauge", state.drowsiness))
        lines.append("# TYPE dms_latency_seconds summary")
        kept = sorted(self._latencies)
        for share in (0.5, 0.95, 0.99):
            if kept:
                value = kept[min(int(share * len(kept)), len(kept) - 1)]
                lines.append(f'dms_latency_seconds{{quantile="{share}"}} {value:.4f}')
        if self._alert_age_s is not None:
            lines.append(_line("dms_alert_frame_age_seconds", "gauge", round(self._alert_age_s, 4)))
        lines.append("# TYPE dms_events_total counter")
        lines += [f'dms_events_total{{kind="{k}"}} {n}' for k, n in sorted(self._alerts.items())]
        lines.append("# TYPE dms_temperature_celsius gauge")
        lines += [f'dms_temperature_celsius{{zone="{k}"}} {v:.1f}' for k, v in temperatures()]
        return "\n".join(lines) + "\n"

    def _write(self, text: str) -> None:
        part = self._path.with_suffix(".part")
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(self._path)
        except OSError as error:
            if not self._told:
                self._told = True
                _log.warning("No metrics at %s (%s).", self._path, error)


def temperatures() -> list[tuple[str, float]]:
    """Return the machine's thermal zones that can be read, name and degrees Celsius."""
    found: list[tuple[str, float]] = []
    try:
        zones = sorted(_THERMAL.glob("thermal_zone*"))
    except OSError:  # no descriptor left: these numbers are not worth more
        return found
    for zone in zones:
        try:
            name = (zone / "type").read_text().strip()
            found.append((name, int((zone / "temp").read_text()) / 1000.0))
        except (OSError, ValueError):
            continue  # some of a Jetson's zones refuse while their part is off
    return found


def _line(name: str, kind: str, value: float) -> str:
    return f"# TYPE {name} {kind}\n{name} {value}"
