"""From a frame to what it says of the driver. Nothing here knows the driver's own normal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol, TypeVar

import cv2

from dms.errors import EngineError
from dms.perception.eyes import (
    EyeSettings,
    joint_scores,
    mean_gray,
    observe_eye,
    without_lowered,
)
from dms.perception.face import Face, FaceSettings, FaceTracker
from dms.perception.landmarks import Landmarks, Predictor, face_shape
from dms.perception.mouth import mouth_aspect_ratio
from dms.perception.pose import PoseEstimator, PoseSettings
from dms.settings import setting, settings
from dms.values import (
    DriverObservation,
    ExpressionScores,
    EyeEvidence,
    Fault,
    Frame,
    Gray,
    Iris,
    Lids,
    Part,
    Points,
    Unseen,
)

_log = logging.getLogger(__name__)
T = TypeVar("T")
_MARKS = "landmark model"
_NOT_ASKED = (Unseen.TURNED_AWAY, Unseen.TOO_SMALL)  # the crop shows no eye for a net to tell of


@settings
class PerceptionSettings:
    """What is measured, and how often."""

    face: FaceSettings = FaceSettings()
    eyes: EyeSettings = EyeSettings()
    pose: PoseSettings = PoseSettings()
    expression_period_s: float = setting(
        0.1, unit="s", ge=0, text="the expression net runs at most this often; 0: every frame"
    )
    mouth_period_s: float = setting(
        0.1, unit="s", ge=0, text="the mouth net runs at most this often; yawns last seconds"
    )
    shape: bool = setting(False, text="measure the face's shape; core.micro.enabled wants it")


class ExpressionNet(Protocol):
    """Scores one face, given its (4, 2) anchors."""

    def read(self, gray: Gray, anchors: Points) -> ExpressionScores: ...


class EyeScores(Protocol):
    """What the eye-state net says of one eye; ``lids`` and ``iris`` only where it tells them."""

    @property
    def open_probability(self) -> float: ...
    @property
    def visible_probability(self) -> float: ...


class EyeStateNet(Protocol):
    """Scores the driver's right and left eye, given the (4, 2) anchors."""

    def read(self, gray: Gray, anchors: Points, corners: Points) -> tuple[EyeScores, EyeScores]: ...


class MouthNet(Protocol):
    """Tells how likely a face, given its (4, 2) anchors, yawns."""

    def read(self, gray: Gray, anchors: Points) -> float: ...


class _Turns:
    """When a net that is not asked of every frame has its turn.

    It gives way once to other rare work in the same frame, so that these do not add up in one, but
    only where the next frame is near.
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self.reset()

    def reset(self) -> None:
        self._last_s, self.gave_way = float("-inf"), False

    def due(self, t_s: float, gap_s: float, busy: bool) -> bool:
        """Tell whether to ask the net at ``t_s``, ``gap_s`` after the frame before.

        ``busy``: the frame bears other rare work.
        """
        if 0 <= t_s - self._last_s < self._period_s - 1e-6:
            return False
        if busy and gap_s <= self._period_s / 2 and not self.gave_way:
            self.gave_way = True
            return False
        self._last_s, self.gave_way = t_s, False
        return True


class Perception:
    """Watches one source of frames; a net that fails is a named fault, never a made-up score.

    ``tracker``, ``expression``, ``eye_state`` and ``mouth`` are its parts, None where one is not
    wanted; whoever measures what they cost may stand before them.
    """

    def __init__(
        self,
        predictor: Predictor,
        expression: ExpressionNet | None,
        eye_state: EyeStateNet | None,
        settings: PerceptionSettings,
        mouth: MouthNet | None = None,
    ) -> None:
        self.tracker = FaceTracker(predictor, settings.face)
        self.expression = expression
        self.eye_state = eye_state
        self.mouth = mouth
        self._settings = settings
        self._pose: PoseEstimator | None = None
        self._size: tuple[int, int] | None = None
        self._before_s = float("-inf")  # when the last frame was
        self._expression_turns = _Turns(settings.expression_period_s)
        self._mouth_turns = _Turns(settings.mouth_period_s)
        self._faults: dict[str, Fault] = {}

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What has failed and has not worked since, in words."""
        return tuple(self._faults.values())

    def reset(self) -> None:
        """Forget the face and all timing, as between two recordings."""
        self.tracker.reset()
        self._before_s = float("-inf")
        self._expression_turns.reset()
        self._mouth_turns.reset()
        self._faults.clear()

    def observe(self, frame: Frame) -> DriverObservation:
        """Return what ``frame`` says of the driver."""
        gap_s, self._before_s = frame.t_s - self._before_s, frame.t_s
        searches = self.tracker.search.runs
        owed = self._expression_turns.gave_way or self._mouth_turns.gave_way
        face = self._asked(_MARKS, lambda: self.tracker.find(frame, spare=owed))
        if _MARKS in self._faults:
            self.tracker.reset()
        if face is None:
            self._expression_turns.gave_way = self._mouth_turns.gave_way = False
            brightness = mean_gray(frame.gray[::8, ::8])
            unseen = self.tracker.why_none(frame.gray)
            eye = EyeEvidence(unseen=unseen)
            return DriverObservation(
                frame.t_s, right_eye=eye, left_eye=eye, brightness=brightness, unseen=unseen
            )
        cut = _cut_at_side(frame.gray, face.marks)
        pose = None if cut else self._estimator(frame.gray).estimate(face.marks)
        brightness = _brightness(frame.gray, face)
        eyes = [
            observe_eye(frame.gray, face.marks, left, pose, self._settings.eyes, brightness)
            for left in (False, True)
        ]
        busy = self.tracker.search.runs > searches
        score = self.expression is not None and self._expression_turns.due(frame.t_s, gap_s, busy)
        # Before the eyes: on a GPU both nets then run in one go where the expression is due.
        expression = self._expression_of(frame, face) if score else None
        right, left = self._with_net(frame.gray, face.marks, eyes[0], eyes[1])
        watch_mouth = self._mouth_turns.due(frame.t_s, gap_s, busy or score)
        return DriverObservation(
            frame.t_s,
            face=face.box,
            fit=face.marks.fit,
            right_eye=right,
            left_eye=left,
            mar=mouth_aspect_ratio(face.marks),
            yawn=self._yawn_of(frame, face) if watch_mouth else None,
            pose=pose,
            expression=expression,
            shape=face_shape(face.marks) if self._settings.shape else None,
            brightness=brightness,
        )

    def _estimator(self, gray: Gray) -> PoseEstimator:
        size = (gray.shape[1], gray.shape[0])
        if self._pose is None or self._size != size:
            self._pose, self._size = PoseEstimator(self._settings.pose, *size), size
        return self._pose

    def _with_net(
        self, gray: Gray, marks: Landmarks, right: EyeEvidence, left: EyeEvidence
    ) -> tuple[EyeEvidence, EyeEvidence]:
        net, scores = self.eye_state, None
        if net is not None:
            scores = self._asked(
                "eye-state net", lambda: net.read(gray, marks.anchors, marks.eye_corners)
            )
        first, second = scores or (None, None)
        return self._told(right, marks, 0, first), self._told(left, marks, 1, second)

    def _told(
        self, eye: EyeEvidence, marks: Landmarks, side: int, score: EyeScores | None
    ) -> EyeEvidence:
        """Add what the nets say: the eye net, and the landmark model where it reports eyes."""
        said = [] if marks.eyes is None else [marks.eyes[side]]
        if score is not None:
            said.append((score.open_probability, score.visible_probability))
        if not said or eye.unseen in _NOT_ASKED:
            return eye
        opened, visible = joint_scores(said)
        lids: Lids | None = getattr(score, "lids", None)
        iris: Iris | None = None if lids is None else getattr(score, "iris", None)
        if lids is not None and (eye.width_px or 0.0) < self._settings.eyes.lowered_least_px:
            lids, iris = without_lowered(lids), None
        seen = (eye.contrast, eye.shade, eye.unseen)
        return EyeEvidence(eye.ear, opened, visible, *seen, lids, iris, eye.width_px)

    def _expression_of(self, frame: Frame, face: Face) -> ExpressionScores | None:
        net = self.expression
        if net is None:
            return None
        return self._asked("expression net", lambda: net.read(frame.gray, face.marks.anchors))

    def _yawn_of(self, frame: Frame, face: Face) -> float | None:
        net = self.mouth
        if net is None:
            return None
        return self._asked("mouth net", lambda: net.read(frame.gray, face.marks.anchors))

    def _asked(self, part: str, ask: Callable[[], T]) -> T | None:
        """Return the answer; None where the part fails, which is a fault until it works again."""
        try:
            answer = ask()
        except EngineError as error:
            if part not in self._faults:
                _log.error("%s: %s", part, error)
            self._faults[part] = Fault(Part.ENGINE, f"{part}: {error}")
            return None
        self._faults.pop(part, None)
        return answer


def _cut_at_side(gray: Gray, marks: Landmarks) -> bool:
    """Tell whether the face reaches beyond the picture's left or right edge.

    The points are then squeezed into what is left of the face, which reads as a turned head.
    """
    inside, _ = cv2.checkRange(marks.points[:, 0], True, 0, gray.shape[1])
    return not inside


def _brightness(gray: Gray, face: Face) -> float:
    """Return the mean gray of the face box, every fourth pixel."""
    box, (height, width) = face.box, gray.shape
    x0, y0 = max(0, int(box.x)), max(0, int(box.y))
    x1, y1 = min(width, int(box.x + box.width)), min(height, int(box.y + box.height))
    region = gray[y0:y1:4, x0:x1:4]
    return mean_gray(region if region.size else gray[::8, ::8])
