import pytest

from dms.decision.faults import blinding, new_faults

LOST, GONE, OTHER = "bridge: unplugged", "bridge: no such port", "bridge: bus-off"
CAMERA = "camera: silent"


@pytest.mark.parametrize(
    ("before", "now", "fresh"),
    [
        ((), (LOST,), (LOST,)),
        ((LOST,), (LOST,), ()),
        ((LOST,), (GONE,), ()),
        ((LOST,), (CAMERA,), (CAMERA,)),
        ((LOST,), (LOST, OTHER), (OTHER,)),
        ((LOST,), (GONE, OTHER), (OTHER,)),
        ((LOST, OTHER), (GONE, CAMERA), (CAMERA,)),
        ((CAMERA,), (), ()),
    ],
)
def test_a_fault_is_new_unless_it_only_changed_its_words(before, now, fresh):
    assert new_faults(before, now) == fresh


def test_a_store_or_a_lamp_at_fault_blinds_nobody():
    beside = ("store: disk full", "lamp: dms-ir cannot be switched")
    assert blinding(beside) == ()
    assert blinding((*beside, CAMERA, "odd")) == (CAMERA, "odd")
