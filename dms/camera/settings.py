"""Where the picture comes from, and when a camera counts as lost."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from dms.settings import setting, settings


class SourceKind(str, Enum):
    """How ``source`` is read; ``auto`` goes by what the text looks like."""

    AUTO = "auto"
    FILE = "file"
    FOLDER = "folder"
    V4L2 = "v4l2"
    GSTREAMER = "gstreamer"


class PixelFormat(str, Enum):
    """Formats asked of a V4L2 camera, best first: an infrared sensor's own gray before colour."""

    GREY = "GREY"
    Y10 = "Y10"
    Y12 = "Y12"
    Y16 = "Y16"
    YUYV = "YUYV"
    MJPG = "MJPG"

    @property
    def bits(self) -> int:
        """Significant bits of one gray value."""
        return {"Y10": 10, "Y12": 12, "Y16": 16}.get(self.value, 8)


@settings
class CameraSettings:
    """The camera or recording. Every time-out is counted in seconds of the machine's clock."""

    source: str = setting(
        "auto",
        text="video file, folder of pictures, /dev/v4l/by-id/..., csi:0, rtsp://..., a GStreamer "
        "pipeline, or auto: the first camera found",
    )
    kind: SourceKind = setting(SourceKind.AUTO, text="how to read source; auto goes by its looks")
    width: int | None = setting(None, ge=64, le=8192, unit="px", text="asked of a live camera")
    height: int | None = setting(None, ge=64, le=8192, unit="px", text="asked of a live camera")
    fps: float | None = setting(
        None,
        gt=0,
        le=1000,
        unit="1/s",
        text="live: rate asked for; folder: rate without a timestamps file; video file: overrides "
        "the file's own timestamps",
    )
    timestamps: str | None = setting(
        None, text="CSV with columns file,t_s for a folder (default: timestamps.csv in it)"
    )
    time_scale: float = setting(
        1.0, gt=0, le=100, text="recordings only: 2 for a clip played at twice the real speed"
    )
    pixel_format: PixelFormat | None = setting(
        None, text="V4L2 format; default: the first of GREY, Y10, Y12, Y16, YUYV, MJPG on offer"
    )
    bits: int | None = setting(
        None, ge=8, le=16, text="significant bits of gray deeper than 8 bits; default: by format"
    )
    rotate_deg: Literal[0, 90, 180, 270] = setting(0, unit="deg", text="turn clockwise, mounting")
    mirror: bool = setting(False, text="undo a mirrored picture (left and right swapped)")
    first_frame_s: float = setting(
        10.0, gt=0, le=120, unit="s", text="a camera without a first picture by then is given up"
    )
    silent_s: float = setting(
        2.0,
        gt=0,
        le=60,
        unit="s",
        text="a camera without a new picture for so long is lost; less "
        "than service.liveness.camera_s",
    )
    frozen_s: float | None = setting(
        3.0,
        gt=0,
        le=600,
        unit="s",
        text="the very same picture, bit for bit, for so long is a frozen camera; null: never",
    )
    strict: bool = setting(
        False, text="recordings: end at the first part that cannot be decoded, instead of after it"
    )
    segment_gap_s: float = setting(
        0.3, ge=0, le=60, unit="s", source="dash cameras lose about this where a file ends",
        text="joined segments: time between them, unless date and time in their names say more",
    )  # fmt: skip
    rtsp_latency_ms: int = setting(100, ge=0, le=10_000, unit="ms", text="RTSP jitter buffer")
    largest_gap_s: float = setting(
        60.0, gt=0, unit="s", text="recordings: a larger jump of the timestamps is a broken stamp"
    )
