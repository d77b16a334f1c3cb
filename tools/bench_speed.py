"""How fast the whole chain is beside its peers, in one run, in turn.

    tools/bench_speed.py [CLIP ...] [--frames 2000] [--size 640x480 --size 1280x720] [--json]
                         [--against "MediaPipe FaceMesh" --against "usual dlib script" ...]

Without a clip the demonstration's recording is rendered. Decoding is not counted. Each contestant
sees every frame in a fresh copy, a second of them in its turn: with ``--turn 1`` every frame meets
caches that all others have just filled, which no driver's monitor does. CPU is the process's own
time, so it holds on a busy machine. Each empties the caches for the next, so
`--against` names those that shall run. Peers that are not installed are named as such:
`pip install mediapipe==0.10.21 fer` to add them. Also told: a budget by stage, frames of 1280x720
over those of 640x480, INT8 nets over FP32 ones, a face that is lost, an empty seat, start-up,
memory, and a live run at 30 frames/s with its idle cost, drops and the age of frames at alerts.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

if not __package__:  # run as a file: what it imports stands beside tools/
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from dms.engine.backends import open_engine
from dms.engine.manifest import load_manifest
from dms.errors import EngineError
from tools.speed.contestants import CONTESTANTS, OURS, whole_chain
from tools.speed.films import demo_clip
from tools.speed.live import live
from tools.speed.spells import spells
from tools.speed.stages import Stages, budget

LIVE_FPS = 30.0
NETS = ("expression", "eye_state")


def frames_of(
    clips: list[str], size: tuple[int, int], most: int
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield gray frames with their time, which never goes back between clips.

    Each is scaled to fit into ``size``, with a black border where its shape is another.
    Raises SystemExit where a clip cannot be opened.
    """
    start_s = at_s = 0.0
    for clip in clips:
        capture = cv2.VideoCapture(clip)
        if not capture.isOpened():
            raise SystemExit(f"{clip} cannot be opened as a recording; give another")
        fps = capture.get(cv2.CAP_PROP_FPS) or 30.0
        for index in range(most):
            good, picture = capture.read()
            if not good:
                break
            gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
            at_s = start_s + index / fps
            yield fitted(gray, size), at_s
        start_s = at_s + 1.0
        capture.release()


def fitted(gray: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return ``gray`` scaled into the middle of a picture of ``size`` (width, height)."""
    scale = min(size[0] / gray.shape[1], size[1] / gray.shape[0])
    width, height = round(gray.shape[1] * scale), round(gray.shape[0] * scale)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    small = cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA)
    bottom, right = size[1] - height - top, size[0] - width - left
    return cv2.copyMakeBorder(small, top, bottom, left, right, cv2.BORDER_CONSTANT)


def race(
    clips: list[str],
    size: tuple[int, int],
    most: int,
    turn: int,
    overrides: list[str],
    names: Sequence[str] = tuple(CONTESTANTS),
) -> dict:
    """Give every ``turn`` frames to each contestant in turn; return their figures by name."""
    with ExitStack() as stack:
        steps, absent = {}, {}
        for name in names:
            try:
                steps[name] = CONTESTANTS[name](overrides, stack)
            except (ImportError, AttributeError, EngineError) as error:
                absent[name] = f"not installed ({error})"
        cpu: dict[str, list[float]] = {name: [] for name in steps}
        wall: dict[str, list[float]] = {name: [] for name in steps}
        gc.disable()
        frames = enumerate(frames_of(clips, size, most))
        while several := list(islice(frames, turn)):
            for name, step in steps.items():
                for index, (gray, t_s) in several:
                    picture = gray.copy()
                    began, used = time.perf_counter(), time.process_time()
                    step(picture, t_s, index)
                    cpu[name].append(1e3 * (time.process_time() - used))
                    wall[name].append(1e3 * (time.perf_counter() - began))
        gc.enable()
    figures = {name: figures_of(cpu[name], wall[name]) for name in steps}
    return {**figures, **{name: {"absent": why} for name, why in absent.items()}}


def figures_of(cpu: list[float], wall: list[float]) -> dict[str, float]:
    if len(cpu) < 30:
        raise SystemExit("the clips hold fewer than 30 frames; give a longer one")
    cpu, wall = cpu[1:], wall[1:]  # the first frame finds the face; start-up is measured apart
    return {
        "frames": len(cpu),
        "cpu_mean_ms": float(np.mean(cpu)),
        "cpu_median_ms": float(np.median(cpu)),
        "cpu_p95_ms": float(np.percentile(cpu, 95)),
        "cpu_p99_ms": float(np.percentile(cpu, 99)),
        "wall_median_ms": float(np.median(wall)),
        "wall_p95_ms": float(np.percentile(wall, 95)),
        "wall_p99_ms": float(np.percentile(wall, 99)),
    }


def stages_of(clips: list[str], most: int, overrides: list[str]) -> dict[str, dict[str, float]]:
    """Return what each stage costs a frame at 640x480."""
    with ExitStack() as stack:
        stages, count = Stages(overrides, stack), 0
        for index, (gray, t_s) in enumerate(frames_of(clips, (640, 480), most)):
            if index == 1:  # the first frame finds the face
                stages.spent_s.clear()
                stages.calls.clear()
            stages.step(gray, t_s, index)
            count = index
        return budget(stages, max(count, 1))


def precision() -> dict[str, dict[str, float]]:
    """Milliseconds of each net in INT8 and FP32, in turn on the same noise, and their ratio."""
    told = {}
    for name in NETS:
        manifest = load_manifest(name)
        engines = {kind: open_engine(manifest, precision=kind) for kind in ("int8", "fp32")}
        batch = np.random.default_rng(0).random((2, *manifest.input.shape), np.float32)
        batch = batch[: 2 if name == "eye_state" else 1]  # both eyes go in one batch
        spent: dict[str, list[float]] = {kind: [] for kind in engines}
        for _ in range(300):
            for kind, engine in engines.items():
                began = time.thread_time()
                engine.infer(batch)
                spent[kind].append(1e3 * (time.thread_time() - began))
        ms = {kind: float(np.median(times)) for kind, times in spent.items()}
        told[name] = {**ms, "ratio": ms["fp32"] / ms["int8"]}
    return told


def start_up(clip: str, overrides: list[str]) -> dict[str, float]:
    """Start a process of its own and see one frame decided: seconds and resident memory.

    A process before it compiles the bytecode, which an installation has beside its modules.
    """
    words = [sys.executable, "-m", "tools.bench_speed", clip, "--first"]
    for override in overrides:
        words += ["--set", override]
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as folder:
        env["PYTHONPYCACHEPREFIX"] = folder
        subprocess.run(words, capture_output=True, check=True, env=env)
        began = time.perf_counter()
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=env)
        spent_s = time.perf_counter() - began
    return {"start_to_first_result_s": spent_s, **json.loads(done.stdout)}


def first(clip: str, overrides: list[str]) -> None:
    """Decide one frame and print what the process holds."""
    gray, t_s = next(frames_of([clip], (640, 480), 1))
    with ExitStack() as stack:
        whole_chain(overrides, stack)(gray, t_s, 0)
    print(json.dumps({"peak_rss_mb": peak_rss_mb(), "cpu_s": time.process_time()}))


def peak_rss_mb() -> float:
    """Return the most that this process held; ``ru_maxrss`` would also count its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def summary(races: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return the ratios that the targets are about."""
    rows = [figures[OURS] for figures in races.values()]
    told = {"p99_over_median": rows[0]["wall_p99_ms"] / rows[0]["wall_median_ms"]}
    if len(rows) > 1:
        told["growth_with_resolution"] = rows[1]["cpu_median_ms"] / rows[0]["cpu_median_ms"]
    return told


def show(report: dict[str, Any]) -> None:
    for size, figures in report["races"].items():
        ours = figures[OURS]["cpu_median_ms"]
        print(f"\n{size}, ms a frame on one core")
        print(
            f"{'':24}{'CPU median':>11}{'mean':>8}{'p95':>8}{'p99':>8}{'wall p99':>10}{'ratio':>8}"
        )
        for name, row in figures.items():
            if "absent" in row:
                print(f"{name:24}{row['absent']}")
                continue
            numbers = (row[f"cpu_{part}_ms"] for part in ("mean", "p95", "p99"))
            print(
                f"{name:24}{row['cpu_median_ms']:11.2f}{''.join(f'{n:8.2f}' for n in numbers)}"
                f"{row['wall_p99_ms']:10.2f}{row['cpu_median_ms'] / ours:7.1f}x"
            )
    print("\n| stage, 640x480 | CPU ms a frame, mean | times a frame |\n|---|---|---|")
    for stage, row in report["stages"].items():
        print(f"| {stage} | {row['ms']:.2f} | {row['calls']:.2f} |")
    print()
    for name, value in report["summary"].items():
        print(f"{name.replace('_', ' ')}: {value:.2f}")
    for name, row in report["precision"].items():
        print(f"{name}: INT8 {row['int8']:.3f} ms, FP32 {row['fp32']:.3f} ms: {row['ratio']:.2f}x")
    lost = report["spells"]
    print(
        f"a lost face: p99 {lost['lost_p99_ms']:.1f} ms a frame, "
        f"{lost['lost_p99_over_median']:.1f} times the median of a followed one, at most "
        f"{lost['lost_most_ms']:.1f} ms; found again after {lost['found_again_s']:.2f} s"
    )
    print(
        f"an empty seat at {LIVE_FPS:.0f}/s: {100 * lost['empty_seat_share']:.1f} % of a core; who "
        f"sits down is found after {lost['empty_seat_found_s']:.2f} s; while all moves in it "
        f"{100 * lost['moving_seat_share']:.1f} % and {lost['moving_seat_found_s']:.2f} s"
    )
    began, run = report["start_up"], report["live"]
    print(
        f"process start to first result {began['start_to_first_result_s']:.2f} s "
        f"(CPU {began['cpu_s']:.2f} s), peak resident memory {began['peak_rss_mb']:.0f} MB"
    )
    cost = f"{100 * run['cpu_share']:.0f} % of a core"
    drops = f"{run['drops']} frames dropped and {run['frames']} decided"
    age = f"age of a decided frame {run['age_median_ms']:.1f} ms (p99 {run['age_p99_ms']:.1f})"
    most_ms = run["age_at_alert_most_ms"]
    alert = (
        "no alert in it"
        if most_ms is None
        else f"at most {most_ms:.1f} ms at {run['alerts']} alerts"
    )
    print(f"live at {LIVE_FPS:.0f}/s for {run['seconds']:.0f} s: {cost}, {drops}, {age}, {alert}")


def measure(clips: list[str], args: argparse.Namespace) -> dict[str, Any]:
    """Return all figures."""
    texts = args.size or ["640x480", "1280x720"]
    names = (OURS, *args.against) if args.against else tuple(CONTESTANTS)
    sizes = {text: (int(text.split("x")[0]), int(text.split("x")[1])) for text in texts}
    races = {
        text: race(clips, size, args.frames, args.turn, args.overrides, names)
        for text, size in sizes.items()
    }
    shown = [gray for gray, _ in frames_of(clips[:1], (640, 480), 30)]
    seconds = islice(frames_of(clips, (640, 480), args.frames), int(args.live * LIVE_FPS))
    return {
        "races": races,
        "summary": summary(races),
        "stages": stages_of(clips, args.frames, args.overrides),
        "precision": precision(),
        "spells": spells(shown, args.overrides),
        "start_up": start_up(clips[0], args.overrides),
        "live": live([gray for gray, _ in seconds], LIVE_FPS, args.overrides),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", nargs="*", help="recordings; none: the demonstration's")
    parser.add_argument("--frames", type=int, default=2000, help="frames of each clip (2000)")
    parser.add_argument("--turn", type=int, default=30, help="frames of a turn (30)")
    parser.add_argument("--size", action="append", metavar="WxH", help="640x480 and 1280x720")
    parser.add_argument(
        "--against", action="append", default=[], metavar="NAME", choices=[*CONTESTANTS][1:],
        help="only these beside the whole chain: " + ", ".join([*CONTESTANTS][1:]),
    )  # fmt: skip
    parser.add_argument("--live", type=float, default=20.0, help="seconds of the live run (20)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--first", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    if args.first:
        first(args.clip[0], args.overrides)
        return
    with tempfile.TemporaryDirectory() as folder:
        report = measure(args.clip or [demo_clip(Path(folder))], args)
    if args.json:
        print(json.dumps(report, indent=1))
    else:
        show(report)


if __name__ == "__main__":
    main()
