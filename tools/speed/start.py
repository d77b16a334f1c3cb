"""Time from process start to the first alert on the bus, and from SIGTERM to the end.

The whole service runs as under systemd, with a serial adapter (a pty) as its bus; only the camera
is played: closed eyes of the demo film, 30 pictures a second, as a live camera; 1.0 s of the time
to the alert is the rule for a microsleep. ``_cpu_s`` is the process's CPU time until then, which a
busy machine changes little. Prints JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
import tty
from pathlib import Path

import cv2

from dms.bridge.codec import Codec, contract
from dms.bus.slcan import LineReader

CLOSED_S = (34.2, 37.2)  # within the long closure of tools/rendering/clip.py
PATIENCE_S = 300.0


def played(film: str) -> None:
    """Run ``dms service`` with the film's closed eyes in place of a camera; the child's part."""
    import dms.service.service  # noqa: PLC0415  (the child's imports are what is timed)
    from dms.camera.live import LiveCamera  # noqa: PLC0415
    from dms.camera.source import Picture, Source  # noqa: PLC0415
    from dms.cli import main as run  # noqa: PLC0415

    class Film(Source):
        """The pictures forth and back for ever, in real time."""

        def open(self) -> None:
            capture = cv2.VideoCapture(film)
            capture.set(cv2.CAP_PROP_POS_MSEC, CLOSED_S[0] * 1000)
            count = round((CLOSED_S[1] - CLOSED_S[0]) * 30)
            shot = [capture.read()[1] for _ in range(count)]
            gray = [cv2.cvtColor(one, cv2.COLOR_BGR2GRAY) for one in shot]
            self.turn = itertools.cycle(gray + gray[-2:0:-1])

        def grab(self) -> Picture:
            time.sleep(1 / 30)
            return Picture(next(self.turn))

        def close(self) -> None:
            """Nothing is held."""

    dms.service.service.open_camera = lambda settings, patient: LiveCamera(Film, settings, patient)
    sys.exit(run(sys.argv[3:]))


def once(film: Path, overrides: list[str]) -> dict[str, float]:
    """Start the service once; return seconds from process start to what is heard on the bus."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "dms.yaml"
        bridge = f"bridges: [{{kind: slcan, channel: {os.ttyname(slave)}}}]\n"
        config.write_text(f"{bridge}service: {{store: {{path: {folder}/events.db}}}}\n")
        sets = [part for one in overrides for part in ("--set", one)]
        began_s = time.monotonic()
        verb = ["service", "--config", str(config), *sets]
        child = subprocess.Popen(
            [sys.executable, "-m", "tools.speed.start", "--play", str(film), *verb],
            stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        try:
            heard = listen(master, began_s, child)
            asked_s = time.monotonic()
            child.terminate()
            child.wait(60)
            return {**heard, "stop_s": time.monotonic() - asked_s}
        finally:
            child.kill()
            child.wait(60)
            os.close(master)
            os.close(slave)


def listen(master: int, began_s: float, child: subprocess.Popen[bytes]) -> dict[str, float]:
    """Note when each thing is heard first; ends with the first alert."""
    names = {can_id: name for name, can_id in Codec().ids.items()}
    lines, heard = LineReader(), dict[str, float]()
    while "alert_s" not in heard:
        now_s = time.monotonic() - began_s
        if now_s > PATIENCE_S or child.poll() is not None:
            raise SystemExit(f"no alert came; heard until then: {heard}")
        if not select.select([master], [], [], 0.2)[0]:
            continue
        lines.feed(os.read(master, 4096))
        while (message := lines.take()) is not None:
            name = names.get(message.arbitration_id)
            if name not in ("DMS_State", "DMS_Alert"):
                continue
            words = contract().get_message_by_name(name).decode(bytes(message.data))
            now_s = time.monotonic() - began_s
            if name == "DMS_Alert" and str(words["AlertKind"]) == "Microsleep":
                what = "alert"
            elif name == "DMS_State":
                what = "starting" if str(words["EyesReason"]) == "Starting" else "watching"
            else:
                continue
            if f"{what}_s" not in heard:
                heard |= {f"{what}_s": now_s, f"{what}_cpu_s": cpu_s(child.pid)}
    return heard


def cpu_s(pid: int) -> float:
    """Return the CPU time that a process has taken so far (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("film", type=Path, help="demo.avi of tools/demo or tools/rendering/clip.py")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("-s", "--set", action="append", default=[], dest="overrides")
    options = parser.parse_args()
    runs = [once(options.film, options.overrides) for _ in range(options.runs)]
    names = sorted({name for run in runs for name in run})
    print(json.dumps({
        name: {
            "median": round(statistics.median(run[name] for run in runs if name in run), 2),
            "worst": round(max(run[name] for run in runs if name in run), 2),
        }
        for name in names
    }, indent=1))  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["--play"]:
        played(sys.argv[2])
    main()
