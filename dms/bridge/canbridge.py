"""The CAN bridge: driver states in, the contract's frames out, the head unit's commands back."""

from __future__ import annotations

import time
from pathlib import Path

from dms.bridge import signals
from dms.bridge.alert_frames import AlertTracker
from dms.bridge.bridge import Bridge
from dms.bridge.codec import Codec, Signals, contract
from dms.bridge.command_queue import CommandQueue
from dms.bridge.commands import CommandReader
from dms.bridge.diagnostics import FaultMemory
from dms.bridge.j1939_node import Node
from dms.bridge.settings import BridgeSettings
from dms.bridge.uds import UdsServer
from dms.bus.frame import CanFrame
from dms.bus.j1939 import is_proprietary
from dms.bus.link import Heard, Link
from dms.bus.log import CanLog, check_ending, check_log
from dms.bus.open import check
from dms.bus.python_can import can
from dms.bus.settings import CAN_KINDS
from dms.errors import BridgeError, ConfigError
from dms.values import Command, DriverState

_CYCLIC = ("DMS_State", "DMS_Attention", "DMS_Emotion", "DMS_Rest", "DMS_Diag", "DMS_Gaze")
_LAST_11 = 0x7FF  # a J1939 bus has 29-bit identifiers alone, so UDS needs such ones
_CLAIM_S = 0.5  # opening waits so long for our address
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


def _codec_of(settings: BridgeSettings) -> Codec:
    """Return the codec. Raises ConfigError for identifiers that cannot be or are other ECUs'."""
    default = BridgeSettings()
    if settings.protocol == "j1939":
        if settings.fd:
            raise ConfigError("protocol j1939 is for classic CAN; leave fd out")
        if (settings.base_id, settings.extended) != (default.base_id, default.extended):
            raise ConfigError("base_id and extended mean nothing with protocol j1939; set pgn_base")
        return Codec(pgn_base=settings.pgn_base)
    codec = Codec(settings.base_id, extended=settings.extended)
    if settings.extended and is_proprietary(settings.base_id):
        first, last = min(codec.ids.values()) & 0xFF, max(codec.ids.values()) & 0xFF
        raise ConfigError(
            f"base_id {settings.base_id:#x} lies among J1939's proprietary messages, whose last "
            f"byte is the sender: we would be 0x{first:02X} to 0x{last:02X}, which are "
            "other ECUs; set protocol: j1939 with pgn_base, or another base_id"
        )
    return codec


class Schedule:
    """Which cyclic messages are due, on a fixed grid; a step back in time starts again."""

    def __init__(self) -> None:
        self._periods = periods()
        self._due: dict[str, float] = {}
        self._next_s = self._last_s = float("inf")

    def due(self, t_s: float) -> list[str]:
        """Return the names that are due now; each at most once, also after a gap."""
        if t_s < self._last_s:
            self._due, self._next_s = dict.fromkeys(self._periods, t_s), t_s
        self._last_s = t_s
        if t_s < self._next_s - _BACK_S:
            return []
        names = [name for name, due_s in self._due.items() if t_s >= due_s - _BACK_S]
        for name in names:
            missed = int((t_s - self._due[name] + _BACK_S) / self._periods[name])
            self._due[name] += (missed + 1) * self._periods[name]
        self._next_s = min(self._due.values())
        return names


class CanBridge(Bridge):
    """python-can behind the bridge's interface: virtual, slcan, socketcan or udp_multicast.

    Raises ConfigError for a bit rate or identifiers that cannot be.
    """

    def __init__(self, settings: BridgeSettings) -> None:
        if settings.kind in CAN_KINDS:  # a class of your own may know other buses
            check(settings)
            if settings.log:
                check_ending(Path(settings.log))
        self.name = f"{settings.kind} {settings.channel}"
        self._codec = _codec_of(settings)
        j1939 = settings.protocol == "j1939"
        self._mute = settings.diagnostics and j1939 and settings.uds_request_id <= _LAST_11
        diagnostics = settings.diagnostics and not self._mute
        if diagnostics:
            _check_uds(settings, self._codec)
        self._settings = settings
        self._log: CanLog | None = None
        self._node: Node | None = None
        self._link = Link(
            settings, self._heard, self._logged, protect=self._codec.protect,
            idle=self._idle, identify=self._identify, lossless=settings.lossless,
        )  # fmt: skip
        self.memory = FaultMemory(Path(settings.fault_file) if settings.fault_file else None)
        self._uds = UdsServer(settings, self.memory, self._link.say) if diagnostics else None
        if j1939:
            self._node = Node(
                settings.name, settings.source_address, settings.spn_base, self.memory,
                self._link.say,
            )  # fmt: skip
        self._schedule = Schedule()
        self._alerts = AlertTracker()
        self._commands = CommandQueue()
        self._reader = CommandReader(self._codec)
        self._listeners: tuple[Heard, ...] = ()
        self._last_s = 0.0
        self._sent_s = 0.0
        self._open = False

    @property
    def unwise(self) -> tuple[str, ...]:
        if not self._mute:
            return ()
        return (
            f"{self.name} answers no UDS: uds_request_id {self._settings.uds_request_id:#x} has 11 "
            "bits, a J1939 bus 29; set both UDS identifiers so, or diagnostics: false",
        )

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
        if self._node and self._link.fault is None:
            self._node.settled(_CLAIM_S)

    def witnessed(self) -> tuple[str, ...]:
        return self.memory.take_cleared()

    @property
    def fault(self) -> str | None:
        if self._link.fault or self._node is None or self._node.fault is None:
            return self._link.fault
        return f"{self.name}: {self._node.fault}"

    @property
    def node(self) -> Node | None:
        """Our node with protocol j1939."""
        return self._node

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
            at_s = self._sent_s if message.is_rx or not message.timestamp else message.timestamp
            self._sent_s = at_s
        self._log.add(message, at_s)

    def _put(self, name: str, words: Signals, t_s: float) -> None:
        self._link.put(self._codec.frame(name, words, t_s))

    def _signals(self, name: str, state: DriverState) -> Signals:
        if name == "DMS_State":
            return signals.state_signals(state, self._reader.answer, self._reader.counter)
        if name == "DMS_Attention":
            return signals.attention_signals(state)
        if name == "DMS_Gaze":
            return signals.gaze_signals(state)
        if name == "DMS_Emotion":
            return signals.emotion_signals(state)
        if name == "DMS_Rest":
            return signals.rest_signals(state)
        return signals.diag_signals(self.memory.active(), self._reader.errors, self._link.faults)

    def _identify(self, frame: CanFrame) -> int | None:
        return self._node.identify(frame) if self._node else frame.can_id

    def _idle(self) -> float | None:
        soon_s = self._uds.poll() if self._uds else None
        if self._node is None:
            return soon_s
        due_s = self._node.poll(self._link.generation, time.monotonic())
        return due_s if soon_s is None else min(soon_s, due_s)

    def _heard(self, message: can.Message, at_s: float) -> None:
        name = self._codec.name_of(message.arbitration_id, extended=message.is_extended_id)
        if name == "DMS_Command" and self._commands.has_room():  # else it is not answered either
            command = self._reader.read(bytes(message.data), at_s)
            if command is not None:
                self._commands.put(command)
        if self._node:
            self._node.heard(message, at_s)
        if self._uds:
            self._uds.heard(message)
        for heard in self._listeners:
            heard(message, at_s)
