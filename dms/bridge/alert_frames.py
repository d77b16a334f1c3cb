"""Which DMS_Alert frames a state asks for: raised, changed or ended. Pure."""

from __future__ import annotations

from dataclasses import replace

from dms.bridge.codec import Value
from dms.bridge.signals import alert_signals
from dms.values import ActiveAlert, DriverState, Event, Kind, Level


class Beginnings:
    """When that began which the standing alerts name, as it was told when they were raised.

    An alert stands from its limit on; the eyes were closed before.
    """

    def __init__(self) -> None:
        self._since: dict[Kind, float] = {}

    def take(self, state: DriverState) -> None:
        """Keep what the events tell of alerts that stand, and forget the others."""
        for event in state.events:
            again = event.values.get("repeated")  # which tells since when the alert has stood
            if event.level > Level.NONE and event.start_s is not None and not again:
                self._since[event.kind] = event.start_s
        standing = {alert.kind for alert in state.active}
        self._since = {kind: s for kind, s in self._since.items() if kind in standing}

    def of(self, alert: ActiveAlert) -> float:
        """Return when what ``alert`` names began, where nobody told it when it was raised."""
        return self._since.get(alert.kind, alert.since_s)

    def raised(self, event: Event, state: DriverState) -> float:
        """Return when what ``event`` raises began, :meth:`take` having seen its ``state``.

        What is raised again, or to another level, began when it was raised first.
        """
        standing = (self.of(alert) for alert in state.active if alert.kind is event.kind)
        begun_s = next(standing, event.t_s if event.start_s is None else event.start_s)
        return self._since.get(event.kind, begun_s)


class AlertTracker:
    """Compares each state's active alerts with those of the state before."""

    def __init__(self) -> None:
        self._active: dict[Kind, ActiveAlert] = {}
        self._begun = Beginnings()
        self._number = 0

    def step(self, state: DriverState) -> list[dict[str, Value]]:
        """Return the signals of the DMS_Alert frames that are due, ends first."""
        if not (state.active or state.events or self._active):
            return []  # as most states are
        active = {alert.kind: alert for alert in state.active}
        told = []
        for kind, alert in self._active.items():
            if kind not in active:
                told.append((self._whole(alert), "Ended"))
        self._begun.take(state)
        for event in state.events:
            if event.level > Level.NONE:
                since_s = self._begun.raised(event, state)
                told.append((ActiveAlert(event.kind, event.level, since_s, event.reason), "Raised"))
        raised = {alert.kind for alert, action in told if action == "Raised"}
        for kind, alert in active.items():
            before = self._active.get(kind)
            if kind in raised:
                continue
            if before is None:
                told.append((self._whole(alert), "Raised"))
            elif before.level != alert.level:
                told.append((self._whole(alert), "Changed"))
        self._active = active
        return [self._signals(alert, action, state.t_s) for alert, action in told]

    def _whole(self, alert: ActiveAlert) -> ActiveAlert:
        return replace(alert, since_s=self._begun.of(alert))

    def _signals(self, alert: ActiveAlert, action: str, t_s: float) -> dict[str, Value]:
        self._number += 1
        return alert_signals(alert, action, self._number, t_s)
