"""The kernel's side of V4L2 for tests without a camera: answers ioctls over a plain file.

It knows what dms and linuxpy ask of a capture device and refuses the rest as the kernel does. What
a real driver does is shown in the booted machine (tests/system), with vivid.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

raw = pytest.importorskip("linuxpy.video.raw", reason="linuxpy (extra v4l2) is not installed")

_CAPTURE, _STREAMING, _DEVICE_CAPS = 0x1, 0x04000000, 0x80000000
_MONOTONIC = 0x2000
_PAGE = 1 << 20  # each buffer's place in the file that stands in for the device's memory


@dataclass
class Setting:
    """One integer control: its range and what it is set to."""

    low: int
    high: int
    value: int
    flags: int = 0
    wide: bool = False  # 64 bits, which only the extended calls know


class FakeV4l2:
    """One device file. ``pictures`` are handed out in turn; None is a buffer marked as broken."""

    def __init__(self, path, formats=("GREY",), size=(64, 48), stride=None, controls=()):
        self.path = path
        self.path.write_bytes(bytes(4 * _PAGE))
        self.formats, self.form = list(formats), formats[0] if formats else None
        self.size, self.stride = size, stride or size[0]
        self.controls = dict(controls)
        self.pictures = []
        self.error = None
        self.clock = _MONOTONIC
        self.refused = set()
        self.set_order = []
        self.queued = []
        self.streaming = False
        self.fps = None

    def ioctl(self, fd, request, argument=0, *_):
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        number = getattr(request, "value", request) & 0xFF
        handler = self._HANDLERS.get(number)
        if handler is None or number in self.refused:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        kind, method = handler
        if kind is None:
            method(self)
            return 0
        plain = isinstance(argument, bytearray)
        value = kind.from_buffer(argument) if plain else argument
        method(self, value)
        del value
        return 0

    def _capability(self, answer):
        answer.driver, answer.card, answer.bus_info = b"fake", b"Fake camera", b"usb-fake-1"
        answer.capabilities = _CAPTURE | _STREAMING | _DEVICE_CAPS
        answer.device_caps = _CAPTURE | _STREAMING

    def _enum_format(self, answer):
        if answer.type != 1 or answer.index >= len(self.formats):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        answer.pixelformat = _code(self.formats[answer.index])

    def _get_format(self, answer):
        if answer.type != 1:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        pix = answer.fmt.pix
        pix.width, pix.height, pix.bytesperline = *self.size, self.stride
        pix.pixelformat, pix.sizeimage = _code(self.form), self.stride * self.size[1]

    def _set_format(self, asked):
        wanted = ctypes.c_uint32(asked.fmt.pix.pixelformat).value.to_bytes(4, "little").decode()
        if wanted in self.formats and not getattr(self, "stubborn", False):
            self.form = wanted
        self._get_format(asked)

    def _set_parm(self, asked):
        per = asked.parm.capture.timeperframe
        self.fps = per.denominator / per.numerator

    def _request(self, asked):
        self.queued = []

    def _query_buffer(self, answer):
        answer.length, answer.m.offset = self.stride * self.size[1], answer.index * _PAGE

    def _enqueue(self, asked):
        self.queued.append(asked.index)

    def _dequeue(self, answer):
        if not self.pictures or not self.queued:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        picture, answer.index = self.pictures.pop(0), self.queued.pop(0)
        answer.flags = self.clock
        if picture is None:
            answer.flags |= 0x40
            picture = b""
        with self.path.open("r+b") as memory:
            memory.seek(answer.index * _PAGE)
            memory.write(picture)
        answer.bytesused = len(picture)
        now = time.monotonic()
        answer.timestamp.secs, answer.timestamp.usecs = int(now), int(now % 1 * 1e6)

    def _stream_on(self, _):
        self.streaming = True

    def _stream_off(self, _):
        self.streaming = False

    def _query_control(self, answer):
        if answer.id not in self.controls or self.controls[answer.id].wide:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        found = self.controls[answer.id]
        answer.minimum, answer.maximum, answer.flags = found.low, found.high, found.flags

    def _get_control(self, answer):
        answer.value = self.controls[answer.id].value

    def _set_control(self, asked):
        found = self.controls[asked.id]
        if not found.low <= asked.value <= found.high:
            raise OSError(errno.ERANGE, os.strerror(errno.ERANGE))
        found.value = asked.value
        self.set_order.append((asked.id, asked.value))

    def _query_wide(self, answer):
        if answer.id not in self.controls:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        found = self.controls[answer.id]
        answer.type = 5 if found.wide else 1  # V4L2_CTRL_TYPE_INTEGER64
        answer.minimum, answer.maximum, answer.flags = found.low, found.high, found.flags

    def _get_wide(self, asked):
        assert asked.count == 1
        asked.controls[0].value64 = self.controls[asked.controls[0].id].value

    def _set_wide(self, asked):
        one = asked.controls[0]
        self._set_control(SimpleNamespace(id=one.id, value=one.value64))

    _HANDLERS = {
        0: (raw.v4l2_capability, _capability), 2: (raw.v4l2_fmtdesc, _enum_format),
        4: (raw.v4l2_format, _get_format), 5: (raw.v4l2_format, _set_format),
        8: (raw.v4l2_requestbuffers, _request), 9: (raw.v4l2_buffer, _query_buffer),
        15: (raw.v4l2_buffer, _enqueue), 17: (raw.v4l2_buffer, _dequeue),
        18: (ctypes.c_int, _stream_on), 19: (ctypes.c_int, _stream_off),
        22: (raw.v4l2_streamparm, _set_parm), 27: (raw.v4l2_control, _get_control),
        28: (raw.v4l2_control, _set_control), 36: (raw.v4l2_queryctrl, _query_control),
        71: (raw.v4l2_ext_controls, _get_wide), 72: (raw.v4l2_ext_controls, _set_wide),
        103: (raw.v4l2_query_ext_ctrl, _query_wide),
    }  # fmt: skip


def _code(name):
    return int.from_bytes(name.ljust(4).encode(), "little")
