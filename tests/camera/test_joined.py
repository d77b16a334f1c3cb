"""Segments as dash cameras write them, read as one recording."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from dms.camera.backends import open_joined
from dms.camera.camera import Camera, Damage
from dms.camera.joined import JoinedRecording, named_s
from dms.camera.settings import CameraSettings
from dms.errors import CameraError, DamagedError
from dms.values import Frame

GRAY = np.zeros((4, 4), np.uint8)
RATE = 10


class Film(Camera):
    """``count`` pictures; then it breaks off where ``breaks`` says why."""

    live = False

    def __init__(self, count, *, opens=True, breaks=None, damages=()):
        self._count, self._opens, self._breaks, self._at = count, opens, breaks, 0
        self._told = damages

    @property
    def damages(self):
        return self._told

    def open(self):
        if not self._opens:
            raise CameraError("it is no video.")

    def read(self):
        if self._at == self._count:
            if self._breaks:
                raise CameraError(self._breaks)
            return None
        self._at += 1
        return Frame(GRAY, (self._at - 1) / RATE, self._at - 1)

    def close(self):
        pass


def joined(films, names=None, gap_s=0.3, **options):
    names = names or [f"drive_{at:04}.mp4" for at in range(1, len(films) + 1)]
    by_name = dict(zip(names, films, strict=True))
    return JoinedRecording(names, by_name.__getitem__, gap_s, **options)


def times(recording):
    with recording:
        return [frame.t_s for frame in recording]


def test_segments_follow_each_other_on_one_clock():
    recording = joined([Film(600), Film(600), Film(5)])
    with recording:
        frames = list(recording)
    assert [frame.sequence for frame in frames] == list(range(1205))
    assert frames[599].t_s == pytest.approx(59.9)
    assert frames[600].t_s == pytest.approx(60.3)  # 0.3 s after the last picture's end
    assert frames[1200].t_s == pytest.approx(120.6)
    told = [(one.source, one.frames, round(one.start_s, 3)) for one in recording.segments]
    assert told == [
        ("drive_0001.mp4", 600, 0.0), ("drive_0002.mp4", 600, 60.3), ("drive_0003.mp4", 5, 120.6),
    ]  # fmt: skip
    assert recording.damages == ()


def test_a_name_with_date_and_time_says_when_a_pause_was():
    names = ["20261129_215400_I.mp4", "20261129_215500_I.mp4", "20261129_231000_I.mp4"]
    told = times(joined([Film(600), Film(600), Film(600)], names))
    assert told[600] == pytest.approx(60.3)
    assert told[1200] == pytest.approx(76 * 60)  # by then it had not moved for an hour


def test_the_clock_never_runs_away_from_names_nor_backwards():
    names = [f"2026_1129_21{54 + at}00_{at}.mp4" for at in range(5)]
    told = times(joined([Film(600)] * 1 + [Film(600) for _ in range(4)], names, gap_s=0.9))
    starts = told[::600]
    assert all(60 * at <= start <= 60 * at + 1 for at, start in enumerate(starts))
    late = times(joined([Film(700), Film(10)], names[:2]))  # ten seconds are in both
    assert late[700] == pytest.approx(70.0)
    assert late == sorted(late)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("2026-11-29T21:54:00.mp4", True),
        ("REC_2026_11_29_21_54_00_I.MP4", True),
        ("20261129215400.ts", True),
        ("2026_1129_215400_0001I.MP4", True),
        ("drive_0001.mp4", False),
        ("20261350_215400.mp4", False),
        ("20260231_215400.mp4", False),
        ("1202611292154001.mp4", False),
    ],
)
def test_which_names_tell_a_time(name, known):
    assert (named_s(f"/some/2025-01-01 00-00-00/{name}") is not None) is known


def test_a_segment_that_cannot_be_read_is_a_gap_and_not_the_end():
    recording = joined(
        [Film(10), Film(0, opens=False), Film(10, breaks="it is cut off."), Film(10)]
    )
    told = times(recording)
    assert len(told) == 30
    first, second = recording.damages
    assert (first.from_s, first.to_s) == (pytest.approx(1.0), pytest.approx(1.3))
    assert first.words == "it is no video"
    assert (second.from_s, second.to_s) == (pytest.approx(2.3), pytest.approx(2.6))
    with pytest.raises(DamagedError):
        times(joined([Film(10), Film(0, opens=False)], strict=True))


def test_a_segment_without_a_picture_is_told():
    recording = joined([Film(10), Film(0), Film(10)])
    assert len(times(recording)) == 20
    (damage,) = recording.damages
    assert str(damage) == "no picture from 1.00 s to 1.30 s (drive_0002.mp4 holds no picture)"
    assert [one.source for one in recording.segments] == ["drive_0001.mp4", "drive_0003.mp4"]
    with pytest.raises(DamagedError, match=r"drive_0002\.mp4 holds no picture"):
        times(joined([Film(10), Film(0), Film(10)], strict=True))


def test_what_is_missing_where_is_not_known_stays_so():
    recording = joined([Film(10), Film(10, damages=(Damage(None, None, "3 are missing"),))])
    times(recording)
    (damage,) = recording.damages
    assert damage.from_s is None
    assert str(damage).startswith("drive_0002.mp4: 3 are missing, where is not known")


def test_damage_within_a_segment_is_told_on_the_clock_of_the_whole():
    broken = (Damage(0.2, 0.5, "zeroed"), Damage(0.9, None, "cut"))
    recording = joined([Film(10), Film(10, damages=broken), Film(10)])
    times(recording)
    first, second = recording.damages
    assert (first.from_s, first.to_s) == (pytest.approx(1.5), pytest.approx(1.8))
    assert first.words == "drive_0002.mp4: zeroed"
    assert second.to_s == pytest.approx(2.6)  # the next segment's first picture
    last = joined([Film(10), Film(10, breaks="it is cut off.")])
    times(last)
    assert [one.to_s for one in last.damages] == [None]


def test_nothing_readable_is_an_error():
    with pytest.raises(CameraError, match="None of the 2 segments can be read: it is no video"):
        times(joined([Film(0, opens=False), Film(0, opens=False)]))


@pytest.mark.whole
def test_no_more_than_one_segment_is_held():
    alive = []

    def make(_):
        gc.collect()
        assert sum(one() is not None for one in alive) == 0
        film = Film(2)
        alive.append(weakref.ref(film))
        return film

    assert len(times(JoinedRecording([f"{at}.mp4" for at in range(6)], make, 0.3))) == 12


def test_it_is_opened_anew_from_its_beginning(tmp_path):
    cv2 = pytest.importorskip("cv2")
    names = [str(tmp_path / f"{at}.avi") for at in range(2)]
    for name in names:
        film = cv2.VideoWriter(name, cv2.VideoWriter_fourcc(*"MJPG"), RATE, (64, 64), False)
        for at in range(5):
            film.write(np.full((64, 64), 50 + at * 10, np.uint8))
        film.release()
    recording = open_joined(replace(CameraSettings(), segment_gap_s=0.5), names)
    first = times(recording)
    assert first == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 1.0, 1.1, 1.2, 1.3, 1.4])
    assert times(recording) == first
