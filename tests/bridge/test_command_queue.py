"""Commands of one source: so many a second, and none taken that is then dropped."""

from dms.bridge.command_queue import RATE_HZ, Allowance, CommandQueue
from dms.values import Command

PAUSE = Command(pause=True)


def test_a_flood_is_cut_to_the_rate_and_what_was_taken_comes_out():
    now_s = 0.0
    queue = CommandQueue(lambda: now_s)
    taken = got = 0
    for step in range(1000):  # 1000 commands a second for a second, read 30 times a second
        now_s = step / 1000
        taken += queue.put(PAUSE)
        if step % 33 == 0:
            got += len(queue.take())
    got += len(queue.take())
    assert got == taken
    assert RATE_HZ <= taken <= 2 * RATE_HZ
    assert queue.refused == 1000 - taken


def test_an_allowance_is_its_burst_and_then_its_rate():
    now_s = 0.0
    allowance = Allowance(40.0, 400.0, lambda: now_s)
    used = 0
    for step in range(10_000):  # 1000 a second
        now_s = step / 1000
        used += allowance.take()
    assert 790 <= used <= 800
    now_s += 1.0
    assert sum(allowance.take() for _ in range(100)) == 40


def test_a_loop_that_stands_still_fills_the_queue_and_nothing_is_dropped():
    now_s = 0.0
    queue = CommandQueue(lambda: now_s)
    orders = [Command(acknowledge=True, pause=bool(i % 2)) for i in range(100)]
    taken = []
    for number, order in enumerate(orders):
        now_s = float(number)
        if queue.put(order):
            taken.append(order)
    assert len(taken) < len(orders)
    assert queue.take() == tuple(taken)
    assert queue.take() == ()
    assert queue.put(PAUSE)
