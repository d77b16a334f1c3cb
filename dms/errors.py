"""The errors dms raises on purpose. Each message is one sentence that says what to do.

A command turns a :class:`DmsError` into its message and the exit code beside its class;
anything else is a defect and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence

from dms.masking import masked


class DmsError(Exception):
    """Base of every expected failure; never raised itself. Its words hold no secret."""

    exit_code = 1

    def __str__(self) -> str:
        return masked(super().__str__())


class ConfigError(DmsError):
    """Settings, labels or a manifest that cannot be used: names file, line, expected, actual.

    ``key``: the setting at fault where only its use showed the fault; the commands add its line.
    ``parts``: the faults where several were found at once.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        key: tuple[int | str, ...] = (),
        parts: tuple[ConfigError, ...] = (),
    ) -> None:
        super().__init__(message)
        self.key = key
        self.parts = parts

    @classmethod
    def all_of(cls, faults: Sequence[ConfigError]) -> ConfigError:
        """Return one error for them all, so that a file is fixed in one round."""
        if len(faults) == 1:
            return faults[0]
        return cls("\n".join(str(fault) for fault in faults), parts=tuple(faults))


class CameraError(DmsError):
    """The camera or recording cannot be opened, read or understood."""

    exit_code = 3


class DamagedError(CameraError):
    """A recording was read to its end, but parts of it could not be decoded."""

    exit_code = 7


class CameraLostError(CameraError):
    """A camera that worked has stopped: unplugged, frozen or silent. Worth a retry."""


class EngineError(DmsError):
    """A net or landmark model is missing, altered, unfit for this machine, or failed to run."""

    exit_code = 4


class GpuMissingError(EngineError):
    """No GPU answers yet; at boot its driver may come later. Worth a retry."""


class BridgeError(DmsError):
    """A bus, serial adapter or broker cannot be opened or refused a message."""

    exit_code = 5


class StoreError(DmsError):
    """Events cannot be kept or read back: disk full, read-only or damaged."""

    exit_code = 6
