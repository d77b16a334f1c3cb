"""Recorded observations through the decision core and out on the bridges, without pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from dms.bridge.bridge import Bridge
from dms.decision.core import Core
from dms.monitor import Sink, VehicleSource
from dms.values import DriverState, Moment, Step


def replay(
    moments: Iterable[Moment],
    core: Core,
    bridges: Sequence[Bridge] = (),
    sinks: Sequence[Sink] = (),
    vehicle: VehicleSource | None = None,
) -> DriverState | None:
    """Step ``core`` through ``moments``; return the last state, None for an empty recording.

    ``vehicle``, a log of the bus, takes the place of what was recorded of it.
    """
    state = None
    for recorded in moments:
        seen = recorded.observation
        moment = replace(recorded, vehicle=vehicle.at(seen.t_s)) if vehicle else recorded
        state = core.step(seen, moment.vehicle, seen.t_s, moment.faults)
        for bridge in bridges:
            bridge.publish(state)
        step = Step(replace(moment, observation=core.observation), state)
        for sink in sinks:
            sink.take(step)
    return state
