"""What PyAV and OpenCV make of each format of film, and what a frame costs with either.

    python -m tools.speed.decoders out/films

Each film is written of known pictures, then read through both decoders in turn, `--rounds` times.
Printed are the pictures that came, how far their times and their brightness are off at most, and
the CPU time a frame, decoding threads and the way to gray included, as a ratio within one run.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import math
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.camera.pyav_file import PyavFile
from dms.camera.recording import Recording
from dms.camera.settings import CameraSettings
from dms.camera.video_file import VideoFile
from dms.errors import CameraError
from tools.rendering.formats import FORMATS, Format, write_film

FPS = 25
DECODERS = {"PyAV": PyavFile, "OpenCV": VideoFile}


@dataclass(frozen=True, slots=True)
class Reading:
    """One decoder's reading of one film; ``late_s`` and ``off`` are NaN where nothing came."""

    frames: int
    late_s: float  # largest error of a time
    off: float  # mean difference of the brightness from the pictures that were written
    cpu_ms: float  # a frame

    @property
    def right(self) -> bool:
        """Whether the pictures are those of the film, at their times."""
        return self.off < 8 and self.late_s < 0.5 / FPS


def pictures(count: int, size: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """Return a soft background with some grain and a bar that moves, (H, W) uint8 each."""
    width, height = size
    rng = np.random.default_rng(1)
    ramp = np.tile(np.linspace(60, 120, width), (height, 1))
    grains = [ramp + rng.normal(0, 3, (height, width)) for _ in range(8)]
    made = []
    for number in range(count):
        picture = np.clip(grains[number % 8], 0, 255).astype(np.uint8)
        left = 40 + number % (width - 160)
        picture[height // 4 : 3 * height // 4, left : left + 80] = 210
        made.append(picture)
    return made


def read(path: Path, decoder: str, wanted: Sequence[NDArray[np.uint8]]) -> Reading:
    """Read a film by one decoder, and judge it; its judging costs nothing of what is told."""
    settings = CameraSettings(source=str(path))
    times: list[float] = []
    off: list[float] = []
    spent_s = 0.0
    try:
        with Recording(DECODERS[decoder](settings), settings) as camera:
            while True:
                begun_s = time.process_time()
                frame = camera.read()
                spent_s += time.process_time() - begun_s
                if frame is None:
                    break
                if frame.sequence % 8 == 0 and frame.sequence < len(wanted):
                    height, width = frame.gray.shape
                    true = cv2.resize(wanted[frame.sequence], (width, height))
                    off.append(float(np.abs(frame.gray.astype(int) - true).mean()))
                times.append(frame.t_s)
    except CameraError as error:
        print(f"{path.name}, {decoder}: {error}", file=sys.stderr)
    if not times:
        return Reading(0, math.nan, math.nan, math.nan)
    late = np.abs(np.asarray(times) - np.arange(len(times)) / FPS)
    return Reading(len(times), float(late.max()), max(off), 1000 * spent_s / len(times))


def race(path: Path, wanted: Sequence[NDArray[np.uint8]], rounds: int) -> dict[str, Reading]:
    """Read a film by both in turn; the CPU time is the median of the rounds."""
    runs: dict[str, list[Reading]] = {name: [] for name in DECODERS}
    for _ in range(rounds):
        for name, readings in runs.items():
            readings.append(read(path, name, wanted))
    return {
        name: Reading(one[0].frames, one[0].late_s, one[0].off, median(each.cpu_ms for each in one))
        for name, one in runs.items()
    }


def written(folder: Path, name: str, form: Format, made: Sequence[NDArray[np.uint8]]) -> Path:
    """Write one film; an interlaced one of pictures that stand twice, so that fields agree."""
    path = folder / f"{name.lower().translate(str.maketrans(' ,.', '-_-'))}{form.suffix}"
    shown = [cv2.resize(one, form.size) if form.size else one for one in made]
    return write_film(
        path, form, [p for p in shown for _ in range(2 if form.interlaced else 1)], FPS
    )


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(": ", 1)[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _cell(one: Reading) -> str:
    if not one.frames:
        return "nothing"
    words = f"{one.frames}, {1000 * one.late_s:.0f} ms, {one.off:.1f}"
    return words if one.right else f"**{words}**"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the films go, about 150 MB")
    parser.add_argument("--frames", type=int, default=150, help="of each film (default 150)")
    parser.add_argument("--size", type=int, nargs=2, default=(640, 360), metavar=("W", "H"))
    parser.add_argument("--rounds", type=int, default=3, help="of both decoders in turn")
    parser.add_argument("--only", nargs="*", metavar="FORMAT", help="of these formats alone")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    logging.disable(logging.WARNING)
    cv2.setNumThreads(1)
    made = pictures(arguments.frames, tuple(arguments.size))
    versions = {name: importlib.metadata.version(name) for name in ("av", "opencv-python")}
    width, height = arguments.size
    print(f"{processor()}; {versions}; {width}x{height}, {arguments.frames} pictures of {FPS}/s\n")
    print("| format | PyAV: pictures, time off, brightness off | OpenCV | CPU ms a frame | ratio |")
    print("|---|---|---|---|---|")
    ratios = []
    for name, form in FORMATS.items():
        if arguments.only and name not in arguments.only:
            continue
        path = written(arguments.folder, name, form, made)
        told = race(path, made, arguments.rounds)
        pyav, opencv = told["PyAV"], told["OpenCV"]
        ratio = pyav.cpu_ms / opencv.cpu_ms
        ratios.append(ratio)
        costs = f"{pyav.cpu_ms:.2f}, {opencv.cpu_ms:.2f}"
        print(f"| {name} | {_cell(pyav)} | {_cell(opencv)} | {costs} | {ratio:.2f} |", flush=True)
    geometric = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"\ngeometric mean of the ratios {geometric:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
