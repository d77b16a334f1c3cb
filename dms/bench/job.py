"""One recording of a bench run as a job: its files, its score, and whether it was done before.

A job depends on nothing but its recording, its labels and the settings, so it gives the same bytes
in this process, in a worker or on another machine.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2

from dms import __version__
from dms.bench.bench import Outputs, Result, bench, refuse_same
from dms.bench.drives import SEGMENTS, write_segments
from dms.bench.resume import PartRun
from dms.camera.image_folder import TIMESTAMPS
from dms.chain import Chain
from dms.config import load
from dms.engine.manifest import FOLDER
from dms.errors import CameraError, DmsError
from dms.files.frames import load_frames
from dms.files.observations import OBSERVATIONS
from dms.files.thumbnails import Thumbnails, forget
from dms.scoring.corpus import Entry, labels_paths
from dms.scoring.labels import Labels
from dms.scoring.match import Match, ScoringSettings, Tally, due_times, match, tally
from dms.scoring.quality import SCORED_COLUMNS, QualitySettings, Scored, score_frames
from dms.values import Event, Kind, Level
from dms.vehicle import log_beside
from dms.yamlfile import as_data

_log = logging.getLogger(__name__)
_EARLY_S = 1.0  # a label may begin so long before the first picture
_FORMAT = 2  # of a kept result: what was scored otherwise before is scored again


@dataclass(frozen=True, slots=True)
class Recipe:
    """How each recording of a run is treated; small enough to be sent to a worker."""

    out: str
    config: str | None = None
    overrides: tuple[str, ...] = ()
    table: str = ".csv"  # or .parquet
    observations: bool = False
    thumbnails: bool = False  # of the driver at each alert
    fresh: bool = False  # do again what was done before


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recording. ``error`` is None or one sentence; then nothing was scored."""

    name: str
    source: str
    scored: Scored | None = None
    alerts: tuple[int, ...] = (0, 0, 0, 0)  # events by level 0..3
    synthetic: bool = False
    error: str | None = None
    damaged: str | None = None  # parts that could not be decoded; the rest was scored
    recalled_s: float | None = None  # a run that was cut short had come so far, and was taken up
    kept: bool = field(default=False, compare=False)  # done by an earlier run with the same key


def run_job(
    entry: Entry, recipe: Recipe, progress: Callable[[float], None] | None = None
) -> Outcome:
    """Run one recording, unless exactly that was done before, and keep its result.

    A recording that cannot be used is an outcome with its error, never an exception.
    """
    folder = Path(recipe.out) / entry.name
    try:
        chain = _chain(recipe.config, (*recipe.overrides, *_own(entry)))
        key = _key(entry, recipe, chain)
        if not recipe.fresh and (before := _before(folder, key, recipe.table)) is not None:
            return before
        folder.mkdir(parents=True, exist_ok=True)
        part = PartRun(folder, key, fresh=recipe.fresh)
        outcome = _run(entry, recipe, folder, chain, part, progress)
        _keep(folder, key, outcome)
    except DmsError as error:
        return Outcome(entry.name, entry.source, error=str(error))
    except OSError as error:
        return Outcome(entry.name, entry.source, error=f"{error}; check disk space and rights")
    except Exception as error:  # noqa: BLE001  (one recording must not cost the others their run)
        _log.exception("a defect of dms met by %s", entry.source)
        told = f"{type(error).__name__}: {error}; a defect of dms, please report it"
        return Outcome(entry.name, entry.source, error=told)
    return outcome


def match_events(
    events: list[Event], labels: Labels | None, settings: ScoringSettings, chain: Chain
) -> list[Match]:
    """Set events against labels by the due times of the chain's profile; [] without labels."""
    if labels is None:
        return []
    return match(events, labels, due_times(chain.settings.core), settings)


def frames_path(folder: Path) -> Path:
    """Return where a job's frame table is."""
    parquet = folder / "frames.parquet"
    return parquet if parquet.exists() else folder / "frames.csv"


@lru_cache(maxsize=1)
def _chain(config: str | None, overrides: tuple[str, ...]) -> Chain:
    """Build the chain once a process: landmarks and nets take longer to load than a short clip."""
    return Chain(load(Path(config) if config else None, overrides))


def _own(entry: Entry) -> tuple[str, ...]:
    """Return the settings of this recording alone."""
    return () if entry.time_scale is None else (f"camera.time_scale={entry.time_scale}",)


def _run(
    entry: Entry,
    recipe: Recipe,
    folder: Path,
    chain: Chain,
    part: PartRun,
    progress: Callable[[float], None] | None,
) -> Outcome:
    cv2.setNumThreads(1)  # one core a recording; several recordings share the machine
    table = folder / f"frames{recipe.table}"
    seen = folder / "observations.jsonl" if recipe.observations else None
    refuse_same(entry.files, Outputs(observations=seen))  # what the part file becomes in the end
    labels = entry.read_labels()
    outputs = Outputs(folder / "events.jsonl", table, part.seen, folder / "affect.json")
    # Files are written over from here on: what an earlier run made of them is no more.
    (folder / "result.json").unlink(missing_ok=True)
    forget(folder)
    for other in {"frames.csv", "frames.parquet"} - {table.name}:
        (folder / other).unlink(missing_ok=True)  # of an earlier run in the other format
    pictures = [Thumbnails(folder)] if recipe.thumbnails else []
    result = Result(entry.source)
    damaged = None
    try:
        bench(
            entry.source, chain, outputs, progress, pictures, result, parts=entry.parts,
            earlier=None if entry.source.endswith(OBSERVATIONS) else part.earlier,
        )  # fmt: skip
    except CameraError as error:  # all that could be decoded counts
        if not result.frames:
            part.forget()  # to take it up again would end alike
            raise
        damaged = str(error)
    if result.segments:
        write_segments(result.segments, folder / SEGMENTS)
    part.done(seen)
    if labels is not None:
        _tell_labels_beyond(labels, result)
    matches = match_events(result.events, labels, ScoringSettings(), chain)
    confusion: Mapping[tuple[str, str], int] = {}
    perclos_error = None
    if labels is not None and labels.stretches:
        confusion, perclos_error = score_frames(
            load_frames(table, SCORED_COLUMNS), labels, QualitySettings()
        )
    scored = Scored(
        name=entry.name,
        duration_s=round(result.duration_s, 6),
        frames=result.frames,
        eyes_known=result.eyes_known,
        tallies=tally(matches, labels.kinds if labels else ()),
        confusion=confusion,
        perclos_error=perclos_error,
        groups=dict(entry.groups),
    )
    alerts = tuple(sum(event.level == level for event in result.events) for level in Level)
    synthetic = labels.synthetic if labels else False
    return Outcome(
        entry.name, entry.source, scored, alerts, synthetic,
        damaged=damaged, recalled_s=result.recalled_s,
    )  # fmt: skip


def _tell_labels_beyond(labels: Labels, result: Result) -> None:
    """Say so where labels lie beyond the recording, as those in frames or ms do: all are missed."""
    starts = [one.start_s for one in labels.events] + [one.start_s for one in labels.stretches]
    end_s = result.first_s + result.duration_s
    beyond = [start_s for start_s in starts if start_s > end_s]
    if beyond:
        _log.warning(
            "%s: %d of %d labels begin after its end at %.1f s, the first at %.1f s; are they its "
            "own, and in seconds?",
            result.source, len(beyond), len(starts), end_s, min(beyond),
        )  # fmt: skip
    before = [start_s for start_s in starts if start_s < result.first_s - _EARLY_S]
    if before:
        _log.warning(
            "%s: %d of %d labels begin before it does, at %.1f s; give times of its own clock",
            result.source, len(before), len(starts), result.first_s,
        )  # fmt: skip


def _key(entry: Entry, recipe: Recipe, chain: Chain) -> str:
    """Say what the result depends on: a change of any of it makes the job run again."""
    parts: list[object] = [_FORMAT, __version__, as_data(chain.settings)]
    parts += [_nets(), recipe.table, recipe.observations, recipe.thumbnails]
    parts += [*entry.files, sorted(entry.groups.items())]
    for place in (*map(Path, entry.files), *labels_paths(entry), *_read_too(entry, chain)):
        if place.exists():
            told = place.stat()
            parts.append([told.st_size, told.st_mtime_ns])
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _read_too(entry: Entry, chain: Chain) -> Iterator[Path]:
    """Yield what else a run reads, as far as it is set or there: its content is in no setting."""
    vehicle, camera = chain.settings.vehicle, chain.settings.camera
    beside = log_beside(entry.source)
    if beside is not None:
        yield beside
    named = (vehicle.database, vehicle.log, camera.timestamps, chain.settings.landmarks.path)
    yield from (Path(name) for name in named if name)
    yield Path(entry.source) / TIMESTAMPS


@lru_cache(maxsize=1)
def _nets() -> list[str]:
    """Return digests of the nets' manifests, which hold those of their files: trained again counts.

    By content, not by date, since the workers of a cluster have their own copies.
    """
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(FOLDER.glob("*.yaml"))]


def _keep(folder: Path, key: str, outcome: Outcome) -> None:
    """Write the result last and whole, so that a run cut short leaves none."""
    part = folder / "part-result.json"
    text = json.dumps({"key": key, **outcome_object(outcome)}, indent=1, sort_keys=True)
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(folder / "result.json")


def _before(folder: Path, key: str, table: str) -> Outcome | None:
    try:
        thing = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = all((folder / name).is_file() for name in ("events.jsonl", f"frames{table}"))
    same = isinstance(thing, dict) and thing.get("key") == key
    if not same or not whole:
        return None
    try:
        return outcome_of(thing, kept=True)
    except (KeyError, TypeError, ValueError):  # somebody changed it
        return None


def outcome_object(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as plain JSON."""
    scored = outcome.scored
    thing: dict[str, Any] = {
        "name": outcome.name,
        "source": outcome.source,
        "alerts": list(outcome.alerts),
        "synthetic": outcome.synthetic,
        "error": outcome.error,
        "damaged": outcome.damaged,
        "recalled_s": outcome.recalled_s,
    }
    if scored is not None:
        thing["scored"] = {
            **{k: v for k, v in asdict(scored).items() if k not in {"tallies", "confusion"}},
            "tallies": {kind.value: asdict(one) for kind, one in scored.tallies.items()},
            "confusion": [[*pair, count] for pair, count in sorted(scored.confusion.items())],
        }
    return thing


def outcome_of(thing: Mapping[str, Any], kept: bool = False) -> Outcome:
    """Return the outcome that :func:`outcome_object` wrote."""
    told = thing.get("scored")
    scored = None
    if told is not None:
        tallies = {
            Kind(kind): Tally(**{**one, "delays_s": tuple(one["delays_s"])})
            for kind, one in told["tallies"].items()
        }
        confusion = {(truth, said): count for truth, said, count in told["confusion"]}
        scored = Scored(**{**told, "tallies": tallies, "confusion": confusion})
    alerts = tuple(thing["alerts"])
    return Outcome(
        thing["name"],
        thing["source"],
        scored,
        alerts,
        thing["synthetic"],
        thing["error"],
        thing.get("damaged"),
        thing.get("recalled_s"),
        kept,
    )
