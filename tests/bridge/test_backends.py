"""Which bridge: the names, and what the settings say of them."""

from __future__ import annotations

from dataclasses import fields

import pytest

from dms.bridge.backends import KINDS, open_bridge
from dms.bridge.bridge import Bridge
from dms.bridge.settings import BridgeSettings
from dms.bus.settings import CAN_KINDS, BusSettings
from dms.errors import ConfigError
from dms.values import DriverState


def text_of_kind(settings: type) -> str:
    (kind,) = (field for field in fields(settings) if field.name == "kind")
    return kind.default.description


def test_the_settings_name_every_kind() -> None:
    assert text_of_kind(BridgeSettings) == f"{', '.join(KINDS)} or module:Class of your own"
    assert text_of_kind(BusSettings) == f"one of {', '.join(CAN_KINDS)}"


class TakesNothing(Bridge):
    name, fault = "nothing", None

    def open(self) -> None: ...

    def publish(self, state: DriverState) -> None: ...

    def close(self) -> None: ...


def test_a_class_that_takes_no_item_of_bridges_is_an_error_of_the_settings() -> None:
    with pytest.raises(ConfigError, match="cannot be made with its item of bridges"):
        open_bridge(BridgeSettings(kind=f"{__name__}:TakesNothing"))


def test_a_bridge_can_be_set_up_as_a_bus_can() -> None:
    assert {f.name for f in fields(BusSettings)} < {f.name for f in fields(BridgeSettings)}


def test_a_j1939_bus_that_answers_no_testers_says_so() -> None:
    """It was off without a word: the identifiers of UDS have 11 bits by default."""
    silent = open_bridge(BridgeSettings(protocol="j1939"))
    (note,) = silent.unwise
    assert "answers no UDS: uds_request_id 0x7a0 has 11 bits, a J1939 bus 29" in note
    wide = {"uds_request_id": 0x18DA94F1, "uds_response_id": 0x18DAF194}
    assert open_bridge(BridgeSettings(protocol="j1939", **wide)).unwise == ()
    assert open_bridge(BridgeSettings(protocol="j1939", diagnostics=False)).unwise == ()
    assert open_bridge(BridgeSettings()).unwise == ()
