"""``dms audit``: failure rates by group of people on labelled pictures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from tqdm import tqdm

from dms.bench.audit import METRICS, AuditSettings, as_table, compare, measure, read_manifest
from dms.chain import Chain
from dms.commands.options import add_settings, settings_of
from dms.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument(
        "manifest", type=Path, help="CSV: file, then one column a grouping (gender, glasses, ...);"
        " age, subject and expression are known by name",
    )  # fmt: skip
    add_settings(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings as JSON, too")
    parser.add_argument("--draws", type=int, help="bootstrap draws and permutations")
    parser.add_argument("--least", type=int, help="smallest group, in people or pictures")


def run(args: argparse.Namespace) -> int:
    """Measure, compare, print a table a grouping; code 1 where a gap is beyond chance."""
    chosen = {"draws": args.draws, "least": args.least}
    try:
        how = AuditSettings(**{name: value for name, value in chosen.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(f"--{first['loc'][0]}: {first['msg']}, got {first['input']}") from error
    rows = read_manifest(args.manifest)
    if args.json and args.json.resolve() == args.manifest.resolve():
        raise ConfigError(f"{args.json} would be written over; give --json a file of its own")

    def progress(steps: Iterator[Any]) -> Iterator[Any]:
        return iter(tqdm(steps, total=len(rows), disable=None, file=sys.stderr))

    findings = compare(rows, measure(rows, Chain(settings_of(args)), progress), how)
    if not findings:
        raise ConfigError(
            f"{args.manifest} has no column with two groups of {how.least} pictures (or people) "
            "each, besides file, subject and expression; add one, or lower --least"
        )
    for by in dict.fromkeys(one.by for one in findings):
        print(f"\n{as_table(findings, by)}")
    print("\nPer cent, with 95 % intervals. " + "; ".join(f"{k}: {v}" for k, v in METRICS.items()))
    beyond = [one for one in findings if one.beyond_chance]
    for one in beyond:
        print(f"Beyond chance: {one.metric} by {one.by}, {100 * one.gap:.1f} points apart")
    if args.json:
        try:
            args.json.write_text(json.dumps([asdict(f) for f in findings]), encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"cannot write {args.json}: {error.strerror}") from error
    return 1 if beyond else 0
