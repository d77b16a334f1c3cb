"""The same alerts at 15 frames/s and half the size; and how exactly long closures begin and end.

Recordings are the labelled clips, and films that tools/rendering/clip.py has rendered (--film). A
run agrees where every alert of the whole recording comes in it too, within 0.2 s, and no other.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dms import yamlfile
from dms.chain import Chain
from dms.config import load
from dms.errors import ConfigError
from dms.scoring.labels import load_labels
from dms.scoring.match import due_times
from dms.values import Event, Frame, Kind
from tools.evaluation.blinks import SUFFIXES
from tools.evaluation.films import Watched, read_clip, watch
from tools.nets.tiles import progress

NEAR_S = 0.2
RATE_HZ = 15.0
Change = Callable[[Iterable[Frame]], Iterator[Frame]]
Span = tuple[float, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--film", type=Path, help="a rendered demo.avi with its labels beside it")


def as_it_is(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Every frame as it is."""
    yield from frames


def sampled(frames: Iterable[Frame]) -> Iterator[Frame]:
    """At most 15 frames a second, by their timestamps."""
    last = -1
    for frame in frames:
        slot = int(frame.t_s * RATE_HZ + 1e-6)
        if slot > last:
            last = slot
            yield frame


def halved(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Half the width and height."""
    for frame in frames:
        small = cv2.resize(frame.gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        yield Frame(np.asarray(small, np.uint8), frame.t_s, frame.sequence)


def both(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Sampled and halved."""
    yield from halved(sampled(frames))


WAYS: dict[str, Change] = {"15_fps": sampled, "half_size": halved, "15_fps_half_size": both}


def measure(args: argparse.Namespace) -> dict[str, Any]:
    chain = Chain(load(None, ["bridges=[]", *args.set]))
    films = labelled_films(args.data / "labels.yaml")
    if args.film:
        films[args.film] = rendered_closures(args.film)
    said: dict[str, Any] = {}
    due_s = due_times(chain.settings.core)
    for path, closed in progress(films.items(), len(films), "recordings"):
        whole = watch(chain, as_it_is(read_clip(path)))
        frame_s = np.median(np.diff([state.t_s for state in whole.states]))
        one: dict[str, Any] = {"alerts": [_words(event) for event in whole.alerts()]}
        if closed:
            one |= judge_closures(whole, closed, float(frame_s))
            one["delays_s"] = delays_of(whole, due_s)
        for name, change in WAYS.items():
            one[name] = compare(whole.alerts(), watch(chain, change(read_clip(path))).alerts())
        said[path.stem] = one
    return said


def compare(whole: list[Event], other: list[Event]) -> str:
    """Say "agrees", or what is missing, late or too much in ``other``."""
    wrong, left = [], list(other)
    for event in whole:
        same = [one for one in left if (one.kind, one.level) == (event.kind, event.level)]
        best = min(same, key=lambda one: abs(one.t_s - event.t_s), default=None)
        if best is None:
            wrong.append(f"missing {_words(event)}")
            continue
        left.remove(best)
        off = best.t_s - event.t_s
        if abs(off) > NEAR_S + 1e-6:
            wrong.append(f"{_words(event)} {off:+.2f} s off")
    wrong += [f"too much: {_words(event)}" for event in left]
    return "; ".join(wrong) or "agrees"


def _words(event: Event) -> str:
    return f"{event.kind.value} at {event.t_s:.2f} s"


def judge_closures(said: Watched, closed: list[Span], frame_s: float) -> dict[str, Any]:
    """By how many frames the closures told begin and end off their labels."""
    found = [
        (event.start_s, event.end_s)
        for event in said.events
        if event.level == 0 and event.kind in {Kind.MICROSLEEP, Kind.SLEEP}
    ]
    off = []
    for start_s, end_s in closed:
        near = min(found, key=lambda one: abs((one[0] or 0.0) - start_s), default=None)
        if near is None or near[0] is None or near[1] is None:
            off.append("not found")
        else:
            starts, ends = (near[0] - start_s) / frame_s, (near[1] - end_s) / frame_s
            off.append(f"start {starts:+.1f}, end {ends:+.1f}")
    return {"closures_off_by_frames": off}


def delays_of(said: Watched, due_s: dict[Kind, float]) -> dict[str, float]:
    """From the rule's time, counted from the closure's own start, to its alert."""
    return {
        _words(event): round(event.t_s - event.start_s - due_s[event.kind], 3)
        for event in said.alerts({Kind.MICROSLEEP, Kind.SLEEP})
        if event.start_s is not None
    }


def labelled_films(table: Path) -> dict[Path, list[Span]]:
    """The closures of every film that a labels.yaml names; a .gif has a time of its own."""
    labels, _ = yamlfile.read(table)
    films = {}
    for name, one in (labels if isinstance(labels, dict) else {}).items():
        path = table.with_name(str(name))
        if path.suffix.lower() in SUFFIXES:
            try:
                rate = float(one["fps"])
                films[path] = [(a / rate, b / rate) for a, b in one.get("eyes_closed", ())]
            except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
                words = "expected fps, and eyes_closed as pairs of frames"
                raise ConfigError(f"{table}: {name}: {words}, got {one}") from error
    if not films:
        raise ConfigError(f"{table} names no film; give a folder laid out as clips")
    return films


def rendered_closures(film: Path) -> list[Span]:
    """Closures of a rendered film, from its labels; a longer cause is labelled more than once."""
    told = load_labels(film.with_suffix(".labels.yaml"))
    closures = [one for one in told.events if one.kind in {Kind.MICROSLEEP, Kind.SLEEP}]
    return sorted({(one.start_s, one.end_s) for one in closures})
