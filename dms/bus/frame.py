"""A CAN frame on its way out."""

from __future__ import annotations

from dataclasses import dataclass

from dms.fast_init import fast_init


@fast_init
@dataclass(frozen=True, slots=True)
class CanFrame:
    """One frame to send: name of its message, its identifier and bytes, not yet protected."""

    name: str
    can_id: int
    extended: bool
    data: bytes
    t_s: float  # time of the decision it carries
