"""The V4L2 device files of this machine: which of them capture, and which one is meant."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dms.camera.settings import PixelFormat
from dms.errors import CameraError

_DEV = Path("/dev")
_QUERYCAP = 0x80685600  # VIDIOC_QUERYCAP: _IOR('V', 0, struct v4l2_capability)
_CAPABILITY = struct.Struct("=16s32s32sIII12x")
_ENUM_FMT = 0xC0405602  # VIDIOC_ENUM_FMT: _IOWR('V', 2, struct v4l2_fmtdesc)
_FORMAT = struct.Struct("=III32s4sI12x")
_VIDEO_CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
_MOST_FORMATS = 64
_USABLE = frozenset(form.value for form in PixelFormat)
# A raw colour sensor's own mosaics (V4L2_PIX_FMT_SRGGB10 and its kin): RG10, BA81, pgAA, ...
_BAYER = frozenset(  # a colour sensor's own mosaics: V4L2_PIX_FMT_SRGGB8 to 16 and their kin
    ["BA81", "GBRG", "GRBG", "RGGB", "BYR2"]
    + [
        order + depth
        for order in ("BG", "GB", "GR", "BA", "RG")
        for depth in ("10", "12", "14", "16")
    ]
    + ["p" + order + depth * 2 for order in "BGgR" for depth in "ACE"]  # packed
)
_CAPTURES = 0x1 | 0x1000  # V4L2_CAP_VIDEO_CAPTURE, ..._MPLANE; metadata nodes have neither


@dataclass(frozen=True, slots=True)
class CaptureDevice:
    """One device file; ``problem`` says why it cannot be used, if so."""

    path: Path
    card: str = ""
    bus: str = ""
    captures: bool = False
    problem: str | None = None
    formats: tuple[str, ...] = ()  # four-character codes, as the driver names them

    @property
    def usable(self) -> bool:
        """Whether it gives pictures in a format that dms reads."""
        return self.captures and bool(_USABLE.intersection(self.formats))

    @property
    def bayer(self) -> bool:
        """Whether all it gives are the raw mosaics of a colour sensor, which want an ISP."""
        return bool(self.formats) and _BAYER.issuperset(self.formats)


def query_device(path: Path) -> CaptureDevice:
    """Ask one device file what it is; never raises."""
    answer = bytearray(_CAPABILITY.size)
    try:
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(handle, _QUERYCAP, answer)
            formats = tuple(_formats(handle))
        finally:
            os.close(handle)
    except OSError as error:
        return CaptureDevice(path, problem=_explained(error))
    _, card, bus, _, _, capabilities = _CAPABILITY.unpack(answer)
    captures = bool(capabilities & _CAPTURES)
    return CaptureDevice(path, _text(card), _text(bus), captures, formats=formats)


_ADVICE = {
    errno.EACCES: "add this user to the group video",
    # systemd makes a unit's device list once, at its start (DeviceAllow= in systemd/dms.service).
    errno.EPERM: "the service's device list does not let it in: sudo systemctl restart dms, and "
    "see DeviceAllow= in systemctl cat dms",
}


def why_refused(error: OSError) -> str:
    """Return what to do about a device file that cannot be opened."""
    usual = "is another program using it, and is this user in the group video?"
    return _ADVICE.get(error.errno or 0, usual)


def _explained(error: OSError) -> str:
    told, advice = error.strerror or str(error), _ADVICE.get(error.errno or 0)
    return told if advice is None else f"{told}: {advice}"


def _formats(handle: int) -> Iterator[str]:
    """Yield the codes of what the opened device captures; nothing where it does not say."""
    for index in range(_MOST_FORMATS):
        answer = bytearray(_FORMAT.pack(index, _VIDEO_CAPTURE, 0, b"", b"", 0))
        try:
            fcntl.ioctl(handle, _ENUM_FMT, answer)
        except OSError:
            return
        yield _FORMAT.unpack(answer)[4].decode("ascii", "replace").strip()


def list_devices() -> list[CaptureDevice]:
    """Every /dev/video* in numeric order, those that do not capture included."""
    paths = [path for path in _DEV.glob("video*") if path.name[5:].isdigit()]
    return [query_device(path) for path in sorted(paths, key=lambda path: int(path.name[5:]))]


def find_device(source: str) -> Path:
    """Return the device file that ``source`` names: a path, a number, or ``auto``.

    A by-id path is followed again each time, so a camera is found again under another number.
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
    capturing = [device for device in devices if device.captures]
    # A driver that lists no format is tried all the same.
    fit = [device for device in capturing if device.usable or not device.formats]
    if fit:
        return min(fit, key=lambda device: not device.usable).path
    if capturing:
        raise CameraError(" ".join(_unfit(device) for device in capturing))
    problems = [f"{item.path}: {item.problem}" for item in devices if item.problem]
    if problems:
        raise CameraError(f"No camera can be used ({'; '.join(problems)}).")
    raise CameraError("No camera is connected; plug one in, or set camera.source.")


def _unfit(device: CaptureDevice) -> str:
    """Return why a camera that captures gives nothing that dms reads, and what to set."""
    offered = ", ".join(device.formats)
    if device.bayer:
        return (
            f"{device.path} gives a colour sensor's raw mosaic only ({offered}): on a Jetson set "
            "camera.source to csi:0, so that its ISP makes pictures of it."
        )
    known = ", ".join(form.value for form in PixelFormat)
    return f"{device.path} offers {offered}, and dms reads {known}; use another camera."


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")
