import pytest

from dms.decision.faults import new_faults
from dms.values import Fault, Part

LOST, GONE, OTHER = (
    Fault(Part.BRIDGE, words) for words in ("unplugged", "no such port", "bus-off")
)
CAMERA = Fault(Part.CAMERA, "silent")


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
    assert {part for part in Part if not Fault(part, "").blinding} == {Part.STORE, Part.LAMP}


@pytest.mark.parametrize("part", Part)
def test_a_fault_is_read_from_its_text(part):
    fault = Fault(part, "gone: plug it in")
    assert Fault.from_text(str(fault)) == fault
    assert str(fault).startswith(f"{part.value}: ") is (part is not Part.OTHER)


@pytest.mark.parametrize(
    "text", ["odd", "clock: set", "Camera: gone", "camera:gone", "other: x", ""]
)
def test_a_text_of_another_version_stays_as_it_is(text):
    assert Fault.from_text(text) == Fault(Part.OTHER, text)
    assert str(Fault.from_text(text)) == text


def test_faults_of_parts_unknown_here_are_told_apart_by_their_words():
    odd, even = Fault(Part.OTHER, "odd"), Fault(Part.OTHER, "even")
    assert new_faults((odd,), (even,)) == (even,)
