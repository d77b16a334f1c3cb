"""SAE J1939 in small: identifiers, the NAME of a device, and messages longer than a frame. Pure.

Identifiers and long messages as in J1939-21, the NAME as in J1939-81.
"""

from __future__ import annotations

from typing import NamedTuple

GLOBAL = 0xFF  # destination: everybody
NULL = 0xFE  # source: a device without an address
REQUEST = 0xEA00
ACKNOWLEDGE = 0xE800
ADDRESS_CLAIMED = 0xEE00
DM1 = 0xFECA  # active trouble codes, J1939-73
_TRANSPORT = 0xEC00
_TRANSPORT_DATA = 0xEB00
_BROADCAST = 32  # control byte: broadcast announce message
_NEGATIVE = 1  # control byte: not acknowledged
_PACKET = 7
LONGEST = 255 * _PACKET
_FIRST_BROADCAST_FORMAT = 0xF0  # PDU2: below it a message has a destination
_PRIORITY, _TRANSPORT_PRIORITY = 6, 7  # J1939-21 5.2.1, 5.10

Frame = tuple[int, bytes]  # 29-bit identifier, data


class Parts(NamedTuple):
    """What an identifier says."""

    pgn: int
    source: int
    destination: int


def identifier(
    pgn: int, source: int, *, priority: int = _PRIORITY, destination: int = GLOBAL
) -> int:
    """Return the 29-bit identifier of a message."""
    if pgn >> 8 & 0xFF < _FIRST_BROADCAST_FORMAT:
        pgn |= destination
    return priority << 26 | pgn << 8 | source


def parts(can_id: int) -> Parts:
    """Return what a 29-bit identifier says."""
    pgn = can_id >> 8 & 0x3FFFF
    if pgn >> 8 & 0xFF < _FIRST_BROADCAST_FORMAT:
        return Parts(pgn & 0x3FF00, can_id & 0xFF, pgn & 0xFF)
    return Parts(pgn, can_id & 0xFF, GLOBAL)


def is_proprietary(can_id: int) -> bool:
    """Whether a 29-bit identifier lies in the messages that J1939 leaves to manufacturers."""
    return can_id >> 24 & 0x03 == 0 and can_id >> 16 & 0xFF in (0xEF, 0xFF)


def name_of(
    *,
    identity: int,
    manufacturer: int,
    function: int,
    arbitrary: bool,
    ecu_instance: int = 0,
    function_instance: int = 0,
    vehicle_system: int = 0x7F,
    vehicle_system_instance: int = 0,
    industry_group: int = 1,
) -> int:
    """Return the 64-bit NAME; of two that claim one address the smaller wins."""
    return (
        identity & 0x1FFFFF
        | (manufacturer & 0x7FF) << 21
        | (ecu_instance & 0x07) << 32
        | (function_instance & 0x1F) << 35
        | (function & 0xFF) << 40
        | (vehicle_system & 0x7F) << 49
        | (vehicle_system_instance & 0x0F) << 56
        | (industry_group & 0x07) << 60
        | int(arbitrary) << 63
    )


def requested(data: bytes) -> int | None:
    """Return the PGN that a request asks for."""
    return int.from_bytes(data[:3], "little") if len(data) >= 3 else None


def refusal(pgn: int, asker: int, source: int) -> Frame:
    """Return the answer to a request for what we do not send."""
    data = bytes([_NEGATIVE, 0xFF, 0xFF, 0xFF, asker, *pgn.to_bytes(3, "little")])
    return identifier(ACKNOWLEDGE, source), data


def broadcast(pgn: int, data: bytes, source: int, *, priority: int = _PRIORITY) -> list[Frame]:
    """Return the frames of a message to everybody: itself, or announcement and packets.

    Packets must be 50 to 200 ms apart. ``data`` is at most :data:`LONGEST` bytes.
    """
    if len(data) <= 8:
        return [(identifier(pgn, source, priority=priority), data)]
    packets = [data[at : at + _PACKET] for at in range(0, len(data), _PACKET)]
    head = bytes([_BROADCAST, *len(data).to_bytes(2, "little"), len(packets), 0xFF])
    announced = identifier(_TRANSPORT, source, priority=_TRANSPORT_PRIORITY)
    carried = identifier(_TRANSPORT_DATA, source, priority=_TRANSPORT_PRIORITY)
    return [(announced, head + pgn.to_bytes(3, "little"))] + [
        (carried, bytes([number, *packet.ljust(_PACKET, b"\xff")]))
        for number, packet in enumerate(packets, 1)
    ]
