"""The bridge plug point: where states and events leave for the vehicle without ever blocking."""

from __future__ import annotations

from abc import abstractmethod

from dms.resource import OpenedResource
from dms.values import Command, DriverState


class Bridge(OpenedResource):
    """One way out: CAN, SLCAN, MQTT. A context manager that opens on entry.

    :meth:`publish` is called once a frame with the newest state (its ``events`` are those raised in
    that frame); cyclic sending follows ``state.t_s``, so a replay sends what a drive would.
    """

    name: str

    @abstractmethod
    def open(self) -> None:
        """Open the bus. Raises BridgeError with what to do."""

    def check(self) -> tuple[str, ...]:
        """Open and check the files that :meth:`open` will need on this machine, but no bus.

        Returns what is unwise in them, in words. Raises DmsError, whose message says what to do.
        """
        return ()

    @abstractmethod
    def publish(self, state: DriverState) -> None:
        """Send what is due. Never blocks and never raises for a bus fault: see :attr:`fault`."""

    def commands(self) -> tuple[Command, ...]:
        """Return what the head unit asked for since the last call, oldest first."""
        return ()

    @property
    @abstractmethod
    def fault(self) -> str | None:
        """The present fault in words, or None."""

    @abstractmethod
    def close(self) -> None:
        """Send the last "off" state where possible and release the bus; idempotent."""
