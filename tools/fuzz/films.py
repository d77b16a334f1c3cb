"""Damages one film in many places, and judges what the bench makes of it.

    python -m tools.fuzz.films out/damage --damages 100

The demonstration's drive is rendered and written in several formats. Each seed zeroes, flips or
cuts out a block of one of them, wherever in the file, and runs it through the chain. Then

- every alert whose cause lies outside the damage must be raised as in the sound film,
- where a picture's bytes were hit, the damage must be reported (a gap, or an error),
- nothing else may end the run.

Exits with 1 where one of that fails; prints what did, with its seed.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dms.bench.bench import Result, bench
from dms.chain import Chain
from dms.config import load
from dms.errors import CameraError
from dms.scoring.match import due_times
from dms.values import Event, Level
from tools.fuzz.damage import WAYS, Hit, Packet, damaged, hit_of, packets_of
from tools.rendering.clip import Sensor, tell_story
from tools.rendering.formats import FORMATS, write_film
from tools.rendering.portrait import Portrait

FPS = 15
SECONDS = 39.0  # of the demonstration: two closures and a look away
CHOSEN = (
    "H.264, MP4", "H.264, Matroska", "H.264, MPEG-TS", "HEVC, MP4, index first", "MPEG-4, AVI",
    "Motion JPEG, AVI",
)  # fmt: skip
LEAST, MOST = 1 << 12, 1 << 18  # bytes of a block
SAME_S = 0.35  # an alert this near to the sound film's is the same one
SETTINGS = ("nets.expression=null", "bridges=[]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one damage. ``fault`` is None or says what should not be."""

    seed: int
    form: str
    way: str
    hit: Hit
    wanted: int  # alerts outside the damage
    found: int
    lost_s: float  # that the run reported as gaps
    words: str
    fault: str | None


class Trial:
    """One film in several formats in a folder, and the alerts of the sound ones."""

    def __init__(self, folder: Path, chain: Chain, forms: Sequence[str]) -> None:
        self._folder, self._chain, self._forms = folder, chain, forms
        self._due_s = due_times(chain.settings.core)
        self._sound: dict[str, tuple[Path, list[Packet], list[Event]]] = {}

    def prepare(self, pictures: Sequence[NDArray[np.uint8]]) -> None:
        """Write the sound films and run them."""
        for number, name in enumerate(self._forms):
            form = FORMATS[name]
            path = write_film(self._folder / f"sound-{number}{form.suffix}", form, pictures, FPS)
            result, error = self._run(path)
            if error or result.damages:
                sys.exit(f"{name}: the sound film is not read as such: {error or result.damages}")
            alerts = [event for event in result.events if event.level > Level.NONE]
            self._sound[name] = path, packets_of(path), alerts
            told = ", ".join(f"{one.kind.value} {one.t_s:.2f} s" for one in alerts)
            print(f"{name}: {path.stat().st_size / 1e6:.1f} MB, {told}", flush=True)

    def judge(self, seed: int) -> Verdict:
        """Make the damage of ``seed``, run the film, and judge."""
        rng = np.random.default_rng(seed)
        way = WAYS[seed % len(WAYS)]
        name = self._forms[seed // len(WAYS) % len(self._forms)]
        path, packets, alerts = self._sound[name]
        data = path.read_bytes()
        length = int(np.exp(rng.uniform(np.log(LEAST), np.log(MOST))))
        begin = int(rng.integers(0, len(data) - length))
        broken = self._folder / f"damaged{path.suffix}"
        broken.write_bytes(damaged(data, begin, length, way))
        end_s = packets[-1].t_s + 1 / FPS
        moved = way == "cut out" and path.suffix == ".mp4"
        first = "index first" in name
        hit = hit_of(packets, begin, length, end_s, moved=moved, first=first)
        result, error = self._run(broken)
        wanted = [one for one in alerts if not hit.reaches(*self._cause(one))]
        missed = [one for one in wanted if not _raised(one, result.events)]
        fault = None
        if missed:
            fault = "missed " + ", ".join(f"{one.kind.value} {one.t_s:.2f} s" for one in missed)
        elif hit.hit and not (error or result.damages):
            fault = "not reported"
        gaps = [
            (one.to_s or end_s) - one.from_s for one in result.damages if one.from_s is not None
        ]
        words = error or "; ".join(map(str, result.damages)) or "nothing reported"
        return Verdict(
            seed, name, way, hit, len(wanted), len(wanted) - len(missed), sum(gaps), words, fault
        )

    def _cause(self, alert: Event) -> tuple[float, float]:
        """Return from when to when the film must be sound for an alert."""
        return alert.t_s - self._due_s.get(alert.kind, alert.t_s), alert.t_s

    def _run(self, path: Path) -> tuple[Result, str | None]:
        result = Result(str(path))
        try:
            bench(str(path), self._chain, result=result)
        except CameraError as error:
            return result, None if result.damages else str(error)
        return result, None


def _raised(alert: Event, events: Sequence[Event]) -> bool:
    return any(
        (one.kind, one.level) == (alert.kind, alert.level) and abs(one.t_s - alert.t_s) <= SAME_S
        for one in events
    )


def drive(seconds: float = SECONDS, seed: int = 1) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of the demonstration's drive, :data:`FPS` a second."""
    story, portrait, sensor = tell_story(seed, seconds), Portrait(), Sensor(seed)
    for number in range(round(seconds * FPS)):
        yield sensor.expose(portrait.picture(story.puppet(number / FPS)))


def _table(verdicts: Sequence[Verdict]) -> None:
    head = "format                  damages  pictures hit  reported  alerts outside  found"
    print(head)
    for name in dict.fromkeys(one.form for one in verdicts):
        rows = [one for one in verdicts if one.form == name]
        hit = [one for one in rows if one.hit.hit]
        told = sum(one.words != "nothing reported" for one in hit)
        wanted, found = (sum(getattr(one, what) for one in rows) for what in ("wanted", "found"))
        print(f"{name:22}  {len(rows):7}  {len(hit):12}  {told:8}  {wanted:14}  {found:5}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the films go, about 40 MB")
    parser.add_argument("--damages", type=int, default=100, help="how many (default 100)")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first seed")
    parser.add_argument("--verbose", action="store_true", help="a line for each damage")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    logging.disable(logging.WARNING)  # of every gap, which is printed below
    begun_s = time.process_time()
    verdicts: list[Verdict] = []
    with closing(Chain(load(None, SETTINGS))) as chain:
        trial = Trial(arguments.folder, chain, CHOSEN)
        trial.prepare(list(drive()))
        for seed in range(arguments.first, arguments.first + arguments.damages):
            one = trial.judge(seed)
            verdicts.append(one)
            if arguments.verbose or one.fault:
                print(_line(one), flush=True)
    _table(verdicts)
    faults = [one for one in verdicts if one.fault]
    ways = Counter(one.way for one in verdicts)
    told = ", ".join(f"{count} {way}" for way, count in ways.items())
    print(f"{len(verdicts)} damages ({told}), {len(faults)} faults")
    print(f"{time.process_time() - begun_s:.0f} s of CPU")
    return 1 if faults else 0


def _line(one: Verdict) -> str:
    at = f"{one.hit.from_s:.2f} to {one.hit.to_s:.2f} s" if one.hit.hit else "no picture"
    head = " and the file's head" if one.hit.head else ""
    return (
        f"seed {one.seed}: {one.form}, {one.way}: {at}{head}; {one.found} of {one.wanted} alerts; "
        f"{one.words[:300]}{f'; FAULT: {one.fault}' if one.fault else ''}"
    )


if __name__ == "__main__":
    sys.exit(main())
