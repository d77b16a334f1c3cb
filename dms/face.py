"""Finds the driver's face and follows it: a HOG search only when needed, landmarks every frame.

Whose face it is follows from the seat region and from where it was, not from size alone.
All timing is by the frames' own timestamps, so a replay searches when the drive did.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from dms.crop import fit_similarity
from dms.engine.manifest import FOLDER, verified
from dms.errors import EngineError
from dms.landmarks import Landmarks, Predictor
from dms.search_order import Part, search_order
from dms.settings import setting, settings
from dms.values import Box, Frame, Gray, Unseen

_HOG_FACE_PX = 88  # dlib's HOG window is 80 px; a little above finds it at the first level
_PATCH_PX = 32
_PATCH_ANCHORS = np.array([[9, 11], [23, 11], [10.5, 24], [21.5, 24]], np.float32)


@settings
class FaceSettings:
    """How the face is searched for and what counts as lost."""

    seat_region: tuple[float, float, float, float] = setting(
        (0.0, 0.0, 1.0, 1.0),
        unit="share of width and height",
        source="dms aim",
        text="left, top, right, bottom: the driver's face centre lies in here",
    )
    search_widths_px: tuple[int, ...] = setting(
        (320, 640, 960),
        unit="px",
        min_length=1,
        text="widths to which the picture is scaled for a search, in turn; a face is found from "
        "80 px at that width",
    )
    search_period_s: float = setting(
        0.03,
        unit="s",
        ge=0,
        text="least time between two searches, each of a part, while there is no face",
    )
    check_period_s: float = setting(
        0.25, unit="s", gt=0, text="a followed face is confirmed by HOG this often"
    )
    found_score: float = setting(
        0.2,
        unit="HOG score",
        source="0.4 and above on infrared faces",
        text="a new face needs this",
    )
    weak_score: float = setting(
        -0.25,
        unit="HOG score",
        source="faces seen steeply from below: -0.2 to 0.2; cluttered rooms: below -0.45",
        text="or this, twice in the same place within weak_window_s",
    )
    weak_window_s: float = setting(
        2.0,
        unit="s",
        ge=0,
        source="a round of all parts takes 0.8 s at 30 frames/s, 1.6 s at 15",
        text="see weak_score",
    )
    kept_score: float = setting(
        -0.5, unit="HOG score", text="a followed face needs this at each confirmation"
    )
    sure_fit: float = setting(
        0.9, ge=0, le=1, text="points that look this much like a face are confirmed less often"
    )
    sure_period_s: float = setting(
        1.0, unit="s", gt=0, text="how often those are confirmed by HOG nevertheless"
    )
    least_likeness: float = setting(
        0.35, unit="correlation", ge=-1, le=1, text="below this to the last confirmed look: confirm"
    )
    unconfirmed_s: float = setting(
        1.0, unit="s", ge=0, text="a face that HOG no longer confirms is dropped after this"
    )
    least_fit: float = setting(
        0.4, ge=0, le=1, text="points that look less like a face than this are sought anew"
    )
    dark_mean: float = setting(8.0, unit="gray", ge=0, le=255, text="a picture below this is dark")
    bright_mean: float = setting(
        247.0, unit="gray", ge=0, le=255, text="a picture above this is overexposed"
    )
    flat_spread: float = setting(
        4.0, unit="gray", ge=0, text="a picture with less standard deviation is covered"
    )

    def __post_init__(self) -> None:
        left, top, right, bottom = self.seat_region
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ValueError(
                f"seat_region is left < right, top < bottom in 0..1, got {self.seat_region}"
            )
        if min(self.search_widths_px) < 80:
            raise ValueError(f"search_widths_px are at least 80, got {min(self.search_widths_px)}")


@dataclass(frozen=True, slots=True)
class Face:
    """A face in one frame."""

    box: Box
    marks: Landmarks
    likeness: float  # correlation with its last confirmed look, -1..1


_DETECTOR_SHA256 = "f3f7aa833fb4a14a46fc48689f45b98d85ef72d6dfaf8bdc012b7d3c522a5426"


@cache
def _detector() -> Any:
    """Load dlib's own frontal face detector, saved by its ``save``.

    dlib unpacks the copy inside its library for 0.3 s; the same filters load from a file in 1.3 ms.
    """
    path = verified(FOLDER / "frontal_face.svm", _DETECTOR_SHA256)
    try:
        return dlib.fhog_object_detector(str(path))
    except RuntimeError as error:
        raise EngineError(
            f"{path} cannot be loaded ({error}); restore it with 'git checkout engines'"
        ) from error


class FaceTracker:
    """Follows one face through the frames of one source."""

    def __init__(self, predictor: Predictor, settings: FaceSettings) -> None:
        self._predictor = predictor
        self._settings = settings
        self._hog = _detector()
        self.searches = 0  # HOG runs so far, for budgets
        self.reset()

    def reset(self) -> None:
        """Forget the face, as between two recordings."""
        self._box: Box | None = None
        self._look: NDArray[np.float32] | None = None
        self._confirmed_s = self._searched_s = self._failed_s = float("-inf")
        self._turn, self._first = 0, True
        self._weak: list[tuple[float, Box]] = []

    def find(self, frame: Frame) -> Face | None:
        """Return the driver's face in ``frame``, or None where none is seen."""
        if self._box is not None:
            face = self._follow(frame, self._box)
            if face is not None:
                self._box = face.box
                return face
            self._lose()
        if frame.t_s - self._searched_s < self._settings.search_period_s:
            return None
        self._searched_s = frame.t_s
        found = self._search(frame.gray)
        if found is None or not self._convincing(frame.t_s, *found):
            return None
        return self._adopt(frame, found[1])

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
        marks = self._predictor.predict(frame.gray, box)
        marks = self._predictor.predict(frame.gray, marks.box)
        self._box = marks.box
        self._look = _look(frame.gray, marks)
        self._confirmed_s = self._failed_s = frame.t_s
        return Face(self._box, marks, 1.0)

    def _lose(self) -> None:
        self._box = self._look = None
        self._searched_s = float("-inf")

    def _follow(self, frame: Frame, box: Box) -> Face | None:
        """Place landmarks near the last face and make sure that it still is one."""
        marks = self._predictor.predict(frame.gray, box)
        moved = marks.box
        strange = marks.fit is not None and marks.fit < self._settings.least_fit
        if strange or not _plausible(marks, moved, box, frame.gray):
            return self._again(frame, box)
        look = _look(frame.gray, marks)
        likeness = 1.0 if self._look is None else _likeness(look, self._look)
        due = frame.t_s - max(self._confirmed_s, self._failed_s) >= self._period_s(marks)
        if not due and likeness >= self._settings.least_likeness:
            return Face(moved, marks, likeness)
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
        found = self._near(frame.gray, box)
        if found is not None:
            if _overlap(found, box) < 0.4:  # the points slid off: start again from the face
                return self._adopt(frame, found)
            self._look, self._confirmed_s = look, frame.t_s
            return Face(box, marks, likeness)
        self._failed_s = frame.t_s
        patient = frame.t_s - self._confirmed_s < self._settings.unconfirmed_s
        if patient and likeness >= self._settings.least_likeness:
            return Face(box, marks, likeness)
        return None

    def _again(self, frame: Frame, box: Box) -> Face | None:
        found = self._near(frame.gray, box)
        return None if found is None else self._adopt(frame, found)

    def _near(self, gray: Gray, box: Box) -> Box | None:
        """Run HOG on the region around ``box`` alone, scaled so that the face just fits."""
        scale = min(1.0, _HOG_FACE_PX / box.width)
        if scale == 1.0 and box.width < 0.9 * _HOG_FACE_PX:
            scale = _HOG_FACE_PX / box.width
        height, width = gray.shape
        x0, y0 = max(0, int(box.x - 0.3 * box.width)), max(0, int(box.y - 0.3 * box.height))
        x1 = min(width, int(box.x + 1.3 * box.width) + 1)
        y1 = min(height, int(box.y + 1.3 * box.height) + 1)
        if x1 - x0 < 8 or y1 - y0 < 8:
            return None
        found = self._run(gray[y0:y1, x0:x1], scale, self._settings.kept_score)
        if not found:
            return None
        best = max(found, key=lambda item: item[0])[1]
        return Box(best.x + x0, best.y + y0, best.width, best.height)

    def _convincing(self, now_s: float, score: float, box: Box) -> bool:
        if score >= self._settings.found_score:
            return True
        since = now_s - self._settings.weak_window_s
        self._weak = [one for one in self._weak if one[0] >= since]
        twice = any(_overlap(before, box) > 0.5 for _, before in self._weak)
        self._weak.append((now_s, box))
        return twice

    def _search(self, gray: Gray) -> tuple[float, Box] | None:
        """Search the next part in turn; the first frame is seen at all widths, until a sure face.

        A sure face in a part has the whole searched at its width: the driver may not be alone.
        """
        height, width = gray.shape
        widths = self._settings.search_widths_px
        if self._first:
            self._first = False
            return self._everywhere(gray, widths)
        order = search_order(widths, width, height)
        part = order[self._turn % len(order)]
        self._turn += 1
        found = self._seated(gray, part)
        if found is None or part.whole or found[0] < self._settings.found_score:
            return found
        return self._seated(gray, Part(part.width_px, 0, 0, width, height, whole=True)) or found

    def _everywhere(self, gray: Gray, widths: tuple[int, ...]) -> tuple[float, Box] | None:
        height, width = gray.shape
        best = None
        for target in widths:
            found = self._seated(gray, Part(target, 0, 0, width, height, whole=True))
            if found is not None and found[0] >= self._settings.found_score:
                return found
            best = best or found
        return best

    def _seated(self, gray: Gray, part: Part) -> tuple[float, Box] | None:
        """Return the face of the driver by the seat region, with its score."""
        height, width = gray.shape
        piece = gray[part.top : part.bottom, part.left : part.right]
        found = self._run(piece, min(2.0, part.width_px / width), self._settings.weak_score)
        left, top, right, bottom = self._settings.seat_region
        seated = []
        for score, inner in found:
            box = Box(inner.x + part.left, inner.y + part.top, inner.width, inner.height)
            x, y = (box.x + box.width / 2) / width, (box.y + box.height / 2) / height
            if left <= x <= right and top <= y <= bottom:
                off_centre = abs(x - (left + right) / 2) / max(right - left, 1e-6)
                size = box.width / width - 0.5 * off_centre
                seated.append((score >= self._settings.found_score, size, score, box))
        return max(seated, key=lambda item: item[:2])[2:] if seated else None

    def _run(self, gray: Gray, scale: float, threshold: float) -> list[tuple[float, Box]]:
        self.searches += 1
        if scale != 1.0:
            way = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
            gray = np.asarray(
                cv2.resize(gray, None, fx=scale, fy=scale, interpolation=way), np.uint8
            )
        rectangles, scores, _ = self._hog.run(np.ascontiguousarray(gray), 0, threshold)
        return [
            (score, Box(r.left() / scale, r.top() / scale, r.width() / scale, r.height() / scale))
            for r, score in zip(rectangles, scores, strict=True)
        ]


def _look(gray: Gray, marks: Landmarks) -> NDArray[np.float32]:
    """Return the aligned, standardised patch of a face, (1024,) float32."""
    try:
        matrix = fit_similarity(marks.anchors, _PATCH_ANCHORS).matrix
    except EngineError:  # the points coincide: like no face
        return np.zeros(_PATCH_PX * _PATCH_PX, np.float32)
    patch = cv2.warpAffine(gray, matrix, (_PATCH_PX, _PATCH_PX), flags=cv2.INTER_LINEAR)
    flat = patch.astype(np.float32).ravel()
    flat -= flat.mean()
    norm = math.sqrt(float(flat @ flat))
    return flat / norm if norm > 0 else flat


def _likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(one @ other)


def _plausible(marks: Landmarks, box: Box, before: Box, gray: Gray) -> bool:
    """Tell whether points can be the same face a frame later: finite, in the picture, no jump."""
    if not np.isfinite(marks.points).all() or box.width < 16:
        return False
    height, width = gray.shape
    x, y = box.x + box.width / 2, box.y + box.height / 2
    if not (0 <= x < width and 0 <= y < height):
        return False
    return 0.6 < box.width / before.width < 1.6 and _overlap(box, before) > 0.2


def _overlap(one: Box, other: Box) -> float:
    """Return intersection over union of two boxes."""
    x = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    y = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if x <= 0 or y <= 0:
        return 0.0
    inner = x * y
    return inner / (one.width * one.height + other.width * other.height - inner)
