"""A CAN frame on its way out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CanFrame:
    """One frame to send: name of its message, its identifier and bytes, not yet protected."""

    name: str
    can_id: int
    extended: bool
    data: bytes
    t_s: float  # time of the decision it carries
