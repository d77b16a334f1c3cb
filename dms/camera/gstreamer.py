"""GStreamer through PyGObject's appsink, for machines whose OpenCV has no GStreamer."""

from __future__ import annotations

from typing import Any

import gi
import numpy as np
from numpy.typing import NDArray

from dms.camera.pipelines import pipeline
from dms.camera.settings import CameraSettings
from dms.camera.source import Picture, Source
from dms.errors import CameraError, CameraLostError

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402  (the version must be chosen before the import)

_WAIT_NS = 500_000_000
_TYPES = {"GRAY8": (np.uint8, 1), "GRAY16_LE": (np.uint16, 1), "BGR": (np.uint8, 3)}


class GStreamerPipeline(Source):
    """One pipeline with an appsink. Stamps are on the monotonic clock where the pipeline's is."""

    def __init__(self, settings: CameraSettings) -> None:
        self._source, self._text = settings.source, pipeline(settings)
        self._pipeline: Any = None
        self._sink: Any = None

    def open(self) -> None:
        Gst.init(None)
        self.ended = False
        try:
            self._pipeline = Gst.parse_launch(self._text)
        except gi.repository.GLib.Error as error:
            raise CameraError(
                f"The GStreamer pipeline is not valid ({error.message}); try it with gst-launch-1.0"
            ) from error
        self._sink = next(_sinks(self._pipeline), None)
        if self._sink is None:
            raise CameraError("The GStreamer pipeline has no appsink; leave the sink away.")
        if self._pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            self._check_bus()
            raise CameraError(f"The GStreamer pipeline does not start: {self._text}")

    def grab(self) -> Picture | None:
        if self._pipeline is None:
            return None
        sample = self._sink.emit("try-pull-sample", _WAIT_NS)
        if sample is None:
            self._check_bus()
            self.ended = bool(self._sink.get_property("eos"))
            return None
        buffer = sample.get_buffer()
        return Picture(_image(sample, buffer), self._capture_s(buffer))

    def close(self) -> None:
        if self._pipeline is not None:
            self._pipeline.set_state(Gst.State.NULL)
            self._pipeline = self._sink = None

    def _check_bus(self) -> None:
        message = self._pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        if message is not None:
            error, _ = message.parse_error()
            raise CameraLostError(
                f"{self._source}: GStreamer reports: {error.message} Check camera and pipeline."
            )

    def _capture_s(self, buffer: Any) -> float | None:
        """Seconds of the pipeline's clock: the monotonic one unless a source brings its own."""
        if buffer.pts == Gst.CLOCK_TIME_NONE:
            return None
        return float(self._pipeline.get_base_time() + buffer.pts) / 1e9


def _sinks(made: Any) -> Any:
    found = made.iterate_sinks()
    while True:
        result, element = found.next()
        if result != Gst.IteratorResult.OK:
            return
        if element.get_factory().get_name() == "appsink":
            yield element


def _image(sample: Any, buffer: Any) -> NDArray[Any]:
    caps = sample.get_caps().get_structure(0)
    name = caps.get_value("format")
    if name not in _TYPES:
        raise CameraError(f"The pipeline gives {name}; end it in one of {', '.join(_TYPES)}.")
    kind, channels = _TYPES[name]
    width, height = caps.get_value("width"), caps.get_value("height")
    raw = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8)
    lines = raw.reshape(height, -1)  # lines are padded to 4 bytes
    row = lines[:, : width * channels * np.dtype(kind).itemsize]
    image: NDArray[Any] = np.ascontiguousarray(row).view(kind)
    return image.reshape(height, width, channels) if channels > 1 else image
