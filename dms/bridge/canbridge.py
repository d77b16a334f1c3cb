"""The CAN bridge: driver states in, the contract's frames out, the head unit's commands back."""

from __future__ import annotations

import time
from pathlib import Path

from dms.bridge import signals
from dms.bridge.alert_frames import AlertTracker
from dms.bridge.backends import BridgeSettings
from dms.bridge.bridge import Bridge
from dms.bridge.codec import Codec, Signals, contract
from dms.bridge.command_queue import CommandQueue
from dms.bridge.commands import CommandReader
from dms.bridge.diagnostics import FaultMemory
from dms.bridge.uds import UdsServer
from dms.bus.link import Heard, Link
from dms.bus.log import CanLog, check_log
from dms.bus.open import CAN_KINDS, check
from dms.bus.python_can import can
from dms.errors import BridgeError, ConfigError
from dms.values import Command, DriverState

_CYCLIC = ("DMS_State", "DMS_Attention", "DMS_Emotion", "DMS_Diag")
_BACK_S = 1e-6  # rounding of frame times; less than this early is due


def periods() -> dict[str, float]:
    """Return the cycle time of each cyclic message of ours in seconds, as the DBC has it."""
    messages = {message.name: message for message in contract().messages}
    return {name: (messages[name].cycle_time or 0) / 1000.0 for name in _CYCLIC}


def _check_uds(settings: BridgeSettings, codec: Codec) -> None:
    """Raise ConfigError where an identifier of UDS is one of the contract, or both are one."""
    asked = settings.uds_request_id, settings.uds_response_id
    extended = max(asked) > 0x7FF  # as UdsServer has it
    taken = set(codec.ids.values()) if extended == settings.extended else set()
    for can_id in asked:
        if can_id in taken or asked[0] == asked[1]:
            raise ConfigError(
                f"identifier {can_id:#x} is used twice: base_id takes {len(codec.ids)} from "
                f"{settings.base_id:#x}, UDS {asked[0]:#x} and {asked[1]:#x}; move one, or set "
                "diagnostics: false"
            )


class Schedule:
    """Which cyclic messages are due, on a fixed grid; a step back in time starts anew."""

    def __init__(self) -> None:
        self._periods = periods()
        self._due: dict[str, float] = {}
        self._last_s: float | None = None

    def due(self, t_s: float) -> list[str]:
        """Return the names that are due now; each at most once, also after a gap."""
        if self._last_s is None or t_s < self._last_s:
            self._due = dict.fromkeys(self._periods, t_s)
        self._last_s = t_s
        names = [name for name, due_s in self._due.items() if t_s >= due_s - _BACK_S]
        for name in names:
            missed = int((t_s - self._due[name] + _BACK_S) / self._periods[name])
            self._due[name] += (missed + 1) * self._periods[name]
        return names


class CanBridge(Bridge):
    """python-can behind the bridge's interface: virtual, slcan, socketcan or udp_multicast.

    Raises ConfigError for a bit rate or identifiers that cannot be.
    """

    def __init__(self, settings: BridgeSettings) -> None:
        if settings.kind in CAN_KINDS:  # a class of your own may know other buses
            check(settings)
        self.name = f"{settings.kind} {settings.channel}"
        self._codec = Codec(settings.base_id, extended=settings.extended)
        if settings.diagnostics:
            _check_uds(settings, self._codec)
        self._settings = settings
        self._log: CanLog | None = None
        self._link = Link(settings, self._codec, self._heard, self._logged, idle=self._idle)
        self.memory = FaultMemory(Path(settings.fault_file) if settings.fault_file else None)
        self._uds = (
            UdsServer(settings, self.memory, self._link.say) if settings.diagnostics else None
        )
        self._schedule = Schedule()
        self._alerts = AlertTracker()
        self._commands = CommandQueue()
        self._reader = CommandReader(self._codec)
        self._listeners: tuple[Heard, ...] = ()
        self._last_s = 0.0
        self._sent_s = 0.0
        self._open = False

    def check(self) -> tuple[str, ...]:
        if self._settings.log:
            check_log(Path(self._settings.log))
        return self.unwise

    def open(self) -> None:
        if self._settings.log:
            self._log = CanLog(Path(self._settings.log), Path(self._settings.channel).name)
        try:
            self._link.open()
        except BridgeError:
            if self._log:
                self._log.close()
            raise
        self._open = True

    @property
    def fault(self) -> str | None:
        return self._link.fault

    @property
    def link(self) -> Link:
        """The bus, for counters and tests."""
        return self._link

    def listen(self, heard: Heard) -> None:
        """Hand every received frame to ``heard`` too, in the receiving thread."""
        self._listeners = (*self._listeners, heard)

    def ignore(self, heard: Heard) -> None:
        """Hand no more frames to ``heard``."""
        self._listeners = tuple(each for each in self._listeners if each != heard)

    def publish(self, state: DriverState) -> None:
        self._last_s = state.t_s
        self.memory.step(state)
        for words in self._alerts.step(state):
            self._put("DMS_Alert", words, state.t_s)
        for name in self._schedule.due(state.t_s):
            self._put(name, self._signals(name, state), state.t_s)

    def commands(self) -> tuple[Command, ...]:
        return self._commands.take()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._put("DMS_State", signals.off_signals(), self._last_s)
            self._link.close()
            if self._log:
                self._log.close()

    def _logged(self, message: can.Message) -> None:
        if self._log is None:
            return
        at_s = time.time()
        if self._settings.lossless:  # a replay keeps the recording's time
            at_s = self._sent_s if message.is_rx else message.timestamp
            self._sent_s = at_s
        self._log.add(message, at_s)

    def _put(self, name: str, words: Signals, t_s: float) -> None:
        self._link.put(self._codec.frame(name, words, t_s))

    def _signals(self, name: str, state: DriverState) -> Signals:
        if name == "DMS_State":
            return signals.state_signals(state, self._reader.answer, self._reader.counter)
        if name == "DMS_Attention":
            return signals.attention_signals(state)
        if name == "DMS_Emotion":
            return signals.emotion_signals(state)
        return signals.diag_signals(self.memory.active(), self._reader.errors, self._link.faults)

    def _idle(self) -> float | None:
        return self._uds.poll() if self._uds else None

    def _heard(self, message: can.Message, at_s: float) -> None:
        name = self._codec.name_of(message.arbitration_id, extended=message.is_extended_id)
        if name == "DMS_Command" and self._commands.has_room():  # else it is not answered either
            command = self._reader.read(bytes(message.data), at_s)
            if command is not None:
                self._commands.put(command)
        if self._uds:
            self._uds.heard(message)
        for heard in self._listeners:
            heard(message, at_s)
