"""Finds the driver's face and follows it: a HOG search only when needed, landmarks every frame.

Whose face it is follows from the seat region and from where it was, not from size alone.
All timing is by the frames' own timestamps, so a replay searches when the drive did.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.engine.preprocess.crop import Template
from dms.errors import EngineError
from dms.fast_init import fast_init
from dms.perception.face_search import FaceSearch, FaceSettings
from dms.perception.landmarks import Landmarks, Predictor
from dms.perception.weak_signs import overlap
from dms.values import Box, Frame, Gray, Unseen

__all__ = ["Face", "FaceSettings", "FaceTracker"]

_PATCH_PX = 32
_PATCH_FACE = Template(np.array([[9, 11], [23, 11], [10.5, 24], [21.5, 24]]))


@fast_init
@dataclass(frozen=True, slots=True)
class Face:
    """A face in one frame."""

    box: Box
    marks: Landmarks


class FaceTracker:
    """Follows one face through the frames of one source."""

    def __init__(self, predictor: Predictor, settings: FaceSettings) -> None:
        self.predictor = predictor
        self._settings = settings
        self.search = FaceSearch(settings)
        self.reset()

    def reset(self) -> None:
        """Forget the face, as between two recordings."""
        self._box: Box | None = None
        self._sure_box: Box | None = None  # when it was last confirmed
        self._look: NDArray[np.float32] | None = None
        self._confirmed_s = self._failed_s = self._last_s = float("-inf")
        self.search.reset()

    def find(self, frame: Frame, *, spare: bool = False) -> Face | None:
        """Return the driver's face in ``frame``, or None where none is seen.

        ``spare``: beside a face look for no better one, as the frame bears other rare work.
        """
        if frame.t_s < self._last_s:  # the clock was set back
            self._confirmed_s = min(self._confirmed_s, frame.t_s)
            self._failed_s = min(self._failed_s, frame.t_s)
            self.search.set_back(frame.t_s)
        self._last_s = frame.t_s
        if self._box is not None:
            face = self._follow(frame, self._box)
            if face is not None:
                self._box = face.box
                other = None if spare else self.search.better(frame, face.box)
                return face if other is None else self._adopt(frame, other)
            self.search.lost(frame.t_s, self._box, self._sure_box)
            self._box = self._look = None
        found = self.search.find(frame)
        return None if found is None else self._adopt(frame, found)

    def why_none(self, gray: Gray) -> Unseen:
        """Say why a frame without a face has none, as far as the picture tells."""
        sample = gray[::8, ::8]
        mean = float(sample.mean())
        if mean < self._settings.dark_mean:
            return Unseen.DARK
        if mean > self._settings.bright_mean:
            return Unseen.OVEREXPOSED
        return (
            Unseen.COVERED if float(sample.std()) < self._settings.flat_spread else Unseen.NO_FACE
        )

    def _adopt(self, frame: Frame, box: Box) -> Face:
        # The second pass starts from where the points are, as every later frame will.
        marks = self.predictor.predict(frame.gray, box)
        marks = self.predictor.predict(frame.gray, marks.box)
        self._box = self._sure_box = marks.box
        self._look = _look(frame.gray, marks)
        self._confirmed_s = self._failed_s = frame.t_s
        return Face(self._box, marks)

    def _follow(self, frame: Frame, box: Box) -> Face | None:
        """Place landmarks near the last face and make sure that it still is one."""
        marks = self.predictor.predict(frame.gray, box)
        moved = marks.box
        strange = marks.fit is not None and marks.fit < self._settings.least_fit
        if strange or not _plausible(marks, moved, box, frame.gray):
            return self._again(frame, box)
        look = _look(frame.gray, marks)
        likeness = 1.0 if self._look is None else _likeness(look, self._look)
        due = frame.t_s - max(self._confirmed_s, self._failed_s) >= self._period_s(marks)
        if not due and likeness >= self._settings.least_likeness:
            return Face(moved, marks)
        return self._confirm(frame, moved, marks, look, likeness)

    def _period_s(self, marks: Landmarks) -> float:
        """How long a confirmation holds; longer where the points themselves look like a face."""
        s = self._settings
        confirmed = self._confirmed_s >= self._failed_s
        sure = marks.fit is not None and marks.fit >= s.sure_fit and confirmed
        return s.sure_period_s if sure else s.check_period_s

    def _confirm(
        self,
        frame: Frame,
        box: Box,
        marks: Landmarks,
        look: NDArray[np.float32],
        likeness: float,
    ) -> Face | None:
        found = self.search.confirm(frame.gray, box)
        if found is not None:
            if overlap(found, box) < 0.4:  # the points slid off: start again from the face
                return self._adopt(frame, found)
            self._look, self._confirmed_s, self._sure_box = look, frame.t_s, box
            return Face(box, marks)
        self._failed_s = frame.t_s
        patient = frame.t_s - self._confirmed_s < self._settings.unconfirmed_s
        if patient and likeness >= self._settings.least_likeness:
            return Face(box, marks)
        return None

    def _again(self, frame: Frame, box: Box) -> Face | None:
        found = self.search.again(frame.gray, box)
        return None if found is None else self._adopt(frame, found)


def _look(gray: Gray, marks: Landmarks) -> NDArray[np.float32]:
    """Return the aligned, standardised patch of a face, (1024,) float32."""
    try:
        matrix = _PATCH_FACE.fit(marks.anchors).matrix
    except EngineError:  # the points coincide: like no face
        return np.zeros(_PATCH_PX * _PATCH_PX, np.float32)
    patch = cv2.warpAffine(gray, matrix, (_PATCH_PX, _PATCH_PX), flags=cv2.INTER_LINEAR)
    flat = patch.astype(np.float32).ravel()
    flat -= cv2.mean(patch)[0]
    norm = math.sqrt(float(flat @ flat))
    return flat / norm if norm > 0 else flat


def _likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(one @ other)


def _plausible(marks: Landmarks, box: Box, before: Box, gray: Gray) -> bool:
    """Tell whether points can be the same face a frame later: finite, in the picture, no jump."""
    if not cv2.checkRange(marks.points)[0] or box.width < 16:
        return False
    height, width = gray.shape
    x, y = box.x + box.width / 2, box.y + box.height / 2
    if not (0 <= x < width and 0 <= y < height):
        return False
    return 0.6 < box.width / before.width < 1.6 and overlap(box, before) > 0.2
