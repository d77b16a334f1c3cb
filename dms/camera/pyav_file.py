"""Video files through PyAV: the frames' own luma, times, rotation and shape; damage is passed over.

PyAV's wheels (extra ``video``) bring FFmpeg's libraries under the LGPL together with x264 and x265
under the GPL, so they are for benches and no part of the vehicle's package, where OpenCV reads.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import av.error
import cv2
import numpy as np
from numpy.typing import NDArray

from dms.camera.avi_index import AviIndex, written_index
from dms.camera.recording import RecordedSource
from dms.camera.settings import CameraSettings
from dms.camera.source import Picture
from dms.camera.video_file import check_readable, ffmpeg_name, incomplete
from dms.errors import CameraError
from dms.values import Gray

_log = logging.getLogger(__name__)
_MOST_FAILURES = 500  # packets in a row that the container cannot give: the rest is lost
_ALONE = ("mjpeg", "mjpegb")
_NO_ZEROS = ("h264", "hevc")  # their coding holds no three zero bytes; cards lose blocks to zeros
_ZEROS = bytes(64)
_LENGTHS = b"\x01"  # begins the header of a stream whose units have lengths, not start codes
_HOLE = 1024  # bytes between Matroska's packets, more than its own words take: passed over
_FULL = 2  # AVCOL_RANGE_JPEG: 0..255 instead of 16..235
_STRETCH = np.clip((np.arange(256) - 16.0) * 255.0 / 219.0 + 0.5, 0, 255).astype(np.uint8)


class PyavFile(RecordedSource):
    """One video file, turned upright and to square pixels; ``settings.fps`` overrides its stamps.

    Interlaced pictures are shown by their upper field, stretched to full height: two fields are two
    moments, and combs would look like lids.
    """

    def __init__(self, settings: CameraSettings) -> None:
        self._path = Path(settings.source)
        self._ignore_stamps = settings.fps is not None
        self._container: Any = None
        self._frames: Iterator[Any] = iter(())
        self._declared_s = 0.0
        self._count = 0
        self._first_s = self._last_s = 0.0
        self._no_zeros = False  # whether zeros in a packet are damage
        self._padded = False  # but for those before a start code and at its end
        self._index: AviIndex | None = None  # of a container without stamps
        self._coded_s = 0.0  # newest stamp of what is coded, decoded or not
        self._declared = 0  # pictures, 0 where it does not say
        self._missing = 0  # pictures that its reader has passed over
        self._shape = 1.0  # width of a pixel over its height

    def open(self) -> None:
        self.close()
        check_readable(self._path)
        try:
            container = av.open(ffmpeg_name(self._path), metadata_errors="replace")
        except (av.error.FFmpegError, ValueError) as error:
            raise CameraError(
                f"{self._path} is not a video that can be read, or was cut off before its index "
                f"was written ({_words(error)}); check it with ffprobe, or record it again."
            ) from error
        if not container.streams.video:
            container.close()
            raise CameraError(f"{self._path} is not a video: it holds no pictures; check the file.")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        if stream.codec_context.name in _ALONE:  # no other picture is lost with a damaged one
            stream.codec_context.options = {"err_detect": "+explode"}
        self._no_zeros = stream.codec_context.name in _NO_ZEROS
        self._padded = not (stream.codec_context.extradata or b"").startswith(_LENGTHS)
        rate = stream.average_rate or stream.guessed_rate or Fraction(0)
        self.fps = float(rate)
        self._declared_s = _declared_s(container, stream, self.fps)
        self._declared = stream.frames
        self._container, self._frames = container, self._decoded(container, stream)
        self._index, self._missing = _avi_index(container, stream, self._path), 0
        self._shape = float(stream.sample_aspect_ratio or 1)
        self.ended, self._count, self._last_s, self.short = False, 0, 0.0, False
        self._coded_s = 0.0

    def grab(self) -> Picture | None:
        if self.ended or self._container is None:
            return None
        frame = next(self._frames, None)
        if frame is None:
            self.ended = True
            self._check_complete()
            return None
        t_s = None if frame.time is None else float(frame.time)
        if self._count == 0:
            self._first_s = t_s or 0.0
        self._count += 1
        self._last_s = max(self._last_s, (t_s or 0.0) - self._first_s)
        image = upright(_luma(frame), frame, self._shape)
        return Picture(image, None if self._ignore_stamps else t_s)

    def close(self) -> None:
        self._frames = iter(())
        if self._container is not None:
            self._container.close()
            self._container = None

    def _decoded(self, container: Any, stream: Any) -> Iterator[Any]:
        """Yield every sound frame; what cannot be decoded is noted as damage and passed over."""
        packets, failures = self._demuxed(container, stream), 0
        while failures < _MOST_FAILURES:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                failures += 1
                self.spoilt(_words(error))
                packets = self._demuxed(container, stream)
                continue
            if packet is None:
                return
            self._stamp(packet)
            if self._no_zeros and packet.size and _zeroed(packet, padded=self._padded):
                self.spoilt("a part of zeros")
            try:
                frames = packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError as error:
                failures += 1
                self.spoilt(_words(error))
                continue
            for frame in frames:
                failures = 0
                if frame.is_corrupt:
                    self.spoilt("a damaged picture")
                    continue
                yield frame

    def _demuxed(self, container: Any, stream: Any) -> Iterator[Any]:
        """Yield the stream's packets; what Matroska's reader passes over is noted as damage."""
        if "matroska" not in container.format.name or "alpha_mode" in stream.metadata:
            yield from container.demux(stream)  # transparency lies between the packets, too
            return
        end = None
        for packet in container.demux():  # sound as well, since its bytes lie in between
            if packet.size and packet.pos is not None:
                if end is not None and packet.pos - end > _HOLE:
                    self.spoilt("a part that cannot be read")
                end = max(end or 0, packet.pos + packet.size)
            if packet.stream.index == stream.index:  # its own index is 0 in what flushes a decoder
                yield packet

    def _stamp(self, packet: Any) -> None:
        """Move a packet in time where the reader passed over others; note the newest time."""
        if self._index is not None and packet.size:
            missing = self._index.missing(packet.pos or 0, packet.size)
            if missing > self._missing:
                self.spoilt(f"{missing - self._missing} pictures are missing")
            self._missing = missing
            packet.dts = None if packet.dts is None else packet.dts + missing
            packet.pts = None if packet.pts is None else packet.pts + missing
        if packet.size and packet.pts is not None:
            self._coded_s = max(self._coded_s, float(packet.pts * packet.time_base))

    def _tell_missing(self) -> None:
        """Say at an AVI's end what its reader has passed over without a word."""
        if self._index is None:
            return
        if missing := self._index.to_come:
            self.spoilt(f"{missing} pictures are missing")
        elif self._index.empty and (missing := self._declared - self._count) > 1:
            self.lacking = f"{missing} of {self._declared} pictures are missing"

    def _check_complete(self) -> None:
        if self._count == 0:
            raise CameraError(f"{self._path} holds no picture that can be decoded; check the file.")
        self._tell_missing()
        period_s = 1.0 / self.fps if self.fps > 0 else 0.0
        got_s = max(self._last_s + period_s, self._count * period_s)
        self.short = self._declared_s - got_s > period_s / 2
        came_s = max(got_s, self._coded_s - self._first_s + period_s)
        listed = self._index is not None and self._index.to_come  # up to the end, so not cut off
        if self._declared_s and incomplete(self._declared_s, came_s) and not listed:
            raise CameraError(
                f"{self._path} is truncated or damaged: it declares {self._declared_s:.2f} s "
                f"({round(self._declared_s * self.fps)} frames) but ends after {got_s:.2f} s "
                f"({self._count} frames); what came before was used, record or copy the file "
                "again for the rest."
            )
        if incomplete(self._declared_s, got_s):
            self.spoilt("it cannot be decoded")  # all of it is there


def _avi_index(container: Any, stream: Any, path: Path) -> AviIndex | None:
    if container.format.name != "avi":
        return None
    found = [(one.pos, one.size) for one in stream.index_entries]
    if len(found) < stream.frames:
        found = list(written_index(path, stream.index))
    return AviIndex(one for one in found if one[1])  # an empty chunk is time without a picture


def _declared_s(container: Any, stream: Any, fps: float) -> float:
    """Return how long the pictures last, as the file says, 0 where it does not.

    What starts late was cut out of a longer recording with its stamps kept; Matroska then declares
    where it ends.
    """
    start_s = float((stream.start_time or 0) * stream.time_base) if stream.time_base else 0.0
    if stream.frames and fps > 0:  # a count that was written; durations may be guessed
        return float(stream.frames / fps)
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration:
        whole_s = float(container.duration / av.time_base)
        return whole_s - start_s if "matroska" in container.format.name else whole_s
    return 0.0


def _luma(frame: Any) -> Gray:
    """Return the picture's brightness, (H, W) uint8 of 0..255, without a detour over colours."""
    form = frame.format
    planar = form.name.startswith(("yuv", "nv12", "nv21", "gray"))
    depth = form.components[0].bits
    if (planar and form.is_planar and depth == 8) or form.name == "gray":
        gray = _plane(frame, np.dtype(np.uint8))
        full = form.name.startswith(("yuvj", "gray")) or frame.color_range == _FULL
    elif planar and 8 < depth <= 16 and form.name.endswith("le"):
        words = _plane(frame, np.dtype("<u2"))
        gray = np.minimum(words >> (depth - 8), 255).astype(np.uint8)
        full = form.name.startswith("gray") or frame.color_range == _FULL
    elif form.name == "bgra":  # GIF
        gray, full = cv2.cvtColor(frame.to_ndarray(), cv2.COLOR_BGRA2GRAY), True
    else:
        bgr = frame.to_ndarray(format="bgr24")
        gray, full = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), True
    if full:
        return cast("Gray", gray.copy())  # the decoder's memory is used again
    return cast("Gray", cv2.LUT(gray, _STRETCH))


def _zeroed(packet: Any, *, padded: bool) -> bool:
    """Whether a packet holds zeros that no sound one holds.

    ``padded``: they may stand before a start code and at the end (ITU-T H.264, Annex B).
    """
    words = np.frombuffer(packet, np.uint64, packet.size // 8)  # cheaper than to look at once
    if words.all():
        return False
    rest = bytes(packet)
    while (at := rest.find(_ZEROS)) >= 0:
        rest = rest[at:].lstrip(b"\0")
        if not padded or (rest and not rest.startswith(b"\x01")):
            return True
    return False


def _plane(frame: Any, kind: np.dtype[Any]) -> NDArray[Any]:
    plane = frame.planes[0]
    lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height]
    return lines[:, : frame.width * kind.itemsize].view(kind)


def upright(gray: Gray, frame: Any, shape: float) -> Gray:
    """Return the picture as it is meant to be seen: one field, square pixels, turned upright."""
    height, width = gray.shape
    if frame.interlaced_frame:
        gray = cast("Gray", cv2.resize(gray[0::2], (width, height)))
    if 0.1 < shape < 10 and round(width * shape) != width:
        gray = cast("Gray", cv2.resize(gray, (round(width * shape), height)))
    turns = round(frame.rotation / 90) % 4  # counterclockwise, as the display matrix says
    return cast("Gray", np.ascontiguousarray(np.rot90(gray, turns))) if turns else gray


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")
