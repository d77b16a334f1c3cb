"""``dms doctor``: what is present, what is missing, what to do."""

from __future__ import annotations

import argparse
import json

from dms.commands.options import add_settings, settings_of
from dms.doctor import Verdict, examine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args: argparse.Namespace) -> int:
    """Print every finding; code 1 where the chain cannot run as configured."""
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
