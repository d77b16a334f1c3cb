from itertools import count, pairwise

import cv2
import dlib
import numpy as np
import pytest

from dms.errors import EngineError
from dms.perception.face import FaceSettings, FaceTracker
from dms.perception.face_search import detector
from dms.perception.landmarks import LandmarkSettings, load_predictor
from dms.values import Box, Frame, Unseen


def frames(pictures, fps=30.0, start_s=0.0):
    for index, picture in enumerate(pictures):
        yield Frame(np.ascontiguousarray(picture), start_s + index / fps, index)


def shifted(portrait, x, y):
    return cv2.warpAffine(portrait, np.float32([[1, 0, x], [0, 1, y]]), portrait.shape[::-1])


@pytest.fixture
def tracker(dlib68):
    return FaceTracker(dlib68, FaceSettings())


def test_a_face_is_found_in_the_first_frame(tracker, portrait):
    face = tracker.find(Frame(portrait, 0.0, 0))
    assert 170 < face.box.x + face.box.width / 2 < 280
    assert 60 < face.box.y + face.box.height / 2 < 180


def test_following_costs_few_searches(tracker, portrait):
    found = [tracker.find(frame) for frame in frames([portrait] * 60)]
    assert all(found)
    assert tracker.search.runs <= 1 + 2 / FaceSettings().check_period_s


def test_a_moving_face_is_followed(tracker, portrait):
    moves = [shifted(portrait, 3 * step, step) for step in range(30)]
    found = [tracker.find(frame) for frame in frames(moves)]
    assert all(found)
    drift = found[-1].box.x - found[0].box.x
    assert drift == pytest.approx(3 * 29, abs=8)


def test_a_face_that_vanishes_is_lost_within_the_time_set(tracker, portrait):
    empty = np.full_like(portrait, 90)
    list(map(tracker.find, frames([portrait] * 10)))
    gone = [tracker.find(frame) for frame in frames([empty] * 60, start_s=1.0)]
    limit = round((FaceSettings().unconfirmed_s + FaceSettings().check_period_s) * 30)
    assert not any(gone[limit:])


def test_a_face_that_comes_back_is_found_again(tracker, portrait):
    empty = np.full_like(portrait, 90)
    list(map(tracker.find, frames([portrait] * 5)))
    list(map(tracker.find, frames([empty] * 60, start_s=1.0)))
    back = [tracker.find(frame) for frame in frames([portrait] * 10, start_s=4.0)]
    assert back[-1] is not None


def test_a_jump_is_not_followed_blindly(tracker, portrait):
    list(map(tracker.find, frames([portrait] * 5)))
    far = [tracker.find(frame) for frame in frames([shifted(portrait, 200, 150)] * 30, start_s=1.0)]
    assert far[-1] is not None
    assert far[-1].box.x > 330


def test_the_seat_region_decides_who_drives(dlib68, portrait):
    two = _two(portrait)
    for region, right_half in (((0, 0, 0.5, 1), False), ((0.5, 0, 1, 1), True)):
        tracker = FaceTracker(dlib68, FaceSettings(seat_region=region))
        face = next(filter(None, map(tracker.find, frames([two] * 10))))
        assert (face.box.x + face.box.width / 2 > two.shape[1] / 2) == right_half


def _two(portrait):
    small = cv2.resize(portrait, None, fx=0.8, fy=0.8)
    board = np.full((512, 1024), 60, np.uint8)
    board[:, :512] = portrait
    board[50 : 50 + small.shape[0], 560 : 560 + small.shape[1]] = small
    return board


@pytest.mark.parametrize(
    ("level", "reason"), [(0, Unseen.DARK), (255, Unseen.OVEREXPOSED), (120, Unseen.COVERED)]
)
def test_a_picture_without_content_says_why(tracker, level, reason):
    gray = np.full((240, 320), level, np.uint8)
    assert tracker.find(Frame(gray, 0.0, 0)) is None
    assert tracker.why_none(gray) == reason


def test_noise_is_no_face(tracker):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (20, 240, 320), dtype=np.uint8)
    assert not any(tracker.find(frame) for frame in frames(pictures))
    assert tracker.why_none(pictures[0]) == Unseen.NO_FACE


def test_the_same_frames_twice_give_the_same_boxes(dlib68, portrait):
    moves = [shifted(portrait, 2 * step, step) for step in range(20)]
    runs = []
    for _ in range(2):
        tracker = FaceTracker(dlib68, FaceSettings())
        runs.append([tracker.find(frame).box for frame in frames(moves)])
    assert runs[0] == runs[1]


def test_points_that_look_like_a_face_are_confirmed_less_often(dlib68, portrait):
    searches = {}
    for predictor in (dlib68, load_predictor(LandmarkSettings(model="dms56"))):
        tracker = FaceTracker(predictor, FaceSettings())
        for number in range(21):  # 2 s
            assert tracker.find(Frame(portrait, number / 10, number)) is not None
        searches[predictor.scheme.name] = tracker.search.runs
    assert searches["dms56"] <= 4 < searches["dlib68"]


def test_the_detector_in_the_file_is_dlibs_own(portrait):
    ours, theirs = detector(), dlib.get_frontal_face_detector()
    for threshold in (-0.5, 0.0):
        mine, yours = (one.run(portrait, 0, threshold) for one in (ours, theirs))
        assert list(mine[0]) == list(yours[0])
        assert list(mine[1]) == list(yours[1])
        assert len(mine[0]) > 0


def test_a_weak_face_is_believed_though_another_is_seen_between(tracker):
    here, there = Box(10, 10, 80, 80), Box(400, 10, 80, 80)
    weak = FaceSettings().weak_score
    assert not tracker.search._convincing(0.0, weak, here)
    assert not tracker.search._convincing(0.1, weak, there)
    assert tracker.search._convincing(1.6, weak, Box(12, 11, 80, 80))


def test_a_weak_face_seen_again_too_late_is_not_believed(tracker):
    weak, later = FaceSettings().weak_score, FaceSettings().weak_window_s + 0.1
    assert not tracker.search._convincing(0.0, weak, Box(10, 10, 80, 80))
    assert not tracker.search._convincing(later, weak, Box(10, 10, 80, 80))


@pytest.mark.parametrize(
    ("width", "after_s", "believed"),
    [(150, 1, True), (310, 1, True), (45, 1, False), (45, 11, True)],
)
def test_a_weak_face_just_after_a_loss_must_not_be_much_smaller(tracker, width, after_s, believed):
    weak, box = FaceSettings().weak_score, Box(60, 60, width, width)
    tracker.search.lost(0.0, Box(50, 50, 150, 150))
    assert not tracker.search._convincing(after_s, weak, box)
    assert tracker.search._convincing(after_s + 0.3, weak, box) is believed
    assert tracker.search._convincing(after_s + 0.3, FaceSettings().found_score, box)


def test_an_altered_detector_is_refused_before_dlib_reads_it(tmp_path, monkeypatch):
    (tmp_path / "frontal_face.svm").write_bytes(b"not what dlib wrote")
    monkeypatch.setattr("dms.perception.face_search.FOLDER", tmp_path)
    monkeypatch.setattr(
        "dms.perception.face_search.dlib.fhog_object_detector", lambda _: pytest.fail("it was read")
    )
    with pytest.raises(EngineError, match=r"frontal_face\.svm is not the file"):
        detector.__wrapped__()


def test_a_better_seated_face_beside_the_one_just_found_takes_over(dlib68, portrait):
    two = _two(portrait)
    board = np.full((480, 640), 60, np.uint8)
    small = cv2.resize(two, (640, 320))  # faces of 100 and 80 px: too small for the first width
    seen, sizes = FaceTracker(dlib68, FaceSettings(seat_region=(0.4, 0, 1, 1))), []
    both = board.copy()
    both[80:400] = small
    list(map(seen.find, frames([board] * 3)))
    for frame in frames([both] * 40, start_s=0.1):
        before = seen.search.runs
        face = seen.find(frame)
        sizes.append(seen.search.runs - before)
    assert face is not None
    assert face.box.x > 320
    assert max(sizes) <= 2  # never the whole picture beside a part: at most a check as well


@pytest.mark.whole
@pytest.mark.parametrize("moves", [False, True])
def test_an_empty_seat_is_searched_less_often_yet_each_part_in_time(dlib68, moves):
    """At 30 frames/s 12 looks a second are under 5 % of a core: one takes 2.5 ms."""
    settings, empty = FaceSettings(vacant_after_s=2.0), np.full((480, 640), 60, np.uint8)
    tracker = FaceTracker(dlib68, settings)
    rng = np.random.default_rng(1)
    looked: list[tuple[float, object]] = []
    whole = tracker.search._seated
    for index in range(round((settings.vacant_after_s + 9) * 30)):
        noisy = empty + rng.integers(0, 9, empty.shape, np.uint8)
        noisy[:, :200] += np.uint8(50 * (moves and index % 2))
        frame = Frame(noisy, index / 30, index)

        def noted(gray, part, t_s=frame.t_s, **how):
            looked.append((t_s, part))
            return whole(gray, part, **how)

        tracker.search._seated = noted
        assert tracker.find(frame) is None
    busy = [one for one in looked if 0.5 <= one[0] < 1.5]
    idle = [one for one in looked if one[0] >= settings.vacant_after_s + 3]  # all is spent
    assert len(busy) == pytest.approx(30, abs=1)
    vacant = settings.vacant
    rate_hz = vacant.most_hz if moves else 1 / vacant.still_s
    assert len(idle) / 6 == pytest.approx(rate_hz, abs=0.6)
    for part in {part for _, part in idle if part.width_px <= settings.search_widths_px[1]}:
        at = [t_s for t_s, one in idle if one == part]
        looks = 4 if part.width_px <= settings.search_widths_px[0] else 12
        assert max(late - soon for soon, late in pairwise(at)) <= looks / rate_hz + 0.2


def test_whoever_sits_down_in_an_empty_seat_is_found_at_once(dlib68, portrait):
    empty, settings = np.full_like(portrait, 60), FaceSettings(vacant_after_s=1.0)
    tracker = FaceTracker(dlib68, settings)
    count = round((settings.vacant_after_s + 4) * 30)
    assert not any(map(tracker.find, frames([empty] * count)))
    within = 3  # 0.1 s
    assert any(map(tracker.find, frames([portrait] * within, start_s=count / 30)))


def test_a_clock_that_is_set_back_stops_neither_search_nor_confirmation(tracker, portrait):
    empty = np.full_like(portrait, 90)
    list(map(tracker.find, frames([portrait] * 5, start_s=7200.0)))
    list(map(tracker.find, frames([empty] * 60, start_s=7201.0)))
    found = [tracker.find(frame) for frame in frames([portrait] * 30, start_s=3600.0)]
    assert all(found[15:])
    gone = [tracker.find(frame) for frame in frames([empty] * 60, start_s=10.0)]
    limit = round((FaceSettings().unconfirmed_s + FaceSettings().check_period_s) * 30)
    assert not any(gone[limit:])


@pytest.mark.parametrize("frames_gone", range(45, 53))
def test_a_face_that_comes_back_is_found_within_a_tenth_of_a_second(portrait, frames_gone):
    """At its size wherever it is, in whichever turn of the search: every second look is at that."""
    small = np.full((480, 640), 90, np.uint8)
    small[100:400, 200:500] = cv2.resize(portrait, (300, 300), interpolation=cv2.INTER_AREA)
    aside = np.roll(small, (-60, 90), (0, 1))
    for back in (small, aside):
        tracker = FaceTracker(load_predictor(LandmarkSettings()), FaceSettings())
        assert all(map(tracker.find, frames([small] * 10)))
        away = [np.full_like(small, 90)] * frames_gone
        gone = [tracker.find(frame) for frame in frames(away, start_s=1.0)]
        assert gone[-1] is None
        found = [tracker.find(frame) for frame in frames([back] * 3, start_s=1 + frames_gone / 30)]
        assert any(found)


def test_no_frame_without_a_face_is_searched_twice(tracker, portrait):
    """Nor the one in which it is lost, beside the look around where it was."""
    list(map(tracker.find, frames([portrait] * 10)))
    taken = []
    whole = tracker.search._seated
    tracker.search._seated = lambda gray, part, **how: (
        taken.append(part) or whole(gray, part, **how)
    )
    counts = []
    for frame in frames([np.full_like(portrait, 90)] * 90, start_s=1.0):
        before, looks = tracker.search.runs, len(taken)
        tracker.find(frame)
        counts.append((tracker.search.runs - before, len(taken) - looks))
    assert max(looks for _, looks in counts) == 1
    assert all(runs == 1 for runs, looks in counts if looks)


def test_a_weak_face_is_believed_though_a_round_of_all_looks_takes_long(portrait):
    """At 720x1280 and 15 frames/s longer than a sign counts: its look is taken again."""
    tracker = FaceTracker(load_predictor(LandmarkSettings()), FaceSettings())
    real = tracker.search.run_hog
    tracker.search.run_hog = lambda *how, **more: [
        (min(score, 0.0), box) for score, box in real(*how, **more)
    ]
    picture = np.full((1280, 720), 90, np.uint8)
    empty = picture.copy()
    picture[50:410, 40:400] = cv2.resize(portrait, (360, 360), interpolation=cv2.INTER_AREA)
    assert not any(map(tracker.find, frames([empty] * 3, 15.0)))
    assert any(map(tracker.find, frames([picture] * 60, 15.0, start_s=1.0)))


def with_clutter(tracker, places):
    """Let every look for a new face also show a weak sign in the next of the ``places``."""
    real, weak = tracker.search.run_hog, FaceSettings().weak_score

    def run_hog(gray, scale, threshold, *how, **more):
        found = real(gray, scale, threshold, *how, **more)
        return found or ([(weak, next(places))] if threshold == weak else [])

    tracker.search.run_hog = run_hog


def test_pictures_of_another_size_while_a_weak_sign_waits_are_searched_as_any():
    """A folder of pictures may hold several sizes; a look is a rectangle of one of them."""
    tracker = FaceTracker(load_predictor(LandmarkSettings()), FaceSettings())
    with_clutter(tracker, (Box(50.0 * index, 5.0, 40.0, 40.0) for index in count()))
    for index in range(60):
        size = (720, 1280) if index < 20 else (240, 320)
        assert tracker.find(Frame(np.full(size, 90, np.uint8), index / 10, index)) is None


def test_signs_that_cannot_be_the_lost_face_delay_no_look_at_it(portrait):
    small = np.full((480, 640), 90, np.uint8)
    small[100:400, 200:500] = cv2.resize(portrait, (300, 300), interpolation=cv2.INTER_AREA)
    tracker = FaceTracker(load_predictor(LandmarkSettings()), FaceSettings())
    assert all(map(tracker.find, frames([small] * 10)))
    with_clutter(tracker, (Box(9.0 * (index % 60), 9.0, 12.0, 12.0) for index in count()))
    for turn in range(8):
        gone = [np.full_like(small, 90)] * (45 + turn)
        lost = list(map(tracker.find, frames(gone, start_s=1.0 + 5 * turn)))
        assert lost[-1] is None
        back_s = 1.0 + 5 * turn + len(gone) / 30
        back = list(map(tracker.find, frames([small] * 3, start_s=back_s)))
        assert any(back)


@pytest.mark.parametrize("size", [(3, 2000), (2000, 3), (1, 1), (9, 4000)])
def test_a_strip_holds_no_face(size):
    tracker = FaceTracker(load_predictor(LandmarkSettings()), FaceSettings())
    assert not any(map(tracker.find, frames([np.full(size, 90, np.uint8)] * 20)))
