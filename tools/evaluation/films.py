"""Films made for measuring: a still with moving noise, a list of clips in a row; what was reported.

The chain runs as in the vehicle but for the bridges; time is the film's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from dms.chain import Chain
from dms.errors import ConfigError
from dms.values import DriverState, Event, EyesState, Frame, Gray, Kind, Level

FPS = 15.0
NOISE_GRAY = 3.0  # standard deviation, as of a small infrared sensor at night
FATIGUE = frozenset({Kind.MICROSLEEP, Kind.SLEEP, Kind.UNRESPONSIVE, Kind.DROWSY})
# Pictures of nir_faces in which both eyes are shut, or hardly a slit, read by eye.
SHUT = frozenset(
    {
        "s01_03", "s03_02", "s03_11", "s06_04", "s06_10", "s06_11", "s08_02", "s09_04", "s09_06",
        "s09_08", "s13_01",
    }
)  # fmt: skip


@dataclass(slots=True)
class Watched:
    """What the chain said of one film."""

    frames: int = 0
    seen: int = 0  # frames in which the eyes' state was known
    closed: int = 0  # frames in which they were said to be closed
    opened: int = 0
    away: int = 0
    longest_closed_s: float = 0.0
    events: list[Event] = field(default_factory=list)
    states: list[DriverState] = field(default_factory=list)

    def add(self, state: DriverState) -> None:
        """Count one frame."""
        self.frames += 1
        self.seen += state.eyes is not EyesState.UNKNOWN
        self.closed += state.eyes is EyesState.CLOSED
        self.opened += state.eyes is EyesState.OPEN
        self.away += state.away is True
        self.longest_closed_s = max(self.longest_closed_s, state.closed_s)
        self.events += state.events
        self.states.append(state)

    def alerts(self, kinds: Iterable[Kind] = tuple(Kind)) -> list[Event]:
        """Alerts of these kinds, without their repeats."""
        wanted = set(kinds)
        return [
            event
            for event in self.events
            if event.level > Level.NONE
            and event.kind in wanted
            and not event.values.get("repeated")
        ]

    def kinds(self) -> dict[str, int]:
        """How many alerts of each kind."""
        return dict(sorted(Counter(event.kind.value for event in self.alerts()).items()))


def watch(chain: Chain, frames: Iterable[Frame]) -> Watched:
    """Run a film as a new recording and return what was said of it."""
    chain.reset()
    said = Watched()
    for frame in frames:
        observation = chain.perception.observe(frame)
        faults = chain.perception.faults
        said.add(chain.core.step(observation, None, frame.t_s, faults))
    return said


def still(gray: Gray, seconds: float, *, seed: int = 1, fps: float = FPS) -> Iterator[Frame]:
    """A still picture with noise that moves."""
    noise = Noise(gray.shape, seed)
    for number in range(round(seconds * fps)):
        yield Frame(noise.over(gray), number / fps, number)


class Noise:
    """Gaussian noise, another part of one large sheet for each frame, as drawing it is slow."""

    def __init__(self, shape: tuple[int, ...], seed: int) -> None:
        self._random = np.random.default_rng(seed)
        height, width = shape
        size = (height + 64, width + 64)
        self._sheet = self._random.normal(0.0, NOISE_GRAY, size).astype(np.float32)
        self._shape = (height, width)

    def over(self, gray: Gray) -> Gray:
        """Return ``gray`` with fresh noise."""
        (height, width), (y, x) = self._shape, self._random.integers(0, 64, 2)
        noise = self._sheet[y : y + height, x : x + width]
        if self._random.random() < 0.5:
            noise = noise[:, ::-1]
        return cv2.convertScaleAbs(np.maximum(gray + noise, 0.0))


def clips_in_a_row(clips: Sequence[Path]) -> Iterator[Frame]:
    """All frames of the clips as one recording, each clip a frame after the one before."""
    start_s, number = 0.0, 0
    for clip in clips:
        frames = list(read_clip(clip))
        for frame in frames:
            yield Frame(frame.gray, start_s + frame.t_s, number)
            number += 1
        start_s += frames[-1].t_s + frames[-1].t_s / max(len(frames) - 1, 1)


def read_clip(clip: Path) -> Iterator[Frame]:
    """All frames of a clip in gray, timed by its rate. Raises ConfigError where one lacks."""
    capture = cv2.VideoCapture(str(clip))
    try:
        rate, number = float(capture.get(cv2.CAP_PROP_FPS)), 0
        while True:
            good, image = capture.read()
            if not good:
                break
            if not rate > 0:
                raise ConfigError(f"{clip} tells no frame rate; encode it again")
            gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            yield Frame(np.asarray(gray, np.uint8), number / rate, number)
            number += 1
    finally:
        capture.release()
    if number == 0:
        raise ConfigError(f"{clip} holds no frame; give a clip that OpenCV can read")


def read_still(path: Path) -> Gray:
    """One picture in gray. Raises ConfigError."""
    gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if gray is None:
        raise ConfigError(f"{path} is no picture; give a folder of pictures")
    return np.asarray(gray, np.uint8)
