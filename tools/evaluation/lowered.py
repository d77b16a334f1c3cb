"""Clips labelled by eye: looks down called sleep, sleepers found, yawns and looks that were none.

The rule is that of the folder's own score.py. A net that has learned a clip's person flatters: with
--folds everybody is judged by a net that was trained without them (tools/train_eye_state.py
--folds; the person's number modulo four). With --variants each clip is also measured cut to the
face, encoded again and at 15 frames/s: the same alerts are wanted. With --observations the nets run
once: what they saw is kept, and the next run with that folder decides again in seconds.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from dms.bench.bench import Outputs, bench
from dms.chain import Chain
from dms.config import load
from dms.engine.manifest import load_manifest
from dms.errors import ConfigError
from dms.files.events import load_events
from dms.values import Event, Kind, Level, Step
from tools.drawing.people import FOLDS
from tools.evaluation.figures import auroc, interval, rounded
from tools.evaluation.nods import CLOSURES
from tools.nets.tiles import progress

NODS = frozenset({"nod_off", "microsleep", "closure"})
RESTLESS_S = 0.9  # longer, and a microsleep would come late
_TOUCH_S = 0.05  # stretches this near are one
Span = tuple[float, float]


@dataclass
class Seen:
    """What the chain said of one clip: events, of each frame (t_s, away_s) and (t_s, open)."""

    events: list[Event] = field(default_factory=list)
    away: list[Span] = field(default_factory=list)
    open: list[Span] = field(default_factory=list)

    def take(self, step: Step) -> None:
        """Keep what one frame said of attention and of the eyes, as a sink of the bench."""
        seen, t_s = step.moment.observation, round(step.state.t_s, 4)
        self.away.append((t_s, round(step.state.away_s, 4)))
        said = [eye.open_probability for eye in (seen.right_eye, seen.left_eye)]
        known = [one for one in said if one is not None]
        if known:
            self.open.append((t_s, sum(known) / len(known)))

    def restless(self, start_s: float) -> float:
        """How much the net's word on the lids varies in a microsleep's time."""
        said = [one for t_s, one in self.open if start_s <= t_s <= start_s + RESTLESS_S]
        return float(np.std(said)) if said else 0.0


@dataclass(frozen=True)
class Truth:
    """A clip's labels, in seconds."""

    person: str
    length_s: float
    stretches: tuple[tuple[float, float, str], ...]
    events: tuple[tuple[float, float, str], ...]

    @classmethod
    def read(cls, labels: dict[str, Any]) -> Truth:
        """Read one clip's entry of labels.yaml."""
        fps = float(labels["fps"])
        spans = [
            [
                (one["from"] / fps, (one["to"] + 1) / fps, str(one[key]))
                for one in labels.get(part) or []
            ]
            for part, key in (("stretches", "lids"), ("events", "kind"))
        ]
        person = str(labels.get("person", "")).split(" ")[0]
        return cls(person, labels["frames"] / fps, tuple(joined(spans[0])), tuple(spans[1]))

    def long(self, lids: str, least_s: float) -> list[Span]:
        """Stretches of these lids, at least so long."""
        return [(a, b) for a, b, said in self.stretches if said == lids and b - a >= least_s]

    @property
    def shut(self) -> list[Span]:
        """Closures, with the nods whose eyes were not seen shut throughout."""
        found = self.long("closed", 0.8)
        nods = [(a, b) for a, b, kind in self.events if kind in NODS]
        return found + [nod for nod in nods if not any(nod[0] < b and nod[1] > a for a, b in found)]


def joined(spans: Sequence[tuple[float, float, str]]) -> Iterator[tuple[float, float, str]]:
    """Join stretches of the same lids that touch; a blink at the end of a closure belongs to it."""
    last: tuple[float, float, str] | None = None
    for start, end, lids in spans:
        touches = last is not None and abs(last[1] - start) < _TOUCH_S
        said = "closed" if lids == "blink" and touches and last and last[2] == "closed" else lids
        if touches and last is not None and last[2] == said:
            last = (last[0], end, said)
            continue
        if last is not None:
            yield last
        last = (start, end, said)
    if last is not None:
        yield last


@dataclass(frozen=True)
class Score:
    """Counts of one clip."""

    person: str
    awake_s: float
    false_alerts: int
    closures: int
    closures_found: int
    looks_down: int
    looks_down_told_closed: int
    looks_down_away: int
    false_yawns: int
    false_distractions: int
    said: tuple[str, ...]


def score(name: str, truth: Truth, seen: Seen) -> Score:
    """Hold what was said of a clip against its labels."""
    shut, unsure = truth.shut, truth.long("unsure", 0.8)
    alerts = [e for e in seen.events if e.kind in CLOSURES and e.level >= Level.WARNING]
    said = []
    for event in alerts:
        t_s = event.t_s
        near = any(a <= t_s <= b + 1 for a, b in shut)
        if not near and not any(a + 0.3 <= t_s <= b + 0.5 for a, b in unsure):
            said.append(f"false {name} {event.kind.value} {t_s:.2f}")
    false = len(said)
    closures = [(a, b) for a, b in shut if b - a >= 1.1]
    found = [any(a + 0.7 <= e.t_s <= b + 0.5 for e in alerts) for a, b in closures]
    missed = [span for span, hit in zip(closures, found, strict=True) if not hit]
    said += [f"missed {name} {a:.2f}..{b:.2f}" for a, b in missed]
    looks = truth.long("lowered", 1.0)
    told = sum(any(a <= e.t_s <= b + 0.3 for e in alerts) for a, b in looks)
    away = sum(
        max((away_s for t_s, away_s in seen.away if a <= t_s <= b + 0.2), default=0.0) > 0.3
        for a, b in looks
    )
    yawned = [(a, b) for a, b, kind in truth.events if kind == "yawn"]
    yawns = sum(
        event.kind is Kind.YAWN
        and not any(a - 1 <= event.t_s and _start_s(event) <= b + 1 for a, b in yawned)
        for event in seen.events
    )
    distractions = sum(
        event.kind is Kind.DISTRACTION
        and event.level >= Level.WARNING
        and not any(a - 1 <= event.t_s <= b + 1 for a, b, _ in truth.events)
        for event in seen.events
    )
    awake_s = truth.length_s - sum(b - a for a, b in shut)
    return Score(
        truth.person, awake_s, false, len(closures), sum(found), len(looks), told, away, yawns,
        distractions, tuple(said),
    )  # fmt: skip


def _start_s(event: Event) -> float:
    return event.t_s if event.start_s is None else event.start_s


def figures(scores: Sequence[Score]) -> dict[str, Any]:
    """Sum the clips up, with intervals drawn by person."""
    counts = {
        name: np.array([getattr(one, name) for one in scores], float)
        for name in (
            "false_alerts", "awake_s", "closures", "closures_found", "looks_down",
            "looks_down_told_closed", "looks_down_away", "false_yawns", "false_distractions",
        )
    }  # fmt: skip
    people = np.array([one.person for one in scores])

    def sums(name: str, at: NDArray[np.int_]) -> float:
        return float(counts[name][at].sum())

    def a_minute(name: str, at: NDArray[np.int_]) -> float:
        return 60.0 * sums(name, at) / max(sums("awake_s", at), 1.0)

    every = np.arange(len(scores))
    said: dict[str, Any] = {}
    for name in counts:
        if name == "false_yawns":
            continue
        total = sums(name, every)
        said[name] = round(total, 1) if name == "awake_s" else int(total)
        said[f"{name}_95"] = interval(lambda at, name=name: sums(name, at), len(scores), people)
    for key, name in (("false_a_minute", "false_alerts"), ("false_yawns_a_minute", "false_yawns")):
        said[key] = round(a_minute(name, every), 4)
        said[f"{key}_95"] = interval(lambda at, name=name: a_minute(name, at), len(scores), people)
    return said


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--variants", action="store_true", help="each clip also cut, encoded, slow")
    parser.add_argument("--folds", type=Path, help="holds 0/ to 3/, each with an eye_state.yaml")
    parser.add_argument("--observations", type=Path, help="kept there, or read where they lie")
    parser.add_argument("--clip", action="append", default=[], metavar="NAME", help="only these")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    truths = _truths(args.data)
    names = [name for name in truths if not args.clip or Path(name).stem in args.clip]
    chains = _Chains(args.set, args.folds)
    scores, told, of = [], [], 0
    restless: dict[str, list[float]] = {"lowered": [], "closed": []}
    with tempfile.TemporaryDirectory() as folder:
        for name in progress(names, len(names), "clips"):
            clip, chain = args.data / name, chains.of(truths[name].person)
            seen, faces = watched(chain, clip, Path(folder), args.observations)
            scores.append(score(name, truths[name], seen))
            told += scores[-1].said
            for lids, spreads in restless.items():
                long = truths[name].long(lids, RESTLESS_S)
                spreads += [round(seen.restless(start_s), 4) for start_s, _ in long]
            for variant in variants(clip, faces, Path(folder)) if args.variants else ():
                other, of = watched(chain, variant, Path(folder))[0], of + 1
                if _kinds(other) != _kinds(seen):
                    told.append(f"other {name} {variant.stem}: {_texts(other)} not {_texts(seen)}")
    said = figures(scores) | {"told": told, "people_seen_in_training": chains.seen(truths, names)}
    said |= {f"restless_{lids}": sorted(spreads) for lids, spreads in restless.items()}
    spreads = np.array(restless["lowered"] + restless["closed"])
    looks = np.arange(len(spreads)) < len(restless["lowered"])
    said["restless_auroc"] = rounded(auroc(spreads, looks))
    if args.variants:
        others = sum(line.startswith("other ") for line in told)
        said["same_alerts"] = round(1 - others / max(of, 1), 4)
        said["variants"] = of
    return said


class _Chains:
    """One chain, or one a fold, each with the net that did not learn the people of that fold."""

    def __init__(self, overrides: Sequence[str], folds: Path | None) -> None:
        self._overrides = ["bridges=[]", *overrides]
        self._folds = folds
        self._chains: dict[int, Chain] = {}

    def _fold(self, person: str) -> int:
        return int(person.lstrip("P") or 0) % FOLDS if self._folds else -1

    def of(self, person: str) -> Chain:
        """The chain that judges this person."""
        fold = self._fold(person)
        if fold not in self._chains:
            overrides = list(self._overrides)
            if self._folds:
                net = (self._folds / str(fold) / "eye_state").resolve()
                overrides.append(f"nets.eye_state={net}")
            self._chains[fold] = Chain(load(None, overrides))
        return self._chains[fold]

    def seen(self, truths: dict[str, Truth], names: Sequence[str]) -> list[str]:
        """Those people whom the net that judged them has learned."""
        found = set()
        for person in {truths[name].person for name in names}:
            name = self.of(person).settings.nets.eye_state
            learned = load_manifest(name).decision.get("trained_tile_people", []) if name else []
            if int(person.lstrip("P") or 0) in {int(one) for one in np.ravel(learned)}:
                found.add(person)
        return sorted(found)


def _truths(folder: Path) -> dict[str, Truth]:
    path = folder / "labels.yaml"
    try:
        labels = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = {str(name): Truth.read(entry) for name, entry in labels.items()}
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}; give a folder of labelled clips"
        ) from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"{path}: {error}; clips with fps, frames and stretches are wanted"
        ) from error
    there = {name: truth for name, truth in found.items() if (folder / name).is_file()}
    if not there:
        raise ConfigError(f"{folder} holds none of the clips that {path.name} names")
    return there


def watched(
    chain: Chain, clip: Path, folder: Path, kept: Path | None = None
) -> tuple[Seen, list[tuple[float, ...]]]:
    """Run a clip as ``dms bench`` does; also where the face was.

    ``kept``: the folder in which what perception saw is kept, or found.
    """
    seen, faces = Seen(), _Faces()
    events, source, observations = folder / "events.jsonl", clip, None
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        observations = kept / f"{clip.stem}.jsonl"
        if observations.is_file():
            source, observations = observations, None
    outputs = Outputs(events=events, observations=observations)
    bench(str(source), chain, outputs, more=(seen, faces))
    seen.events = load_events(events)
    return seen, faces.boxes


class _Faces:
    def __init__(self) -> None:
        self.boxes: list[tuple[float, ...]] = []

    def take(self, step: Step) -> None:
        box = step.moment.observation.face
        if box is not None:
            self.boxes.append((box.x + box.width / 2, box.y + box.height / 2, box.width))


def _kinds(seen: Seen) -> list[Kind]:
    return [
        e.kind for e in seen.events if e.level >= Level.WARNING and not e.values.get("repeated")
    ]


def _texts(seen: Seen) -> str:
    alerts = [e for e in seen.events if e.level >= Level.WARNING and not e.values.get("repeated")]
    return ", ".join(f"{e.kind.value} {e.t_s:.1f}" for e in alerts) or "nothing"


def variants(clip: Path, faces: Sequence[tuple[float, ...]], folder: Path) -> Iterator[Path]:
    """Write the clip encoded again, cut to the face and at 15 frames/s, one after the other."""
    yield _written(clip, folder / "again.mp4", None, None)
    if faces:
        x, y, width = (median(column) for column in zip(*faces, strict=True))
        yield _written(clip, folder / "cut.mp4", (x, y, 1.6 * width), None)
    yield _written(clip, folder / "slow.mp4", None, 15.0)


def _written(
    clip: Path, path: Path, cut: tuple[float, float, float] | None, fps: float | None
) -> Path:
    """Encode ``clip`` again; ``cut``: middle and half side of what is kept."""
    capture, writer = cv2.VideoCapture(str(clip)), None
    rate = float(capture.get(cv2.CAP_PROP_FPS)) or 30.0
    wanted, number, kept = min(fps or rate, rate), 0, 0
    try:
        while True:
            good, image = capture.read()
            if not good:
                break
            if number * wanted / rate >= kept - 1e-6:
                kept += 1
                part = image if cut is None else _around(image, *cut)
                if writer is None:
                    size = (part.shape[1], part.shape[0])
                    code = cv2.VideoWriter.fourcc(*"mp4v")
                    writer = cv2.VideoWriter(str(path), code, wanted, size)
                writer.write(part)
            number += 1
    finally:
        capture.release()
        if writer is not None:
            writer.release()
    return path


def _around(image: NDArray[np.uint8], x: float, y: float, half: float) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    left, top = max(0, int(x - half)), max(0, int(y - half))
    right, bottom = min(width, int(x + half)), min(height, int(y + half))
    part = image[top : bottom - (bottom - top) % 2, left : right - (right - left) % 2]
    return np.ascontiguousarray(part)
