import pytest

from dms.store.age import Age
from dms.store.events import EventStore, StoreSettings
from dms.values import Event, Kind, Level

DAY = 86400.0
NOW = 1_800_000_000.0  # in 2027
Y1970, Y2099 = 100.0, 4_070_908_800.0


def counted(*looks, longest=90 * DAY, utc_s=NOW):
    """Return the count after looks at (wall clock, monotonic clock)."""
    age = Age(longest, 0.0, utc_s)
    for wall_s, clock_s in looks:
        age.look(wall_s, clock_s)
    return age.counted_s


@pytest.mark.parametrize(
    ("looks", "days"),
    [
        ([(NOW + DAY, 7.0)], 1),  # a pause
        ([(NOW + DAY, 7.0), (NOW + 2 * DAY, 7.0 + DAY)], 2),  # and a day of driving
        ([(NOW + 400 * DAY, 7.0)], 90),  # a long pause, or a leap: half the allowed age
        ([(Y2099, 7.0), (NOW + DAY, 8.0), (NOW + 2 * DAY, 9.0)], 90),  # wrong, then right again
        ([(Y1970, 7.0), (Y1970 + DAY, 7.0 + DAY)], 1),  # not set: the monotonic clock counts on
        ([(Y1970, 7.0), (NOW + 3 * DAY, 60.0)], 3),  # set late in the drive: the pause counts once
        ([(Y1970, 7.0), (NOW + 3 * DAY, 7.0 + DAY)], 3),
        ([(NOW - 30 * DAY, 7.0), (NOW - 29 * DAY, 8.0)], 0),  # set back by hand: owed
        ([(NOW - 30 * DAY, 7.0), (NOW + DAY, 8.0)], 1),  # behind at the start, then set right
        ([(NOW - 30 * DAY, 7.0), (NOW - 20 * DAY, 8.0), (NOW + DAY, 9.0)], 1),  # in two steps
        ([(NOW + DAY, 7.0), (NOW + DAY, 7.0 + 2 * DAY)], 3),  # a wall clock that stands
    ],
)
def test_time_is_counted_forward_by_the_clock_that_knows(looks, days):
    assert counted(*looks) / DAY == pytest.approx(days, abs=0.001)


def test_the_first_clock_that_is_believed_counts_nothing():
    assert counted((NOW, 7.0), utc_s=None) == 0
    assert counted((Y1970, 7.0), (NOW, 8.0), utc_s=None) == 1.0


def test_a_clock_that_starts_behind_at_every_boot_drops_nothing(tmp_path):
    wall = [NOW]
    clock = [0.0]
    path = tmp_path / "events.db"

    def boot():
        return EventStore(path, StoreSettings(), lambda: wall[0], clock=lambda: clock[0])

    for day in range(10):
        wall[0], clock[0] = NOW - 120 * DAY, 7.0  # no battery: the clock goes on from an old file
        with boot() as store:
            drive = store.begin_drive()
            wall[0], clock[0] = NOW + day * DAY, 67.0  # the network has set it
            store.add([Event(float(day), Kind.SLEEP, Level.CRITICAL, "eyes closed")], drive)
    with boot() as store:
        assert len(list(store.events())) == 10
