"""What is wrong with a part of the system."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from dms.masking import told

_LONGEST_FAULT = 500  # characters


class Part(str, Enum):
    """What can be at fault; the strings are the stable names on buses and in files."""

    CAMERA = "camera"
    ENGINE = "engine"
    BRIDGE = "bridge"
    VEHICLE = "vehicle"
    STORE = "store"
    LAMP = "lamp"
    OTHER = "other"  # as recorded by another version; its text has no such beginning


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one part. Its text, ``part: words``, is put together here alone.

    The words go to everybody: they are one line, without secrets, and not endless.
    """

    part: Part
    words: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", told(self.words)[:_LONGEST_FAULT])

    @classmethod
    def from_text(cls, text: str) -> Fault:
        """Return the fault that :meth:`__str__` told."""
        part, colon, words = text.partition(": ")
        known = colon and part in (one.value for one in Part if one is not Part.OTHER)
        return cls(Part(part), words) if known else cls(Part.OTHER, text)

    @property
    def blinding(self) -> bool:
        """Whether it touches the watching itself, not only what is kept of it or lights it."""
        return self.part not in (Part.STORE, Part.LAMP)

    def __str__(self) -> str:
        return self.words if self.part is Part.OTHER else f"{self.part.value}: {self.words}"
