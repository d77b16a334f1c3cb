"""The bridge plug point: where states and events leave for the vehicle without ever blocking."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import TypeVar

from dms.resource import OpenedResource
from dms.values import Command, DriverState

_T = TypeVar("_T")


class Bridge(OpenedResource):
    """One way out: CAN, SLCAN, MQTT. A context manager that opens on entry.

    It is made with its item of the settings' ``bridges`` as the only argument.
    :meth:`publish` is called once a frame with the newest state (its ``events`` are those raised in
    that frame); cyclic sending follows ``state.t_s``, so a replay sends what a drive would.
    """

    name: str

    @abstractmethod
    def open(self) -> None:
        """Open the bus. Raises BridgeError with what to do."""

    @property
    def unwise(self) -> tuple[str, ...]:
        """What is unwise in the settings alone, in words; no reason to refuse them."""
        return ()

    def check(self) -> tuple[str, ...]:
        """Open and check the files that :meth:`open` will need on this machine, but no bus.

        Returns :attr:`unwise` and what is so in the files. Raises DmsError with what to do.
        """
        return self.unwise

    @property
    def stale(self) -> bool:
        """Whether files that :meth:`open` has read have changed: a reload then opens again."""
        return False

    @abstractmethod
    def publish(self, state: DriverState) -> None:
        """Send what is due. Never blocks and never raises for a bus fault: see :attr:`fault`."""

    def commands(self) -> tuple[Command, ...]:
        """Return what the head unit asked for since the last call, oldest first."""
        return ()

    def witnessed(self) -> tuple[str, ...]:
        """Return what others did over this bridge since the last call, besides commands."""
        return ()

    @property
    @abstractmethod
    def fault(self) -> str | None:
        """The present fault in words, or None."""

    @abstractmethod
    def close(self) -> None:
        """Send the last "off" state where possible and release the bus; idempotent."""


def asked(bridge: Bridge) -> tuple[Command, ...]:
    """Return the commands of ``bridge``. Raises TypeError where it gave something else."""
    return _each(bridge.commands(), Command, "commands", "Command")


def told_by(bridge: Bridge) -> tuple[str, ...]:
    """Return what ``bridge`` witnessed. Raises TypeError where it gave something else."""
    return _each(bridge.witnessed(), str, "witnessed", "words")


def _each(taken: object, kind: type[_T], method: str, wanted: str) -> tuple[_T, ...]:
    if isinstance(taken, Iterable) and not isinstance(taken, str):
        given = tuple(taken)
        if all(isinstance(one, kind) for one in given):
            return given
    raise TypeError(f"{method}() gave {taken!r}; give a tuple of {wanted}, () for none")


def fault_of(bridge: Bridge) -> str | None:
    """Return the fault of ``bridge``. Raises TypeError where it gave something else."""
    fault: object = bridge.fault
    if fault is not None and not isinstance(fault, str):
        raise TypeError(f"its fault is {fault!r}; give words, None for no fault")
    return fault
