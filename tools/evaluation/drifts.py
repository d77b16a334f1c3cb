"""Drawn eyes that fall shut, or look down, with the head still: read by the eye net, told apart.

Each draw is a driver of their own, whose eyes are drawn frame by frame and read by the shipped net.
A drift to sleep: the gaze stays ahead and the lids come down, fast or slowly, until they meet. A
look down: the gaze goes down and the lids follow it, to a slit, stay there and come back. What the
decision makes of a gaze down before the lids is chosen here; no clip is looked at.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dms.decision.core import Core
from dms.engine.manifest import load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.preprocess.crop import EyeCropSettings
from dms.perception.eye_net import EyeScores, EyeStateNet
from dms.values import (
    Box,
    DriverObservation,
    EyeEvidence,
    HeadPose,
    VehicleContext,
)
from tools.drawing.calibration_crops import middle, resized
from tools.drawing.eyes import draw_eyes
from tools.drawing.people import CLOSED, LOWERED, OPEN, Eyes
from tools.evaluation.figures import share
from tools.evaluation.nods import CLOSURES, reached
from tools.nets.tiles import progress

NEEDS_DATA = False
IN_TIME_S = 1.4  # after the lids have met; a microsleep is one after 1.0 s
_BEFORE_S, _AFTER_S = 6.0, 1.0
_READINGS = 3  # of eyes that rest, and of such that are down: each frame takes one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=100, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    manifest = load_manifest("eye_state", args.engines)
    slept, looked = [], []
    with OnnxEngine(manifest.path("int8")) as engine:
        net = EyeStateNet(engine, manifest)
        size = manifest.framing(EyeCropSettings).size
        for number in progress(range(args.count), args.count, "drivers"):
            # Each of its own seed: what the decision makes of one changes no other.
            way = drift(np.random.default_rng([args.seed, number, 0]))
            told_s = asleep_s(way.seen(net, size))
            slept.append(None if told_s is None else told_s - way.way_s)
            other = look(np.random.default_rng([args.seed, number, 1]))
            looked.append(asleep_s(other.seen(net, size)) is not None)
    in_time = sum(told_s is not None and told_s <= IN_TIME_S for told_s in slept)
    return {
        "seed": args.seed,
        "drifts_told_in_time": share(in_time, len(slept)),
        "drifts_told_late": share(
            sum(told_s is not None for told_s in slept) - in_time, len(slept)
        ),
        "looks_told_as_closure": share(sum(looked), len(looked)),
    }


@dataclass(frozen=True)
class Person:
    """One driver's eye and camera; lengths in eye widths, as :class:`Eyes` has them."""

    fps: float
    full: float
    radius: float
    arm: float
    above: float
    base: float
    kappa_deg: float
    level_deg: float  # the gaze ahead against the camera's axis
    infrared: bool
    looks: tuple[int, int]  # the seeds of both eyes' looks

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Person:
        """Draw one as tools/drawing/people.py does."""
        narrow = rng.random() < 0.3
        full = rng.uniform(0.13, 0.24) if narrow else np.clip(rng.normal(0.33, 0.05), 0.2, 0.48)
        return cls(
            fps=float(rng.choice([15.0, 30.0])),
            full=float(full),
            radius=float(rng.uniform(0.18, 0.235)),
            arm=float(rng.uniform(0.31, 0.40)),
            above=float(full * rng.uniform(0.42, 0.58) + 0.01),
            base=float(rng.normal(-0.055, 0.025)),
            kappa_deg=float(rng.normal(-4.5, 2.0)),
            level_deg=float(rng.normal(0.0, 4.0)),
            infrared=bool(rng.random() < 0.5),
            looks=(int(rng.integers(1 << 30)), int(rng.integers(1 << 30))),
        )

    def gap(self, pitch_deg: float) -> float:
        """The opening of lids that follow a gaze of ``pitch_deg`` and hang no lower."""
        sink = self.arm * (
            math.sin(math.radians(self.level_deg))
            - math.sin(math.radians(pitch_deg + self.level_deg))
        )
        return min(self.full, max(self.full - 0.57 * sink, 0.05))

    def eye(self, pitch_deg: float, gap: float, what: int, sinks: float) -> Eyes:
        """An eye turned by ``pitch_deg`` whose lids are ``gap`` apart.

        ``sinks``: by how much of its opening the lower lid rises to meet the upper one.
        """
        sink = -self.arm * math.sin(math.radians(pitch_deg + self.level_deg))
        open_upper = self.base - self.above
        lower = open_upper + self.full + 0.35 * sink
        lower -= max(1.0 - gap / self.full, 0.0) * sinks * self.full
        out = self.arm * math.sin(math.radians(self.kappa_deg))
        numbers = (
            self.full, gap, lower - gap, lower, open_upper, out, self.base + sink, 0.0,
            pitch_deg, self.radius,
        )  # fmt: skip
        return Eyes(
            np.array([what]),
            np.array([self.infrared]),
            *(np.array([one], np.float32) for one in numbers),
            lids=np.zeros((1, 3), np.float32),
        )


@dataclass(frozen=True)
class Way:
    """What the eyes do: ``way_s`` down, ``shut_s`` there, and fast back up."""

    person: Person
    way_s: float
    shut_s: float
    pitch_deg: float  # where the gaze goes to
    low: float  # how far apart the lids are in the end
    sinks: float
    asleep: bool
    rng: np.random.Generator

    def seen(self, net: EyeStateNet, size: int) -> Iterator[DriverObservation]:
        """Draw every frame and let the net read it; times are from the begin of the way down."""
        fps = self.person.fps
        rest = [self._read(0.0, net, size) for _ in range(_READINGS)]
        down = [self._read(1.0, net, size) for _ in range(_READINGS)]
        frames = round((_BEFORE_S + self.way_s + self.shut_s + 0.15 + _AFTER_S) * fps)
        for number in range(frames):
            t_s = number / fps - _BEFORE_S
            part = self._part(t_s)
            if part in {0.0, 1.0}:
                read = (rest if part == 0.0 else down)[int(self.rng.integers(_READINGS))]
            else:
                read = self._read(part, net, size)
            yield self._observation(t_s, part, read)

    def _part(self, t_s: float) -> float:
        if t_s < self.way_s + self.shut_s:
            return min(max(t_s / self.way_s, 0.0), 1.0)
        return min(max(1.0 - (t_s - self.way_s - self.shut_s) / 0.15, 0.0), 1.0)

    def _gap(self, part: float) -> float:
        """How far the lids are apart; those of a look down come together as the iris sinks."""
        whole = self.person.gap(self.pitch_deg * part)
        return whole + (min(self.low, whole) - whole) * part

    def _read(self, part: float, net: EyeStateNet, size: int) -> tuple[EyeScores, EyeScores]:
        mostly = CLOSED if self.asleep else LOWERED
        what = mostly if part > 0.85 else OPEN
        jitter = float(self.rng.normal(0.0, 1.0))
        eye = self.person.eye(self.pitch_deg * part + jitter, self._gap(part), what, self.sinks)
        crops = []
        for seed in self.person.looks:
            picture = draw_eyes(eye, np.random.default_rng(seed))[0]
            crop = resized(middle(picture), size).astype(np.float32)
            noisy = crop + self.rng.normal(0.0, 2.0, crop.shape)
            crops.append(np.clip(np.round(noisy), 0, 255).astype(np.uint8))
        stacked: NDArray[np.uint8] = np.stack(crops)
        return net.read_crops(stacked)

    def _observation(
        self, t_s: float, part: float, read: tuple[EyeScores, EyeScores]
    ) -> DriverObservation:
        ear = 0.045 + 0.75 * self._gap(part)
        eyes = [
            EyeEvidence(
                ear=max(ear + float(self.rng.normal(0.0, 0.006)), 0.01),
                open_probability=one.open_probability,
                visible_probability=max(one.visible_probability, 0.9),
                contrast=0.3,
                lids=one.lids,
                iris=one.iris,
                width_px=40.0,
            )
            for one in read
        ]
        pose = HeadPose(*(float(self.rng.normal(0.0, 0.7)) for _ in range(3)))
        return DriverObservation(
            t_s + _BEFORE_S,
            face=Box(100.0, 80.0 + float(self.rng.normal(0.0, 1.0)), 200.0, 200.0),
            right_eye=eyes[0],
            left_eye=eyes[1],
            mar=0.02,
            pose=pose,
            brightness=110.0,
        )


def drift(rng: np.random.Generator) -> Way:
    """Draw eyes that fall shut with the gaze ahead, or rolling up or down a little."""
    return Way(
        Person.drawn(rng),
        way_s=float(rng.uniform(0.15, 1.2)),
        shut_s=float(rng.uniform(1.8, 2.6)),
        pitch_deg=float(rng.normal(0.0, 6.0)),
        low=0.0,
        sinks=float(rng.uniform(0.0, 0.35)),
        asleep=True,
        rng=rng,
    )


def look(rng: np.random.Generator) -> Way:
    """Draw a look down that the lids follow, to a slit."""
    return Way(
        Person.drawn(rng),
        way_s=float(rng.uniform(0.12, 0.5)),
        shut_s=float(rng.uniform(1.2, 2.4)),
        pitch_deg=float(rng.uniform(-45.0, -22.0)),
        low=float(rng.uniform(0.035, 0.2)),
        sinks=0.0,
        asleep=False,
        rng=rng,
    )


def asleep_s(observations: Iterable[DriverObservation]) -> float | None:
    """How long after the begin of the way down a closure was told; None if none was."""
    core = Core()
    for observation in observations:
        vehicle = VehicleContext(observation.t_s, speed_kmh=80.0)
        if reached(core.step(observation, vehicle, observation.t_s).events, CLOSURES):
            return observation.t_s - _BEFORE_S
    return None
