"""Recorded observations through the decision core and out on the bridges, without pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dms.bridge.bridge import Bridge
from dms.core import Core
from dms.monitor import Sink
from dms.recording import Moment
from dms.values import DriverState


def replay(
    moments: Iterable[Moment],
    core: Core,
    bridges: Sequence[Bridge] = (),
    sinks: Sequence[Sink] = (),
) -> DriverState | None:
    """Step ``core`` through ``moments``; return the last state, None for an empty recording."""
    state = None
    for moment in moments:
        seen = moment.observation
        state = core.step(seen, moment.vehicle, seen.t_s, moment.faults)
        for bridge in bridges:
            bridge.publish(state)
        for sink in sinks:
            sink.take(moment, state, None)
    return state
