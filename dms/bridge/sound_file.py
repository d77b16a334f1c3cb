"""The twin of a loudspeaker: a WAV file of all that would be heard on a drive, and nothing more."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import BinaryIO

from dms.bridge.tones import RATE
from dms.errors import BridgeError

_WIDTH = 2  # bytes of a sample


class SoundFile:
    """Time runs with the states: silence is written up to each, and what sounds is cut in.

    The file ends after ``most_s``; a step back in time is another recording and goes on behind it.
    """

    def __init__(self, path: Path, most_s: float) -> None:
        self._path, self._most = path, round(most_s * RATE)
        self._file: BinaryIO | None = None
        self._wav: wave.Wave_write | None = None
        self._sounding = b""
        self._written = 0  # samples
        self._start_s: float | None = None
        self._last_s = 0.0
        self._fault: str | None = None

    def open(self) -> None:
        """Begin the file. Raises BridgeError where it cannot be written."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("wb")
        except OSError as error:
            raise BridgeError(f"sound: cannot write {self._path}: {error.strerror}") from error
        self._wav = wave.open(self._file, "wb")  # noqa: SIM115 (see close)
        self._wav.setnchannels(1)
        self._wav.setsampwidth(_WIDTH)
        self._wav.setframerate(RATE)

    @property
    def fault(self) -> str | None:
        """Why no more can be written; that the file has reached its end is no fault."""
        return self._fault

    def advance(self, t_s: float) -> None:
        """Write what sounded up to ``t_s``."""
        if self._start_s is None or t_s < self._last_s:
            self._start_s = t_s - self._written / RATE
        self._last_s = t_s
        self._write(round((t_s - self._start_s) * RATE) - self._written)

    def play(self, pcm: bytes) -> None:
        """Let ``pcm`` sound from now on in place of what sounds."""
        self._sounding = pcm

    def stop(self) -> None:
        """End what sounds."""
        self._sounding = b""

    def close(self) -> None:
        """Write the rest of what sounds and end the file; a second call does nothing."""
        if self._wav is None:
            return
        self._write(len(self._sounding) // _WIDTH)
        self._end()

    def _write(self, samples: int) -> None:
        samples = min(samples, self._most - self._written)
        if self._wav is None or samples <= 0:
            return
        size = samples * _WIDTH
        now, self._sounding = self._sounding[:size], self._sounding[size:]
        try:
            self._wav.writeframes(now.ljust(size, b"\0"))
        except OSError as error:
            self._failed(error)
            self._end()
        self._written += samples

    def _end(self) -> None:
        wav, self._wav = self._wav, None
        for each in (wav, self._file):
            try:
                if each is not None:
                    each.close()
            except OSError as error:
                self._failed(error)

    def _failed(self, error: OSError) -> None:
        self._fault = f"cannot write {self._path}: {error.strerror}; is the disk full?"
