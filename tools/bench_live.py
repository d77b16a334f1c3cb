"""The service for hours at 30 frames/s: memory, descriptors, threads, drops and cost by the minute.

    tools/bench_live.py [CLIP] [--hours 2] [--log OUT.csv]

The whole service runs with its event store; only the camera is played: the clip's gray pictures
again and again, each when it is due. Without a clip the demonstration's recording is rendered. A
line a minute; ended early (Ctrl-C, SIGTERM), it sums up the time that it ran. Exits with 1 where
memory or descriptors grew after the first ten minutes, or a frame was dropped. In a virtual
machine its host may take the processors away, which drops frames, too: how long is reported.
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TextIO

import cv2
import numpy as np

if not __package__:  # run as a file: what it imports stands beside tools/
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from dms.camera.live import LiveCamera
from dms.camera.source import Picture, Source
from dms.config import load
from dms.service.notify import Notifier
from dms.service.service import Service
from dms.service.status import Status
from dms.service.watchdog import Liveness, LivenessSettings
from dms.store.events import EventStore, StoreSettings
from dms.store.writer import StoreWriter
from dms.values import Step
from tools.speed.films import demo_clip

FPS = 30.0
MINUTE_S = 60.0
WARM_MIN = 10  # caches and the longest windows of the decision core fill until then
MOST_GROWTH_MB, MOST_GROWTH_FILES = 5.0, 0
SHAPE = (480, 640)


def unpack(clip: str, raw: Path) -> int:
    """Write the clip's pictures as plain gray; return how many there are."""
    capture, count = cv2.VideoCapture(clip), 0
    with raw.open("wb") as file:
        while True:
            good, picture = capture.read()
            if not good:
                break
            gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
            file.write(cv2.resize(gray, SHAPE[::-1], interpolation=cv2.INTER_AREA).tobytes())
            count += 1
    return count


class Film(Source):
    """Pictures from a file, each in memory of its own as a driver gives them, when it is due."""

    def __init__(self, raw: Path, count: int) -> None:
        self._raw, self._count, self._at = raw, count, 0

    def open(self) -> None:
        self._file = self._raw.open("rb")
        self._start_s = time.monotonic()

    def grab(self) -> Picture:
        due_s = self._start_s + self._at / FPS
        time.sleep(max(0.0, due_s - time.monotonic()))
        size = SHAPE[0] * SHAPE[1]
        self._file.seek(self._at % self._count * size)
        self._at += 1
        gray = np.frombuffer(self._file.read(size), np.uint8).reshape(SHAPE)
        return Picture(gray, due_s)

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True)
class Minute:
    """What one minute was like."""

    minute: int
    rss_mb: float  # resident memory
    anonymous_mb: float  # of it what is not a file's
    descriptors: int
    threads: int
    frames: int
    drops: int
    alerts: int
    cpu_percent: float  # of one core
    age_median_ms: float  # from capture to decided and sent
    age_p99_ms: float
    age_at_alert_ms: float  # the oldest
    stolen_ms: float  # of all processors, by the host of a virtual machine


class Minutes:
    """A sink of the loop that keeps one :class:`Minute` after the other."""

    def __init__(self, out: TextIO) -> None:
        self.all: list[Minute] = []
        self._writer = csv.writer(out)
        self._writer.writerow([field.name for field in fields(Minute)])
        self._out = out
        self._begun_s = time.monotonic()
        self._sequence: int | None = None
        self._clear()

    def _clear(self) -> None:
        self._ages_s: list[float] = []
        self._alert_s, self._alerts, self._drops = 0.0, 0, 0
        self._from_s, self._used_s = time.monotonic(), time.process_time()
        self._stolen_from_ms = stolen_ms()

    def take(self, step: Step) -> None:
        """Count one step."""
        now_s = time.monotonic()
        if step.frame is not None:
            age_s = now_s - step.frame.t_s
            self._ages_s.append(age_s)
            raised = sum(event.level > 0 for event in step.state.events)
            if raised:
                self._alerts += raised
                self._alert_s = max(self._alert_s, age_s)
            if self._sequence is not None:
                self._drops += step.frame.sequence - self._sequence - 1
            self._sequence = step.frame.sequence
        if now_s - self._from_s >= MINUTE_S:
            self._note(now_s)

    def _note(self, now_s: float) -> None:
        status = dict(
            line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines()
        )
        ages_ms = 1e3 * np.array(self._ages_s or [float("nan")])
        minute = Minute(
            round((now_s - self._begun_s) / MINUTE_S),
            round(int(status["VmRSS"].split()[0]) / 1024, 2),
            round(int(status["RssAnon"].split()[0]) / 1024, 2),
            sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1,  # without the one that lists
            threading.active_count(),
            len(self._ages_s),
            self._drops,
            self._alerts,
            round(100 * (time.process_time() - self._used_s) / (now_s - self._from_s), 1),
            round(float(np.median(ages_ms)), 2),
            round(float(np.percentile(ages_ms, 99)), 2),
            round(1e3 * self._alert_s, 2),
            stolen_ms() - self._stolen_from_ms,
        )
        self.all.append(minute)
        self._writer.writerow(asdict(minute).values())
        self._out.flush()
        self._clear()


def stolen_ms() -> float:
    """Return how long this virtual machine's host had taken its processors, see proc_stat(5)."""
    ticks = int(Path("/proc/stat").read_text().split(maxsplit=9)[8])
    return 1e3 * ticks / os.sysconf("SC_CLK_TCK")


def judge(minutes: list[Minute]) -> tuple[str, bool]:
    """Return one sentence on the whole run, and whether it was flat and dropped nothing."""
    warm = minutes[WARM_MIN:]
    if len(warm) < 2:
        return f"{len(minutes)} minutes are too short to judge; run more than {WARM_MIN + 2}", False
    first, last = warm[0], warm[-1]
    hours = (last.minute - first.minute) / 60
    slope = np.polyfit([m.minute / 60 for m in warm], [m.anonymous_mb for m in warm], 1)[0]
    drops = sum(m.drops for m in minutes)
    files = last.descriptors - first.descriptors
    words = (
        f"{last.minute} minutes, {sum(m.frames for m in minutes):,} frames, {drops} dropped, "
        f"{sum(m.alerts for m in minutes)} alerts; after {WARM_MIN} minutes, over {hours:.2f} h: "
        f"resident {min(m.rss_mb for m in warm):.1f} to {max(m.rss_mb for m in warm):.1f} MB, "
        f"anonymous {first.anonymous_mb:.1f} to {last.anonymous_mb:.1f} MB ({slope:+.2f} MB/h), "
        f"descriptors {first.descriptors} to {last.descriptors}, threads {first.threads} to "
        f"{last.threads}; CPU {np.mean([m.cpu_percent for m in warm]):.1f} % of a core; age of a "
        f"decided frame {np.median([m.age_median_ms for m in warm]):.1f} ms (p99 of the worst "
        f"minute {max(m.age_p99_ms for m in warm):.1f}), at most "
        f"{max(m.age_at_alert_ms for m in minutes):.1f} ms at an alert; the machine's host "
        f"took its processors for {1e-3 * sum(m.stolen_ms for m in minutes):.1f} s, "
        f"{1e-3 * sum(m.stolen_ms for m in minutes if m.drops):.1f} s of it in the "
        f"{sum(m.drops > 0 for m in minutes)} minutes with drops"
    )
    drops = sum(m.drops for m in warm)  # while it starts, and loads, frames may be lost
    flat = last.anonymous_mb - first.anonymous_mb <= MOST_GROWTH_MB
    return words, flat and files <= MOST_GROWTH_FILES and drops == 0


def run(clip: str, hours: float, out: TextIO, folder: Path) -> list[Minute]:
    """Run the service for ``hours`` or until a signal; return its minutes."""
    raw = folder / "gray"
    count = unpack(clip, raw)
    settings = load(None, ["bridges=[{kind: virtual, channel: bench-live}]"])
    notifier = Notifier({})
    minutes = Minutes(out)
    store = EventStore(folder / "events.db", StoreSettings())
    liveness = Liveness(LivenessSettings(), notifier)
    with StoreWriter(store, settings.service.store.lowest_level) as writer:
        service = Service(
            lambda: settings, notifier, liveness, Status(notifier), [writer, minutes],
            make_camera=lambda chosen: LiveCamera(lambda: Film(raw, count), chosen, patient=True),
        )  # fmt: skip
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: service.stop())
        timer = threading.Timer(hours * 3600, service.stop)
        timer.daemon = True
        timer.start()
        liveness.start()
        service.run(settings)
        liveness.stop()
        timer.cancel()
    return minutes.all


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", nargs="?", help="a recording; none: the demonstration's")
    parser.add_argument("--hours", type=float, default=2.0, help="how long (2)")
    parser.add_argument("--log", type=Path, help="write the lines there instead of to the screen")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dms-live-") as name:
        folder = Path(name)
        clip = args.clip or demo_clip(folder)
        out = args.log.open("w", encoding="ascii") if args.log else sys.stdout
        try:
            words, flat = judge(run(clip, args.hours, out, folder))
        finally:
            if args.log:
                out.close()
    print(f"{'flat' if flat else 'NOT flat'}: {words}")
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
