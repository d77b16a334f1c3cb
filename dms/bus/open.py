"""Opens a python-can bus from the settings, and says in words what is wrong with one."""

from __future__ import annotations

import difflib
import errno
import ipaddress
from typing import Any

from dms.bus.python_can import can
from dms.bus.settings import CAN_KINDS, BusSettings
from dms.errors import BridgeError, ConfigError

# Everything python-can, pyserial and the kernel raise for a bus that is not usable now.
BUS_ERRORS = (can.CanError, OSError, ValueError)

_ADVICE = {
    errno.ENOBUFS: "the transmit queue is full: nobody acknowledges, or the bit rate is wrong",
    errno.ENETDOWN: "the interface is down: ip link set {channel} up",
    errno.ENODEV: "there is no interface {channel}: ip link show",
    errno.ENXIO: "there is no interface {channel}: ip link show",
    errno.EAFNOSUPPORT: "this kernel knows no such bus; for SocketCAN: modprobe can_raw",
    errno.EACCES: "no permission: check the group of the device",
    errno.EPERM: "no permission: see DeviceAllow= in systemctl cat dms, and restart the service",
}
# Error frames of SocketCAN, include/uapi/linux/can/error.h
_CRTL, _BUS_OFF, _RESTARTED = 0x04, 0x40, 0x100
_PASSIVE = 0x10 | 0x20
_ACTIVE = 0x40


def check(settings: BusSettings) -> None:
    """Raise ConfigError for what no retry can fix: no bus of that kind, an impossible bit rate."""
    if settings.kind not in CAN_KINDS:
        near = difflib.get_close_matches(settings.kind, CAN_KINDS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(
            f"kind {settings.kind!r} is no CAN bus; choose one of {', '.join(CAN_KINDS)}{hint}"
        )
    if settings.kind == "slcan":
        from dms.bus.slcan import check_rates  # noqa: PLC0415 - pyserial and fcntl only if asked

        check_rates(settings.bitrate, settings.data_bitrate if settings.fd else None)
    if settings.kind == "udp_multicast" and _address_of_one(settings.channel):
        raise ConfigError(
            f"channel {settings.channel} is no multicast group; take one as 239.74.163.2"
        )


def _address_of_one(channel: str) -> bool:
    try:
        return not ipaddress.ip_address(channel).is_multicast
    except ValueError:  # a name
        return False


def open_bus(settings: BusSettings, *, listen_only: bool = False) -> can.BusABC:
    """Open the bus of ``settings``. Raises BridgeError with what to do."""
    try:
        return _open(settings, listen_only)
    except BUS_ERRORS as error:
        raise BridgeError(
            f"{settings.kind} {settings.channel}: {explain(error, settings.channel)}"
        ) from error
    except ImportError as error:
        raise BridgeError(f"{settings.kind} needs a package: {error}") from error


def _open(settings: BusSettings, listen_only: bool) -> can.BusABC:
    if settings.kind == "slcan":
        from dms.bus.slcan import SlcanBus  # noqa: PLC0415 - pyserial and fcntl only if asked

        return SlcanBus(
            settings.channel,
            bitrate=settings.bitrate,
            data_bitrate=settings.data_bitrate if settings.fd else None,
            serial_baud=settings.serial_baud,
            listen_only=listen_only,
            write_timeout_s=settings.send_timeout_s,
        )
    more: dict[str, Any] = {}
    if settings.kind == "virtual":
        more["preserve_timestamps"] = True
        more["protocol"] = can.CanProtocol.CAN_FD if settings.fd else can.CanProtocol.CAN_20
    elif settings.kind in {"socketcan", "udp_multicast"}:
        more["fd"] = settings.fd
    return can.Bus(interface=settings.kind, channel=settings.channel, **more)


def explain(error: BaseException, channel: str) -> str:
    """Return what to do about ``error``, in one phrase."""
    number = error_number(error)
    if number in _ADVICE:
        return _ADVICE[number].format(channel=channel)
    return str(error) or type(error).__name__


def error_number(error: BaseException | None) -> int | None:
    """Return the system's error number behind ``error``, wherever it was wrapped."""
    while error is not None:
        number = getattr(error, "error_code", None) or getattr(error, "errno", None)
        if isinstance(number, int):
            return number
        error = error.__cause__
    return None


def error_frame(message: can.Message) -> tuple[str | None, bool]:
    """Return what an error frame says in words, and whether it is good news.

    (None, False) where it says nothing of the bus's state.
    """
    kinds = message.arbitration_id
    if kinds & _BUS_OFF:
        return (
            "bus-off: check wiring, termination and bit rate; the interface needs restart-ms 100"
        ), False
    if kinds & _RESTARTED:
        return "restarted", True
    if kinds & _CRTL and len(message.data) > 1:
        if message.data[1] & _PASSIVE:
            return "error-passive: nobody acknowledges, or the line is disturbed", False
        if message.data[1] & _ACTIVE:
            return "error-active", True
    return None, False
