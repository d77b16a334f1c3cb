"""How a bench run scales: two workers against one, and its memory over hours of recordings.

    python -m tools.speed.corpus speedup [--clip CLIP]  # a folder with 1 and with 2 workers
    python -m tools.speed.corpus memory [--hours 2]     # peak memory, ten minutes and hours
    python -m tools.speed.corpus drive [--hours 8] [--fps 15]  # one drive: memory over its time

Without a clip one is rendered; the drives of `memory` are made up. Speed-up is told by the clock
and, for a busy machine, as two free cores would give it: twice the CPU of one worker over that of
two.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from dms.files.events import load_events
from dms.files.observations import save, to_line
from dms.values import Moment
from tools.rendering import clip as make_demo_clip
from tools.rendering import drive as make_demo_drive

_TIME = re.compile(r'"t_s":([0-9.]+)')
PIECE_S = 600.0  # of one made-up recording


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("speedup", "memory", "drive"))
    parser.add_argument("--clip", type=Path, help="a video to copy")
    parser.add_argument("--copies", type=int, default=6)
    parser.add_argument("--hours", type=float, help="memory: 2, drive: 8")
    parser.add_argument("--fps", type=float, default=make_demo_drive.FPS, help="of drive")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="drive: keep its results here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if arguments.what == "speedup":
            told = speedup(place, arguments.clip, arguments.copies)
        elif arguments.what == "memory":
            told = memory(place, arguments.hours or 2.0)
        else:
            told = long_drive(arguments.keep or place, arguments.hours or 8.0, arguments.fps)
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


def long_drive(place: Path, hours: float, fps: float) -> dict[str, object]:
    """Replay one made-up drive of ``hours``; return its memory by the drive's hour, and its report.

    The demonstration's two minutes come again and again, thinned to ``fps``.
    """
    place.mkdir(parents=True, exist_ok=True)
    source, out = place / "long.jsonl", place / "run"
    shutil.rmtree(out, ignore_errors=True)
    frames = write_long(source, hours, fps)
    curve: dict[str, float] = {}
    used = _run(source, out, watch=lambda pid: _sample(pid, out / "long" / "frames.csv", curve))
    page = out / "report.html"
    alerts = [one for one in load_events(out / "long" / "events.jsonl") if one.level > 0]
    return {
        "hours": hours,
        "frames": frames,
        "memory_mb_by_hour": curve,
        "peak_mb": used["peak_mb"],
        "cpu_s": used["cpu_s"],
        "alerts": len(alerts),
        "observations_mb": round(source.stat().st_size / 1e6, 1),
        "report_mb": round(page.stat().st_size / 1e6, 2),
    }


def write_long(path: Path, hours: float, fps: float) -> int:
    """Write the drive's lines with their times moved on; return how many."""
    every = max(1, round(make_demo_drive.FPS / fps))
    lines = [to_line(moment) for moment in make_demo_drive.drive(seed=1)][::every]
    count, shift_s = 0, 0.0
    with path.open("w", encoding="utf-8") as file:
        while shift_s < hours * 3600:
            file.writelines(f"{_moved(line, shift_s)}\n" for line in lines)
            count += len(lines)
            shift_s += make_demo_drive.SECONDS
    return count


def _moved(line: str, shift_s: float) -> str:
    return _TIME.sub(lambda found: f'"t_s":{float(found[1]) + shift_s:.4f}', line)


def _sample(pid: int, frames: Path, curve: dict[str, float]) -> None:
    """Note the process's memory in use, by the half hour of the drive that it has come to."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        with frames.open("rb") as file:
            file.seek(max(0, frames.stat().st_size - 4096))
            t_s = float(file.read().rsplit(b"\n", 2)[-2].split(b",", 1)[0])
        resident = int(status.split("VmRSS:")[1].split()[0])
    except (OSError, ValueError, IndexError):  # not begun, or at its end
        return
    curve.setdefault(f"{t_s // 1800 / 2:.1f}", round(resident / 1024, 1))


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


def _run(
    source: Path, out: Path, *words: str, watch: Callable[[int], None] | None = None
) -> dict[str, float]:
    """Run `dms bench` as a process of its own; return its time, CPU and peak memory."""
    command = [sys.executable, "-m", "dms.cli", "bench", str(source), "--out", str(out), "--quiet"]
    started = time.monotonic()
    process = subprocess.Popen([*command, "-s", "bridges=[]", *words])
    done, status, used = os.wait4(process.pid, 0 if watch is None else os.WNOHANG)
    while watch is not None and not done:
        watch(process.pid)
        time.sleep(0.2)
        done, status, used = os.wait4(process.pid, os.WNOHANG)
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
