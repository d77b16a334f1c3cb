"""The program that damages films: what a block reaches, and that it tells faults."""

import numpy as np
import pytest

pytest.importorskip("av", reason="PyAV (extra video) is not installed")
pytest.importorskip("skimage", reason="the extra 'demo' is not installed")

from dms.bench.bench import Result
from dms.camera.camera import Damage
from dms.chain import Chain
from dms.config import load
from dms.values import Event, Kind, Level
from tools.fuzz import films
from tools.fuzz.damage import Packet, damaged, hit_of

PACKETS = [Packet(100 * n, 100 * n + 90, float(n), n % 4 == 1) for n in range(1, 9)]
FORMS = ("H.264, MP4", "Motion JPEG, AVI")


def hit(begin, length, *, moved=False, first=False):
    return hit_of(PACKETS, begin, length, 9.0, moved=moved, first=first)


def test_a_block_reaches_up_to_the_next_picture_that_needs_none_before_it():
    assert hit(250, 100) == (films.Hit(2, 2.0, 5.0, False))
    assert hit(291, 5).hit == 0  # between two pictures
    assert hit(250, 100, moved=True, first=True) == films.Hit(2, 2.0, 9.0, False)
    assert hit(250, 100, moved=True).head  # its index at the end is moved as well
    assert hit(50, 10).head
    assert hit(850, 200).head
    assert films.Hit(2, 2.0, 5.0, False).reaches(5.5, 7.0)
    assert not films.Hit(2, 2.0, 5.0, False).reaches(6.5, 7.0)


def test_a_block_is_zeroed_flipped_or_cut_out():
    data = bytes(range(10))
    assert damaged(data, 2, 3, "zeroed") == bytes([0, 1, 0, 0, 0, 5, 6, 7, 8, 9])
    assert damaged(data, 2, 3, "flipped")[2:5] == bytes([253, 252, 251])
    assert damaged(data, 2, 3, "cut out") == bytes([0, 1, 5, 6, 7, 8, 9])


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    chain = Chain(load(None, (*films.SETTINGS, "nets.eye_state=null")))
    made = films.Trial(tmp_path_factory.mktemp("films"), chain, FORMS)
    noise = np.random.default_rng(1).integers(0, 255, (240, 320), np.uint8)
    made.prepare([np.roll(noise, 3 * n) for n in range(30)])
    return made


def test_six_damages_are_all_reported(trial):
    verdicts = [trial.judge(seed) for seed in range(6)]
    assert [(one.form, one.way) for one in verdicts] == [
        (form, way) for form in FORMS for way in ("zeroed", "flipped", "cut out")
    ]
    assert [one.fault for one in verdicts] == [None] * 6
    assert all(one.hit.hit for one in verdicts)
    assert "cut off before its index" in verdicts[2].words


def test_what_is_missed_or_not_reported_is_a_fault(trial, monkeypatch):
    alert = Event(1.9, Kind.SLEEP, Level.CRITICAL, "planted", 0.0)
    monkeypatch.setattr(trial, "_cause", lambda one: (one.t_s + 9, one.t_s + 9))
    path, packets, _ = trial._sound[FORMS[0]]
    monkeypatch.setitem(trial._sound, FORMS[0], (path, packets, [alert]))
    gap = [Damage(0.2, 0.4, "x")]
    runs = {
        "missed sleep 1.90 s": Result("", damages=gap),
        "not reported": Result("", events=[alert]),
        None: Result("", events=[alert], damages=[*gap, Damage(None, None, "no index")]),
    }
    for fault, result in runs.items():
        monkeypatch.setattr(trial, "_run", lambda _, result=result: (result, None))
        assert trial.judge(0).fault == fault
