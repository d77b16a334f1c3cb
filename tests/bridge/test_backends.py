"""Which bridge: the names, and what the settings say of them."""

from __future__ import annotations

from dataclasses import fields

from dms.bridge.backends import KINDS
from dms.bridge.settings import BridgeSettings
from dms.bus.settings import CAN_KINDS, BusSettings


def text_of_kind(settings: type) -> str:
    (kind,) = (field for field in fields(settings) if field.name == "kind")
    return kind.default.description


def test_the_settings_name_every_kind() -> None:
    assert text_of_kind(BridgeSettings) == f"{', '.join(KINDS)} or module:Class of your own"
    assert text_of_kind(BusSettings) == f"one of {', '.join(CAN_KINDS)}"


def test_a_bridge_can_be_set_up_as_a_bus_can() -> None:
    assert {f.name for f in fields(BusSettings)} < {f.name for f in fields(BridgeSettings)}
