import pytest

from dms.service.restarts import Restarts, RestartSettings


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def run(path, clock, every_s, count, settings=None):
    waits = []
    for _ in range(count):
        waits.append(Restarts(path, settings or RestartSettings(), clock).next_wait_s())
        clock.now += every_s + waits[-1]
    return waits


def test_the_first_starts_are_free_then_waits_double_up_to_the_longest(tmp_path):
    waits = run(tmp_path / "restarts", Clock(), 1.0, 16)
    assert waits[:5] == [0.0] * 5
    assert waits[5:9] == [1.0, 2.0, 4.0, 8.0]
    assert max(waits) <= 30.0
    assert waits[-1] > 8.0


def test_rare_restarts_never_wait(tmp_path):
    assert run(tmp_path / "restarts", Clock(), 120.0, 20) == [0.0] * 20


def test_running_well_forgets(tmp_path):
    path, clock = tmp_path / "restarts", Clock()
    run(path, clock, 1.0, 8)
    Restarts(path, RestartSettings(), clock).forget()
    assert run(path, clock, 1.0, 1) == [0.0]


@pytest.mark.parametrize("content", ["", "[1, 2", '{"a": 1}', '["x"]', "3"])
def test_a_broken_file_counts_as_none(tmp_path, content):
    path = tmp_path / "restarts"
    path.write_text(content)
    assert run(path, Clock(), 1.0, 1) == [0.0]


def test_stamps_of_an_earlier_boot_do_not_count(tmp_path):
    path, clock = tmp_path / "restarts", Clock()
    run(path, clock, 1.0, 10)
    clock.now = 5.0  # the monotonic clock began anew
    assert run(path, clock, 1.0, 3) == [0.0] * 3


def test_without_a_folder_nothing_is_counted():
    assert run(None, Clock(), 0.1, 10) == [0.0] * 10
