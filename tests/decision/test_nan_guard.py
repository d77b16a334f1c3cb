import math
from dataclasses import fields, replace

import pytest

from dms.decision.nan_guard import finite
from dms.values import (
    EXPRESSIONS,
    ExpressionScores,
    EyeEvidence,
    HeadPose,
    Iris,
    Kind,
    Lids,
    Unseen,
)
from tests.scenarios.drive import Drive

NAN = math.nan


def sound():
    drive = Drive(net=True).looks_like(0.1)
    drive.watches(0.1)
    return drive.observations[-1][0]


def test_a_sound_observation_is_left_as_it_is():
    seen = sound()
    assert finite(seen) is seen


@pytest.mark.parametrize("bad", [NAN, math.inf, -math.inf])
def test_each_value_that_is_no_number_becomes_unknown_and_the_others_stay(bad):
    seen = sound()
    eye = replace(seen.right_eye, ear=bad, unseen=Unseen.GLARE)
    got = finite(replace(seen, right_eye=eye, mar=bad, brightness=bad))
    assert got.right_eye.ear is None
    assert got.right_eye.unseen is Unseen.GLARE
    assert got.right_eye.open_probability == seen.right_eye.open_probability
    assert got.left_eye == seen.left_eye
    assert (got.mar, got.brightness, got.pose) == (None, None, seen.pose)
    assert finite(replace(seen, pose=HeadPose(1.0, bad, 0.0))).pose is None
    assert finite(replace(seen, shape=(0.1, bad), mar=0.1)).shape is None
    assert finite(replace(seen, shape=(0.1, 0.2), mar=bad)).shape == (0.1, 0.2)
    row = (bad, *[0.1] * (len(EXPRESSIONS) - 1))
    assert finite(replace(seen, expression=ExpressionScores(row, True, 0.9))).expression is None
    half = ExpressionScores((0.125,) * 8, True, 0.9, valence=bad, arousal=0.1)
    assert finite(replace(seen, expression=half)).expression == replace(half, valence=None)
    against = replace(half, valence=0.1, rage_log_odds=bad, rest_known=True)
    told = finite(replace(seen, expression=against)).expression
    assert told == replace(against, rage_log_odds=None)
    shifted = replace(half, valence=0.1, relative=row)
    assert finite(replace(seen, expression=shifted)).expression is None


@pytest.mark.parametrize("name", [f.name for f in fields(EyeEvidence) if f.name != "unseen"])
def test_no_measure_of_an_eye_is_left_out(name):
    eye = replace(sound().left_eye, **{name: NAN})
    got = finite(replace(sound(), left_eye=eye))
    assert got.left_eye == replace(eye, **{name: None})


@pytest.mark.parametrize(
    "parts", [{"lids": Lids(0.5, NAN, 0.5)}, {"iris": Iris(0.0, math.inf, 0.1)}]
)
def test_one_bad_number_of_lids_or_iris_makes_them_unknown(parts):
    eye = replace(sound().left_eye, lids=Lids(1.0, 0.0, 0.0), iris=Iris(0.0, 0.0, 0.1))
    assert finite(replace(sound(), left_eye=eye)).left_eye == eye
    got = finite(replace(sound(), left_eye=replace(eye, **parts)))
    assert got.left_eye == replace(eye, **dict.fromkeys(parts))


def test_a_second_of_nan_does_not_silence_the_rest_of_the_drive():
    eye = EyeEvidence(NAN, NAN, NAN, NAN)
    drive = Drive(net=True).looks_like(0.1).blinks(seconds=60)
    drive.wears(1.0, right_eye=eye, left_eye=eye, pose=HeadPose(NAN, NAN, NAN), mar=NAN)
    drive.blinks(seconds=10).closes(1.5).watches(1)
    assert drive.kinds == [Kind.MICROSLEEP]
