"""A drive without pixels: a fluent maker of observations that steps the core as it goes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from dms.decision.core import Core
from dms.decision.emotion.relative import RelativeHead
from dms.decision.settings import CoreSettings
from dms.values import (
    EXPRESSIONS,
    Box,
    Command,
    DriverObservation,
    DriverState,
    Embedding,
    Event,
    ExpressionScores,
    EyeEvidence,
    Fault,
    HeadPose,
    Iris,
    Kind,
    Level,
    Unseen,
    VehicleContext,
)
from tests.scenarios.faces import Face

FACE = Box(100.0, 80.0, 200.0, 200.0)


@dataclass
class Drive:
    """Each verb lasts some seconds and steps the core with every frame of them."""

    fps: float = 30.0
    settings: CoreSettings = field(default_factory=CoreSettings)
    open_ear: float = 0.30
    closed_ear: float = 0.13
    net: bool = False  # whether the eye-state net speaks too
    ear: bool = True
    start_s: float = 0.0
    sway_deg: float = 2.0
    keep: Callable[[int], bool] = lambda _: True  # which frames are not dropped
    head: RelativeHead | None = None  # of a made-up net with embeddings (faces.py)

    def __post_init__(self) -> None:
        self.core = Core(self.settings, head=self.head)
        self.shown: Callable[[], NDArray[np.float32]] | None = None  # the next embedding
        self.kept: list[DriverObservation] = []  # what of them may be kept
        self.frame = 0
        self.states: list[DriverState] = []
        self.observations: list[tuple[DriverObservation, VehicleContext | None]] = []
        self.vehicle: VehicleContext | None = None
        self.faults: tuple[Fault, ...] = ()
        self.pose = HeadPose(0.0, 0.0, 0.0)
        self.bowed_deg = 0.0  # how far the head has come down, in the picture
        self.scores: ExpressionScores | None = None
        self.mar = 0.02
        self.visible = 0.97
        self.gaze: tuple[float, float] | None = None  # against the camera; None: no iris is told
        self.iris_sd = 0.012  # eye widths
        self.brightness = 110.0
        self.age_s = 0.0  # of what the vehicle says

    @property
    def t_s(self) -> float:
        """Time of the next frame."""
        return self.start_s + self.frame / self.fps

    @property
    def state(self) -> DriverState:
        return self.states[-1]

    @property
    def events(self) -> list[Event]:
        return [event for state in self.states for event in state.events]

    @property
    def alerts(self) -> list[Event]:
        """Events that are alerts, without repeats."""
        return [e for e in self.events if e.level > 0 and not e.values.get("repeated")]

    @property
    def kinds(self) -> list[Kind]:
        return [event.kind for event in self.alerts]

    def first(self, kind: Kind, level: Level | None = None) -> Event:
        """Return the first alert of a kind; StopIteration says that there is none."""
        return next(e for e in self.alerts if e.kind is kind and level in {None, e.level})

    def drives(
        self, speed_kmh: float | None = None, *, age_s: float = 0.0, **context: object
    ) -> Self:
        """Set what the vehicle says from now on; nothing at all makes it unknown."""
        self.age_s = age_s
        if speed_kmh is None and not context:
            self.vehicle = None
        else:
            self.vehicle = VehicleContext(0.0, speed_kmh=speed_kmh, **context)  # type: ignore[arg-type]
        return self

    def tells(self, **command: bool) -> Self:
        """Send a command of the head unit."""
        self.core.command(Command(**command))
        return self

    def looks_like(
        self,
        anger: float = 0.0,
        happiness: float = 0.0,
        *,
        sure: bool = True,
        valence: float | None = None,
        **more: float,
    ) -> Self:
        """Set the expression from now on; the rest is neutral."""
        scores = {"anger": anger, "happiness": happiness, **more}
        scores["neutral"] = max(1.0 - sum(scores.values()), 0.0)
        row = tuple(scores.get(name, 0.0) for name in EXPRESSIONS)
        self.scores = ExpressionScores(row, sure, max(row), valence)
        return self

    def shows(self, face: Face, anger: float = 0.0, joy: float = 0.0) -> Self:
        """Let the net give embeddings of this face from now on, beside the scores."""
        if self.scores is None:
            self.looks_like()
        self.shown = lambda: face.shows(anger, joy)
        return self

    def talks(self, seconds: float, wide: float = 0.12) -> Self:
        """Move the mouth, four syllables a second."""
        return self._run(seconds, lambda: replace(self._observed(1.0), mar=self._syllable(wide)))

    def _syllable(self, wide: float) -> float:
        return 0.02 + wide * math.sin(4 * math.pi * self.t_s) ** 2

    def watches(self, seconds: float, openness: float = 1.0) -> Self:
        """Look where the head points, with the lids at ``openness``."""
        return self._run(seconds, lambda: self._observed(openness))

    def closes(self, seconds: float) -> Self:
        return self.watches(seconds, 0.0)

    def blinks(self, closed_s: float = 0.12, every_s: float = 3.0, seconds: float = 30.0) -> Self:
        """Blink regularly, the eyes fully closed for ``closed_s``."""
        end_s = self.t_s + seconds
        while self.t_s < end_s - 1e-9:
            left_s = end_s - self.t_s
            self.watches(min(every_s - closed_s, left_s))
            left_s = end_s - self.t_s
            if left_s > 1e-9:
                self.closes(min(closed_s, left_s))
        return self

    def bows(
        self,
        seconds: float,
        to_deg: float,
        openness: Callable[[float], float] = lambda _: 0.0,
        *,
        reads: float = 1.0,
    ) -> Self:
        """Move the head to ``to_deg`` below, the lids as ``openness`` of the share of the way.

        ``reads``: how much of it the pose tells; the face's place in the picture tells all of it.
        """
        steps, from_deg = max(round(seconds * self.fps), 1), self.bowed_deg
        for step in range(1, steps + 1):
            share = (1.0 - math.cos(math.pi * step / steps)) / 2
            self.bowed_deg = from_deg + (to_deg - from_deg) * share
            self.pose = HeadPose(0.0, -self.bowed_deg * reads, 0.0)
            self.watches(1 / self.fps, openness(share))
        return self

    def turns(self, seconds: float, yaw_deg: float = 0.0, pitch_deg: float = 0.0) -> Self:
        """Hold the head off the straight, then bring it back."""
        straight, self.pose = self.pose, HeadPose(yaw_deg, pitch_deg, 0.0)
        self.watches(seconds)
        self.pose = straight
        return self

    def looks_off(self, yaw_deg: float = 0.0, pitch_deg: float = 0.0) -> Self:
        """Turn the head from now on."""
        self.pose = HeadPose(yaw_deg, pitch_deg, 0.0)
        return self

    def wears(self, seconds: float, **parts: object) -> Self:
        """Let parts of the observation be as given."""
        return self._run(seconds, lambda: replace(self._observed(1.0), **parts))  # type: ignore[arg-type]

    def gazes(
        self, seconds: float, yaw_deg: float = 0.0, pitch_deg: float = 0.0, *, sd: float = 0.012
    ) -> Self:
        """Let the eyes alone look somewhere, in degrees off the present pose of the head.

        The net tells the iris, as sure as ``sd`` eye widths; afterwards the eyes look ahead again.
        """
        self.iris_sd = sd
        self.gaze = (self.pose.yaw_deg + yaw_deg, self.pose.pitch_deg + pitch_deg)
        self.watches(seconds)
        self.gaze = (self.pose.yaw_deg, self.pose.pitch_deg)
        return self

    def disappears(self, seconds: float, why: Unseen = Unseen.NO_FACE) -> Self:
        """Leave the picture."""
        eye = EyeEvidence(unseen=why)

        def nothing() -> DriverObservation:
            return DriverObservation(
                self.t_s, right_eye=eye, left_eye=eye, unseen=why, brightness=self.brightness
            )

        return self._run(seconds, nothing)

    def hides_eyes(
        self, seconds: float, why: Unseen | None = None, *, shade: float | None = 0.3
    ) -> Self:
        """Wear dark glasses: dlib draws an average open eye, and the net sees none.

        With ``why`` perception itself names another reason; ``shade`` is how bright the eyes'
        surroundings are against the face.
        """
        eye = EyeEvidence(0.30, 0.6, 0.05, shade=shade, unseen=why)

        def hidden() -> DriverObservation:
            return replace(self._observed(1.0), right_eye=eye, left_eye=eye)

        return self._run(seconds, hidden)

    def _observed(self, openness: float) -> DriverObservation:
        ear = self.closed_ear + (self.open_ear - self.closed_ear) * openness
        eye = EyeEvidence(ear=ear if self.ear else None, contrast=0.3)
        if self.net:
            sure = 0.03 + 0.94 * openness
            eye = replace(eye, open_probability=sure, visible_probability=self.visible)
        if self.gaze is not None:
            eye = replace(eye, iris=self._iris(*self.gaze))
        return DriverObservation(
            self.t_s,
            face=replace(FACE, y=FACE.y + FACE.width * math.sin(math.radians(self.bowed_deg))),
            right_eye=eye,
            left_eye=eye,
            mar=self.mar,
            pose=replace(self.pose, roll_deg=self.pose.roll_deg + self._sway()),
            expression=self._scored(),
            brightness=self.brightness,
        )

    def _scored(self) -> ExpressionScores | None:
        if self.scores is None or self.shown is None:
            return self.scores
        return replace(self.scores, embedding=Embedding(self.shown()))

    def _iris(self, yaw_deg: float, pitch_deg: float) -> Iris:
        """Where the iris of an eye that looks there is seen: the inverse of what the core does."""
        s = self.settings.gaze
        across = yaw_deg - s.head_yaw * self.pose.yaw_deg
        up = pitch_deg - s.head_pitch * self.pose.pitch_deg
        return Iris(across / s.iris_yaw_deg, s.iris_rest - up / s.iris_pitch_deg, self.iris_sd)

    def _sway(self) -> float:
        """Roll a little and slowly, as everyone alive does; a face like stone is a photo."""
        return self.sway_deg * math.sin(self.t_s / 3.0)

    def _run(self, seconds: float, make: Callable[[], DriverObservation]) -> Self:
        for _ in range(round(seconds * self.fps)):
            if self.keep(self.frame):
                self._step(make())
            self.frame += 1
        return self

    def _step(self, observation: DriverObservation) -> None:
        t_s = observation.t_s
        vehicle = None if self.vehicle is None else replace(self.vehicle, t_s=t_s - self.age_s)
        self.observations.append((observation, vehicle))
        self.states.append(self.core.step(observation, vehicle, t_s, self.faults))
        self.kept.append(self.core.observation)
