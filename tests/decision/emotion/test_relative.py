import numpy as np
import pytest

from dms.decision.emotion.relative import SEVEN, RelativeHead
from dms.values import EXPRESSIONS
from tests.scenarios.faces import ANGER, JOY, SIZE, head

HEAD = head()
REST = np.zeros(SIZE)
NEUTRAL = tuple(1.0 if name == "neutral" else 0.0 for name in EXPRESSIONS)


def face(anger: float = 0.0, joy: float = 0.0, rest: np.ndarray = REST) -> np.ndarray:
    moved = rest.copy()
    moved[[ANGER, JOY]] += anger, joy
    return moved


def test_log_odds_are_of_the_face_and_of_its_way_from_rest():
    assert HEAD.log_odds(REST, REST) == pytest.approx(-2.0)
    assert HEAD.log_odds(face(anger=2.0), REST) == pytest.approx(-2.0 + 2 * 0.3 + 2 * 1.2)
    stern = face(anger=2.0)
    assert HEAD.log_odds(stern, stern) == pytest.approx(-2.0 + 2 * 0.3)


def test_seven_scores_are_shifted_and_contempt_stays():
    absolute = (0.5, 0.1, 0.05, 0.05, 0.1, 0.05, 0.05, 0.1)
    told = HEAD.scores(face(anger=2.0), REST, absolute)
    assert told.sum() == pytest.approx(1.0)
    assert told[EXPRESSIONS.index("contempt")] == pytest.approx(0.1)
    assert told[EXPRESSIONS.index("anger")] > 0.7
    assert EXPRESSIONS[:7] == SEVEN


def test_at_rest_an_unshifted_head_leaves_the_order_as_it_was():
    told = HEAD.scores(REST, REST, NEUTRAL)
    assert int(told.argmax()) == EXPRESSIONS.index("neutral")


@pytest.mark.parametrize("stern", [-9.0, -0.5, 0.0, 0.5, 9.0])
def test_a_rest_lies_no_further_towards_anger_than_those_of_people(stern):
    rest = np.random.default_rng(3).normal(size=SIZE)
    rest[ANGER] = stern
    bounded = HEAD.bounded(rest, sds=2.0)
    assert abs(bounded[ANGER]) <= 1.0 + 1e-9  # two standard deviations of 0.5
    others = [at for at in range(SIZE) if at != ANGER]
    assert np.allclose(bounded[others], rest[others])  # all else stays the driver's own
    if abs(stern) < 1:
        assert np.allclose(bounded, rest)


def test_it_is_made_of_named_arrays_and_shows_none():
    weights = {name: np.asarray(getattr(HEAD, name), np.float64) for name in RelativeHead.__slots__}
    again = RelativeHead.of(weights)
    assert again.same(HEAD)
    assert not again.same(head(population=np.ones(SIZE)))
    assert not again.same(None)
    assert "array" not in repr(again)
