"""Options that several verbs share: where the settings come from."""

from __future__ import annotations

import argparse
from pathlib import Path

from dms.config import Settings, load


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
