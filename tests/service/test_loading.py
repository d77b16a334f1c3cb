import threading

import pytest

from dms.errors import EngineError
from dms.service.loading import Loading


class Slow:
    """A chain whose nets come when told, or fail."""

    def __init__(self, failure=None):
        self.may = threading.Event()
        self.failure = failure
        self.closed = threading.Event()

    def close(self):
        self.closed.set()

    @property
    def perception(self):
        self.may.wait()
        if self.failure:
            raise self.failure


def test_nobody_waits_longer_than_asked_and_the_end_is_seen():
    chain = Slow()
    loading = Loading(chain)
    assert not loading.wait(0.0)
    assert not loading.wait(0.05)
    chain.may.set()
    assert loading.wait(60.0)
    loading.result()


@pytest.mark.parametrize("failure", [EngineError("no file"), ZeroDivisionError("a defect")])
def test_whatever_kept_them_from_loading_is_raised_where_it_is_waited_for(failure):
    chain = Slow(failure)
    chain.may.set()
    loading = Loading(chain)
    assert loading.wait(60.0)
    with pytest.raises(type(failure)):
        loading.result()


@pytest.mark.parametrize("late", [False, True])
def test_what_nobody_waits_for_any_more_is_freed_once_it_is_there(late):
    chain = Slow()
    loading = Loading(chain)
    if late:
        chain.may.set()
        assert loading.wait(60.0)
    loading.abandon()
    assert chain.closed.is_set() is late
    chain.may.set()
    assert chain.closed.wait(60.0)
