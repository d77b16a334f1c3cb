"""The errors dms raises on purpose. Each message is one sentence that says what to do.

A command turns a :class:`DmsError` into its message and the exit code beside its class;
anything else is a defect and keeps its traceback.
"""


class DmsError(Exception):
    """Base of every expected failure; never raised itself."""

    exit_code = 1


class ConfigError(DmsError):
    """Settings, labels or a manifest that cannot be used: names file, line, expected, actual.

    ``key``: the setting at fault where only its use showed the fault; the commands add its line.
    """

    exit_code = 2

    def __init__(self, message: str, key: tuple[int | str, ...] = ()) -> None:
        super().__init__(message)
        self.key = key


class CameraError(DmsError):
    """The camera or recording cannot be opened, read or understood."""

    exit_code = 3


class CameraLostError(CameraError):
    """A camera that worked has stopped: unplugged, frozen or silent. Worth a retry."""


class EngineError(DmsError):
    """A net or landmark model is missing, altered, unfit for this machine, or failed to run."""

    exit_code = 4


class BridgeError(DmsError):
    """A bus, serial adapter or broker cannot be opened or refused a message."""

    exit_code = 5


class StoreError(DmsError):
    """Events cannot be kept or read back: disk full, read-only or damaged."""

    exit_code = 6
