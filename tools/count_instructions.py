"""How many processor instructions a frame takes: a count that no other load on the machine changes.

    tools/count_instructions.py [CLIP] [--frames 60] [--json]

Each contestant runs by itself in valgrind's callgrind, which is switched on after the first frames
and off before the end, so that neither loading nor finding the face counts. valgrind shows no
AVX-512 to a program, so the count is that of a processor with AVX2. Without a clip the
demonstration's recording is rendered. Needs valgrind (Debian: `apt install valgrind`).
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
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2

if not __package__:  # run as a file: what it imports stands beside tools/
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from tools.bench_speed import frames_of
from tools.speed.contestants import CONTESTANTS, OURS
from tools.speed.films import demo_clip

SIZE = (640, 480)
WARM = 30  # frames before the count: the face is found, every net and cache has been used
PEER = "usual dlib script"
READY = "ready"
LINE = re.compile(r"^\s*([\d,]+) \(.*\[(?P<file>[^\]]+)\]$")  # of callgrind_annotate
PLACES = {
    "onnxruntime": "ONNX Runtime",
    "dlib": "dlib",
    "cv2": "OpenCV",
    "numpy": "NumPy",
    "openblas": "NumPy",
    "python": "Python and the rest of its packages",
}


def missing() -> str:
    """Return what is not installed, or nothing."""
    wanted = ("valgrind", "callgrind_control", "callgrind_annotate")
    return ", ".join(name for name in wanted if shutil.which(name) is None)


def count(name: str, clip: str, frames: int, folder: Path) -> dict[str, Any]:
    """Return the instructions of contestant ``name`` a frame, and by library."""
    log = folder / "callgrind.out"
    words = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={log}"]
    words += [f"--log-file={folder / 'valgrind.log'}"]
    words += [sys.executable, "-m", "tools.count_instructions"]
    words += [clip, "--frames", str(frames), "--inner", name]
    alone = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **alone},
    ) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        for switch in ("on", "off"):
            if run.stdout.readline().strip() != READY:
                raise SystemExit(f"{name} ended early; what it said stands above")
            switched = ["callgrind_control", "-i", switch, str(run.pid)]
            subprocess.run(switched, check=True, capture_output=True)
            run.stdin.write("\n")
            run.stdin.flush()
    table = subprocess.run(
        ["callgrind_annotate", "--threshold=100", str(log)],
        capture_output=True,
        text=True,
        check=True,
    )
    spent: Counter[str] = Counter()
    for line in table.stdout.splitlines():
        if found := LINE.match(line):
            spent[place(found["file"])] += int(found[1].replace(",", ""))
    by_place = {where: spent[where] / frames for where, _ in spent.most_common()}
    return {"instructions": sum(by_place.values()), "by_library": by_place}


def place(file: str) -> str:
    """Return whose a shared object is."""
    for mark, name in PLACES.items():
        if mark in file:
            return name
    return "C and C++ libraries"


def inner(name: str, clip: str, frames: int) -> None:
    """Run within valgrind: say when the count may begin, and when it must end."""
    cv2.setNumThreads(1)
    pictures = list(frames_of([clip], SIZE, WARM + frames))
    if len(pictures) < WARM + frames:
        raise SystemExit(f"{clip} has only {len(pictures)} frames; {WARM + frames} are needed")
    with ExitStack() as stack:
        step = CONTESTANTS[name](["bridges=[{kind: virtual, channel: count}]"], stack)
        for index, (gray, t_s) in enumerate(pictures):
            if index == WARM:
                _wait()
            step(gray, t_s, index)
        _wait()


def _wait() -> None:
    print(READY, flush=True)
    sys.stdin.readline()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", nargs="?", help="a recording; none: the demonstration's")
    parser.add_argument("--frames", type=int, default=60, help="frames to count (60)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--inner", choices=CONTESTANTS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.frames < 1:
        parser.error("--frames is at least 1")
    if args.inner:
        inner(args.inner, args.clip, args.frames)
        return
    if absent := missing():
        parser.error(f"not installed: {absent}; on Debian and Ubuntu: apt install valgrind")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = args.clip or demo_clip(folder)
        told = {one: count(one, clip, args.frames, folder) for one in (OURS, PEER)}
    if args.json:
        print(json.dumps(told, indent=1))
        return
    ours = told[OURS]["instructions"]
    for one, row in told.items():
        print(f"{one}: {row['instructions'] / 1e6:.2f} million instructions a frame, ", end="")
        print(f"{row['instructions'] / ours:.1f} times dms")
        for where, spent in row["by_library"].items():
            print(f"  {where:36}{spent / 1e6:8.2f}{100 * spent / row['instructions']:6.0f} %")


if __name__ == "__main__":
    main()
