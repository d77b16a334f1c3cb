"""Drives that grow tired and fresh again: `drowsy` fires in time, only rises, and goes back.

PERCLOS goes from 0.03 to 0.25 and blinks from 110 to 500 ms, then back; once rendered as a film of
ten minutes through the whole chain, and as observations at several frame rates through the core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from dms.chain import Chain
from dms.config import load
from dms.decision.core import Core
from dms.values import (
    Box,
    DriverObservation,
    DriverState,
    EyeEvidence,
    Frame,
    HeadPose,
    Kind,
    Level,
)
from tools.nets.tiles import progress

NEEDS_DATA = False
CLOSURE_S, BLINK_EVERY_S = 0.8, 3.0
CLOSING_S, OPENING_S = 0.06, 0.1
LIDS = 24  # degrees of closure that are rendered
OPEN_EAR, CLOSED_EAR = 0.30, 0.10


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of the drive with one PERCLOS and one length of blinks."""

    minutes: float
    perclos: float
    blink_s: float


STORY = (Stage(2, 0.03, 0.11), Stage(4, 0.25, 0.5), Stage(4, 0.03, 0.11))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--fps", type=float, default=30.0, help="of the rendered film")
    parser.add_argument("--no-film", action="store_true", help="observations alone")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    settings = load(None, ["bridges=[]", "nets.expression=null", *args.set])
    said = {}
    for fps in (15.0, 30.0, 60.0):
        core = Core(settings.core)
        states = [core.step(one, None, one.t_s) for one in observations(STORY, fps)]
        said[f"observations_{fps:g}_fps"] = judge(states, STORY)
    if not args.no_film:
        chain = Chain(settings)
        count = round(sum(stage.minutes for stage in STORY) * 60 * args.fps)
        states = []
        for frame in progress(film(STORY, args.fps), count, "frames"):
            states.append(chain.core.step(chain.perception.observe(frame), None, frame.t_s))
        said["film"] = judge(states, STORY)
    return said


def judge(states: list[DriverState], story: tuple[Stage, ...]) -> dict[str, Any]:
    """Say what the level did about the instant at which the measures crossed, and afterwards."""
    fresh_s, tired_s = (60 * total for total in accumulate(s.minutes for s in story[:2]))
    level_8_s = next((s.t_s for s in states if s.t_s > fresh_s and (s.drowsiness or 0) >= 8), None)
    alerts = [event for state in states for event in state.events if event.kind is Kind.DROWSY]
    told = [event.t_s for event in alerts if event.level is Level.WARNING]
    rising = [s.drowsiness or 0 for s in states if fresh_s <= s.t_s < tired_s]
    falling = [s.drowsiness or 0 for s in states if s.t_s >= tired_s]
    ended_s = next(
        (
            s.t_s
            for s in states
            if s.t_s > tired_s and all(a.kind is not Kind.DROWSY for a in s.active)
        ),
        None,
    )
    return {
        "level_8_after_s": None if level_8_s is None else round(level_8_s - fresh_s, 1),
        "alert_after_s": round(told[0] - fresh_s, 1) if told else None,
        "only_rises": rising == sorted(rising),
        "only_falls_afterwards": falling == sorted(falling, reverse=True),
        "fresh_level": max((s.drowsiness or 0) for s in states if s.t_s <= fresh_s),
        "last_level": states[-1].drowsiness,
        "alert_ends_after_s": None if ended_s is None else round(ended_s - tired_s, 1),
        "false_before": sum(event.t_s <= fresh_s for event in alerts),
        "closure_alerts": sum(
            event.kind in {Kind.MICROSLEEP, Kind.SLEEP} and event.level > 0
            for state in states
            for event in state.events
        ),
    }


def lid(spans: np.ndarray, t_s: float) -> float:
    """How closed the eyes are, 0..1; ``spans`` (n, 2) are at half of the closing and opening."""
    at = int(np.searchsorted(spans[:, 0], t_s + 1.0))
    height = 0.0
    for start_s, end_s in spans[max(0, at - 3) : at]:
        closing = (t_s - start_s) / CLOSING_S + 0.5
        opening = (end_s - t_s) / OPENING_S + 0.5
        height = max(height, min(closing, opening, 1.0))
    return height


def spans_of(story: tuple[Stage, ...]) -> np.ndarray:
    """(n, 2) starts and ends of every blink and long closure of the story, in seconds."""
    spans, t_s = [], 0.5
    end_s = 0.0
    for stage in story:
        end_s += stage.minutes * 60
        period_s = CLOSURE_S / stage.perclos
        count = max(int(period_s // BLINK_EVERY_S) - 1, 1)
        gap_s = (period_s - CLOSURE_S - count * stage.blink_s) / (count + 1)
        while t_s < end_s:
            for length_s in (CLOSURE_S, *[stage.blink_s] * count):
                spans.append((t_s, t_s + length_s))
                t_s += length_s + gap_s
    return np.array(spans)


def observations(story: tuple[Stage, ...], fps: float) -> Iterator[DriverObservation]:
    """The story as perception would tell it of a still head."""
    spans = spans_of(story)
    face, pose = Box(100.0, 80.0, 200.0, 200.0), HeadPose(0.0, 0.0, 0.0)
    for number in range(round(sum(stage.minutes for stage in story) * 60 * fps)):
        t_s = number / fps
        opened = 1.0 - lid(spans, t_s)
        ear = CLOSED_EAR + (OPEN_EAR - CLOSED_EAR) * opened
        eye = EyeEvidence(ear, 0.02 + 0.95 * opened, 0.98, 0.3)
        yield DriverObservation(t_s, face, 0.98, eye, eye, 0.02, pose, brightness=110.0)


def film(story: tuple[Stage, ...], fps: float) -> Iterator[Frame]:
    """The story as the demonstration's portrait plays it: a still head and the camera's noise."""
    from tools.rendering.clip import Sensor  # noqa: PLC0415
    from tools.rendering.portrait import Portrait, Puppet  # noqa: PLC0415

    portrait, sensor, spans = Portrait(), Sensor(1), spans_of(story)
    scenes = {}
    for number in range(round(sum(stage.minutes for stage in story) * 60 * fps)):
        t_s = number / fps
        degree = round(lid(spans, t_s) * LIDS)
        if degree not in scenes:
            scenes[degree] = portrait.picture(Puppet(lid=degree / LIDS)).copy()
        yield Frame(sensor.expose(scenes[degree]), t_s, number)
