"""The camera plug point: frames with the source's own timestamps.

Public :meth:`Camera.read` owns timing, counting and errors; a backend implements the private hook.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from dms.resource import OpenedResource
from dms.values import Frame


@dataclass(frozen=True, slots=True)
class Damage:
    """A part of a recording without a picture, in its own time; ``to_s`` is None at the end.

    ``from_s`` is None where the file does not tell when it was: times after it are too early.
    """

    from_s: float | None
    to_s: float | None
    words: str

    def __str__(self) -> str:
        if self.from_s is None:
            return f"{self.words}, where is not known: times after that are too early"
        until = "the end" if self.to_s is None else f"{self.to_s:.2f} s"
        return f"no picture from {self.from_s:.2f} s to {until} ({self.words})"


class Camera(OpenedResource):
    """A source of frames; a context manager that opens on entry.

    ``live`` sources drop all but the newest frame; recordings yield every frame.
    """

    live: bool

    @abstractmethod
    def open(self) -> None:
        """Open the source. Raises CameraError with what to do."""

    @abstractmethod
    def read(self) -> Frame | None:
        """Return the next frame, or None at the end of a recording.

        Raises CameraLostError where a live source went away or stays silent, CameraError where a
        recording is damaged.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the source; a second call does nothing."""

    @property
    def opening(self) -> bool:
        """Whether it was opened without waiting and no picture has come: to read would wait."""
        return False

    @property
    def given_up(self) -> bool:
        """Whether its driver has swallowed so many reads that only a new process helps."""
        return False

    @property
    def damages(self) -> tuple[Damage, ...]:
        """What of a recording could not be decoded so far."""
        return ()

    def interrupt(self) -> None:
        """Make a read that waits return None soon; safe from a signal handler."""

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self.read()) is not None:
            yield frame
