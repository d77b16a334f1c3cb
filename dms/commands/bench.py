"""``dms bench``: recordings in, events, frame table and a summary out."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from tqdm import tqdm

from dms.bench.bench import Outputs, Result, bench, refuse_same
from dms.bench.drives import recordings
from dms.chain import Chain
from dms.commands import bench_compare, bench_folder
from dms.commands.options import add_settings, settings_of
from dms.errors import ConfigError, DmsError
from dms.files.events import event_object
from dms.files.video import AnnotatedVideo
from dms.scoring.corpus import length_frames, rate_of
from dms.values import Kind, Level


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument(
        "source", nargs="+", help="video file, image folder, or .jsonl of recorded observations; "
        "with --out also a folder or glob of them, or a manifest (.csv, .yaml)",
    )  # fmt: skip
    add_settings(parser)
    parser.add_argument("--events", type=Path, metavar="OUT.jsonl", help="write events, one a line")
    parser.add_argument(
        "--frames", type=Path, metavar="OUT.csv", help="write a row a frame (.csv or .parquet)"
    )
    parser.add_argument(
        "--observations", type=Path, metavar="OUT.jsonl", help="write what perception saw"
    )
    parser.add_argument(
        "--affect", type=Path, metavar="OUT.json", help="write how the drive felt, as one object"
    )
    parser.add_argument(
        "--video", type=Path, metavar="OUT.mp4", help="write the recording with what was seen drawn"
    )
    parser.add_argument(
        "--real-time", action="store_true",
        help="take as long as the recording, so that its bridges send as in a drive",
    )  # fmt: skip
    parser.add_argument(
        "--strict",
        action="store_true",
        help="end a recording at the first part that cannot be decoded, instead of after it",
    )
    parser.add_argument(
        "--join", action="store_true",
        help="the sources are the segments of one drive, as dash cameras write them",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress, no list of events")
    bench_folder.add_arguments(parser)
    bench_compare.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run each source; a recording that fails is reported and does not stop the others."""
    if args.strict:
        args.set = [*args.set, "camera.strict=true"]
    if args.source[0] in bench_compare.WORDS and not Path(args.source[0]).exists():
        return bench_compare.run(args)
    if args.out is not None:
        if args.real_time:
            raise ConfigError("--real-time is for one recording on a bus; leave --out out")
        return bench_folder.run(args)
    with closing(Chain(settings_of(args))) as chain:
        chain.settle()
        return _all(args, chain)


def _all(args: argparse.Namespace, chain: Chain) -> int:
    entries = recordings(args.source, join=True) if args.join else None
    parts = entries[0].parts if entries else ()
    sources = [entries[0].source] if entries else args.source
    many = len(sources) > 1
    names = [Path(source.rstrip("/")).stem for source in sources]
    twice = sorted({name for name in names if names.count(name) > 1})
    places = (args.events, args.frames, args.observations, args.affect)
    if twice and (any(places) or args.video):
        raise ConfigError(f"two recordings are called {twice[0]}; use --out FOLDER for many")
    results: list[Result] = []
    code = 0
    for source in sources:
        result = Result(source)
        outputs = Outputs(*(_place(path, source, many) for path in places))
        try:
            video = _place(args.video, source, many)
            refuse_same([*sources, *parts], outputs, video)
            _one(result, chain, outputs, args, video, parts)
        except DmsError as error:
            if not many and not result.frames:
                raise
            print(f"dms bench: {source}: {error}", file=sys.stderr)
            code = max(code, error.exit_code)
        if result.frames:  # also what came before a recording broke off
            results.append(result)
    if args.json:
        print(json.dumps([_summary(result) for result in results], indent=1))
    elif not args.quiet:
        for result in results:
            _show(result)
    return code


def _one(
    result: Result,
    chain: Chain,
    outputs: Outputs,
    args: argparse.Namespace,
    video: Path | None,
    parts: Sequence[str],
) -> None:
    source = result.source
    with (
        ExitStack() as stack,
        tqdm(
            desc=Path(source).name,
            total=sum(map(length_frames, parts or (source,)))
            or None,  # so that the time that is left is shown
            unit=" frames",
            disable=args.quiet or not sys.stderr.isatty(),
            file=sys.stderr,
        ) as bar,
    ):

        def progress(_: float) -> None:
            bar.update()

        drawn = [stack.enter_context(AnnotatedVideo(video, rate_of(source)))] if video else []
        begun_s = time.perf_counter()
        try:
            bench(
                source, chain, outputs, progress, drawn, result,
                real_time=args.real_time, parts=parts,
            )  # fmt: skip
        finally:
            result.spent_s = time.perf_counter() - begun_s


def _place(path: Path | None, source: str, many: bool) -> Path | None:
    """With several sources each gets a file of its own: events.jsonl -> events-drive1.jsonl."""
    if path is None or not many:
        return path
    name = Path(source.rstrip("/")).stem
    if not name:
        raise ConfigError(f"{source!r} names no recording; give a file or folder")
    return path.with_name(f"{path.stem}-{name}{path.suffix}")


def _summary(result: Result) -> dict[str, object]:
    return {
        "source": result.source,
        "frames": result.frames,
        "duration_s": round(result.duration_s, 3),
        "eyes_observable": result.availability and round(result.availability, 4),
        "rest_given": result.rest_given,
        "events": [event_object(event) for event in result.events],
    }


def _show(result: Result) -> None:
    seen = "unknown" if result.availability is None else f"{result.availability:.0%}"
    length = f"{result.frames} frames, {result.duration_s:.1f} s"
    if result.spent_s:
        length += f", {1000 * result.spent_s / result.frames:.1f} ms a frame"
    if result.segments:
        length += f" in {len(result.segments)} segments"
    print(f"{result.source}: {length}, eyes observable {seen}")
    for event in result.events:
        # What could not be looked for is said too, though it is no alert.
        if event.level > Level.NONE or event.kind is Kind.DEGRADED:
            print(
                f"  {event.t_s:8.2f} s  {event.kind.value:13} level {event.level}  {event.reason}"
            )
    observed = [event.kind.value for event in result.events if event.level == Level.NONE]
    counts = ", ".join(f"{observed.count(kind)} {kind}" for kind in sorted(set(observed)))
    print(f"  observed: {counts or 'nothing'}")
    if result.rest_given:
        print("  emotions: against the resting face that was learned in the original run")
