from __future__ import annotations

from tools.make.can_page import MAPPING, PAGE, VHAL, render

_SYSTEM, _GLOBAL = 0x10000000, 0x01000000  # VehiclePropertyGroup, VehicleArea
_TYPES = {"BOOLEAN": 0x00200000, "INT32": 0x00400000}  # VehiclePropertyType


def test_the_page_is_what_the_contract_says():
    assert PAGE.read_text(encoding="utf-8") == render()


def test_vhal_ids_have_group_area_and_type():
    numbers = range(0x1019, 0x1021)
    for number, (name, (kind, *_)) in zip(numbers, VHAL.items(), strict=True):
        word, full = name.split()
        assert int(full, 16) == _SYSTEM | _GLOBAL | _TYPES[kind] | number
        assert any(f"{word} ({full})" in vhal or word in vhal for vhal, _ in MAPPING.values())
