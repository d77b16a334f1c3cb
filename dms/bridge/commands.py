"""Reads DMS_Command: checks its protection, turns it into a Command and keeps the answer."""

from __future__ import annotations

from dms.bridge.codec import Codec, Value
from dms.bridge.e2e import Check
from dms.values import Command, PauseReason

NAME = "DMS_Command"
_SILENCE_S = 2.0  # after so long without a command its counter starts again (our choice)
_YES: dict[Value, bool] = {"No": False, "Yes": True}
_SWITCH: dict[Value, bool | None] = {"Leave": None, "On": True, "Off": False}
_PAUSE: dict[Value, bool | None] = {"Leave": None, "Pause": True, "Resume": False}
_REASONS: dict[Value, PauseReason | None] = {
    "NotGiven": None,
    **{reason.value.capitalize(): reason for reason in PauseReason},
}


def command_of(values: dict[str, Value]) -> Command | None:
    """Return the command that the decoded signals ask for, None where one has no meaning."""
    try:
        return Command(
            acknowledge=_YES[values["Acknowledge"]],
            pause=_PAUSE[values["PauseRequest"]],
            pause_reason=_REASONS[values["PauseReason"]],
            warnings=_SWITCH[values["WarningsRequest"]],
            rage=_SWITCH[values["RageRequest"]],
        )
    except KeyError:
        return None


class CommandReader:
    """The receiving side of DMS_Command. ``answer`` and ``counter`` go into DMS_State."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._heard_s: float | None = None
        self.answer = self._answered = "NoCommand"
        self.counter = 0
        self.errors = 0

    def read(self, data: bytes, at_s: float) -> Command | None:
        """Return the command in ``data``, None where it is bad or a repetition.

        A command is an event and repeated until answered: its counter may step by any amount, and
        the same counter again is the same command. A damaged repetition is counted, but the answer
        of the command stands, or a head unit would take it as refused.
        """
        if self._heard_s is not None and at_s - self._heard_s > _SILENCE_S:
            self._codec.reset_check(NAME)
            self._heard_s = None
        check = self._codec.check(NAME, data)
        if check is Check.CORRUPTED:
            self.errors += 1
            if not self._repeats(data):
                self.answer = "BadE2E"
            return None
        self._heard_s = at_s
        if check is Check.REPEATED:
            self.answer = self._answered
            return None
        command = command_of(self._codec.decode(NAME, data))
        self.counter = data[1] & 0x0F
        self.answer = self._answered = "Accepted" if command else "BadValue"
        self.errors += command is None
        return command

    def _repeats(self, data: bytes) -> bool:
        """Whether damaged ``data`` has the counter of the command that was just answered."""
        return self._heard_s is not None and len(data) > 1 and data[1] & 0x0F == self.counter
