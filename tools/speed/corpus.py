"""How a bench run scales: two workers against one, and its memory over hours of recordings.

    python -m tools.speed.corpus speedup [--clip CLIP]  # a folder with 1 and with 2 workers
    python -m tools.speed.corpus memory [--hours 2]     # peak memory, ten minutes and hours

Without a clip one is rendered; the drives of `memory` are made up. Speed-up is told by the clock
and, for a busy machine, as two free cores would give it: twice the CPU of one worker over that of
two.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dms.files.observations import save
from dms.values import Moment
from tools.rendering import clip as make_demo_clip
from tools.rendering import drive as make_demo_drive

PIECE_S = 600.0  # of one made-up recording


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("speedup", "memory"))
    parser.add_argument("--clip", type=Path, help="a video to copy")
    parser.add_argument("--copies", type=int, default=6)
    parser.add_argument("--hours", type=float, default=2.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if arguments.what == "speedup":
            told = speedup(place, arguments.clip, arguments.copies)
        else:
            told = memory(place, arguments.hours)
    print(json.dumps(told, indent=1))


def speedup(place: Path, clip: Path | None, copies: int) -> dict[str, float]:
    """Return what one and two workers take for ``copies`` of a clip, start-up included."""
    source = place / "in"
    source.mkdir()
    if clip is None:
        make_demo_clip.render(place, 30.0, seed=1)
        clip = place / "demo.avi"
    for number in range(copies):
        shutil.copy(clip, source / f"{number:02}{clip.suffix}")
    one, two = (_run(source, place / f"out{n}", "--workers", str(n)) for n in (1, 2))
    return {
        "wall_s_1": one["wall_s"],
        "wall_s_2": two["wall_s"],
        "cpu_s_1": one["cpu_s"],
        "cpu_s_2": two["cpu_s"],
        "speedup_by_clock": round(one["wall_s"] / two["wall_s"], 2),
        "speedup_on_free_cores": round(2 * one["cpu_s"] / two["cpu_s"], 2),
    }


def memory(place: Path, hours: float) -> dict[str, float]:
    """Return the peak memory in MB of one made-up recording, and of ``hours`` of them."""
    pieces = max(2, round(hours * 3600 / PIECE_S))
    source = place / "long"
    source.mkdir()
    save(_drive(PIECE_S), source / "00.jsonl", make_demo_drive.NOTE)
    for number in range(1, pieces):
        shutil.copy(source / "00.jsonl", source / f"{number:02}.jsonl")
    short, long = (
        _run(what, place / out) for what, out in ((source / "00.jsonl", "a"), (source, "b"))
    )
    return {
        "hours": round(pieces * PIECE_S / 3600, 2),
        "peak_mb_one": short["peak_mb"],
        "peak_mb_all": long["peak_mb"],
        "cpu_s_all": long["cpu_s"],
    }


def _drive(seconds: float) -> Iterator[Moment]:
    """Yield the demonstration's drive again and again, its time going on."""
    shift_s = 0.0
    while shift_s < seconds:
        for moment in make_demo_drive.drive(seed=1):
            seen = moment.observation
            vehicle = moment.vehicle and replace(moment.vehicle, t_s=moment.vehicle.t_s + shift_s)
            yield replace(
                moment, observation=replace(seen, t_s=seen.t_s + shift_s), vehicle=vehicle
            )
        shift_s += make_demo_drive.SECONDS


def _run(source: Path, out: Path, *words: str) -> dict[str, float]:
    """Run `dms bench` as a process of its own; return its time, CPU and peak memory."""
    command = [sys.executable, "-m", "dms.cli", "bench", str(source), "--out", str(out), "--quiet"]
    started = time.monotonic()
    process = subprocess.Popen([*command, "-s", "bridges=[]", *words])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"dms bench ended with {process.returncode}")
    return {
        "wall_s": round(time.monotonic() - started, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024, 1),
    }


if __name__ == "__main__":
    main()
