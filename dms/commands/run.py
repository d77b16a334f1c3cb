"""``dms run``: the live loop in the foreground."""

from __future__ import annotations

import argparse
import signal
from contextlib import ExitStack
from pathlib import Path

from dms.bench.bench import Files, Outputs
from dms.chain import Chain
from dms.commands.options import add_settings, settings_of
from dms.monitor import Monitor, Sink
from dms.values import Step


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    add_settings(parser)
    parser.add_argument("--events", type=Path, metavar="OUT.jsonl", help="write events, one a line")
    parser.add_argument(
        "--observations", type=Path, metavar="OUT.jsonl", help="write what is seen; no pictures"
    )
    parser.add_argument("--quiet", action="store_true", help="do not print alerts")


class _Printer:
    def take(self, step: Step) -> None:
        for event in step.state.events:
            print(
                f"{event.t_s:10.2f} s  {event.kind.value:13} level {event.level}  {event.reason}",
                flush=True,
            )


def run(args: argparse.Namespace) -> int:
    """Watch until the source ends or the process is told to stop."""
    chain = Chain(settings_of(args))
    with ExitStack() as stack:
        stack.callback(chain.close)
        stack.callback(chain.remember)
        bridges = [stack.enter_context(bridge) for bridge in chain.bridges()]
        vehicle = stack.enter_context(chain.vehicle(bridges))
        camera = stack.enter_context(chain.camera())
        sinks: list[Sink] = [Files(Outputs(args.events, None, args.observations), stack)]
        sinks += [] if args.quiet else [_Printer()]
        monitor = Monitor(
            camera, chain.perception, chain.core, bridges, vehicle, sinks,
            chain.settings.monitor,
        )  # fmt: skip
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: monitor.stop())
        monitor.run()
    return 0
