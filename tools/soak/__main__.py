"""A day of faults: 24 h of drives through the decision core, and the real service in loops.

    python -m tools.soak                 # 24 h of drives, 3 loops: some 20 minutes
    python -m tools.soak --short         # 20 minutes of drives, one loop

Prints what became of each fault. Exits with 1 where one was not told in time or not recovered
from, an alert was lost or invented, or memory or open files grew.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools.soak.day import run_day, steps
from tools.soak.live import Soak, judge_growth, open_files, resident_mb
from tools.soak.rig import Rig
from tools.soak.tally import Tally


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0, help="of drives, accelerated")
    parser.add_argument("--loops", type=int, default=3, help="of faults in the real service")
    parser.add_argument("--seed", type=int, default=1, help="of what happens when")
    parser.add_argument("--short", action="store_true", help="a third of an hour and one loop")
    parser.add_argument(
        "--patience", type=float, default=1.0, help="stretches deadlines on a loaded machine"
    )
    arguments = parser.parse_args(words)
    hours, loops = (1 / 3, 1) if arguments.short else (arguments.hours, arguments.loops)
    tally = Tally()
    begun_s, used_s = time.monotonic(), time.process_time()
    marks: list[tuple[float, int]] = []

    def driven(hour: float) -> None:
        marks.append((resident_mb(), open_files()))
        _say(f"{hour:.0f} of {hours:.0f} h driven, {marks[-1][0]:.0f} MB")

    run_day(hours, arguments.seed, tally, driven)
    judge_growth("day", marks, tally)
    with (
        tempfile.TemporaryDirectory(prefix="dms-soak-") as folder,
        Rig(Path(folder), arguments.seed, arguments.patience) as rig,
    ):
        Soak(rig, tally, arguments.seed, arguments.patience).run(loops, not arguments.short, _say)
    print(tally.table())
    wrong = tally.judge()
    print(
        f"\n{steps(hours):,} frames of drives, {loops} loops of the service; alerts due "
        f"{tally.expected}, heard {tally.heard}; memory after the first drive {marks[0][0]:.0f}, "
        f"after the last {marks[-1][0]:.0f}, at the end {resident_mb():.0f} MB, files "
        f"{open_files()}; "
        f"{time.monotonic() - begun_s:.0f} s, {time.process_time() - used_s:.0f} s of CPU"
    )
    for line in wrong:
        print(f"WRONG: {line}")
    print(f"{'NOT ' if wrong else ''}well")
    return 1 if wrong else 0


def _say(line: str) -> None:
    if line:
        print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
