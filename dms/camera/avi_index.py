"""What an AVI lacks: it has no stamps, but an index of its pictures' places and sizes."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

_HEADER = 8  # bytes of a chunk's name and size, before what a packet holds
_SOUGHT = 10_000  # pictures: no longer part is sought that was cut out of a file
_HEAD = 1 << 20  # bytes in which the list of pictures begins


class AviIndex:
    """Counts what is skipped of a stream's packets, so that time goes on right behind damage.

    ``chunks``: place and size of each picture's chunk, in their order. What the index does not
    know, as where it is damaged itself, follows what came before.
    """

    def __init__(self, chunks: Iterable[tuple[int, int]]) -> None:
        self._places = [(place + _HEADER, size) for place, size in chunks]
        self._numbers = {one: number for number, one in enumerate(self._places)}
        self._moved = 0  # bytes by which packets lie before their places: some were cut out
        self._next = self._came = 0

    @property
    def empty(self) -> bool:
        """Whether the file has no index."""
        return not self._places

    @property
    def to_come(self) -> int:
        """How many pictures follow the newest packet, as far as the index tells."""
        return max(len(self._places) - self._next, 0)

    def missing(self, at: int, size: int) -> int:
        """Return how many pictures are missing before this packet, all of them; never fewer."""
        shifts = (0, self._moved)
        number = max(self._numbers.get((at + shift, size), -1) for shift in shifts)
        if number < self._next:
            self._seek(at, size)
            number = self._next
        self._next, self._came = number + 1, self._came + 1
        return self._next - self._came

    def _seek(self, at: int, size: int) -> None:
        """Note how far a packet lies before the next one of its size; the packet after it tells."""
        later = self._places[self._next : self._next + _SOUGHT]
        self._moved = next((place - at for place, one in later if one == size), self._moved)


def written_index(path: Path, stream: int) -> Iterator[tuple[int, int]]:
    """Yield place and size of each chunk of a stream as the ``idx1`` of a file has them.

    FFmpeg does not find it in a file of which a part was cut out.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at, movi = data.rfind(b"idx1"), data.find(b"movi", 0, _HEAD)
        if at < 0 or movi < 0 or at + 8 > len(data):
            return
        (length,) = struct.unpack_from("<I", data, at + 4)
        rows = bytes(data[at + 8 : at + 8 + length])
    name, first = f"{stream:02}d".encode(), None
    for word, _, offset, size in struct.iter_unpack("<4sIII", rows[: len(rows) // 16 * 16]):
        first = offset if first is None else first  # from the file's start, or from the list's
        if word.startswith(name):
            yield offset - first + movi + 4, size
