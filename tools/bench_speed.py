"""How fast the whole chain is beside its peers, in one run, frame by frame in turn.

    tools/bench_speed.py CLIP [CLIP ...] [--frames 300] [--size 640x480 --size 1280x720] [--json]

Without a clip the demonstration's recording is rendered. Decoding is not counted. Each contestant
sees every frame in a fresh copy; CPU is the process's own time, so it holds on a busy machine.
Peers that are not installed are named as such: `pip install mediapipe fer` to add them.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import cv2
import dlib
import numpy as np

from dms.chain import Chain
from dms.config import load
from dms.landmarks import dlib68_file
from dms.values import Frame

Step = Callable[[np.ndarray, float, int], object]


def whole_chain(overrides: list[str], stack: ExitStack) -> Step:
    """Everything from a gray frame to CAN frames on a virtual bus."""
    chain = Chain(load(None, overrides))
    (bridge,) = [stack.enter_context(bridge) for bridge in chain.bridges()]
    perception, core = chain.perception, chain.core

    def step(gray: np.ndarray, t_s: float, index: int) -> object:
        seen = perception.observe(Frame(gray, t_s, index))
        state = core.step(seen, None, t_s, perception.faults)
        bridge.publish(state)
        return state

    return step


def usual_script(_overrides: list[str], _stack: ExitStack) -> Step:
    """Do what every dlib tutorial does: resize, HOG each frame, 68 points, EAR."""
    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(str(dlib68_file()))

    def ear(eye: np.ndarray) -> float:
        gap = np.linalg.norm(eye[1] - eye[5]) + np.linalg.norm(eye[2] - eye[4])
        return float(gap / (2.0 * np.linalg.norm(eye[0] - eye[3])))

    def step(gray: np.ndarray, _t_s: float, _index: int) -> object:
        small = cv2.resize(gray, (450, round(gray.shape[0] * 450 / gray.shape[1])))
        ears = []
        for face in detector(small, 0):
            shape = predictor(small, face)
            points = np.array([(shape.part(i).x, shape.part(i).y) for i in range(68)])
            ears.append((ear(points[36:42]) + ear(points[42:48])) / 2)
        return ears

    return step


def hog_320(_overrides: list[str], _stack: ExitStack) -> Step:
    """Find faces by dlib's HOG detector alone, 320 pixels wide."""
    detector = dlib.get_frontal_face_detector()

    def step(gray: np.ndarray, _t_s: float, _index: int) -> object:
        return detector(cv2.resize(gray, (320, round(gray.shape[0] * 320 / gray.shape[1]))), 0)

    return step


def face_mesh(_overrides: list[str], _stack: ExitStack) -> Step:
    """MediaPipe's FaceMesh in tracking mode."""
    mesh = importlib.import_module("mediapipe").solutions.face_mesh.FaceMesh(max_num_faces=1)
    return lambda gray, _t_s, _index: mesh.process(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB))


def fer(_overrides: list[str], _stack: ExitStack) -> Step:
    """The PyPI package fer."""
    found = importlib.import_module("fer").FER()
    return lambda gray, _t_s, _i: found.detect_emotions(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR))


CONTESTANTS = {
    "dms, whole chain": whole_chain,
    "usual dlib script": usual_script,
    "HOG alone, 320 wide": hog_320,
    "MediaPipe FaceMesh": face_mesh,
    "fer": fer,
}


def frames_of(
    clips: list[str], size: tuple[int, int], most: int
) -> Iterator[tuple[np.ndarray, float]]:
    for clip in clips:
        capture = cv2.VideoCapture(clip)
        fps = capture.get(cv2.CAP_PROP_FPS) or 30.0
        for index in range(most):
            good, picture = capture.read()
            if not good:
                break
            gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
            yield cv2.resize(gray, size, interpolation=cv2.INTER_AREA), index / fps
        capture.release()


def race(clips: list[str], size: tuple[int, int], most: int, overrides: list[str]) -> dict:
    """Give every frame to every contestant in turn; return their figures by name."""
    cv2.setNumThreads(1)
    with ExitStack() as stack:
        return _race(clips, size, most, overrides, stack)


def _race(
    clips: list[str], size: tuple[int, int], most: int, overrides: list[str], stack: ExitStack
) -> dict:
    steps, absent = {}, {}
    for name, make in CONTESTANTS.items():
        try:
            steps[name] = make(overrides, stack)
        except (ImportError, AttributeError) as error:
            absent[name] = f"not installed ({error})"
    cpu = {name: [] for name in steps}
    wall = {name: [] for name in steps}
    gc.disable()
    for index, (gray, t_s) in enumerate(frames_of(clips, size, most)):
        for name, step in steps.items():
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
        "wall_p99_ms": float(np.percentile(wall, 99)),
    }


def start_up(clip: str, overrides: list[str]) -> dict[str, float]:
    """Start a process of its own and see one frame decided: seconds and resident memory."""
    words = [sys.executable, __file__, clip, "--first"]
    for override in overrides:
        words += ["--set", override]
    began = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    inner = json.loads(done.stdout)
    return {"start_to_first_result_s": time.perf_counter() - began, **inner}


def first(clip: str, overrides: list[str]) -> None:
    """Decide one frame and print what the process holds."""
    gray, t_s = next(frames_of([clip], (640, 480), 1))
    with ExitStack() as stack:
        whole_chain(overrides, stack)(gray, t_s, 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"peak_rss_mb": peak, "cpu_s": time.process_time()}))


def show(size: tuple[int, int], figures: dict) -> None:
    ours = figures["dms, whole chain"]["cpu_median_ms"]
    print(f"\n{size[0]}x{size[1]}, ms a frame on one core")
    print(f"{'':22}{'CPU median':>11}{'mean':>8}{'p95':>8}{'p99':>8}{'wall p99':>10}{'ratio':>8}")
    for name, row in figures.items():
        if "absent" in row:
            print(f"{name:22}{row['absent']}")
            continue
        print(
            f"{name:22}{row['cpu_median_ms']:11.2f}{row['cpu_mean_ms']:8.2f}{row['cpu_p95_ms']:8.2f}"
            f"{row['cpu_p99_ms']:8.2f}{row['wall_p99_ms']:10.2f}{row['cpu_median_ms'] / ours:7.1f}x"
        )


def demo_clip(folder: Path) -> str:
    """Render the demonstration's recording."""
    maker = Path(__file__).with_name("make_demo_clip.py")
    subprocess.run([sys.executable, str(maker), str(folder)], check=True, stdout=subprocess.DEVNULL)
    return str(next(path for path in folder.iterdir() if path.suffix in {".avi", ".mkv", ".mp4"}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", nargs="*", help="recordings; none: the demonstration's")
    parser.add_argument("--frames", type=int, default=300, help="frames of each clip (300)")
    parser.add_argument("--size", action="append", metavar="WxH", help="640x480 and 1280x720")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--first", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.first:
        first(args.clip[0], args.overrides)
        return
    with tempfile.TemporaryDirectory() as folder:
        clips = args.clip or [demo_clip(Path(folder))]
        sizes = [tuple(map(int, text.split("x"))) for text in args.size or ["640x480", "1280x720"]]
        races = {size: race(clips, size, args.frames, args.overrides) for size in sizes}
        began = start_up(clips[0], args.overrides)
    if args.json:
        named = {f"{size[0]}x{size[1]}": figures for size, figures in races.items()}
        print(json.dumps({"races": named, "start_up": began}, indent=1))
        return
    for size, figures in races.items():
        show(size, figures)
    print(
        f"\nprocess start to first result {began['start_to_first_result_s']:.2f} s "
        f"(CPU {began['cpu_s']:.2f} s), peak resident memory {began['peak_rss_mb']:.0f} MB"
    )


if __name__ == "__main__":
    main()
