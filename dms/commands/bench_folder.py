"""``dms bench --out FOLDER``: many recordings, each with its files, one summary, one report."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from tqdm import tqdm

from dms.bench.drives import recordings
from dms.bench.job import Outcome, Recipe, frames_path
from dms.bench.mcap import write_mcap
from dms.bench.mdf4 import write_mdf4
from dms.bench.spread import run_dask, run_here, run_workers
from dms.bench.summary import write_page, write_summary
from dms.chain import Chain
from dms.commands.options import settings_of
from dms.errors import ConfigError, DamagedError
from dms.files.events import load_events
from dms.scoring.corpus import Entry, annotated, length_frames
from dms.values import Level


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a run into a folder."""
    many = parser.add_argument_group("many recordings")
    many.add_argument(
        "--out", type=Path, metavar="FOLDER", help="keep every recording's results, a summary and "
        "a report here; what is there already is not run again",
    )  # fmt: skip
    many.add_argument("--fresh", action="store_true", help="run again what was done before")
    many.add_argument(
        "--workers", type=int, default=1, metavar="N", help="recordings at the same time"
    )
    many.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="a Dask scheduler to spread over, tls://host:8786 "
        "with Dask's own TLS settings, or tcp://... on a network where everybody is trusted",
    )
    many.add_argument(
        "--group", action="append", default=[], metavar="COLUMN",
        help="measure by this column of the manifest too (may be given again)",
    )  # fmt: skip
    many.add_argument("--parquet", action="store_true", help="frame tables as Parquet")
    many.add_argument("--mdf4", action="store_true", help="frame tables as MDF4 (.mf4) as well")
    many.add_argument(
        "--mcap", action="store_true", help="frames, events and labels as MCAP (.mcap) as well"
    )
    many.add_argument(
        "--thumbnails", action="store_true", help="put a small picture of the driver at each alert "
        "into the report; they show a person",
    )  # fmt: skip
    many.add_argument(
        "--keep-observations", action="store_true", help="keep what perception saw, for sweeps"
    )
    many.add_argument(
        "--timelines", type=int, default=30, metavar="N", help="timelines in the report at most"
    )


def run(args: argparse.Namespace) -> int:
    """Run all recordings and return the exit code: 1 if one of them could not be used."""
    if args.workers < 1:
        raise ConfigError(f"--workers is {args.workers}; expected 1 or more")
    _check_extras(args)
    chain = Chain(settings_of(args))
    entries = recordings(args.source, join=args.join)
    if _without(entries, args.group):
        entries = annotated(entries)
    if unknown := _without(entries, args.group):
        raise ConfigError(f"no recording has a column {unknown[0]!r}; check the manifest")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make {args.out}: {error.strerror}") from error
    recipe = Recipe(
        out=str(args.out.resolve() if args.scheduler else args.out),
        config=str(args.config) if args.config else None,
        overrides=tuple(args.set),
        table=".parquet" if args.parquet else ".csv",
        observations=args.keep_observations,
        thumbnails=args.thumbnails,
        fresh=args.fresh,
    )
    outcomes = _spread(args, entries, recipe)
    for entry, outcome in zip(entries, outcomes, strict=True):
        if outcome.error is None:
            _export(args, entry, args.out / outcome.name)
    summary = write_summary(args.out, outcomes, chain, args.group)
    page = write_page(args.out, entries, outcomes, chain, args.timelines, args.group)
    if not args.quiet:
        _show(summary["all"], outcomes)
        if not summary["all"]["kinds"]:
            _show_alerts(args.out, outcomes)
        print(f"report: {page}")
    if any(outcome.error for outcome in outcomes):
        return 1
    return DamagedError.exit_code if any(outcome.damaged for outcome in outcomes) else 0


def _check_extras(args: argparse.Namespace) -> None:
    """Raise ConfigError before hours of work, not after them, where a library is missing."""
    wanted = (
        ("plotly", "bench", True),
        ("pyarrow", "bench", args.parquet),
        ("asammdf", "mf4", args.mdf4),
        ("mcap", "mcap", args.mcap),
    )
    for module, extra, asked in wanted:
        if asked and find_spec(module) is None:
            raise ConfigError(f"{module} is not installed: pip install 'dms-jetson[{extra}]'")


def _export(args: argparse.Namespace, entry: Entry, folder: Path) -> None:
    if args.mdf4:
        write_mdf4(frames_path(folder), folder / "frames.mf4")
    if args.mcap:
        labels = entry.read_labels()
        events = load_events(folder / "events.jsonl")
        wanted = labels.events if labels else ()
        write_mcap(frames_path(folder), events, wanted, folder / "frames.mcap")


def _without(entries: list[Entry], columns: list[str]) -> list[str]:
    return [column for column in columns if not any(column in one.groups for one in entries)]


def _spread(args: argparse.Namespace, entries: list[Entry], recipe: Recipe) -> list[Outcome]:
    lengths = {entry.name: sum(map(length_frames, entry.files)) for entry in entries}
    here = args.workers == 1 and not args.scheduler
    with tqdm(
        total=sum(lengths.values()) or None,
        unit=" frames",
        disable=args.quiet or not sys.stderr.isatty(),
        file=sys.stderr,
    ) as bar:

        def done(outcome: Outcome) -> None:
            if told := outcome.error or outcome.damaged:
                bar.write(f"dms bench: {outcome.name}: {told}", file=sys.stderr)
            if outcome.recalled_s is not None and not outcome.kept:
                bar.write(f"dms bench: {outcome.name}: {_taken_up(outcome)}", file=sys.stderr)
            if not here or outcome.kept:
                bar.update(lengths[outcome.name])

        def step(_: float) -> None:
            bar.update()

        if args.scheduler:
            return run_dask(entries, recipe, args.scheduler, done)
        if args.workers > 1:
            return run_workers(entries, recipe, args.workers, done)
        return run_here(entries, recipe, done, step)


def _taken_up(outcome: Outcome) -> str:
    at = f"taken up at {outcome.recalled_s:.1f} s, where an earlier run was cut short"
    return f"{at}; the resting face was learned again from there (--fresh runs all of it in one go)"


def _show(quality: dict[str, object], outcomes: list[Outcome]) -> None:
    failed = sum(outcome.error is not None for outcome in outcomes)
    kept = sum(outcome.kept for outcome in outcomes)
    print(f"{len(outcomes)} recordings, {kept} done before, {failed} could not be used")
    kinds = quality["kinds"]
    if not isinstance(kinds, dict) or not kinds:
        return
    print(
        f"{'kind':13} {'labelled':>8} {'found':>6} {'false':>6}  recall  precision  F1     false/h"
    )
    for kind, one in kinds.items():
        shares = [_cell(one[name]["value"]) for name in ("recall", "precision", "f1")]
        counts = f"{one['labelled']:8} {one['found']:6} {one['false']:6}"
        rate = _cell(one["false_per_hour"]["value"])
        print(f"{kind:13} {counts}  {shares[0]:6}  {shares[1]:9}  {shares[2]:5}  {rate}")


def _show_alerts(out: Path, outcomes: list[Outcome]) -> None:
    """Print every alert with its time: without labels there are no figures to print."""
    names = [outcome.name for outcome in outcomes if outcome.error is None]
    width = max((len(name) for name in names), default=0)
    told = [(name, e) for name in names for e in load_events(out / name / "events.jsonl")]
    alerts = [(name, event) for name, event in told if event.level > Level.NONE]
    for name, event in alerts:
        kind = f"{event.kind.value:13} level {event.level}"
        print(f"{name:{width}}  {event.t_s:9.2f} s  {kind}  {event.reason}")
    if not alerts:
        print("no alerts")


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
