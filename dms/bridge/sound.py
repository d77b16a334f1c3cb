"""The sound bridge: alerts are heard where no head unit tells them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from dms.bridge.announcer import Announcer
from dms.bridge.aplay import Speaker, missing
from dms.bridge.bridge import Bridge
from dms.bridge.settings import BridgeSettings
from dms.bridge.sound_file import SoundFile
from dms.bridge.tones import pcm, sound
from dms.errors import BridgeError
from dms.values import DriverState


class Player(Protocol):
    """What makes sounds heard; none of its methods waits."""

    @property
    def fault(self) -> str | None: ...

    def open(self) -> None: ...

    def advance(self, t_s: float) -> None: ...

    def play(self, samples: bytes, /) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...


class SoundBridge(Bridge):
    """A loudspeaker, or the WAV file that is its twin.

    A missing sound card is a fault that is reported and tried again, no error that stops a drive.
    """

    def __init__(self, settings: BridgeSettings, player: Player | None = None) -> None:
        self._settings = settings.sound
        where = self._settings.file or self._settings.device
        self.name = f"sound {where}"
        self._player = player or self._made()
        self._announcer = Announcer(self._settings)

    def _made(self) -> Player:
        s = self._settings
        return SoundFile(Path(s.file), s.file_most_s) if s.file else Speaker(s.device)

    def open(self) -> None:
        self._player.open()

    def check(self) -> tuple[str, ...]:
        if not self._settings.file and (words := missing()):
            raise BridgeError(f"{self.name}: {words}")
        return ()

    @property
    def fault(self) -> str | None:
        fault = self._player.fault
        return f"{self.name}: {fault}" if fault else None

    def publish(self, state: DriverState) -> None:
        cue, over = self._announcer.step(state)
        self._player.advance(state.t_s)
        if over:
            self._player.stop()
        if cue is not None:
            samples = sound(cue.kind, cue.level, self._settings.language)
            self._player.play(pcm(samples, cue.volume))

    def close(self) -> None:
        self._player.close()
