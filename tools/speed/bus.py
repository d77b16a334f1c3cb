"""Measures how long a decision takes to become bytes on the wire, and what sending costs.

An SLCAN adapter is played by a pty in another process, so that reading it steals nothing from the
sender. Latency is from the call of ``publish`` to the arrival of the alert's last byte; states are
published at 30 Hz, as a camera would.

    python -m tools.speed.bus [--alerts 1000] [--busy]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import pty
import statistics
import threading
import time
import tty
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from dms.bridge import BridgeSettings, open_bridge
from dms.bridge.bus_load import bus_load
from dms.bridge.codec import Codec
from dms.values import DriverState, Event, Kind, Level

_ALERT = f"t{Codec().ids['DMS_Alert']:03X}8".encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=1000, help="alerts to send")
    parser.add_argument("--hz", type=float, default=30.0, help="states a second")
    parser.add_argument("--busy", action="store_true", help="with a thread that holds the GIL")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        result = measure(Path(folder), arguments.alerts, arguments.hz, busy=arguments.busy)
    print(json.dumps(result, indent=2))


def measure(folder: Path, alerts: int, hz: float, *, busy: bool) -> dict[str, float]:
    """Send ``alerts`` alerts and return percentiles in milliseconds."""
    link = folder / "adapter"
    ours, theirs = multiprocessing.Pipe()
    adapter = multiprocessing.get_context("spawn").Process(
        target=_adapter, args=(str(link), theirs, alerts), daemon=True
    )
    adapter.start()
    ours.recv()  # the port is there
    stop = threading.Event()
    if busy:
        threading.Thread(target=_burn, args=(stop,), daemon=True).start()
    begun, published = [], []
    settings = BridgeSettings(kind="slcan", channel=str(link))
    with open_bridge(settings) as bridge:
        cpu_s = time.process_time()
        for i in range(alerts):
            t_s = i / hz
            event = Event(t_s, Kind.DISTRACTION, Level.WARNING, "")
            state = DriverState(t_s, level=Level.WARNING, kind=Kind.DISTRACTION, events=(event,))
            begun.append(time.monotonic())
            bridge.publish(state)
            published.append(time.monotonic() - begun[-1])
            time.sleep(1.0 / hz)
        cpu_s = time.process_time() - cpu_s
        arrived = ours.recv()
    stop.set()
    adapter.join(5)
    wire = [1000 * (end - start) for start, end in zip(begun, arrived, strict=True)]
    inside = [1000 * one for one in published]
    return {
        "alerts": alerts,
        "wire_p50_ms": round(statistics.median(wire), 3),
        "wire_p99_ms": round(statistics.quantiles(wire, n=100)[98], 3),
        "wire_worst_ms": round(max(wire), 3),
        "publish_p50_ms": round(statistics.median(inside), 3),
        "publish_p99_ms": round(statistics.quantiles(inside, n=100)[98], 3),
        "cpu_ms_a_state": round(1000 * cpu_s / alerts, 3),
        "load_percent_500k": round(100 * bus_load(settings), 2),
    }


def _adapter(link: str, told: Connection, alerts: int) -> None:
    """Play the adapter: note when each alert's last byte came, and answer nothing."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    Path(link).symlink_to(os.ttyname(slave))
    told.send("ready")
    arrived: list[float] = []
    rest = b""
    while len(arrived) < alerts:
        rest += os.read(master, 4096)
        now = time.monotonic()  # one clock for all processes of a Linux machine
        *lines, rest = rest.split(b"\r")
        arrived.extend(now for line in lines if line.startswith(_ALERT))
    told.send(arrived)
    os.close(slave)
    time.sleep(1.0)


def _burn(stop: threading.Event) -> None:
    number = 1
    while not stop.is_set():
        number = (number * 1103515245 + 12345) % 2**31


if __name__ == "__main__":
    main()
