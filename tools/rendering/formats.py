"""Films in the formats that recordings come in, written by PyAV's encoders (extra ``video``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

_FAST = {"deadline": "realtime", "cpu-used": "8", "b": "3M"}
_FIELDS = {"flags": "+ildct+ilme", "b": "8M"}


@dataclass(frozen=True, slots=True)
class Format:
    """How a film is written: codec and its options, layout of the pixels, container."""

    suffix: str
    codec: str
    options: Mapping[str, str] = field(default_factory=dict)
    form: str = "yuv420p"
    interlaced: bool = False  # two moments a picture, upper field first
    shape: Fraction | None = None  # width of a pixel over its height
    size: tuple[int, int] | None = None  # width and height where the codec knows no other
    container: Mapping[str, str] = field(default_factory=dict)  # options of the container
    start: int = 0  # number of the first picture: stamps that start late


X264 = {"crf": "20", "g": "30", "preset": "veryfast"}
FORMATS = {
    "H.264, MP4": Format(".mp4", "libx264", X264),
    "H.264, Matroska": Format(".mkv", "libx264", X264),
    "H.264, MPEG-TS": Format(".ts", "libx264", X264),
    "H.264, 10 bits": Format(".mkv", "libx264", X264, form="yuv420p10le"),
    "H.264, oblong pixels": Format(".mp4", "libx264", X264, shape=Fraction(2, 1)),
    "H.264, starts late": Format(".mkv", "libx264", X264, start=1250),
    "H.264, interlaced": Format(
        ".mkv", "libx264", {"x264-params": "tff=1:bframes=0", "crf": "14"}, interlaced=True
    ),
    "HEVC, MP4, index first": Format(
        ".mp4", "libx265", {"crf": "18", "x265-params": "log-level=error:keyint=30"},
        container={"movflags": "faststart"},
    ),
    "HEVC, 10 bits": Format(
        ".mkv", "libx265", {"crf": "14", "x265-params": "log-level=error"}, form="yuv420p10le"
    ),
    "VP9, WebM": Format(".webm", "libvpx-vp9", _FAST),
    "VP8, WebM": Format(".webm", "libvpx", _FAST),
    "MPEG-4, AVI": Format(".avi", "mpeg4", {"b": "4M", "g": "15"}),
    "MPEG-4, AVI, interlaced": Format(".avi", "mpeg4", _FIELDS, interlaced=True),
    "MPEG-4, MP4": Format(".mp4", "mpeg4", {"b": "4M", "g": "15"}),
    "MPEG-2, interlaced": Format(".mpg", "mpeg2video", _FIELDS, interlaced=True),
    "DV, interlaced": Format(".dv", "dvvideo", interlaced=True, size=(720, 576)),
    "Motion JPEG, AVI": Format(".avi", "mjpeg", {"qmin": "3", "qmax": "3"}, form="yuvj420p"),
    "Motion JPEG, Matroska": Format(".mkv", "mjpeg", {"qmin": "3", "qmax": "3"}, form="yuvj420p"),
    "FFV1, gray": Format(".mkv", "ffv1", form="gray"),
    "GIF": Format(".gif", "gif", form="gray"),
}  # fmt: skip


def write_film(path: Path, form: Format, pictures: Iterable[NDArray[np.uint8]], fps: int) -> Path:
    """Write gray ``pictures`` (H, W), all of one size, as a film; return its path.

    An interlaced one takes two pictures for each of its own, the first for the upper lines.
    """
    with av.open(f"file:{path}", "w", options=dict(form.container)) as out:
        stream: Any = None
        number = form.start
        fields: list[NDArray[np.uint8]] = []
        for picture in pictures:
            fields.append(picture)
            if form.interlaced and len(fields) < 2:
                continue
            luma = fields[0].copy()
            if form.interlaced:
                luma[1::2] = fields[1][1::2]
            fields.clear()
            if stream is None:
                stream = _stream(out, form, luma, fps)
            frame = av.VideoFrame.from_ndarray(luma, format="gray").reformat(format=form.form)
            frame.pts, frame.time_base = number, Fraction(1, fps)
            number += 1
            out.mux(stream.encode(frame))
        if stream is not None:
            out.mux(stream.encode())
    return path


def _stream(out: Any, form: Format, luma: NDArray[np.uint8], fps: int) -> Any:
    stream = out.add_stream(form.codec, rate=fps)
    stream.width, stream.height, stream.pix_fmt = luma.shape[1], luma.shape[0], form.form
    stream.options = dict(form.options)
    if form.shape:
        stream.codec_context.sample_aspect_ratio = form.shape
    return stream
