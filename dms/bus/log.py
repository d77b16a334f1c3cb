"""A log of what was sent and seen on our bus: BLF, ASC, candump or MF4, by python-can's writers.

A thread of its own writes, so that a slow disk holds up neither sending nor receiving.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from pathlib import Path

from dms.bus.python_can import can, load_mf4
from dms.errors import BridgeError

_log = logging.getLogger(__name__)
ENDINGS = (".blf", ".asc", ".log", ".mf4")
_SIZE = 4096  # messages that wait for the disk


def check_ending(path: Path) -> None:
    """Raise BridgeError where ``path`` is of no format that is written."""
    if path.suffix.lower() not in ENDINGS:
        raise BridgeError(f"{path}: a CAN log ends in one of {', '.join(ENDINGS)}")


def check_log(path: Path) -> None:
    """Raise BridgeError where no log can be begun at ``path``."""
    check_ending(path)
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise BridgeError(f"cannot write {path}: {folder} is no folder that this user may write to")


class CanLog:
    """Opens a new file beside an older one of the same name, which is kept.

    Raises BridgeError for another ending or a place that cannot be written.
    """

    def __init__(self, path: Path, channel: str) -> None:
        check_log(path)
        self.path = _unused(path)
        self._channel = channel
        self.dropped = 0
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix.lower() == ".mf4":
                load_mf4()
            self._writer = can.Logger(self.path)
        except OSError as error:
            raise BridgeError(f"cannot write {path}: {error.strerror}") from error
        except (ImportError, NotImplementedError) as error:
            raise BridgeError(f"{path}: pip install 'dms-jetson[mf4]'") from error
        self._waiting: queue.Queue[can.Message | None] = queue.Queue(_SIZE)
        self._thread = threading.Thread(target=self._run, name="dms-canlog", daemon=True)
        self._thread.start()

    def add(self, message: can.Message, at_s: float) -> None:
        """Log a copy of ``message`` at ``at_s``; never blocks: too many at once are dropped."""
        copy = message.__copy__()
        copy.timestamp = at_s
        copy.channel = self._channel
        try:
            self._waiting.put_nowait(copy)
        except queue.Full:
            self.dropped += 1

    def _run(self) -> None:
        failed = False
        while (message := self._waiting.get()) is not None:
            if failed:
                continue
            try:
                self._writer.on_message_received(message)
            except Exception as error:  # noqa: BLE001 - four formats' writers raise anything
                _log.warning("the CAN log %s ends here: %s", self.path, error)
                failed = True

    def close(self) -> None:
        """Write what waits and close the file; a second call does nothing."""
        if not self._thread.is_alive():
            return
        self._waiting.put(None)
        self._thread.join(10.0)
        if self.dropped:
            _log.warning("the CAN log %s lacks %d messages", self.path, self.dropped)
        try:
            self._writer.stop()
        except (OSError, ValueError) as error:
            _log.warning("the CAN log %s could not be finished: %s", self.path, error)


def _unused(path: Path) -> Path:
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
