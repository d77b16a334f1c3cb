"""The script of a made-up drive: what the driver does, which faults come, what must be told."""

from __future__ import annotations

import bisect
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dms import values
from dms.values import (
    EXPRESSIONS,
    Box,
    DriverObservation,
    ExpressionScores,
    EyeEvidence,
    HeadPose,
    Kind,
    Moment,
    Unseen,
)

FPS = 15.0
SLACK_S = 0.2  # two frames and the rounding of stamps
_DROP_SLACK_S = 0.6  # where frames are dropped at random
_LEARN_S = 90.0
_SLOT_S = 75.0
_FACE = Box(100.0, 80.0, 200.0, 200.0)
_NAN = float("nan")
_ROW = tuple(0.86 if name == "neutral" else 0.02 for name in EXPRESSIONS)


@dataclass(frozen=True, slots=True)
class Kindred:
    """One kind of fault: how long it lasts, what is reported of it, when it must be reported."""

    name: str
    lasts_s: tuple[float, float]
    deadline_s: float | None  # None: it changes nothing
    words: str | None = None  # what camera, net or bridge reports
    blind: bool = False  # the driver cannot be judged meanwhile


FAULTS = (
    Kindred("camera lost", (2.0, 20.0), SLACK_S, "camera: no picture", blind=True),
    Kindred("engine exception", (1.0, 15.0), SLACK_S, "engine: eye-state net: it failed"),
    Kindred("NaN from a net", (1.0, 15.0), SLACK_S, "engine: the output is not finite"),
    Kindred("bus lost", (1.0, 15.0), SLACK_S, "bridge: bus-off"),
    Kindred("vehicle's bus lost", (1.0, 15.0), SLACK_S, "vehicle: silent"),
    Kindred("NaN in an observation", (11.0, 15.0), 10.0, blind=True),
    Kindred("black picture", (11.0, 25.0), 10.0, blind=True),
    Kindred("overexposed picture", (11.0, 25.0), 10.0, blind=True),
    Kindred("noise, no face", (11.0, 25.0), 10.0, blind=True),
    Kindred("frames dropped", (5.0, 15.0), None),
    Kindred("frames twice", (5.0, 15.0), None),
    Kindred("time jumps forward", (0.1, 0.1), None, blind=True),
    Kindred("time jumps back", (0.1, 0.1), None, blind=True),
)
_UNSEEN = {"camera lost": Unseen.CAMERA, "black picture": Unseen.DARK,
           "overexposed picture": Unseen.OVEREXPOSED, "noise, no face": Unseen.NO_FACE}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the schedule, in the observations' time."""

    kind: Kindred
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Cause:
    """What must raise an alert of ``kind`` at ``due_s``, within ``slack_s``."""

    kind: Kind
    due_s: float
    slack_s: float


class Script:
    """Slots of 75 s; in each at most one thing that must be alerted and one fault.

    A fault that hides the driver never meets what must be alerted; the others may.
    """

    def __init__(self, chance: random.Random, seconds: float) -> None:
        self._chance = chance
        self.seconds = seconds
        self.faults: list[Fault] = []
        self.causes: list[Cause] = []
        self._closures: list[tuple[float, float]] = []
        self._looks: list[tuple[float, float]] = []
        self._jumps: list[tuple[float, float]] = []  # from when on, all shifts so far
        shift_s = 0.0
        for slot in range(int((seconds - _LEARN_S) // _SLOT_S)):
            begin_s = _LEARN_S + slot * _SLOT_S
            kind = chance.choice(FAULTS)
            fault_s = begin_s + (chance.uniform(38, 45) if kind.blind else chance.uniform(2, 20))
            dropped = kind.name == "frames dropped"
            self._cause(begin_s + chance.uniform(5, 20), shift_s, dropped)
            if kind.name.startswith("time jumps"):
                forward = kind.name.endswith("forward")
                shift_s += chance.uniform(1, 600) if forward else -chance.uniform(0.05, 2.0)
                self._jumps.append((fault_s, shift_s))
            at_s = fault_s + shift_s
            self.faults.append(Fault(kind, at_s, at_s + chance.uniform(*kind.lasts_s)))
        self._blinks = self._plan_blinks()

    def _cause(self, start_s: float, shift_s: float, dropped: bool) -> None:
        slack_s = _DROP_SLACK_S if dropped else SLACK_S
        what = self._chance.choice(("nothing", "microsleep", "sleep", "look"))
        at_s = start_s + shift_s
        if what in {"microsleep", "sleep"}:
            lasts_s = 1.7 if what == "microsleep" else 4.0
            self._closures.append((start_s, start_s + lasts_s))
            self.causes.append(Cause(Kind.MICROSLEEP, at_s + 1.0, slack_s))
            if what == "sleep":
                self.causes.append(Cause(Kind.SLEEP, at_s + 3.0, slack_s))
        elif what == "look":
            self._looks.append((start_s, start_s + 4.2))
            self.causes.append(Cause(Kind.DISTRACTION, at_s + 3.0, slack_s))

    def _plan_blinks(self) -> list[tuple[float, float]]:
        blinks, at_s = [], 1.0
        while at_s < self.seconds:
            if all(at_s + 1.0 < a or at_s > b + 1.0 for a, b in (*self._closures, *self._looks)):
                blinks.append((at_s, at_s + self._chance.uniform(0.1, 0.2)))
            at_s += self._chance.uniform(2.0, 4.5)
        return blinks

    def _shift_s(self, script_s: float) -> float:
        at = bisect.bisect_right(self._jumps, (script_s, float("inf")))
        return self._jumps[at - 1][1] if at else 0.0

    def moments(self) -> Iterator[Moment]:
        """Yield what the core is told, in the order in which it is told."""
        closed = sorted((*self._closures, *self._blinks))
        faults = iter(self.faults)
        fault = next(faults, None)
        for number in range(int(self.seconds * FPS)):
            script_s = number / FPS
            t_s = script_s + self._shift_s(script_s)
            while fault is not None and t_s >= fault.end_s:
                fault = next(faults, None)
            while closed and closed[0][1] <= script_s:
                closed.pop(0)
            shut = bool(closed) and closed[0][0] <= script_s
            away = any(start <= script_s < end for start, end in self._looks[-40:])
            moment = Moment(self._seen(t_s, number, shut=shut, away=away))
            active = fault if fault is not None and t_s >= fault.start_s else None
            yield from self._through(moment, active)

    def _seen(self, t_s: float, number: int, *, shut: bool, away: bool) -> DriverObservation:
        wobble = self._chance.gauss(0.0, 0.006)
        eye = EyeEvidence(
            ear=(0.13 if shut else 0.30) + wobble,
            open_probability=0.03 if shut else 0.97,
            visible_probability=0.98,
            contrast=0.3,
        )
        yaw = (45.0 if away else 0.0) + self._chance.gauss(0.0, 0.8)
        scores = ExpressionScores(_ROW, sure=True, confidence=0.8) if number % 2 == 0 else None
        return DriverObservation(
            t_s, face=_FACE, fit=0.9, right_eye=eye, left_eye=eye, mar=0.03,
            pose=HeadPose(yaw, self._chance.gauss(-2.0, 0.6), 0.0), expression=scores,
            brightness=110.0,
        )  # fmt: skip

    def _through(self, moment: Moment, fault: Fault | None) -> Iterator[Moment]:
        """Let a fault have its way with one moment."""
        if fault is None:
            yield moment
            return
        name, seen = fault.kind.name, moment.observation
        faults = (values.Fault.from_text(fault.kind.words),) if fault.kind.words else ()
        if name == "frames dropped" and self._chance.random() < 0.4:
            return
        if name in _UNSEEN:
            eye = EyeEvidence(unseen=_UNSEEN[name])
            seen = DriverObservation(
                seen.t_s, right_eye=eye, left_eye=eye, brightness=seen.brightness, unseen=eye.unseen
            )
        elif name in {"engine exception", "NaN from a net"}:
            eye = replace(seen.right_eye, open_probability=None, visible_probability=None)
            seen = replace(seen, right_eye=eye, left_eye=eye, expression=None)
        elif name == "NaN in an observation":
            seen = _spoilt(seen)
        yield Moment(seen, None, faults)
        if name == "frames twice":
            yield Moment(seen, None, faults)


def _spoilt(seen: DriverObservation) -> DriverObservation:
    eye = EyeEvidence(_NAN, _NAN, _NAN, _NAN)
    scores = ExpressionScores((_NAN,) * len(EXPRESSIONS), sure=True, confidence=_NAN)
    return replace(
        seen, right_eye=eye, left_eye=eye, mar=_NAN, pose=HeadPose(_NAN, _NAN, _NAN),
        expression=scores, brightness=_NAN, fit=_NAN,
    )  # fmt: skip
