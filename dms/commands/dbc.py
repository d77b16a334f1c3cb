"""``dms dbc``: the CAN contract, with the identifiers that the settings give it."""

from __future__ import annotations

import argparse

from dms.bridge.codec import contract_text
from dms.commands.options import add_settings, settings_of
from dms.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument(
        "--bridge", type=int, default=0, metavar="N", help="which of the bridges, from 0"
    )
    parser.add_argument(
        "--protocol", choices=("plain", "j1939"), help="in place of the bridge's own protocol"
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Print the DBC."""
    bridges = settings_of(args).bridges
    if not 0 <= args.bridge < len(bridges):
        raise ConfigError(f"there is no bridge {args.bridge}; the settings have {len(bridges)}")
    chosen = bridges[args.bridge]
    if (args.protocol or chosen.protocol) == "j1939":
        print(contract_text(pgn_base=chosen.pgn_base), end="")
    else:
        print(contract_text(chosen.base_id, extended=chosen.extended, fd=chosen.fd), end="")
    return 0
