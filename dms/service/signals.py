"""SIGTERM and SIGINT end the service, SIGHUP reads the settings again; a storm of them is a few.

Python runs a handler inside the one before where signals come faster than it gets on, until its
stack ends. So a thread reads what C has written down of them, and the handlers do nothing.
"""

from __future__ import annotations

import operator
import os
import signal
import threading
from collections.abc import Callable

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def catch_signals(stop: Callable[[], None], reload: Callable[[], None]) -> None:
    """Call ``stop`` or ``reload`` from a thread when a signal has come. In the main thread only."""
    told, tell = os.pipe()
    os.set_blocking(tell, False)  # full: more than enough are told
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    for number in _SIGNALS:
        signal.signal(number, operator.is_)  # no Python code, so nothing that nests
    threading.Thread(
        target=_listen, args=(told, stop, reload), name="dms-signals", daemon=True
    ).start()


def _listen(told: int, stop: Callable[[], None], reload: Callable[[], None]) -> None:
    while numbers := os.read(told, 4096):
        if signal.SIGHUP in numbers:
            reload()
        if signal.SIGTERM in numbers or signal.SIGINT in numbers:
            stop()
