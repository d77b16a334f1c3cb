"""A recording as a camera: every frame counts, time is the recording's own."""

from __future__ import annotations

from dms.camera.camera import Camera
from dms.camera.clock import RecordingClock
from dms.camera.gray import frame_picture
from dms.camera.settings import CameraSettings
from dms.camera.source import Source
from dms.errors import CameraError
from dms.values import Frame


class RecordedSource(Source):
    """A source with an end; ``fps`` is what it declares, 0 if it does not."""

    fps = 0.0


class Recording(Camera):
    """Reads a :class:`RecordedSource` frame by frame; ``t_s`` counts from its first frame."""

    live = False

    def __init__(self, source: RecordedSource, settings: CameraSettings) -> None:
        self._source = source
        self._settings = settings
        self._clock: RecordingClock | None = None
        self._sequence = 0

    def open(self) -> None:
        self._source.open()
        fps = self._settings.fps or self._source.fps
        self._clock = RecordingClock(fps, self._settings.largest_gap_s, self._settings.time_scale)
        self._sequence = 0

    def read(self) -> Frame | None:
        if self._clock is None:
            raise CameraError("The recording is not open; use it in a with statement.")
        picture = self._source.grab()
        if picture is None:
            return None
        gray = frame_picture(picture, self._settings)
        frame = Frame(gray=gray, t_s=self._clock.stamp(picture.t_s), sequence=self._sequence)
        self._sequence += 1
        return frame

    def close(self) -> None:
        self._clock = None
        self._source.close()
