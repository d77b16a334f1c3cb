"""``dms vspec``: our overlay of COVESA's Vehicle Signal Specification."""

from __future__ import annotations

import argparse
from importlib.resources import files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    del parser  # it has none


def run(args: argparse.Namespace) -> int:
    """Print the overlay."""
    del args
    print(files("dms.bridge").joinpath("dms.vspec").read_text(encoding="utf-8"), end="")
    return 0
