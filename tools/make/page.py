"""A page of docs/ that a program writes, and only compares when asked."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def write_or_check(text: str | None, path: Path, render: Callable[[], str]) -> None:
    """Write the page at ``path``; with ``--check`` only end with 1 where it is out of step.

    ``text``: the program's help.
    """
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 if out of step")
    arguments = parser.parse_args()
    page = render()
    if arguments.check:
        raise SystemExit(0 if path.read_text(encoding="utf-8") == page else 1)
    path.write_text(page, encoding="utf-8")
