"""What tools/evaluate.py photos counts: when a photo is told, and the pauses of a living face."""

from types import SimpleNamespace

import numpy as np
import pytest

from dms.decision.core import Core
from dms.values import Frame
from tests.scenarios.drive import Drive
from tools.evaluation import photos

GRAY = np.zeros((8, 8), np.uint8)


def chain_of(drive):
    """A chain whose perception sees, frame by frame, what the drive saw."""
    seen = [observation for observation, _ in drive.observations]
    core = Core()
    perception = SimpleNamespace(observe=lambda frame: seen[frame.sequence])
    film = [Frame(GRAY, one.t_s, number) for number, one in enumerate(seen)]
    return SimpleNamespace(core=core, perception=perception, reset=core.reset), film


def test_a_photo_is_told_after_the_rules_minute():
    chain, film = chain_of(Drive(fps=5, net=True, sway_deg=0.0).watches(65))
    assert photos.told_at_s(chain, film) == pytest.approx(60.0, abs=1.0)
    _, pauses, called = photos.pauses_of(chain, film)
    assert max(pauses) > 60.0
    assert called > 0


def test_pauses_of_a_living_face_are_the_times_between_its_blinks():
    chain, film = chain_of(Drive(fps=20, net=True, sway_deg=0.0).blinks(seconds=40, every_s=8.0))
    assert photos.told_at_s(chain, film) is None
    watched_s, pauses, called = photos.pauses_of(chain, film)
    assert watched_s == pytest.approx(40.0, abs=0.5)
    assert 6.0 < max(pauses) < 9.0
    assert called == 0


def test_figures_name_what_was_not_told_and_the_longest_pauses():
    lively = photos.judge_lively({"a": (10.0, [0.5, 2.0], 0), "b": (5.0, [61.0], 3)})
    assert (lively["recordings"], lively["signs_of_life"], lively["false_alarms"]) == (2, 3, 1)
    assert lively["pause_longest_s"] == 61.0
    found = photos.judge_photos({"a": 60.5, "b": None}, 10.0, 60.0)
    assert (found["photos"], found["told"], found["not_told"]) == (2, 1, ["b"])
