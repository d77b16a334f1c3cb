"""What ``ip -details -json link show`` says of CAN interfaces, as iproute2 6.1 prints it."""

import json

import pytest

from dms.bus import interfaces as room
from dms.bus.interfaces import Interface, bring_up, interfaces, parse

UP = {
    "ifname": "can0", "link_type": "can", "flags": ["NOARP", "UP", "LOWER_UP", "ECHO"],
    "operstate": "UP",
    "linkinfo": {
        "info_kind": "can",
        "info_data": {"state": "ERROR-ACTIVE", "restart_ms": 100, "bittiming": {"bitrate": 500000}},
    },
}  # fmt: skip
DOWN = {
    "ifname": "can1", "link_type": "can", "flags": ["NOARP", "ECHO"], "operstate": "DOWN",
    "linkinfo": {"info_kind": "can", "info_data": {"state": "STOPPED", "restart_ms": 0}},
}  # fmt: skip
VIRTUAL = {
    "ifname": "vcan0", "link_type": "can", "flags": ["NOARP", "UP"], "operstate": "UNKNOWN",
    "linkinfo": {"info_kind": "vcan"},
}  # fmt: skip
ETHERNET = {"ifname": "eth0", "link_type": "ether", "flags": ["UP"]}


def test_interfaces_are_read_with_state_and_rate():
    found = parse(json.dumps([ETHERNET, UP, DOWN, VIRTUAL]))
    assert found["can0"] == Interface("can0", True, "ERROR-ACTIVE", 500000, 100)
    assert str(found["can0"]) == "can0 (up, 500 kbit/s, ERROR-ACTIVE)"
    assert str(found["can1"]) == "can1 (down, STOPPED)"
    assert found["vcan0"].up
    assert not found["vcan0"].real
    assert set(found) == {"can0", "can1", "vcan0"}
    assert parse("") == {}


def lay(tmp_path, monkeypatch, *names):
    """Let the kernel show these CAN interfaces, and one of another type."""
    for name, kind in [*((name, "280") for name in names), ("lo", "772")]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "type").write_text(kind + "\n")
        (tmp_path / name / "operstate").write_text("down\n")
    monkeypatch.setattr(room, "_CLASS", tmp_path)


def test_without_the_ip_command_only_up_or_down_is_known(tmp_path, monkeypatch):
    lay(tmp_path, monkeypatch, "can0")

    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(room.subprocess, "run", missing)
    assert interfaces() == [Interface("can0", False, "")]


@pytest.mark.parametrize(
    ("board", "first"), [("NVIDIA Jetson Orin Nano\0", "sudo modprobe"), ("PC", "sudo ip")]
)
def test_the_command_that_brings_one_up_loads_the_jetsons_driver_first(
    tmp_path, monkeypatch, board, first
):
    model = tmp_path / "model"
    model.write_text(board)
    monkeypatch.setattr(room, "_TEGRA", model)
    told = bring_up("can0", 250000)
    assert told.startswith(first)
    assert told.endswith("ip link set can0 up type can bitrate 250000 restart-ms 100")
