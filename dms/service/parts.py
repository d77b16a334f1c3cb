"""What the service runs now, and how a reload makes it from what ran before."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from dms.bridge.kept import KeptBridge, keep
from dms.bridge.settings import BridgeSettings
from dms.camera.camera import Camera
from dms.chain import Chain
from dms.config import Settings
from dms.monitor import FaultTeller, VehicleSource
from dms.values import PauseReason, VehicleContext


@dataclass
class Parts:
    """What runs now, and with which settings it was made."""

    chain: Chain
    camera: Camera
    bridges: list[KeptBridge]
    camera_is_new: bool = True  # its first picture is waited for, not reported as lost
    vehicle: VehicleSource | None = None
    vehicle_open: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.chain.core.hold(PauseReason.PRIVACY if self.held else None)

    @property
    def held(self) -> bool:
        """Whether the settings keep a live camera closed."""
        return self.chain.settings.monitor.paused and self.camera.live

    @property
    def private(self) -> bool:
        """Whether a live camera must stay closed, by the settings or a command of the head unit."""
        commanded = self.chain.core.pause_reason is PauseReason.PRIVACY
        return self.held or (commanded and self.camera.live)


@dataclass(frozen=True, slots=True)
class Unheard:
    """A vehicle whose signals cannot be heard: nothing is known of it, and that is reported."""

    fault: str

    def at(self, _t_s: float, /) -> VehicleContext | None:
        return None


def opened(wanted: Sequence[BridgeSettings], running: Sequence[KeptBridge]) -> list[KeptBridge]:
    """Return a bridge for each of ``wanted``; one that runs with such settings goes on.

    Those that nobody wants are closed first: a bus may serve one program only.
    """
    left = [bridge for bridge in running if not bridge.stale]
    bridges: list[KeptBridge] = []
    for settings in wanted:
        same = next((bridge for bridge in left if bridge.settings == settings), None)
        if same is not None:
            left.remove(same)
        bridges.append(same or keep(settings))
    for bridge in running:
        if bridge not in bridges:
            bridge.close()
    for bridge in bridges:
        if bridge not in running:
            bridge.open()
    return bridges


def parts_of(settings: Settings, tellers: Sequence[FaultTeller]) -> tuple[str, ...]:
    """Return the names of what reports its faults; ``tellers`` run until a restart."""
    bus = ("bridge",) if settings.bridges else ()
    heard = ("vehicle",) if settings.vehicle.database else ()
    return ("camera", "engine", *bus, *heard, *(one.part.value for one in tellers))
