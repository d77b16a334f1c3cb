"""The V4L2 device files of this machine: which of them capture, and which one is meant."""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from dms.errors import CameraError

_DEV = Path("/dev")
_QUERYCAP = 0x80685600  # VIDIOC_QUERYCAP: _IOR('V', 0, struct v4l2_capability)
_CAPABILITY = struct.Struct("=16s32s32sIII12x")
_CAPTURES = 0x1 | 0x1000  # V4L2_CAP_VIDEO_CAPTURE, ..._MPLANE; metadata nodes have neither


@dataclass(frozen=True, slots=True)
class CaptureDevice:
    """One device file; ``problem`` says why it cannot be used, if so."""

    path: Path
    card: str = ""
    bus: str = ""
    captures: bool = False
    problem: str | None = None


def query_device(path: Path) -> CaptureDevice:
    """Ask one device file what it is; never raises."""
    answer = bytearray(_CAPABILITY.size)
    try:
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(handle, _QUERYCAP, answer)
        finally:
            os.close(handle)
    except OSError as error:
        return CaptureDevice(path, problem=error.strerror or str(error))
    _, card, bus, _, _, capabilities = _CAPABILITY.unpack(answer)
    return CaptureDevice(path, _text(card), _text(bus), bool(capabilities & _CAPTURES))


def list_devices() -> list[CaptureDevice]:
    """Every /dev/video* in numeric order, those that do not capture included."""
    paths = [path for path in _DEV.glob("video*") if path.name[5:].isdigit()]
    return [query_device(path) for path in sorted(paths, key=lambda path: int(path.name[5:]))]


def find_device(source: str) -> Path:
    """Return the device file that ``source`` names: a path, a number, or ``auto``.

    A by-id path is followed anew each time, so a camera is found again under another number.
    Raises CameraError with what to do.
    """
    if source == "auto":
        return _first_capturing()
    path = _DEV / f"video{source}" if source.isdigit() else Path(source)
    if not path.exists():
        raise CameraError(
            f"There is no camera {path}; plug it in, or see ls -l /dev/v4l/by-id for others."
        )
    return path


def _first_capturing() -> Path:
    devices = list_devices()
    for device in devices:
        if device.captures:
            return device.path
    problems = [f"{item.path}: {item.problem}" for item in devices if item.problem]
    if problems:
        raise CameraError(
            f"No camera can be used ({'; '.join(problems)}); add this user to the group video."
        )
    raise CameraError("No camera is connected; plug one in, or set camera.source.")


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")
