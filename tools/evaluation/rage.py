"""Road rage and micro-expressions on made sequences, by the product's own chain and settings.

``--data`` is the folder that holds ``nir_faces``, ``posed_faces``, ``fer2013`` and ``clips``; of a
folder with a labels.csv of its own (file, subject or person, expression, optionally set) the people
are both the stills and the posed faces. Infrared people act from their stills (acting.py). FER2013
has one picture a person, so there rest and expression are of two people, which is harder than life;
its even tiles are for choosing constants (``--choose``).
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dms.bench.bench import bench
from dms.chain import Chain
from dms.config import load
from dms.errors import ConfigError
from dms.perception.landmarks import Predictor, load_predictor
from dms.values import EXPRESSIONS, DriverState, Event, ExpressionScores, Kind, Level
from tools.evaluation.acting import (
    Actor,
    Move,
    Picture,
    Scene,
    framed,
    resting,
    singing,
    squinting,
    talking,
)
from tools.evaluation.fer_drives import measure_fer
from tools.evaluation.figures import rounded, share
from tools.evaluation.posed_drives import measure_posed
from tools.nets.posed import named, person_of
from tools.nets.tiles import progress, read_rows

FPS = 5.0  # constants are in seconds; a tenth of the frames of a camera is enough for them
REST_S, ANGRY_S, AFTER_S = 70.0, 15.0, 10.0
CALM_S = 35.0  # of each calm act; seven people and five acts make 20 minutes
FLASH_FPS = 100.0
FLASHES_S = (0.04, 0.06, 0.1, 0.15, 0.2, 0.3)
FLASH_EVERY_S = 1.5
PLAYED = ("neutral", "anger", "happiness", "surprise", "disgust")
FOLDERS = {
    "anger": "nir_faces", "calm": "nir_faces", "webcam": "clips", "posed": "posed_faces",
    "fer": "fer2013", "flashes": "nir_faces",
}  # fmt: skip
PARTS = tuple(FOLDERS)
STILLS = {"anger", "calm", "flashes"}
Stills = dict[str, dict[str, list[Picture]]]
ANGRY = (EXPRESSIONS.index("anger"), EXPRESSIONS.index("disgust"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, help="default: those whose folder is in --data"
    )
    parser.add_argument("--people", nargs="+", metavar="NAME", help="only these of nir_faces")
    parser.add_argument(
        "--choose",
        action="store_true",
        help="even tiles of FER2013 and even posing people instead of the odd ones",
    )


def measure(args: argparse.Namespace) -> dict[str, Any]:
    parts = args.parts or there(args.data)
    wanted = ["bridges=[]", *args.set]
    chain = Chain(load(None, wanted))
    found: dict[str, Any] = {}
    if STILLS & set(parts):
        predictor = load_predictor(chain.settings.landmarks)
        people = _people(_folder(args.data, "anger"), predictor, args.people)
    if "anger" in parts:
        found["anger"] = _anger(chain, people)
    if "calm" in parts:
        found["calm"] = _calm(chain, people)
    if "webcam" in parts:
        result = bench(str(_folder(args.data, "webcam") / "expressions_webcam.mp4"), chain)
        found["expressions_webcam"] = {"alerts": len(_alerts(result.events))}
    if "posed" in parts:
        posed = _folder(args.data, "posed")
        found["posed"] = measure_posed(posed, args.engines, chain, args.choose)
    if "fer" in parts:
        fer = _folder(args.data, "fer")
        found["fer"] = measure_fer(fer, args.engines, chain, args.choose)
    if "flashes" in parts:
        found["flashes"] = _flashes(Chain(load(None, [*wanted, "core.micro.enabled=true"])), people)
    return found | {"net": "expression", "landmarks": chain.settings.landmarks.model}


def _folder(data: Path, part: str) -> Path:
    """Where the pictures of a part are: ``data`` itself where it has labels and no such folder."""
    inner = data / FOLDERS[part]
    own = part in STILLS | {"posed"} and (data / "labels.csv").is_file()
    return data if own and not inner.is_dir() else inner


def there(data: Path) -> list[str]:
    """Parts that ``data`` has the pictures of; the others are named on stderr."""
    found = [part for part in PARTS if _folder(data, part).is_dir()]
    missing = [f"{part} ({FOLDERS[part]})" for part in PARTS if part not in found]
    if not found:
        raise ConfigError(f"{data} has neither labels.csv nor {', '.join(set(FOLDERS.values()))}")
    if missing:
        print(f"{data} has no pictures for: {', '.join(missing)}", file=sys.stderr)
    return found


def _people(folder: Path, predictor: Predictor, only: Sequence[str] | None) -> Stills:
    """Stills by person and expression, of those who have both neutral and anger."""
    people: Stills = defaultdict(lambda: defaultdict(list))
    rows = named(folder, read_rows(folder, "file", "expression"))
    who = {row["file"]: person_of(row).removeprefix("/") for row in rows}
    rows = [row for row in rows if row["expression"] in PLAYED and who[row["file"]]]
    shown: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        shown[who[row["file"]]].add(row["expression"])
    chosen = {one for one in shown if shown[one] >= {"neutral", "anger"}}
    rows = [row for row in rows if who[row["file"]] in chosen & set(only or chosen)]
    for row in progress(rows, len(rows), "stills"):
        still = framed(folder / row["file"], predictor)
        if still is not None:
            people[who[row["file"]]][row["expression"]].append(still)
    return {p: dict(of) for p, of in people.items() if "neutral" in of and "anger" in of}


def seed_of(person: str) -> int:
    """Each person has a seed of their own: their number, or one made of their name."""
    return int(person) if person.isdecimal() else zlib.crc32(person.encode())


def _alerts(events: Sequence[Event]) -> list[Event]:
    return [one for one in events if one.kind is Kind.ROAD_RAGE and one.level > Level.NONE]


def _play(
    chain: Chain, scenes: Sequence[Scene], seed: int, fps: float = FPS
) -> list[tuple[Scene, DriverState, ExpressionScores | None]]:
    """Every frame's scene, state and scores as the chain gave them."""
    chain.reset()
    told = []
    for scene, frame in Actor(seed, fps).play(scenes):
        seen = chain.perception.observe(frame)
        state = chain.core.step(seen, None, frame.t_s)
        told.append((scene, state, chain.core.observation.expression))
    return told


def _angry(rows: Sequence[tuple[Scene, DriverState, ExpressionScores | None]], name: str) -> float:
    """Mean anger + disgust of a scene's frames, not a number where none was scored."""
    scored = [
        sum((scores.relative or scores.probabilities)[at] for at in ANGRY)
        for scene, _, scores in rows
        if scene.name == name and scores is not None
    ]
    return float(np.mean(scored)) if scored else float("nan")


def _odds(rows: Sequence[tuple[Scene, DriverState, ExpressionScores | None]], name: str) -> float:
    """Mean log odds of anger + disgust against rest, not a number where none was read."""
    read = [
        scores.rage_log_odds
        for scene, _, scores in rows
        if scene.name == name and scores is not None and scores.rage_log_odds is not None
    ]
    return float(np.mean(read)) if read else float("nan")


def _anger(chain: Chain, people: Stills) -> dict[str, Any]:
    """Neutral, anger, neutral: who is found, when, and how the net reads rest and anger."""
    told, persons = {}, {}
    for person, of in progress(people.items(), len(people), "anger"):
        scenes = [
            Scene("rest", REST_S, of["neutral"], resting),
            Scene("anger", ANGRY_S, of["anger"]),
            Scene("after", AFTER_S, of["neutral"], resting),
        ]
        rows = _play(chain, scenes, seed_of(person))
        alerts = _alerts([event for _, state, _ in rows for event in state.events])
        told[person] = [one for one in alerts if one.t_s >= REST_S]
        first = told[person][0].t_s - REST_S if told[person] else None
        persons[person] = {
            "highest_level": max((int(one.level) for one in told[person]), default=0),
            "first_after_s": None if first is None else round(first, 1),
            "early": len(alerts) - len(told[person]),
            "net_at_rest": rounded(_angry(rows, "rest")),
            "net_in_anger": rounded(_angry(rows, "anger")),
            "odds_at_rest": rounded(_odds(rows, "after")),
            "odds_in_anger": rounded(_odds(rows, "anger")),
            "evidence": rounded(max(state.rage or 0.0 for _, state, _ in rows)),
        }
    raging = sum(one["highest_level"] == Level.WARNING for one in persons.values())
    return {
        **share(sum(bool(alerts) for alerts in told.values()), len(told)),
        "as_rage": raging,
        "people": persons,
    }


def _calm(chain: Chain, people: Stills) -> dict[str, Any]:
    """Twenty minutes of what is no anger: alerts by act, and the highest evidence of each."""
    alerts: dict[str, int] = defaultdict(int)
    highest: dict[str, float] = defaultdict(float)
    minutes = 0.0
    for person, of in progress(people.items(), len(people), "calm"):
        scenes = [Scene("rest", REST_S, of["neutral"], resting)]
        acts = {"neutral": resting, "talking": talking, "singing": singing, "squinting": squinting}
        scenes += [Scene(name, CALM_S, of["neutral"], act) for name, act in acts.items()]
        if "happiness" in of:
            scenes.append(Scene("happy", CALM_S, of["happiness"], resting))
        for scene, state, _ in _play(chain, scenes, 100 + seed_of(person)):
            alerts[scene.name] += len(_alerts(state.events))
            highest[scene.name] = max(highest[scene.name], state.rage or 0.0)
        minutes += sum(scene.seconds for scene in scenes[1:]) / 60
    return {
        "minutes_without_rest": round(minutes, 1),
        "alerts": sum(alerts.values()),
        "alerts_by_act": dict(alerts),
        "highest_evidence": {name: round(value, 2) for name, value in highest.items()},
    }


def _flashes(chain: Chain, people: Stills) -> dict[str, Any]:
    """Flashes of other expressions at 100 frames/s, and as long a time with none but blinks."""
    found, planted = defaultdict(int), defaultdict(int)
    false: dict[str, int] = defaultdict(int)
    minutes: dict[str, float] = defaultdict(float)
    for person, of in progress(people.items(), len(people), "flashes"):
        others = [stills[0] for name, stills in of.items() if name != "neutral"][:2]
        other = others[seed_of(person) % len(others)]
        seconds = FLASH_EVERY_S * len(FLASHES_S) + 3.0
        scenes = [
            Scene(
                "flashes",
                seconds,
                of["neutral"][:1],
                flashing_at,
                other,
            )
        ]
        scenes += [
            Scene(name, seconds, of["neutral"][:1], act)
            for name, act in {"resting": resting, "talking": talking}.items()
        ]
        rows = _play(chain, scenes, 200 + seed_of(person), FLASH_FPS)
        spots = [e for _, state, _ in rows for e in state.events if e.kind is Kind.MICRO_EXPRESSION]
        for at, lasts_s in enumerate(FLASHES_S):
            begin_s = begins_s(at)
            hits = [e for e in spots if meets(e, begin_s, begin_s + lasts_s)]
            planted[lasts_s] += 1
            found[lasts_s] += bool(hits)
            spots = [e for e in spots if e not in hits]
        for scene in scenes:
            minutes[scene.name] += scene.seconds / 60
        for event in spots:
            false[scenes[int(float(event.values["apex_s"] or 0) // seconds)].name] += 1
    total = sum(planted.values())
    return {
        "recall": share(sum(found.values()), total),
        "recall_by_ms": {f"{1000 * s:.0f}": f"{found[s]} of {planted[s]}" for s in FLASHES_S},
        "false_per_minute": {n: round(false[n] / m, 2) for n, m in minutes.items()},
        "frames_per_second": FLASH_FPS,
    }


def begins_s(at: int) -> float:
    return 2.0 + FLASH_EVERY_S * at


def flashing_at(t_s: float) -> Move:
    """A raised cosine of each length in turn; no blinks, whose spots would hide behind them."""
    for at, lasts_s in enumerate(FLASHES_S):
        into = (t_s - begins_s(at)) / lasts_s
        if 0 <= into < 1:
            return Move(flash=float(np.sin(np.pi * (into + 0.5 / (lasts_s * FLASH_FPS))) ** 2))
    return Move()


def meets(event: Event, start_s: float, end_s: float) -> bool:
    return (
        event.start_s is not None
        and event.end_s is not None
        and event.start_s < end_s + 0.02
        and event.end_s > start_s - 0.02
    )
