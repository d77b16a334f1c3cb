"""What several verbs share: where the settings come from, checks, a question before erasing."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from dms.config import Settings, load
from dms.errors import ConfigError


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Declare --config and --set."""
    parser.add_argument(
        "-c", "--config", type=Path, metavar="FILE", help="settings (default: built-in values)"
    )
    parser.add_argument(
        "-s",
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override one setting, as in --set camera.fps=15 (may be given again)",
    )


def settings_of(args: argparse.Namespace) -> Settings:
    """Return the settings that ``args`` ask for. Raises ConfigError."""
    return load(args.config, args.set)


def check_above_zero(option: str, value: float) -> None:
    """Raise ConfigError where the number given to ``option`` is none above 0."""
    if not 0 < value < math.inf:
        raise ConfigError(f"{option} is {value:g}; expected a number above 0")


def may_erase(verb: str, question: str, *, sure: bool) -> bool:
    """Ask before something is erased, unless told to be ``sure``.

    Raises ConfigError where nobody is there to answer.
    """
    if sure:
        return True
    if not sys.stdin.isatty():
        raise ConfigError(f"{verb}: add --yes to erase without being asked.")
    if input(f"{question} [y/N] ").strip().lower() == "y":
        return True
    print("Nothing was erased.")
    return False
