"""Messages to systemd (sd_notify): ready, status, watchdog. Silent where systemd did not start us.

Written out because it is one datagram and the PyPI package for it rests since 2017.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

_log = logging.getLogger(__name__)


class Notifier:
    """Sends to the socket that systemd names in ``NOTIFY_SOCKET``."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):  # an abstract address begins with a zero byte
            self._address = "\0" + self._address[1:]
        watched = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_s = int(environment.get("WATCHDOG_USEC", "0")) / 1e6 if watched else 0.0
        self._allowed: list[float] = []  # one of each thread that loads
        self._allowing = threading.Lock()  # systemd keeps what it hears last
        self._status = ""
        self._told = False

    def ready(self) -> None:
        """Report that start-up, or a reload, is done."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Report that settings are being read again; :meth:`ready` ends it."""
        self._send("RELOADING=1")

    def stopping(self) -> None:
        """Report that the service is going down on purpose."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Set the line that ``systemctl status`` shows; the same text is sent once."""
        if text != self._status:
            self._status = text
            self._send("STATUS=" + text.replace("\n", " "))

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def hung(self) -> None:
        """Ask systemd to act as if the watchdog had run out (systemd 243 and up)."""
        self._send("WATCHDOG=trigger")

    @contextmanager
    def allowing(self, extra_s: float) -> Iterator[None]:
        """Let the watchdog wait ``extra_s`` longer than the unit says; of several, the longest."""
        self._allow(self._allowed.append, extra_s)
        try:
            yield
        finally:
            self._allow(self._allowed.remove, extra_s)

    def _allow(self, change: Callable[[float], None], extra_s: float) -> None:
        with self._allowing:
            change(extra_s)
            if self.watchdog_s:
                whole_s = self.watchdog_s + max(self._allowed, default=0.0)
                self._send(f"WATCHDOG_USEC={round(whole_s * 1e6)}")

    def extend(self, seconds: float) -> None:
        """Ask for more time to start or stop."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
                link.settimeout(1.0)
                link.sendto(message.encode(), self._address)
        except OSError as error:
            if not self._told:
                self._told = True
                _log.warning("systemd does not take messages (%s).", error)
