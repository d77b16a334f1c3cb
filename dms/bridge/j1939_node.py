"""Our node on a SAE J1939 bus: holds its address, tells trouble codes and answers requests.

A lost address is a fault in words: nothing of ours is sent with the address of another.
"""

from __future__ import annotations

import logging
import random
import threading
import zlib
from collections import deque
from collections.abc import Callable
from pathlib import Path

from dms.bridge.diagnostics import FaultMemory
from dms.bridge.settings import NameSettings
from dms.bridge.trouble import dm1
from dms.bus import j1939
from dms.bus.claim import Claim, Standing
from dms.bus.frame import CanFrame
from dms.bus.python_can import can

_log = logging.getLogger(__name__)
_MACHINE = Path("/etc/machine-id")
_PACKET_S = 0.05  # between the packets of a long message (J1939-21 5.10.2.1)
_TROUBLE_S = 1.0  # DM1 while a code is active (J1939-73 5.7.1)
_SOON_S = 0.02
_SOURCE = 0xFF  # the bits of an identifier that hold the source


class Node:
    """What the link's receiving thread calls; :meth:`identify` is called by the sending one.

    ``say`` sends a frame at once and returns whether that went well.
    """

    def __init__(
        self,
        name: NameSettings,
        source_address: int,
        spn_base: int,
        memory: FaultMemory,
        say: Callable[[can.Message], bool],
    ) -> None:
        number = name_number(name)
        self._claim = Claim(number, source_address, random.Random(number))
        self._preferred, self._spn_base = source_address, spn_base
        self._memory, self._say = memory, say
        self._generation: int | None = None
        self._packets: deque[j1939.Frame] = deque()
        self._packet_s = self._trouble_s = 0.0
        self._told: bytes | None = None
        self._settled = threading.Event()
        self._fault: str | None = None

    @property
    def fault(self) -> str | None:
        """What is wrong with our address, or None."""
        return self._fault

    @property
    def address(self) -> int | None:
        """The address that is ours now."""
        return self._claim.address

    def settled(self, timeout_s: float) -> bool:
        """Wait until the claim is won or lost; False where it is still open."""
        return self._settled.wait(timeout_s)

    def identify(self, frame: CanFrame) -> int | None:
        """Return the identifier of ``frame`` with our address, None while we have none."""
        address = self._claim.address
        return None if address is None else frame.can_id & ~_SOURCE | address

    def heard(self, message: can.Message, now_s: float) -> None:
        """Take a received frame."""
        if not message.is_extended_id or message.is_remote_frame:
            return
        data = bytes(message.data)
        self._claim.heard(message.arbitration_id, data, now_s)
        pgn, source, destination = j1939.parts(message.arbitration_id)
        address = self._claim.address
        if pgn == j1939.REQUEST and address is not None:
            asked = j1939.requested(data)
            if asked == j1939.DM1 and destination in (address, j1939.GLOBAL):
                self._tell_trouble(address, now_s)
            elif asked not in (None, j1939.ADDRESS_CLAIMED) and destination == address:
                self._send(j1939.refusal(asked or 0, source, address))
        self._work(now_s)

    def poll(self, generation: int, now_s: float) -> float:
        """Do what is due; ``generation`` changes when the bus is opened again. Return when next."""
        if generation != self._generation:
            self._generation = generation
            self._settled.clear()
            self._packets.clear()
            self._claim.start(now_s)
        self._work(now_s)
        address = self._claim.address
        if address is not None:
            self._trouble(address, now_s)
        return _SOON_S

    def _work(self, now_s: float) -> None:
        for frame in self._claim.due(now_s):
            if not self._send(frame):
                self._generation = None  # nobody heard it: claim again
        if self._packets and now_s >= self._packet_s:
            self._send(self._packets.popleft())
            self._packet_s = now_s + _PACKET_S
        standing = self._claim.standing
        if standing in (Standing.CLAIMED, Standing.LOST):
            self._settled.set()
        self._judge(standing)

    def _judge(self, standing: Standing) -> None:
        words = None
        if standing is Standing.LOST:
            words = (
                f"address 0x{self._preferred:02X} was lost to NAME 0x{self._claim.winner or 0:016X}"
                "; nothing is sent: set another source_address, or name.arbitrary_address: true"
            )
        elif self._claim.twin:
            words = "another device has the same NAME; set name.identity_number"
        if words != self._fault:
            if words:
                _log.warning("J1939: %s", words)
            elif standing is Standing.CLAIMED:
                _log.info("J1939: address 0x%02X is ours", self._claim.address or 0)
            else:
                return  # still lost until the new claim stands
            self._fault = words

    def _trouble(self, address: int, now_s: float) -> None:
        """Send DM1 when it changes, at most each second, and again while a code is active."""
        data = dm1(self._memory.faults, self._spn_base)
        none = dm1((), self._spn_base)
        quiet = data == none and self._told in (None, none)
        if now_s >= self._trouble_s and not quiet and not self._packets:
            self._tell_trouble(address, now_s)

    def _tell_trouble(self, address: int, now_s: float) -> None:
        if self._packets:
            return  # it is on its way
        self._told = dm1(self._memory.faults, self._spn_base)
        self._trouble_s = now_s + _TROUBLE_S
        first, *rest = j1939.broadcast(j1939.DM1, self._told, address)
        self._send(first)
        self._packets.extend(rest)
        self._packet_s = now_s + _PACKET_S

    def _send(self, frame: j1939.Frame) -> bool:
        can_id, data = frame
        return self._say(
            can.Message(arbitration_id=can_id, is_extended_id=True, data=data, is_rx=False)
        )


def name_number(name: NameSettings) -> int:
    """Return the 64-bit NAME of the settings; a device without a number gets one of its machine."""
    identity = name.identity_number
    if identity is None:
        try:
            identity = zlib.crc32(_MACHINE.read_bytes().strip()) & 0x1FFFFF
        except OSError:
            identity = 0
    return j1939.name_of(
        identity=identity,
        manufacturer=name.manufacturer_code,
        function=name.function,
        arbitrary=name.arbitrary_address,
        ecu_instance=name.ecu_instance,
        function_instance=name.function_instance,
        vehicle_system=name.vehicle_system,
        vehicle_system_instance=name.vehicle_system_instance,
        industry_group=name.industry_group,
    )
