"""How much of the bus our own messages take, computed from the contract in the worst case. Pure."""

from __future__ import annotations

from dms.bridge.codec import contract
from dms.bridge.settings import BridgeSettings

_ALERTS_HZ = 1.0  # more alerts than that a driver cannot be given (our estimate)


def frame_bits(length: int, *, extended: bool) -> int:
    """Return the most bits a classic CAN frame of ``length`` bytes takes, with stuffing and gap.

    Davis et al. 2007, "Controller Area Network schedulability analysis", equations 3 and 4.
    """
    stuffed = (54 if extended else 34) + 8 * length
    return stuffed + 13 + (stuffed - 1) // 4


def frame_s(length: int, settings: BridgeSettings) -> float:
    """Return the longest time a frame of ``length`` <= 8 bytes takes on the bus."""
    extended = settings.extended or settings.protocol == "j1939"
    if not settings.fd:
        return frame_bits(length, extended=extended) / settings.bitrate
    head = 36 if extended else 17  # to the bit-rate switch, ISO 11898-1
    slow = head + head // 4 + 13  # with stuffing; delimiter, ACK, end of frame, gap
    data = 1 + 4 + 8 * length
    fast = data + data // 4 + 4 + 17 + 6  # stuff count, CRC-17, its fixed stuff bits
    return slow / settings.bitrate + fast / settings.data_bitrate


def frames_per_s() -> dict[str, float]:
    """Return how often each of our messages is sent."""
    ours = [m for m in contract().messages if "DMS" in m.senders]
    return {m.name: 1000.0 / m.cycle_time if m.cycle_time else _ALERTS_HZ for m in ours}


def bus_load(settings: BridgeSettings) -> float:
    """Return the share 0..1 of the bus that our messages take at most, one alert a second."""
    lengths = {message.name: message.length for message in contract().messages}
    load = sum(rate * frame_s(lengths[name], settings) for name, rate in frames_per_s().items())
    return load + (frame_s(8, settings) if settings.protocol == "j1939" else 0.0)  # DM1
