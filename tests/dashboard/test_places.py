"""Who holds a connection: the token's owner before strangers, and no address alone."""

from types import SimpleNamespace

from dms.dashboard.places import MOST_FRIENDS, MOST_OF_ONE, MOST_STRANGERS, Places


class Connection:
    def __init__(self):
        self.out = False
        self.transport = SimpleNamespace(abort=self._abort)

    def _abort(self):
        self.out = True


def joined(places, number, address):
    made = [Connection() for _ in range(number)]
    for one in made:
        places.join(one, address)
    return made


def test_one_address_has_few_places_and_its_newest_stay():
    flood = joined(Places(), 100, "10.0.0.9")
    assert [one.out for one in flood] == [True] * (100 - MOST_OF_ONE) + [False] * MOST_OF_ONE


def test_many_addresses_push_out_the_oldest_stranger_only():
    places = Places()
    (owner,) = joined(places, 1, "10.0.0.1")
    places.welcome(owner)
    strangers = [joined(places, 1, f"10.0.1.{number}")[0] for number in range(100)]
    assert not owner.out
    assert sum(not one.out for one in strangers) == MOST_STRANGERS
    (late,) = joined(places, 1, "10.0.0.2")
    assert not late.out


def test_friends_are_bounded_too_and_who_leaves_makes_room():
    places = Places()
    friends = joined(places, MOST_OF_ONE, "a")
    for number in range(MOST_FRIENDS):
        (one,) = joined(places, 1, f"b{number}")
        places.welcome(one)
        friends.append(one)
    for one in friends[:MOST_OF_ONE]:
        places.welcome(one)
    assert sum(one.out for one in friends) == MOST_OF_ONE
    places.leave(friends[0])
    places.leave(friends[0])
    places.welcome(Connection())  # never joined: nothing to keep
