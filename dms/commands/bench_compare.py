"""``dms bench compare`` and ``dms bench sweep``: what a change did, what one would do."""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from dms.bench.compare import CompareSettings, Comparison, compare
from dms.bench.drives import recordings
from dms.bench.summary import quality_object
from dms.bench.sweep import Point, sweep, write_curve
from dms.errors import ConfigError
from dms.values import Kind

WORDS = ("compare", "sweep")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of both."""
    two = parser.add_argument_group(
        "compare A B (two folders of --out; exit code 1 where alerts differ), sweep SOURCE..."
    )
    two.add_argument(
        "--within", type=float, default=CompareSettings().within_s, metavar="S",
        help="compare: an alert this near is the same one (default %(default)s)",
    )  # fmt: skip
    two.add_argument(
        "--over", metavar="KEY=V1,V2,..", help="sweep: the core setting and its values"
    )
    two.add_argument(
        "--kind", type=Kind, default=Kind.BLINK, choices=list(Kind), metavar="KIND",
        help="sweep: the kind of event of the curve (default blink)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run what the first word asks for."""
    return _compare(args) if args.source[0] == "compare" else _sweep(args)


def _compare(args: argparse.Namespace) -> int:
    if len(args.source) != 3:
        raise ConfigError("dms bench compare takes two folders that dms bench --out wrote")
    if not 0 <= args.within < math.inf:
        raise ConfigError(f"--within is {args.within}; expected seconds, 0 or more")
    before, after = (Path(word) for word in args.source[1:])
    told = compare(before, after, CompareSettings(within_s=args.within))
    if args.json:
        print(json.dumps({"same": told.same, **asdict(told)}, indent=1))
    elif not args.quiet:
        _show(told)
    return 0 if told.same else 1


def _show(told: Comparison) -> None:
    for one in told.changes:
        times = [t_s for t_s in (one.before_s, one.after_s) if t_s is not None]
        at = " -> ".join(f"{t_s:.2f}" for t_s in times)
        print(f"{one.recording}: {one.kind} level {one.level} {one.what.value} at {at} s")
    for name in told.only_before:
        print(f"{name}: only in the first run")
    for name in told.only_after:
        print(f"{name}: only in the second run")
    for name, kind, old, new in told.counts:
        print(f"{name}: {old} -> {new} times {kind} (observed only)")
    for kind, figure, before, after in told.figures:
        print(f"all: {figure} of {kind} {_cell(before)} -> {_cell(after)}")
    if not told.common:
        print("nothing was compared: the runs have no recording in common")
        return
    alone = len(told.only_before) + len(told.only_after)
    more = f"; {alone} recordings are in one run only, their alerts were not compared"
    result = f"{len(told.changes)} alerts differ in {told.common} recordings"
    print("the alerts are the same" if told.same else result + (more if alone else ""))


def _sweep(args: argparse.Namespace) -> int:
    key, equals, values = (args.over or "").partition("=")
    if not equals or not values or args.out is None or len(args.source) < 2:
        raise ConfigError(
            "dms bench sweep SOURCE... --out RUN --over core.KEY=V1,V2,.. takes the sources and "
            "the folder of a run that was made with --keep-observations"
        )
    entries = recordings(args.source[1:], join=args.join)
    chosen = values.split(",")
    total = len(chosen) * len(entries)
    with tqdm(total=total, unit=" drives", disable=args.quiet or None, file=sys.stderr) as bar:

        def step() -> None:
            bar.update()

        points = sweep(entries, args.out, key, chosen, args.config, args.set, step)
    page = args.out / f"sweep-{key}.html"
    write_curve(points, key, args.kind, page)
    made = {point.value: quality_object(point.quality) for point in points}
    text = json.dumps({"key": key, "values": made}, indent=1)
    page.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    if not args.quiet:
        _table(points, key, args.kind)
        print(f"curve: {page}")
    return 0


def _table(points: list[Point], key: str, kind: Kind) -> None:
    print(f"{key:>30}  recall  precision  F1     false/h   ({kind.value})")
    for point in points:
        one = point.quality.kinds.get(kind)
        if one is not None:
            cells = [_cell(f.value) for f in (one.recall, one.precision, one.f1)]
            rate = _cell(one.false_per_hour.value)
            print(f"{point.value:>30}  {cells[0]:6}  {cells[1]:9}  {cells[2]:5}  {rate}")


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
