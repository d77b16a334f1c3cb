"""``dms dashboard``: a live page of the running service, or of a recording played back."""

from __future__ import annotations

import argparse
import secrets
from contextlib import closing
from pathlib import Path

from dms.chain import Chain
from dms.commands.options import add_settings, check_above_zero, settings_of
from dms.dashboard.feed import Feed, ReplayFeed, ServiceFeed
from dms.dashboard.server import check_installed, is_loopback, listen, serve
from dms.errors import CameraError, ConfigError
from dms.service.view import SOCKET


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    add_settings(parser)
    parser.add_argument("--socket", type=Path, default=SOCKET, help=f"default {SOCKET}")
    parser.add_argument("--replay", metavar="FILE", help="a video or .jsonl instead of the service")
    parser.add_argument("--speed", type=float, default=1.0, help="of the replay (default 1)")
    parser.add_argument("--host", default="127.0.0.1", help="default 127.0.0.1: this machine only")
    parser.add_argument("--port", type=int, default=8765, help="default 8765; 0: a free one")
    parser.add_argument("--token", help="what a browser elsewhere must give (default: made up)")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    check_above_zero("--speed", args.speed)
    if not 0 <= args.port < 1 << 16:  # the system would take the lowest 16 bits of it
        raise ConfigError(f"--port is {args.port}; expected 0 to 65535")
    if args.replay and not Path(args.replay).exists():
        raise CameraError(f"there is no recording {args.replay!r}; check the path")
    if args.token == "":
        raise ConfigError("--token is empty, so that anyone could look; give one, or leave it out")
    check_installed()  # before an address is printed
    token = args.token
    if token is None and not is_loopback(args.host):
        token = secrets.token_urlsafe(16)
    feed: Feed = ServiceFeed(args.socket)
    if args.replay:
        feed = ReplayFeed(args.replay, Chain(settings_of(args)), args.speed)
    with closing(listen(args.host, args.port)) as ear, feed:
        host = f"[{args.host}]" if ":" in args.host else args.host
        tail = f"/?token={token}" if token else "/"
        print(f"http://{host}:{ear.getsockname()[1]}{tail}", flush=True)
        serve(feed, ear, args.host, token)
    return 0
