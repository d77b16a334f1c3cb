import pytest

from dms.resource import OpenedResource, Resource


class Held(Resource):
    def __init__(self):
        self.told = []

    def close(self):
        self.told.append("close")

    def fail(self):
        self.told.append("used")
        raise ZeroDivisionError


class Opened(OpenedResource, Held):
    def open(self):
        self.told.append("open")


@pytest.mark.parametrize(("kind", "before"), [(Held, []), (Opened, ["open"])])
def test_with_opens_and_closes_and_lets_errors_through(kind, before):
    resource = kind()
    with pytest.raises(ZeroDivisionError), resource as entered:
        entered.fail()
    assert resource.told == [*before, "used", "close"]
