"""A block of a film's file zeroed, flipped or cut out, and which pictures that reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

WAYS = ("zeroed", "flipped", "cut out")
SETTLE_S = 1.0  # after a gap the face is found anew


@dataclass(frozen=True, slots=True)
class Packet:
    """The bytes of one coded picture in its file, and when it is shown."""

    begin: int
    end: int
    t_s: float
    key: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """What a block's damage reaches: pictures from ``from_s`` to ``to_s``; none where ``hit`` is 0.

    ``head``: it reaches what says how the file is to be read.
    """

    hit: int
    from_s: float
    to_s: float
    head: bool

    def reaches(self, from_s: float, to_s: float) -> bool:
        """Whether a stretch of the film lies within it, or so near that the face is sought."""
        return self.head or (self.from_s <= to_s and from_s <= self.to_s + SETTLE_S)


def damaged(data: bytes, begin: int, length: int, way: str) -> bytes:
    """Return a file's bytes with one block zeroed, flipped (every bit) or cut out."""
    block = data[begin : begin + length]
    put = {
        "zeroed": bytes(len(block)),
        "flipped": bytes(np.frombuffer(block, np.uint8) ^ 0xFF),
        "cut out": b"",
    }[way]
    return data[:begin] + put + data[begin + length :]


def packets_of(path: Path) -> list[Packet]:
    """Return where the pictures of a film lie in its file, in the order of the bytes."""
    found: list[tuple[int, int, float, bool]] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        base = float(stream.time_base or 0)
        for packet in container.demux(stream):
            stamp = packet.pts if packet.pts is not None else packet.dts
            if packet.size and packet.pos is not None and stamp is not None:
                found.append((packet.pos, packet.size, stamp * base, packet.is_keyframe))
    found.sort()
    first_s = min(t_s for _, _, t_s, _ in found)
    return [Packet(at, at + size, t_s - first_s, key) for at, size, t_s, key in found]


def hit_of(
    packets: Sequence[Packet], begin: int, length: int, end_s: float, *, moved: bool, first: bool
) -> Hit:
    """Return what a block's damage reaches, up to the next picture that needs none before it.

    ``moved``: what follows the block is not where the file's index says; ``first``: that index
    stands before the pictures.
    """
    end = begin + length
    inside = [i for i, one in enumerate(packets) if one.begin < end and begin < one.end]
    # What says how the file is to be read lies before the pictures, or is moved with its end.
    head = begin < packets[0].begin or (moved and not first) or end > packets[-1].end
    if not inside:
        return Hit(0, 0.0, 0.0, head)
    last = inside[-1]
    nexts = [one.t_s for one in packets[last + 1 :] if one.key]
    to_s = nexts[0] if nexts and not moved else end_s
    behind = [one.t_s for one in packets[inside[0] :] if one.t_s < to_s]
    return Hit(len(inside), min(behind, default=packets[inside[0]].t_s), to_s, head)
