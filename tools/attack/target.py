"""The service under attack and what is around it: broker, serial adapter, settings, counts."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from dms.resource import OpenedResource
from tests.bridge.broker import PLACE, Broker, Listener
from tests.bridge.lawicel import Lawicel

_NICE = 15
ROOT = Path(__file__).resolve().parents[2]


class Target(OpenedResource):
    """A context manager around one service in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = folder / "run"
        self.settings_file = folder / "dms.yaml"
        self.view = self.run / "view.sock"
        self.broker: Broker | None = Broker(folder) if PLACE else None
        self.adapter = Lawicel(folder / "adapter")
        self.process: subprocess.Popen[bytes] | None = None
        self.listener: Listener | None = None
        self._stack = ExitStack()

    def settings(self) -> dict[str, Any]:
        """Return the settings that are good."""
        bridges: list[dict[str, Any]] = [{"kind": "slcan", "channel": str(self.folder / "adapter")}]
        if self.broker is not None:
            mqtt = {"host": "127.0.0.1", "port": self.broker.port, "retry_s": 0.2}
            bridges.append({"kind": "mqtt", "mqtt": mqtt})
        return {"bridges": bridges, "service": {"start": {"ready_s": 3.0}}}

    def write(self, content: dict[str, Any] | str | None = None) -> None:
        """Put the settings file there again."""
        self.settings_file.unlink(missing_ok=True)
        text = content if isinstance(content, str) else yaml.safe_dump(content or self.settings())
        self.settings_file.write_text(text, encoding="utf-8")

    def open(self) -> None:
        for name in ("run", "state", "home"):
            (self.folder / name).mkdir()
        self.write()
        self._stack.callback(self.adapter.unplug)
        environment = {
            **os.environ, "RUNTIME_DIRECTORY": str(self.run), "HOME": str(self.folder / "home"),
            "STATE_DIRECTORY": str(self.folder / "state"), "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        log = self._stack.enter_context((self.folder / "journal").open("wb"))
        words = [sys.executable, "-m", "tools.attack.victim", str(self.folder / "counts")]
        self.process = subprocess.Popen(
            [*words, str(self.settings_file)], env=environment, cwd=ROOT, stdout=log, stderr=log
        )
        self._stack.callback(self._end)
        os.nice(_NICE)  # whoever attacks over a network has processors of their own
        if self.broker is not None:
            self._stack.enter_context(self.broker)
            self.listener = Listener(self.broker.port, "dms/command/answer")
            self._stack.callback(self.listener.close)
        if not self.wait(lambda: self.count()["judged"] > 15, 120.0):
            raise RuntimeError("the service did not start:\n" + self.journal()[-2000:])

    def close(self) -> None:
        self._stack.close()

    def _end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def alive(self) -> bool:
        """Whether the very process still runs."""
        return self.process is not None and self.process.poll() is None

    def reload(self) -> None:
        """Ask for the settings to be read again."""
        if self.process is not None:
            self.process.send_signal(signal.SIGHUP)

    def count(self) -> dict[str, float]:
        """Return the newest counts."""
        try:
            lines = (self.folder / "counts").read_text(encoding="utf-8").splitlines()
            found: dict[str, float] = json.loads(lines[-1])
        except (OSError, ValueError, IndexError):
            return {"t_s": 0.0, "judged": 0.0, "captured": 0.0, "opened": 0.0, "mb": 0.0}
        return found

    def highest_mb(self, since_s: float) -> float:
        """Return the largest memory since then."""
        lines = (self.folder / "counts").read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.endswith("}")]
        return max(row["mb"] for row in rows if row["t_s"] >= since_s - 1.0)

    def journal(self) -> str:
        """Return what the service has said."""
        return (self.folder / "journal").read_text(encoding="utf-8", errors="replace")

    def stored(self, kind: str) -> int:
        """Return how many events of a kind the store holds."""
        place = self.folder / "state" / "events.db"
        try:
            with sqlite3.connect(f"file:{place}?mode=ro", uri=True) as base:
                row = base.execute("SELECT COUNT(*) FROM events WHERE kind = ?", (kind,)).fetchone()
        except sqlite3.Error:
            return 0
        return int(row[0])

    def wait(self, true: Callable[[], object], patience_s: float) -> bool:
        """Wait until ``true()`` holds; False where it never did."""
        end_s = time.monotonic() + patience_s
        while time.monotonic() < end_s:
            if true():
                return True
            time.sleep(0.1)
        return False
