"""A LAWICEL adapter for tests: the other end of a pty, with a parser of its own."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty
from pathlib import Path


class Lawicel:
    """Answers as an adapter does and keeps every frame as (monotonic s, can id, extended, data).

    ``link`` is a stable name of the port, like /dev/serial/by-id. ``deaf`` never reads,
    ``silent`` never answers, ``refusing`` answers BEL to every frame.
    """

    def __init__(self, link: Path, *, deaf=False, silent=False, refusing=False) -> None:
        self.link = link
        self.deaf, self.silent, self.refusing = deaf, silent, refusing
        self.frames: list[tuple[float, int, bool, bytes]] = []
        self.commands: list[str] = []
        self.unreadable: list[bytes] = []
        self._stop = threading.Event()
        self.plug()

    def plug(self) -> None:
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))
        os.close(slave)
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(self.master,))
        self._thread.start()

    def unplug(self) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self.master)
        self.link.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        os.write(self.master, data)

    def _run(self, master: int) -> None:
        rest = b""
        while not self._stop.is_set():
            if self.deaf or not select.select([master], [], [], 0.02)[0]:
                if self.deaf:
                    time.sleep(0.02)
                continue
            try:
                rest += os.read(master, 4096)
            except OSError:  # nobody holds the port open just now
                time.sleep(0.01)
                continue
            *lines, rest = rest.split(b"\r")
            for line in lines:
                self._take(master, line)

    def _take(self, master: int, line: bytes) -> None:
        text = line.decode("ascii", "replace")
        kind = text[:1]
        digits = {"t": 3, "T": 8, "d": 3, "D": 8, "b": 3, "B": 8}.get(kind)
        if digits is None:
            self.commands.append(text)
            answer = b"\r" if kind in "CSOLY" else b"\a"
        else:
            try:
                can_id, size = int(text[1 : 1 + digits], 16), int(text[1 + digits], 16)
                data = bytes.fromhex(text[2 + digits :])
            except ValueError:
                self.unreadable.append(line)
                return
            size = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64)[size]
            if len(data) != size:
                self.unreadable.append(line)
                return
            self.frames.append((time.monotonic(), can_id, kind.isupper(), data))
            answer = b"\a" if self.refusing else b"z\r"
        if not self.silent:
            os.write(master, answer)
