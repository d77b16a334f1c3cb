"""Which backend serves which source, and which of them this machine has."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import cv2

from dms.camera.camera import Camera
from dms.camera.joined import JoinedRecording
from dms.camera.live import LiveCamera
from dms.camera.pipelines import pipeline
from dms.camera.recording import RecordedSource, Recording
from dms.camera.settings import CameraSettings, SourceKind
from dms.camera.source import Source
from dms.errors import CameraError, ConfigError
from dms.plainfile import check_name

_RTSP = ("rtsp://", "rtsps://")
_LIVE = {SourceKind.V4L2, SourceKind.GSTREAMER}
BACKENDS = {
    "file": "dms.camera.pyav_file:PyavFile",
    "file-opencv": "dms.camera.video_file:VideoFile",
    "folder": "dms.camera.image_folder:ImageFolder",
    "v4l2": "dms.camera.v4l2:V4l2Device",
    "v4l2-opencv": "dms.camera.opencv_stream:OpenCvV4l2",
    "gstreamer": "dms.camera.gstreamer:GStreamerPipeline",
    "gstreamer-opencv": "dms.camera.opencv_stream:OpenCvGStreamer",
    "rtsp-opencv": "dms.camera.opencv_stream:OpenCvRtsp",
}


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether one backend can be used here; ``detail`` is a version, or what to do."""

    name: str
    present: bool
    detail: str


def open_camera(settings: CameraSettings, *, patient: bool = False) -> Camera:
    """Return the camera for these settings; it opens on entering the ``with`` statement.

    ``patient``: a live camera does not wait while it opens, see :class:`LiveCamera`.
    Raises ConfigError for settings that contradict each other, CameraError where no backend on
    this machine serves them.
    """
    check_name(settings.source)
    kind = check_camera(settings)
    if kind in _LIVE and settings.time_scale != 1.0:
        raise ConfigError(
            f"camera.time_scale is for recordings, got {settings.time_scale} with the live source "
            f"{settings.source}; remove it."
        )
    made = _load(BACKENDS[_choose(kind, settings)])
    if kind in _LIVE:
        return LiveCamera(lambda: made(settings), settings, patient)
    return Recording(cast("RecordedSource", made(settings)), settings)


def open_joined(settings: CameraSettings, sources: Sequence[str]) -> JoinedRecording:
    """Return ``sources``, the segments of one drive in their order, as one recording."""

    def make(source: str) -> Camera:
        return open_camera(replace(settings, source=source))

    return JoinedRecording(sources, make, settings.segment_gap_s, strict=settings.strict)


def check_camera(settings: CameraSettings) -> SourceKind:
    """Return how the source is read; looks at neither devices nor libraries of this machine.

    Raises ConfigError where source and kind contradict each other. (A time scale may stand beside a
    live source: the bench brings its own recordings.)
    """
    kind = source_kind(settings)
    looks = source_kind(replace(settings, kind=SourceKind.AUTO))
    if kind is not looks and {kind, looks} == _LIVE:
        raise ConfigError(
            f"camera.kind is {kind.value}, but camera.source {settings.source} looks like "
            f"{looks.value}; remove the kind, or fix the source."
        )
    if kind is SourceKind.GSTREAMER:
        pipeline(settings)
    return kind


def source_kind(settings: CameraSettings) -> SourceKind:
    """Return how the source is read, guessing from its looks where ``kind`` is auto."""
    if settings.kind is not SourceKind.AUTO:
        return settings.kind
    source = settings.source.strip()
    if source == "auto" or source.isdigit() or source.startswith("/dev/"):
        return SourceKind.V4L2
    if source.startswith(("csi:", *_RTSP)) or re.search(r"\s!\s", source):
        return SourceKind.GSTREAMER
    try:
        return SourceKind.FOLDER if Path(source).is_dir() else SourceKind.FILE
    except OSError:  # who opens it says why it cannot be looked at
        return SourceKind.FILE


def presences() -> list[Presence]:
    """Every backend and whether it is here, for ``dms doctor``."""
    built_in = f"OpenCV {cv2.__version__}"
    lacks_v4l2 = "only on Linux; use a GStreamer source"
    v4l2 = "V4L2" in _opencv_backends()
    gstreamer = _opencv_has_gstreamer()
    return [
        _optional("file", "av", "pip install dms-jetson[video]; OpenCV reads films until then"),
        Presence("file-opencv", "FFMPEG" in _opencv_backends(), built_in),
        Presence("folder", True, built_in),
        _optional("v4l2", "linuxpy", "pip install dms-jetson[v4l2] (GPL-3.0-or-later)"),
        Presence("v4l2-opencv", v4l2, built_in if v4l2 else lacks_v4l2),
        _pygobject(),
        Presence(
            "gstreamer-opencv",
            gstreamer,
            built_in if gstreamer else "this OpenCV is built without GStreamer; JetPack's has it",
        ),
        Presence("rtsp-opencv", "FFMPEG" in _opencv_backends(), built_in),
    ]


def _choose(kind: SourceKind, settings: CameraSettings) -> str:
    if kind is SourceKind.V4L2:
        return "v4l2" if importlib.util.find_spec("linuxpy") else "v4l2-opencv"
    if kind is SourceKind.FILE:
        return "file" if importlib.util.find_spec("av") else "file-opencv"
    if kind is not SourceKind.GSTREAMER:
        return str(kind.value)
    if _opencv_has_gstreamer():
        return "gstreamer-opencv"
    if _pygobject().present:
        return "gstreamer"
    if settings.source.strip().startswith(_RTSP):
        return "rtsp-opencv"
    raise CameraError(
        f"{settings.source} needs GStreamer: use JetPack's OpenCV, or apt install python3-gi "
        "gir1.2-gst-plugins-base-1.0 and let the environment see system packages."
    )


def _load(target: str) -> Callable[[CameraSettings], Source]:
    module, name = target.split(":")
    return cast(
        "Callable[[CameraSettings], Source]", getattr(importlib.import_module(module), name)
    )


def _opencv_backends() -> set[str]:
    registry = cv2.videoio_registry
    return {registry.getBackendName(item) for item in registry.getBackends()}


@functools.cache
def _opencv_has_gstreamer() -> bool:
    # The registry lists GStreamer as a plug-in slot even where nothing fills it.
    found = re.search(r"GStreamer:\s+(\w+)", cv2.getBuildInformation())
    return found is not None and found.group(1) == "YES"


def _optional(name: str, module: str, advice: str) -> Presence:
    if importlib.util.find_spec(module) is None:
        return Presence(name, False, advice)
    return Presence(name, True, f"{module} {importlib.metadata.version(module)}")


@functools.cache
def _pygobject() -> Presence:
    advice = "apt install python3-gi gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-good"
    try:
        gi = importlib.import_module("gi")
        gi.require_version("Gst", "1.0")
        gi.require_version("GstApp", "1.0")
    except (ImportError, ValueError) as error:
        return Presence("gstreamer", False, f"{advice} ({error})")
    return Presence("gstreamer", True, f"PyGObject {gi.__version__}")
