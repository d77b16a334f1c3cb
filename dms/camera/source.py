"""What a backend implements: raw pictures with the source's own stamps, and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Picture:
    """One raw picture: (H, W) gray or (H, W, 3 or 4) BGR(A), 8 or 16 bits or float.

    ``t_s`` is the source's own stamp: stream time of a recording, the monotonic clock of a live
    driver, None where it gives none. ``bits`` are the significant bits of a deeper gray.
    """

    image: NDArray[Any]
    t_s: float | None = None
    bits: int | None = None


class Source(ABC):
    """The private side of a camera. Opened, read and closed by one and the same thread."""

    ended = False  # True once a recording or finite stream has delivered its last picture

    @abstractmethod
    def open(self) -> None:
        """Open the hardware or file. Raises CameraError with what to do."""

    @abstractmethod
    def grab(self) -> Picture | None:
        """Return the next picture; None if there is none yet (live) or no more (:attr:`ended`).

        A live source waits at most about half a second before it returns None. Raises
        CameraLostError where the device is gone, CameraError where a recording is damaged.
        """

    @abstractmethod
    def close(self) -> None:
        """Release everything; a second call does nothing."""
