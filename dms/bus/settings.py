"""Settings of one CAN bus, whether we speak on it or only listen."""

from __future__ import annotations

from dms.settings import setting, settings

CAN_KINDS = ("socketcan", "slcan", "virtual", "udp_multicast")


@settings
class BusSettings:
    """One CAN bus and how it is kept alive."""

    kind: str = setting("virtual", text=f"one of {', '.join(CAN_KINDS)}")
    channel: str = setting(
        "dms",
        text="CAN interface (can0), serial port (/dev/serial/by-id/...), multicast address or, "
        "for virtual, any name",
    )
    bitrate: int = setting(
        500_000, unit="bit/s", gt=0, text="slcan sets it; for socketcan `ip` does"
    )
    fd: bool = setting(False, text="send CAN FD frames")
    data_bitrate: int = setting(2_000_000, unit="bit/s", gt=0, text="of the data phase, with fd")
    serial_baud: int = setting(115_200, unit="Bd", gt=0, text="slcan: of the serial port itself")
    wait: bool = setting(False, text="start without the bus and keep trying, instead of an error")
    queue: int = setting(256, unit="frames", ge=8, le=65536, text="waiting to be sent at most")
    send_timeout_s: float = setting(0.2, unit="s", gt=0, le=5, text="one frame may take this long")
    retry_s: float = setting(
        1.0, unit="s", gt=0, le=1, source="issue: at most 1 s", text="longest wait before a retry"
    )
    log: str = setting(
        "", text="CAN log of what was sent and seen: .blf, .asc, .log (candump), .mf4"
    )
