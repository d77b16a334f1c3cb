"""A fault that comes and goes is told as one."""

from hypothesis import given
from hypothesis import strategies as st

from dms.decision.faults import new_faults
from dms.decision.flapping import Flapping
from dms.values import Fault, Part

CAMERA = Fault(Part.CAMERA, "gone")
BROKER = Fault(Part.BRIDGE, "the broker is gone")
CAN = Fault(Part.BRIDGE, "bus-off")


def told(plan, step_s=1 / 30):
    """Run ``plan`` (seconds, faults) and return when a fault began and ended, and the last step."""
    flapping, before, begun, ended, t_s = Flapping(), (), [], [], 0.0
    for seconds, faults in plan:
        for _ in range(max(1, round(seconds / step_s))):
            now = flapping.hold(faults, t_s)
            begun += [(round(t_s, 2), fault) for fault in new_faults(before, now)]
            ended += [(round(t_s, 2), fault) for fault in new_faults(now, before)]
            before = now
            t_s += step_s
    return begun, ended, before


def test_one_fault_is_told_and_over_at_once():
    begun, ended, left = told([(1, ()), (2, (CAMERA,)), (5, ())])
    assert begun == [(1.0, CAMERA)]
    assert ended == [(3.0, CAMERA)]
    assert left == ()


def test_197_losses_in_12_s_are_two_faults_and_the_watching_is_well_again_soon():
    flap = [(0.03, (CAMERA,)), (0.03, ())] * 197
    begun, ended, left = told([*flap, (40, ())])
    assert len(begun) == len(ended) == 2
    assert left == ()
    assert ended[-1][0] < 13.2 + 31


def test_a_fault_of_every_20_s_becomes_one():
    begun, _, _ = told([(1, (BROKER,)), (19, ())] * 180)  # an hour
    assert len(begun) < 10


def test_a_steady_fault_beside_a_flapping_one_of_the_same_part():
    plan = [(0.1, (CAN, BROKER)), (0.1, (CAN,))] * 50
    begun, _ended, left = told([*plan, (40, (CAN,))])
    assert [fault for _, fault in begun].count(CAN) == 1
    assert len(begun) <= 4
    assert left == (CAN,)


def test_other_words_of_one_fault_are_the_same_fault():
    other = Fault(Part.CAMERA, "missing")
    begun, ended, _ = told([(1, (CAMERA,)), (1, (other,)), (1, ())])
    assert len(begun) == len(ended) == 1


def test_a_fault_that_stayed_away_for_minutes_is_a_new_one():
    begun, ended, _ = told([(1, (CAMERA,)), (301, ()), (1, (CAMERA,)), (1, ())], 0.1)
    assert len(begun) == 2
    assert len(ended) == 2
    assert ended[1][0] - begun[1][0] < 1.2


FAULTS = st.lists(st.sampled_from([CAMERA, BROKER, CAN, Fault(Part.OTHER, "x")]), max_size=4)


@given(st.lists(st.tuples(FAULTS, st.floats(0.01, 60)), max_size=60))
def test_what_is_wrong_now_is_always_told_and_what_is_over_ends(steps):
    flapping, t_s = Flapping(), 0.0
    for faults, step_s in steps:
        t_s += step_s
        assert flapping.hold(tuple(faults), t_s)[: len(faults)] == tuple(faults)
    assert flapping.hold((), t_s + 31) == ()
