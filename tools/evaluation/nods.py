"""Drawn nods and looks down with the head, as observations: nods told, looks not told as sleep.

Each draw is a driver of their own: eyes, lids, speed of the head, how much of a fall the pose
reads, noise, frame rate, and whether the face is lost at the bottom. A nod: the lids shut before or
as the head falls, and stay shut or unseen until it has begun to jerk back. A look down: lids follow
the gaze, which leads the head, and lead it back up. The decision's constants are chosen here.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dms.decision.core import Core
from dms.values import (
    Box,
    DriverObservation,
    Event,
    EyeEvidence,
    HeadPose,
    Kind,
    Level,
    Unseen,
    VehicleContext,
)
from tools.evaluation.figures import share

NEEDS_DATA = False
CLOSURES = frozenset({Kind.MICROSLEEP, Kind.SLEEP, Kind.UNRESPONSIVE})
_BEFORE_S, _AFTER_S = 8.0, 3.0
_FACE = 200.0  # px


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=200, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    rng = np.random.default_rng(args.seed)
    nods = [run(nod(rng)) for _ in range(args.count)]
    looks = [run(look(rng)) for _ in range(args.count)]
    held = [run(look(rng, held_s=float(rng.uniform(3.2, 4.5)))) for _ in range(args.count)]
    told = [reached(events, CLOSURES) for events in nods]
    slept = [reached(events, CLOSURES) for events in looks]
    away = [reached(events, {Kind.DISTRACTION, Kind.UNRESPONSIVE}) for events in held]
    return {
        "seed": args.seed,
        "nods_told": share(sum(told), len(told)),
        "looks_told_as_closure": share(sum(slept), len(slept)),
        "looks_held_told_as_distraction": share(sum(away), len(away)),
        "looks_held_told_as_closure": share(
            sum(reached(events, {Kind.MICROSLEEP, Kind.SLEEP}) for events in held), len(held)
        ),
    }


def reached(events: Iterable[Event], kinds: set[Kind] | frozenset[Kind]) -> bool:
    """Whether an alert of ``kinds`` was raised, of level 2 at least."""
    return any(event.kind in kinds and event.level >= Level.WARNING for event in events)


@dataclass(frozen=True)
class Driver:
    """What is drawn of one driver and one camera."""

    fps: float
    open_ear: float
    shut_ear: float
    noise: float  # of the openness
    reads: float  # share of a fall that the pose tells
    pose_sd: float
    arm: float  # face widths from the neck's joint to the upper half of the face
    speed_kmh: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Driver:
        """Draw one."""
        return cls(
            fps=float(rng.choice([15.0, 20.0, 25.0, 30.0])),
            open_ear=float(rng.uniform(0.22, 0.34)),
            shut_ear=float(rng.uniform(0.04, 0.08)),
            noise=float(rng.uniform(0.01, 0.05)),
            reads=float(rng.uniform(0.1, 1.0)),
            pose_sd=float(rng.uniform(0.5, 2.0)),
            arm=float(rng.uniform(0.9, 1.25)),
            speed_kmh=float(rng.choice([10.0, 40.0, 80.0, 120.0])),
        )


@dataclass(frozen=True)
class Move:
    """A head's way down and back and its lids' openness; ``lost`` at the bottom."""

    driver: Driver
    fall_s: float
    bottom_s: float
    back_s: float
    deg: float
    lids_s: tuple[float, float]  # shut from and open from, after the fall's begin and the return's
    lid_way_s: tuple[float, float]  # how long the lids take for either
    low: float  # openness with the head down
    lost: bool
    rng: np.random.Generator

    @property
    def end_s(self) -> float:
        """How long the whole move takes."""
        return self.fall_s + self.bottom_s + self.back_s


def nod(rng: np.random.Generator) -> Move:
    """Draw a nod: lids shut up to 0.8 s before the head falls, slowly, and it jerks back."""
    return Move(
        Driver.drawn(rng),
        fall_s=float(rng.uniform(0.4, 1.0)),
        bottom_s=float(rng.uniform(0.1, 0.7)),
        back_s=float(rng.uniform(0.15, 0.45)),
        deg=float(rng.uniform(18.0, 50.0)),
        lids_s=(float(rng.uniform(-0.8, 0.1)), float(rng.uniform(0.1, 0.5))),
        lid_way_s=(float(rng.uniform(0.1, 0.4)), float(rng.uniform(0.06, 0.2))),
        low=float(rng.uniform(0.0, 0.08)),
        lost=bool(rng.random() < 0.3),
        rng=rng,
    )


def look(rng: np.random.Generator, held_s: float | None = None) -> Move:
    """Draw a look down with the head: the gaze and its lids lead the head both ways."""
    return Move(
        Driver.drawn(rng),
        fall_s=float(rng.uniform(0.3, 0.7)),
        bottom_s=float(rng.uniform(0.4, 2.2)) if held_s is None else held_s,
        back_s=float(rng.uniform(0.3, 0.7)),
        deg=float(rng.uniform(22.0, 50.0)),
        lids_s=(float(rng.uniform(-0.06, 0.1)), float(rng.uniform(-0.15, 0.05))),
        lid_way_s=(float(rng.uniform(0.06, 0.12)), float(rng.uniform(0.06, 0.15))),
        low=float(rng.uniform(0.0, 0.35)),
        lost=bool(rng.random() < 0.3),
        rng=rng,
    )


def run(move: Move) -> list[Event]:
    """Let the decision core see a driver who drives, moves so and drives on."""
    core, events = Core(), []
    for observation in observations(move):
        t_s = observation.t_s
        vehicle = VehicleContext(t_s, speed_kmh=move.driver.speed_kmh)
        events += core.step(observation, vehicle, t_s).events
    return events


def observations(move: Move) -> Iterator[DriverObservation]:
    """Draw every frame."""
    frames = round((_BEFORE_S + move.end_s + _AFTER_S) * move.driver.fps)
    blinks = np.cumsum(move.rng.uniform(2.0, 5.0, 8))
    for number in range(frames):
        t_s = number / move.driver.fps
        at_s = t_s - _BEFORE_S
        share_down = _down(move, at_s)
        hides = move.lost and 0 <= at_s - move.fall_s <= move.bottom_s and share_down > 0.9
        if hides:
            eye = EyeEvidence(unseen=Unseen.NO_FACE)
            yield DriverObservation(t_s, right_eye=eye, left_eye=eye, unseen=Unseen.NO_FACE)
            continue
        calm = at_s < -1.0 and any(0 <= t_s - one < 0.15 for one in blinks)
        yield _seen(move, t_s, share_down, 0.0 if calm else _openness(move, at_s))


def _down(move: Move, at_s: float) -> float:
    """Share of the way down, smooth."""
    if at_s <= move.fall_s:
        way = at_s / move.fall_s
    else:
        way = 1.0 - (at_s - move.fall_s - move.bottom_s) / move.back_s
    return (1.0 - math.cos(math.pi * min(max(way, 0.0), 1.0))) / 2


def _openness(move: Move, at_s: float) -> float:
    shut_s, open_s = move.lids_s[0], move.fall_s + move.bottom_s + move.lids_s[1]
    shutting = min(max((at_s - shut_s) / move.lid_way_s[0], 0.0), 1.0)
    opening = min(max((at_s - open_s) / move.lid_way_s[1], 0.0), 1.0)
    return 1.0 - (1.0 - move.low) * (shutting - opening)


def _seen(move: Move, t_s: float, share_down: float, openness: float) -> DriverObservation:
    driver, rng = move.driver, move.rng
    deg = share_down * move.deg
    said = min(max(openness + float(rng.normal(0.0, driver.noise)), 0.0), 1.0)
    ear = driver.shut_ear + (driver.open_ear - driver.shut_ear) * said
    odds = -2.5 + 6.0 * said
    eye = EyeEvidence(
        ear=ear,
        open_probability=1.0 / (1.0 + math.exp(-odds)),
        visible_probability=float(rng.uniform(0.96, 0.995)),
        contrast=0.3,
    )
    y = 80.0 + _FACE * driver.arm * math.sin(math.radians(deg)) + float(rng.normal(0.0, 1.0))
    pitch = -deg * driver.reads + float(rng.normal(0.0, driver.pose_sd))
    return DriverObservation(
        t_s,
        face=Box(100.0 + float(rng.normal(0.0, 1.0)), y, _FACE, _FACE),
        right_eye=eye,
        left_eye=eye,
        mar=0.02,
        pose=HeadPose(float(rng.normal(0.0, driver.pose_sd)), pitch, 2.0 * math.sin(t_s / 3.0)),
        brightness=110.0,
    )
