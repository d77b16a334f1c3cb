"""``dms doctor``: what is present, what is missing, what to do."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from dms.commands.options import add_settings, settings_of
from dms.config import Settings
from dms.doctor import Finding, Verdict, examine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    add_settings(parser)
    parser.add_argument(
        "--engine",
        action="store_true",
        help="measure the nets on this machine: accuracy, latency, memory, comparison of engines",
    )
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="FILE.tar.gz",
        help="pack findings, board and measurements (with --engine) to send; no pictures, no "
        "settings",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args: argparse.Namespace) -> int:
    """Print every finding; code 1 where the chain cannot run as configured."""
    settings = settings_of(args)
    if args.engine:
        good, rows = _engine(settings, args.json)
        if args.bundle:
            _pack(args.bundle, examine(settings), rows)
        return 0 if good else 1
    findings = examine(settings)
    if args.bundle:
        _pack(args.bundle, findings, [])
    if args.json:
        rows = [
            {"part": found.part, "verdict": found.verdict.value, "text": found.text}
            for found in findings
        ]
        print(json.dumps(rows, indent=1))
    else:
        for found in findings:
            print(f"{found.verdict.value:5} {found.part:22} {found.text}")
    return int(any(found.verdict is Verdict.BAD for found in findings))


def _pack(path: Path, findings: list[Finding], rows: list[dict[str, object]]) -> None:
    from dms.commands.doctor_bundle import write  # noqa: PLC0415

    write(path, findings, rows)
    print(f"packed into {path}", file=sys.stderr)


def _engine(settings: Settings, as_json: bool) -> tuple[bool, list[dict[str, object]]]:
    """Print the engine's table, ready to paste; return whether all is good, and the rows."""
    from dms.commands.engine import Teller  # noqa: PLC0415
    from dms.engine.report import LANDMARK_NETS, Wanted, engine_report  # noqa: PLC0415  # loads the nets

    nets = settings.nets
    names = [name for name in (nets.expression, nets.eye_state) if name]
    others = [*(LANDMARK_NETS if settings.landmarks.model == "dms56" else ())]
    others += [nets.mouth] if nets.mouth else []
    told = Teller("plans")
    wanted = Wanted(names, nets.precision, nets.dla_core, tuple(others))

    good = True
    rows: list[dict[str, object]] = []
    if not as_json:
        print("| part | measured | value | |\n|---|---|---|---|")
    for row in engine_report(wanted, say=told):
        told.done()
        good &= row.good is not False
        mark = {True: "good", False: "BAD", None: ""}[row.good]
        rows.append({"part": row.part, "what": row.what, "value": row.value, "good": row.good})
        if not as_json:
            print(f"| {row.part} | {row.what} | {row.value} | {mark} |", flush=True)
    if as_json:
        print(json.dumps(rows, indent=1))
    return good, rows
