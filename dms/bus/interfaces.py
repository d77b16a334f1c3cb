"""SocketCAN interfaces of this machine: which there are, whether they are up, at what bit rate."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CLASS = Path("/sys/class/net")
_CAN_TYPE = "280"  # ARPHRD_CAN in Linux' if_arp.h
_TEGRA = Path("/proc/device-tree/model")


@dataclass(frozen=True, slots=True)
class Interface:
    """One CAN interface. ``bitrate`` in bit/s, None where it has none (vcan) or none is set."""

    name: str
    up: bool
    state: str  # the controller's own word: ERROR-ACTIVE, BUS-OFF, STOPPED; "" where it has none
    bitrate: int | None = None
    restart_ms: int | None = None
    real: bool = True  # a controller with a bit rate of its own, no vcan

    def __str__(self) -> str:
        told = "up" if self.up else "down"
        if self.bitrate:
            told += f", {self.bitrate // 1000} kbit/s"
        return f"{self.name} ({told}{', ' + self.state if self.state else ''})"


def interfaces() -> list[Interface]:
    """Return every CAN interface, in the order of their names; never raises."""
    names = sorted(path.parent.name for path in _CLASS.glob("*/type") if _is_can(path))
    told = _from_ip()
    return [told.get(name) or _from_sys(name) for name in names]


def _is_can(path: Path) -> bool:
    try:
        return path.read_text(encoding="ascii").strip() == _CAN_TYPE
    except OSError:  # gone meanwhile
        return False


def _from_sys(name: str) -> Interface:
    """What the kernel's files say where there is no ip command: no bit rate."""
    try:
        state = (_CLASS / name / "operstate").read_text(encoding="ascii").strip()
    except OSError:
        state = "unknown"
    return Interface(name, state != "down", "")


def _from_ip() -> dict[str, Interface]:
    try:
        done = subprocess.run(
            ["ip", "-details", "-json", "link", "show"],
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
        return parse(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return {}


def parse(text: str) -> dict[str, Interface]:
    """Read what ``ip -details -json link show`` prints. Raises ValueError for anything else."""
    found = {}
    for link in json.loads(text or "[]"):
        if link.get("link_type") != "can":
            continue
        info = link.get("linkinfo", {})
        data = info.get("info_data", {})
        found[link["ifname"]] = Interface(
            name=link["ifname"],
            up="UP" in link.get("flags", []),
            state=str(data.get("state", "")),
            bitrate=data.get("bittiming", {}).get("bitrate"),
            restart_ms=data.get("restart_ms"),
            real=info.get("info_kind") == "can",
        )
    return found


def on_tegra() -> bool:
    """Whether this is a Jetson, whose own controllers want their module loaded first."""
    try:
        return "jetson" in _TEGRA.read_text(encoding="utf-8", errors="replace").lower()
    except OSError:
        return False


def bring_up(name: str, bitrate: int) -> str:
    """Return the command that brings an interface up, and back by itself after bus-off."""
    load = "sudo modprobe mttcan; " if on_tegra() else ""
    return f"{load}sudo ip link set {name} up type can bitrate {bitrate} restart-ms 100"
