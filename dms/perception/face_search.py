"""Looks for the driver's face: a part of the picture a frame, so that no search stalls the stream.

Whose face it is follows from the seat region and the size. A seat that has long been empty is
searched less often. All timing is by the frames' own timestamps.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import cv2
import dlib
import numpy as np

from dms.engine.manifest import FOLDER, verified_bytes
from dms.errors import EngineError
from dms.perception.search_order import ALL, Part, in_two, look_at, search_order
from dms.perception.vacancy import Vacancy, VacancySettings
from dms.perception.weak_signs import WeakSigns, overlap
from dms.settings import setting, settings
from dms.values import Box, Frame, Gray

_HOG_FACE_PX = 88  # dlib's HOG window is 80 px; a little above finds it at the first level
_NEXT_S = 1e-3  # less than from any frame to the next
_USUAL_SIZES = (ALL, 1, 2)  # loaded before the first search
_LEAST_SIDE_PX = 8
_LEAST_OF_LOST = 0.5  # of the lost face's width
_CONFIRM_MARGIN, _AGAIN_MARGIN = 0.15, 0.3  # of the face's side, searched around it


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
        (320, 520, 860),
        unit="px",
        min_length=1,
        text="widths to which the picture is scaled for a search, and sizes between; a face is "
        "found from 80 px at that width",
    )
    search_period_s: float = setting(
        0.03,
        unit="s",
        ge=0,
        text="least time between two looks while there is no face",
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
        3.0,
        unit="s",
        ge=0,
        source="a round of all looks at 640x480 takes 1.1 s at 30 frames/s, twice that at 15 "
        "or after a loss; at 480x640 2.8 s",
        text="see weak_score",
    )
    vacant_after_s: float = setting(
        10.0, unit="s", ge=0, text="without any sign of a face, the seat is searched less often"
    )
    vacant: VacancySettings = VacancySettings()
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
        0.4, ge=0, le=1, text="points that look less like a face than this are sought again"
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


_DETECTOR_SHA256 = "f3f7aa833fb4a14a46fc48689f45b98d85ef72d6dfaf8bdc012b7d3c522a5426"


_SIZES = bytes([2, 0xE8, 3])  # in that file: 1,000 levels of the pyramid at most, as dlib packs it


@cache
def detector(sizes: int = ALL) -> Any:
    """Load dlib's own frontal face detector, saved by its ``save``.

    dlib unpacks the copy inside its library for 0.3 s; the same filters load from a file in 1.3 ms.
    ``sizes``: of its pyramid, of how many it makes use; all for 0.
    """
    path = FOLDER / "frontal_face.svm"
    data = verified_bytes(path, _DETECTOR_SHA256)
    if sizes != ALL:
        data = data.replace(_SIZES, bytes([1, sizes]), 1)
    made = dlib.fhog_object_detector.__new__(dlib.fhog_object_detector)
    try:
        made.__setstate__((data,))  # what its file holds is what its pickle would, too
        return made
    except RuntimeError as error:
        raise EngineError(
            f"{path} cannot be loaded ({error}); restore it with 'git checkout engines'"
        ) from error


class FaceSearch:
    """Finds faces by dlib's HOG detector; remembers where it has looked and what it half saw."""

    def __init__(self, settings: FaceSettings) -> None:
        self._settings = settings
        for sizes in _USUAL_SIZES:
            detector(sizes)
        self._vacancy = Vacancy(settings.vacant)
        self.runs = 0  # of HOG so far, for budgets
        self.reset()

    def reset(self) -> None:
        """Forget everything, as between two recordings."""
        self._due_s = float("-inf")
        self._vacancy.end()
        self._vacant_s: float | None = None  # since when there has been no sign of a face
        self._turn, self._first, self._looked_back = 0, True, False
        self._weak = WeakSigns(self._settings.weak_window_s)
        self._size: tuple[int, ...] = ()  # of the picture, in whose pixels all places are
        self._rest: list[Part] = []
        self._lost: tuple[float, Box] | None = None
        self._likely: Box | None = None  # where and how large a face is likely to come back

    def lost(self, t_s: float, box: Box, sure_box: Box | None = None) -> None:
        """Note that a face was seen in ``box`` until ``t_s``; search from the next frame on.

        The present one has been searched around ``box``, and a look more would be too much.
        ``sure_box``: where it was confirmed last, before points may have begun to slide.
        """
        self._vacant_s, self._lost, self._likely = t_s, (t_s, box), sure_box or box
        self._due_s, self._looked_back = t_s + _NEXT_S, False
        self._rest = []

    def set_back(self, t_s: float) -> None:
        """Take what was noted later as noted at ``t_s``: the frames' clock was set back."""
        self._due_s = min(self._due_s, t_s)
        if self._vacant_s is not None:
            self._vacant_s = min(self._vacant_s, t_s)
        self._weak.set_back(t_s)
        if self._lost is not None:
            self._lost = (min(self._lost[0], t_s), self._lost[1])

    def find(self, frame: Frame) -> Box | None:
        """Search the part of ``frame`` whose turn it is, if it is time for one."""
        self._fit_to(frame.gray)
        if self._vacant_s is None:
            self._vacant_s = frame.t_s
        if not self._due(frame):
            return None
        found = self._search(frame)
        if found is None:
            return None
        self._vacant_s = frame.t_s  # even a weak sign ends the rest
        return found[1] if self._convincing(frame.t_s, *found) else None

    def better(self, frame: Frame, box: Box) -> Box | None:
        """Return a better seated face than the one in ``box``, which has just been found.

        The driver may not be alone: the parts beside the one that showed the face are looked at
        too, one at a time.
        """
        self._fit_to(frame.gray)
        if not self._rest or not self._due(frame):
            return None
        found = self._seated(frame.gray, self._rest.pop(0))
        if found is None or found[0] < self._settings.found_score or overlap(found[1], box) > 0.2:
            return None
        return found[1] if self._rank(frame.gray, found[1]) > self._rank(frame.gray, box) else None

    def confirm(self, gray: Gray, box: Box) -> Box | None:
        """Return the face that HOG finds where points of this very picture have one.

        On 809 frames of 56 recordings the small margin keeps as many faces as the wide one, for
        0.6 of the cost; of half covered faces it misses some, so the wide one has the last word.
        """
        return self._near(gray, box, _CONFIRM_MARGIN) or self.again(gray, box)

    def again(self, gray: Gray, box: Box) -> Box | None:
        """Return the face around ``box``, where it was a moment ago."""
        return self._near(gray, box, _AGAIN_MARGIN)

    def _near(self, gray: Gray, box: Box, margin: float) -> Box | None:
        """Run HOG on the region around ``box`` alone, scaled so that the face just fits."""
        scale = min(1.0, _HOG_FACE_PX / box.width)
        if scale == 1.0 and box.width < 0.9 * _HOG_FACE_PX:
            scale = _HOG_FACE_PX / box.width
        height, width = gray.shape
        x0, y0 = max(0, int(box.x - margin * box.width)), max(0, int(box.y - margin * box.height))
        x1 = min(width, int(box.x + (1 + margin) * box.width) + 1)
        y1 = min(height, int(box.y + (1 + margin) * box.height) + 1)
        if x1 - x0 < _LEAST_SIDE_PX or y1 - y0 < _LEAST_SIDE_PX:
            return None
        found = self.run_hog(gray[y0:y1, x0:x1], scale, self._settings.kept_score)
        if not found:
            return None
        best = max(found, key=lambda item: item[0])[1]
        return Box(best.x + x0, best.y + y0, best.width, best.height)

    def _fit_to(self, gray: Gray) -> None:
        """Forget the places in pictures of another size, as a folder of pictures may hold."""
        if gray.shape != self._size:
            if self._size:
                self._weak.forget()
                self._rest = []
            self._size = gray.shape

    def _due(self, frame: Frame) -> bool:
        """Tell whether a search is due, on a grid that late frames do not shift."""
        period_s, due_s = self._settings.search_period_s, self._due_s
        if self._is_vacant(frame.t_s):
            return self._vacancy.due(frame, period_s)
        self._vacancy.end()
        if frame.t_s < due_s - 1e-6:
            return False
        self._due_s = max(due_s, frame.t_s - period_s) + period_s
        return True

    def _is_vacant(self, t_s: float) -> bool:
        return self._vacant_s is not None and t_s - self._vacant_s >= self._settings.vacant_after_s

    def _order(self, frame: Frame) -> tuple[Part, ...]:
        """Return the looks in the order of their turns."""
        height, width = frame.gray.shape
        vacant = self._is_vacant(frame.t_s)
        return search_order(self._settings.search_widths_px, width, height, vacant=vacant)

    def _convincing(self, now_s: float, score: float, box: Box) -> bool:
        if score >= self._settings.found_score:
            return True
        if not self._could_be_the_lost_one(now_s, box):
            return False
        return self._weak.twice(now_s, box)

    def _could_be_the_lost_one(self, now_s: float, box: Box) -> bool:
        """Tell whether a weak sign is not much smaller than the face lost a moment ago.

        Part of a covered face may look like a smaller one, and nobody moves away so fast.
        """
        if self._lost is None or now_s - self._lost[0] >= self._settings.vacant_after_s:
            return True
        return box.width >= _LEAST_OF_LOST * self._lost[1].width

    def _search(self, frame: Frame) -> tuple[float, Box] | None:
        """Take the next look; the first frame is seen at all widths, until a sure face.

        After a loss every second look is the one that would show the lost face best, or now and
        then one that showed a weak sign and has waited for its turn for too long. After a sure
        face :meth:`better` takes the other looks for faces of its size and larger.
        """
        if self._first:
            self._first = False
            return self._everywhere(frame.gray, self._settings.search_widths_px)
        order = self._order(frame)
        part = self._next(frame, order)
        self._weak.taken(part)
        found = self._seated(frame.gray, part)
        if found is not None and found[0] >= self._settings.found_score:
            others = {one for one in order if one.width_px <= part.width_px and one != part}
            smaller = {half for one in others for half in in_two(one)}  # the face is followed, too
            self._rest = sorted(smaller, key=lambda one: (-one.width_px, one.top, one.left))
        elif found is not None and self._could_be_the_lost_one(frame.t_s, found[1]):
            self._weak.doubt(frame.t_s, part)
        return found

    def _next(self, frame: Frame, order: tuple[Part, ...]) -> Part:
        self._looked_back = not self._looked_back
        if self._is_vacant(frame.t_s):
            self._likely = None  # whoever sits down may be somebody else
        if self._looked_back and (again := self._weak.again(frame.t_s)) is not None:
            return again
        if self._looked_back and self._likely is not None:
            return look_at(order, frame.gray.shape[1], self._likely)
        count = len(order)
        while self._vacancy.woken and not _begins_round(order, self._turn % count):
            self._turn += 1  # who sits down is best seen in the whole picture
        self._turn += 1
        return order[(self._turn - 1) % count]

    def _everywhere(self, gray: Gray, widths: tuple[int, ...]) -> tuple[float, Box] | None:
        height, width = gray.shape
        best = None
        for target in widths:
            found = self._seated(gray, Part(target, 0, 0, width, height), quick=False)
            if found is not None and found[0] >= self._settings.found_score:
                return found
            best = best or found
        return best

    def _seated(self, gray: Gray, part: Part, *, quick: bool = True) -> tuple[float, Box] | None:
        """Return the face of the driver by the seat region, with its score."""
        height, width = gray.shape
        piece = gray[part.top : part.bottom, part.left : part.right]
        scale, weak = min(2.0, part.width_px / width), self._settings.weak_score
        found = self.run_hog(piece, scale, weak, part.sizes, quick=quick)
        left, top, right, bottom = self._settings.seat_region
        seated = []
        for score, inner in found:
            box = Box(inner.x + part.left, inner.y + part.top, inner.width, inner.height)
            x, y = (box.x + box.width / 2) / width, (box.y + box.height / 2) / height
            if left <= x <= right and top <= y <= bottom:
                rank = self._rank(gray, box)
                seated.append((score >= self._settings.found_score, rank, score, box))
        return max(seated, key=lambda item: item[:2])[2:] if seated else None

    def _rank(self, gray: Gray, box: Box) -> float:
        """Return how well a face is seated: the larger and the more central the better."""
        left, _, right, _ = self._settings.seat_region
        x, share = (box.x + box.width / 2) / gray.shape[1], box.width / gray.shape[1]
        return float(share - 0.5 * abs(x - (left + right) / 2) / max(right - left, 1e-6))

    def run_hog(
        self,
        gray: Gray,
        scale: float,
        threshold: float,
        sizes: int = ALL,
        *,
        quick: bool = False,
    ) -> list[tuple[float, Box]]:
        """Return the faces in ``gray`` with their HOG scores, all from ``threshold`` up.

        ``scale``: how much larger the picture is made before; boxes are in its own pixels.
        ``sizes``: see :class:`Part`; ``quick``: scale with less care.
        """
        self.runs += 1
        if min(gray.shape) * scale < _LEAST_SIDE_PX:  # a strip that no face fits into
            return []
        if scale != 1.0:
            gray = _scaled(gray, scale, quick=quick)
        rectangles, scores, _ = detector(sizes).run(np.ascontiguousarray(gray), 0, threshold)
        return [
            (score, Box(r.left() / scale, r.top() / scale, r.width() / scale, r.height() / scale))
            for r, score in zip(rectangles, scores, strict=True)
        ]


def _begins_round(order: tuple[Part, ...], turn: int) -> bool:
    return order[turn] == order[0] and order[(turn + 1) % len(order)] == order[1 % len(order)]


def _scaled(gray: Gray, scale: float, *, quick: bool) -> Gray:
    """Scale a picture; ``quick``: by whole halves, then between pixels, a fifth of the time."""
    way = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    if quick and scale < 1.0:
        width, height = round(gray.shape[1] * scale), round(gray.shape[0] * scale)
        halves = 1 << int(math.log2(1 / scale) + 1e-6)
        rows, columns = gray.shape[0] // halves, gray.shape[1] // halves
        gray = gray[: rows * halves, : columns * halves]
        halved = cv2.resize(gray, (columns, rows), interpolation=cv2.INTER_AREA)
        small = cv2.resize(halved, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(small, np.uint8)
    return np.asarray(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=way), np.uint8)
