"""A loudspeaker by ALSA's own ``aplay``, one process a sound, which is ended to cut it off.

pyalsaaudio has no wheels and needs a compiler on the device, simpleaudio has not been kept since
2019; a library would also hold our process where a driver hangs. A thread of its own starts and
watches the processes, so that nobody waits for a sound card.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable

from dms.bridge.tones import RATE, pcm, silence
from dms.masking import told

_log = logging.getLogger(__name__)
_PROGRAM = "aplay"
_MISSING = "there is no aplay; apt-get install alsa-utils"
_PROBE_S = 0.02  # silence, to see whether the card is there
_OVERTIME_S = 2.0  # a sound that lasts so much longer hangs
_RETRY_S = (1.0, 30.0)  # first and longest pause before a card that failed is tried again
_END_S = 1.0
_BUFFER_US = 60_000  # small, so that the first sample is heard at once


def missing() -> str | None:
    """Return what to do where the program is not there."""
    return None if shutil.which(_PROGRAM) else _MISSING


class Speaker:
    """Plays on ``device``; whatever is wrong with it stands in :attr:`fault` and is tried again."""

    def __init__(self, device: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._device, self._clock = device, clock
        self._changed = threading.Condition()
        self._wanted: bytes | None = None  # what is to sound next; empty: nothing
        self._ending = False
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._due_s, self._pause_s, self._limit_s = 0.0, _RETRY_S[0], 0.0
        self.fault: str | None = None
        self.played = 0  # sounds that came to their end

    def open(self) -> None:
        """Start the thread and try the card; a missing one is no error here."""
        self._ending = False
        self.play(pcm(silence(_PROBE_S), 0.0))
        self._thread = threading.Thread(target=self._run, name="dms-sound", daemon=True)
        self._thread.start()

    def advance(self, t_s: float) -> None:
        """Time passes by itself."""

    def play(self, samples: bytes) -> None:
        """Let ``samples`` sound now in place of what sounds; never waits."""
        with self._changed:
            self._wanted = samples
            self._changed.notify()

    def stop(self) -> None:
        """End what sounds."""
        self.play(b"")

    def close(self) -> None:
        """End the sound and the thread; idempotent."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(2 * _END_S)
            self._thread = None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._is_due, self._wait_s())
                ending, wanted, self._wanted = self._ending, self._wanted, None
            if ending:
                self._cut()
                return
            try:
                self._work(wanted)
            except Exception as error:  # noqa: BLE001 - the thread must live on
                self._failed(f"unexpected {type(error).__name__}: {error}; please report it")

    def _is_due(self) -> bool:
        return self._ending or self._wanted is not None

    def _wait_s(self) -> float | None:
        if self._process is not None:
            return 0.05
        return None if self.fault is None else max(self._due_s - self._clock(), 0.0)

    def _work(self, wanted: bytes | None) -> None:
        if wanted is not None:
            self._cut()
            if wanted:
                self._start(wanted)
        elif self._process is not None:
            self._look()
        elif self.fault is not None and self._clock() >= self._due_s:
            self._start(pcm(silence(_PROBE_S), 0.0))

    def _start(self, samples: bytes) -> None:
        words = [_PROGRAM, "-q", "-D", self._device, "-t", "raw", "-f", "S16_LE", "-c", "1",
                 "-r", str(RATE), f"--buffer-time={_BUFFER_US}"]  # fmt: skip
        memory = os.memfd_create("dms-sound")  # the whole sound, so that no pipe is fed in time
        try:
            os.write(memory, samples)
            self._process = subprocess.Popen(
                [*words, f"/proc/self/fd/{memory}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                pass_fds=(memory,),
            )  # fmt: skip
        except OSError as error:
            self._failed(missing() or f"aplay cannot be started: {error.strerror}")
            return
        finally:
            os.close(memory)
        self._limit_s = self._clock() + len(samples) / 2 / RATE + _OVERTIME_S

    def _look(self) -> None:
        """See how the sound that plays is doing."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            if self._clock() > self._limit_s:
                self._cut()
                self._failed(f"{self._device} hangs; is the sound card in order?")
            return
        words = process.stderr.read().decode("utf-8", "replace") if process.stderr else ""
        self._forget(process)
        if process.returncode:
            self._failed(_reason(words) or f"aplay ended with {process.returncode}")
            return
        self.played += 1
        if self.fault is not None:
            _log.info("sound %s is back", told(self._device))
        self.fault, self._pause_s = None, _RETRY_S[0]

    def _cut(self) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is not None:
            self._look()  # it may have failed
            return
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()  # a driver that hangs: the kernel reaps it when it can
        self._forget(process)

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        if process.stderr:
            process.stderr.close()
        self._process = None

    def _failed(self, words: str) -> None:
        if self.fault is None:
            _log.warning("sound %s: %s", told(self._device), words)
        self.fault = words
        self._due_s = self._clock() + self._pause_s
        self._pause_s = min(2 * self._pause_s, _RETRY_S[1])


def _reason(words: str) -> str:
    """Return the last thing that aplay said, without the place in its source."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return lines[-1].removeprefix("aplay: ").partition(": ")[2] or lines[-1] if lines else ""
