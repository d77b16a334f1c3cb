"""A class made cheaply is the class that dataclasses would have made."""

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from dms import values
from dms.fast_init import fast_init


@fast_init
@dataclass(frozen=True, slots=True)
class Pair:
    one: int
    two: int = 2
    many: dict = field(default_factory=dict)
    sum: int = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "sum", self.one + self.two)


@dataclass(frozen=True, slots=True)
class Plain:
    one: int
    two: int = 2


def test_fields_defaults_and_what_is_computed():
    pair = Pair(1)
    assert (pair.one, pair.two, pair.many, pair.sum) == (1, 2, {}, 3)
    assert Pair(1).many is not pair.many
    assert Pair(one=3, two=4).sum == 7
    assert replace(pair, one=5).sum == 7
    assert repr(pair) == "Pair(one=1, two=2, many={}, sum=3)"


def test_it_stays_frozen_and_of_its_class():
    pair = Pair(1)
    assert type(pair) is Pair
    with pytest.raises(FrozenInstanceError):
        pair.one = 2
    with pytest.raises(TypeError, match="one"):
        Pair()


def test_it_is_equal_copied_and_pickled_as_before():
    box = values.Box(1.0, 2.0, 3.0, 4.0)
    assert box == values.Box(1.0, 2.0, 3.0, 4.0)
    assert hash(box) == hash(values.Box(1.0, 2.0, 3.0, 4.0))
    assert copy.deepcopy(box) == box == pickle.loads(pickle.dumps(box))
    state = values.DriverState(1.0)
    assert pickle.loads(pickle.dumps(state)) == state


def test_its_signature_is_that_of_dataclasses():
    told = inspect.signature(fast_init(Plain))
    assert list(told.parameters) == [one.name for one in fields(Plain)]
    assert told.parameters["two"].default == 2
