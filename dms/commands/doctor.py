"""``dms doctor``: what is present, what is missing, what to do."""

from __future__ import annotations

import argparse
import json

from dms.commands.options import add_settings, settings_of
from dms.config import Settings
from dms.doctor import Verdict, examine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    add_settings(parser)
    parser.add_argument(
        "--engine",
        action="store_true",
        help="measure the nets on this machine: accuracy, latency, memory, comparison of engines",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args: argparse.Namespace) -> int:
    """Print every finding; code 1 where the chain cannot run as configured."""
    if args.engine:
        return _engine(settings_of(args), args.json)
    findings = examine(settings_of(args))
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


def _engine(settings: Settings, as_json: bool) -> int:
    """Print the engine's table, ready to paste; code 1 where something failed."""
    from dms.commands.engine import Teller  # noqa: PLC0415
    from dms.engine.report import LANDMARK_NETS, Wanted, engine_report  # noqa: PLC0415  # loads the nets

    nets = settings.nets
    names = [name for name in (nets.expression, nets.eye_state) if name]
    others = [*(LANDMARK_NETS if settings.landmarks.model == "dms56" else ())]
    others += [nets.mouth] if nets.mouth else []
    told = Teller("plans")
    wanted = Wanted(names, nets.precision, nets.dla_core, tuple(others))

    good = True
    rows = []
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
    return 0 if good else 1
