"""Which DMS_Alert frames a state asks for: raised, changed or ended. Pure."""

from __future__ import annotations

from dms.bridge.codec import Value
from dms.bridge.signals import alert_signals
from dms.values import ActiveAlert, DriverState, Kind, Level


class AlertTracker:
    """Compares each state's active alerts with those of the state before."""

    def __init__(self) -> None:
        self._active: dict[Kind, ActiveAlert] = {}
        self._number = 0

    def step(self, state: DriverState) -> list[dict[str, Value]]:
        """Return the signals of the DMS_Alert frames that are due, ends first."""
        if not (state.active or state.events or self._active):
            return []  # as most states are
        active = {alert.kind: alert for alert in state.active}
        told = []
        for kind, alert in self._active.items():
            if kind not in active:
                told.append((alert, "Ended"))
        for event in state.events:
            if event.level > Level.NONE:
                since = event.t_s if event.start_s is None else event.start_s
                told.append((ActiveAlert(event.kind, event.level, since, event.reason), "Raised"))
        raised = {alert.kind for alert, action in told if action == "Raised"}
        for kind, alert in active.items():
            before = self._active.get(kind)
            if kind in raised:
                continue
            if before is None:
                told.append((alert, "Raised"))
            elif before.level != alert.level:
                told.append((alert, "Changed"))
        self._active = active
        return [self._signals(alert, action, state.t_s) for alert, action in told]

    def _signals(self, alert: ActiveAlert, action: str, t_s: float) -> dict[str, Value]:
        self._number += 1
        return alert_signals(alert, action, self._number, t_s)
