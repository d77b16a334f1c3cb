"""Who listens: a head unit on the virtual bus, the serial adapter, the broker, the log."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from typing import Any

import can

from dms.bridge.codec import contract

_STATE = contract().get_message_by_name("DMS_State")
_ALERT = contract().get_message_by_name("DMS_Alert")


def words_of(can_id: int, data: bytes) -> tuple[str, dict[str, str]] | None:
    """Return (message name, words) of a frame of interest, else None."""
    for message in (_STATE, _ALERT):
        if can_id == message.frame_id:
            decoded: Any = message.decode(data)
            return message.name, {key: str(value) for key, value in decoded.items()}
    return None


class HeadUnit:
    """Hears everything on a virtual bus; ``state`` is the newest, ``raised`` counts by kind."""

    def __init__(self, channel: str) -> None:
        self._bus = can.Bus(interface="virtual", channel=channel)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="soak-head-unit", daemon=True)
        self.state: dict[str, str] = {}
        self.state_s = 0.0
        self.raised: Counter[str] = Counter()
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            message = self._bus.recv(0.2)
            heard = words_of(message.arbitration_id, bytes(message.data)) if message else None
            if heard is None:
                continue
            name, words = heard
            if name == "DMS_State":
                self.state, self.state_s = words, time.monotonic()
            elif words["AlertAction"] == "Raised":
                self.raised[words["AlertKind"]] += 1

    @property
    def closures(self) -> int:
        """How many alerts of closed eyes were raised; a long closure raises several."""
        return sum(self.raised[kind] for kind in ("Microsleep", "Sleep", "Unresponsive"))

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        self._thread.join(2.0)
        self._bus.shutdown()


def raised_in(frames: list[tuple[float, int, bool, bytes]], kind: str) -> int:
    """Return how many alerts of ``kind`` the serial adapter has passed on."""
    heard = [words_of(can_id, data) for _, can_id, _, data in frames]
    return sum(
        one is not None
        and one[0] == "DMS_Alert"
        and (one[1]["AlertAction"], one[1]["AlertKind"]) == ("Raised", kind)
        for one in heard
    )


class Journal(logging.Handler):
    """Keeps what the service logs, in place of the machine's journal."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append((record.levelno, record.getMessage()))

    def has(self, words: str, since: int = 0, lowest: int = logging.WARNING) -> bool:
        """Tell whether a line since that number says ``words``."""
        return any(level >= lowest and words in text for level, text in self.lines[since:])

    def forget(self) -> None:
        """Drop what was kept, so that a long run keeps its memory."""
        self.lines.clear()
