"""A drive of many hours through the decision core: made-up and recorded observations, with faults.

Time is the observations' own, so a day passes in minutes. What must be alerted is known from the
script; whatever else is reported is invented, whatever is missing is lost.
"""

from __future__ import annotations

import gzip
import random
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from dms.decision.core import Core
from dms.files.observations import load
from dms.values import DriverState, Event, EyesState, Kind, Level, Moment
from tools.soak.script import FPS, SLACK_S, Cause, Fault, Script
from tools.soak.tally import Tally

_GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden" / "film.jsonl.gz"
_DRIVE_S = 3600.0
_RECOVER_S = 15.0  # after a fault's end the driver must be judged again
_CLOSURES = {Kind.MICROSLEEP, Kind.SLEEP}
_BLIND_KINDS = {Kind.DEGRADED, Kind.FAULT}


def run_day(
    hours: float, seed: int, tally: Tally, progress: Callable[[float], None] = lambda _: None
) -> None:
    """Drive for ``hours``, an hour at a time, each followed by recorded observations."""
    chance = random.Random(seed)
    recorded = _recorded()
    core, past_s = Core(), 0.0
    while past_s < hours * 3600:
        core.reset()
        script = Script(chance, min(_DRIVE_S, hours * 3600 - past_s))
        judge = Judge(tally, script.causes, script.faults)
        for moment in script.moments():
            t_s = moment.observation.t_s
            judge.take(t_s, core.step(moment.observation, None, t_s, moment.faults))
        judge.end()
        past_s += script.seconds
        progress(past_s / 3600)
        core.reset()
        _replay(core, recorded, chance, tally)


class Judge:
    """Holds what the core says against the script, state by state."""

    def __init__(self, tally: Tally, causes: Sequence[Cause], faults: Iterable[Fault]) -> None:
        self._tally = tally
        self._causes = list(causes)
        self._faults = list(faults)
        self._told: set[int] = set()
        self._recovered: set[int] = set()
        self._closed_s = float("-inf")
        tally.expected += len(self._causes)
        for fault in self._faults:
            tally.row(f"day: {fault.kind.name}", fault.kind.deadline_s).injected += 1

    def take(self, t_s: float, state: DriverState) -> None:
        """Take one state in the order of the drive."""
        for event in state.events:
            if event.level > Level.NONE and not event.values.get("repeated"):
                self._alert(event)
        well = not state.faults and state.eyes is not EyesState.UNKNOWN
        well = well and not any(alert.kind in _BLIND_KINDS for alert in state.active)
        if well:
            for number, fault in enumerate(self._faults):
                if fault.end_s <= t_s < fault.end_s + _RECOVER_S and number not in self._recovered:
                    self._recovered.add(number)
                    self._tally.rows[f"day: {fault.kind.name}"].recovered += 1

    def _alert(self, event: Event) -> None:
        if event.kind in _BLIND_KINDS:
            self._fault_told(event)
            return
        if event.kind in _CLOSURES:
            self._closed_s = event.t_s
        for cause in self._causes:
            if cause.kind is event.kind and abs(event.t_s - cause.due_s) <= cause.slack_s:
                self._causes.remove(cause)
                self._tally.heard += 1
                return
        if event.kind is Kind.DROWSY and event.t_s - self._closed_s < 1200.0:
            return  # who has just slept is rightly called drowsy
        self._tally.wrong.append(f"day: {event.kind.value} invented at {event.t_s:.2f} s")

    def _fault_told(self, event: Event) -> None:
        for number, fault in enumerate(self._faults):
            if not fault.start_s - SLACK_S <= event.t_s <= fault.end_s + SLACK_S:
                continue
            wanted = fault.kind.words or "cannot see the eyes"
            if number not in self._told and wanted in event.reason:
                self._told.add(number)
                if fault.kind.deadline_s is not None:
                    self._tally.told(f"day: {fault.kind.name}", event.t_s - fault.start_s)
            elif not fault.kind.blind:
                continue
            return
        self._tally.wrong.append(
            f"day: {event.kind.value} invented at {event.t_s:.2f} s: {event.reason}"
        )

    def end(self) -> None:
        """Say what was never reported."""
        for cause in self._causes:
            self._tally.wrong.append(f"day: {cause.kind.value} due at {cause.due_s:.2f} s was lost")


def _replay(core: Core, recorded: list[Moment], chance: random.Random, tally: Tally) -> None:
    """Let recorded observations through twice, a few frames lost at random."""
    allowed = {*_CLOSURES, Kind.DISTRACTION, Kind.DEGRADED, Kind.DROWSY}
    for turn in range(2):
        shift_s = turn * (recorded[-1].observation.t_s + 30.0)
        found = []
        for moment in recorded:
            if chance.random() < 0.03:
                continue
            seen = replace(moment.observation, t_s=moment.observation.t_s + shift_s)
            state = core.step(seen, moment.vehicle, seen.t_s, moment.faults)
            found += [event.kind for event in state.events if event.level > Level.NONE]
        tally.expected += len(_CLOSURES)
        tally.heard += len(_CLOSURES & set(found))
        lost, invented = _CLOSURES - set(found), set(found) - allowed
        tally.wrong += [f"recorded film: {kind.value} was lost" for kind in lost]
        tally.wrong += [f"recorded film: {kind.value} was invented" for kind in invented]


def _recorded() -> list[Moment]:
    """Return the demonstration film as perception saw it."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as plain:
        plain.write(gzip.decompress(_GOLDEN.read_bytes()))
        plain.flush()
        return list(load(Path(plain.name)))


def steps(hours: float) -> int:
    """Return how many frames so many hours have."""
    return int(hours * 3600 * FPS)
