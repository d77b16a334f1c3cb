"""GStreamer pipeline texts: CSI cameras on a Jetson, RTSP, and the user's own with its sink."""

from __future__ import annotations

import os
import re
from pathlib import Path

from dms.camera.settings import CameraSettings
from dms.errors import ConfigError

SINK = "appsink name=dms drop=true max-buffers=1 sync=false"
_GRAY = "video/x-raw,format=GRAY8"
_PLUGINS = "/usr/lib/aarch64-linux-gnu/gstreamer-1.0"  # JetPack's
_CSI_SIZE = (1280, 720, 30)  # a mode that the common Jetson sensors have


def pipeline(settings: CameraSettings) -> str:
    """Return the full pipeline for ``csi:N``, ``rtsp://...`` or a pipeline of the user's own.

    A pipeline that has no ``appsink`` gets conversion to gray and one that keeps the newest frame.
    Raises ConfigError where N is no number.
    """
    source = settings.source.strip()
    if source.startswith("csi:"):
        return _csi(settings, source.removeprefix("csi:"))
    if source.startswith(("rtsp://", "rtsps://")):
        return (
            f'rtspsrc location="{source}" latency={settings.rtsp_latency_ms} drop-on-latency=true '
            f"! decodebin ! {_converter()} ! {_GRAY} ! {SINK}"
        )
    if "appsink" in source:
        return source
    return f"{source} ! videoconvert ! {_GRAY} ! {SINK}"


def _converter() -> str:
    """Return the element that makes gray of what decodebin gives.

    On a Jetson decodebin takes nvv4l2decoder, whose pictures lie in NVMM memory: only nvvidconv
    takes these, and it takes others as well.
    """
    folders = [*os.environ.get("GST_PLUGIN_PATH", "").split(os.pathsep), _PLUGINS]
    there = any(Path(folder, "libgstnvvidconv.so").exists() for folder in folders if folder)
    return "nvvidconv" if there else "videoconvert"


def _csi(settings: CameraSettings, sensor: str) -> str:
    if not re.fullmatch(r"[0-9]*", sensor):
        raise ConfigError(f"camera.source: expected csi:0, csi:1, ..., got csi:{sensor}")
    width, height, fps = _CSI_SIZE
    width, height = settings.width or width, settings.height or height
    rate = round((settings.fps or fps) * 1000)
    return (
        f"nvarguscamerasrc sensor-id={int(sensor or 0)} ! "
        f"video/x-raw(memory:NVMM),width={width},height={height},framerate={rate}/1000,format=NV12 "
        f"! nvvidconv ! {_GRAY} ! {SINK}"
    )
