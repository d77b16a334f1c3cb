"""UDS answers (ISO 14229-1): fault codes read (0x19) and cleared (0x14), identification (0x22).

Request bytes in, answer bytes out; ISO-TP carries both over CAN.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Mapping

import isotp

from dms import __version__
from dms.bridge.device import device_name
from dms.bridge.diagnostics import Code, FaultMemory, FaultRecord
from dms.bridge.settings import BridgeSettings
from dms.bridge.signals import kind_number
from dms.bus.python_can import can

# It warns of every frame that is out of place, and anybody may send those.
logging.getLogger("isotp").setLevel(logging.ERROR)

_ACTIVE, _CONFIRMED = 0x01, 0x08  # bits of the status byte, ISO 14229-1 table D.1
STATUS_MASK = _ACTIVE | _CONFIRMED
_FORMAT = 0x01  # ISO 14229-1 DTC format
_ALL = 0xFFFFFF
_RECORD = 0x01  # the only freeze record of a code
_NO_SERVICE, _NO_FUNCTION, _BAD_LENGTH, _OUT_OF_RANGE = 0x11, 0x12, 0x13, 0x31
_SILENT = 0x80  # suppress the positive answer
_BUSY = 0x21  # busyRepeatRequest
_UNKNOWN = 0xFF
REASON_BYTES = 32
_SOON_S = 0.0005  # a shorter wait only burns time
_TURN_S = 0.02  # while the tester's flow control is awaited: how exactly its silence is timed
# Data identifiers of the freeze record; docs/can.md lists them
DIDS = {0xFD01: 4, 0xFD02: 2, 0xFD03: 1, 0xFD04: 1, 0xFD05: 2, 0xFD06: REASON_BYTES}


class Refused(Exception):  # noqa: N818 - not an error of ours: the tester asked what we have not
    """A negative answer with its UDS code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{code:#x}")
        self.code = code


Identity = Mapping[int, bytes]
_VIN, _SERIAL, _SOFTWARE = 0xF190, 0xF18C, 0xF195  # ISO 14229-1 table C.1
_SESSIONS = {0x01, 0x03}  # default and extended; nothing of ours needs the extended one


def identity(settings: BridgeSettings) -> dict[int, bytes]:
    """Return what a tester may read of who we are; the VIN only where the owner has set it."""
    serial = settings.serial_number or device_name()
    known = {_SERIAL: serial.encode("ascii", "replace"), _SOFTWARE: __version__.encode("ascii")}
    return known | ({_VIN: settings.vin.encode("ascii")} if settings.vin else {})


def answer(request: bytes, memory: FaultMemory, known: Identity | None = None) -> bytes | None:
    """Return the answer to ``request``, None where none is wanted. Never raises."""
    if not request:
        return None
    services = {0x10: _session, 0x14: _clear, 0x19: _read, 0x3E: _present}
    service = services.get(request[0])
    try:
        if request[0] == 0x22:
            return _identify(request, known or {})
        if service is None:
            raise Refused(_NO_SERVICE)
        return service(request, memory)
    except Refused as refused:
        return bytes([0x7F, request[0], refused.code])


def _session(request: bytes, _memory: FaultMemory) -> bytes | None:
    _need(len(request) == 2)
    session = request[1] & ~_SILENT
    if session not in _SESSIONS:
        raise Refused(_NO_FUNCTION)
    times = struct.pack(">HH", 50, 500)  # P2 in ms, P2* in 10 ms
    return None if request[1] & _SILENT else bytes([0x50, session]) + times


def _identify(request: bytes, known: Identity) -> bytes:
    """Answer with those of the identifiers asked for that there are."""
    _need(len(request) >= 3 and len(request) % 2 == 1)
    asked = [int.from_bytes(request[at : at + 2], "big") for at in range(1, len(request), 2)]
    found = b"".join(struct.pack(">H", did) + known[did] for did in asked if did in known)
    if not found:
        raise Refused(_OUT_OF_RANGE)
    return b"\x62" + found


def _present(request: bytes, _memory: FaultMemory) -> bytes | None:
    _need(len(request) == 2)
    if request[1] & ~_SILENT:
        raise Refused(_NO_FUNCTION)
    return None if request[1] & _SILENT else bytes([0x7E, 0x00])


def _clear(request: bytes, memory: FaultMemory) -> bytes:
    _need(len(request) == 4)
    code = int.from_bytes(request[1:4], "big")
    if not memory.may_clear():
        raise Refused(_BUSY)
    if code == _ALL:
        memory.clear()
    elif code in {int(known) for known in Code}:
        memory.clear([code])
    else:
        raise Refused(_OUT_OF_RANGE)
    return b"\x54"


def _read(request: bytes, memory: FaultMemory) -> bytes:
    _need(len(request) >= 2)
    function = request[1]
    head = bytes([0x59, function])
    if function in (0x01, 0x02):
        _need(len(request) == 3)
        hits = [fault for fault in memory.faults if _status(fault) & request[2]]
        if function == 0x01:
            return head + bytes([STATUS_MASK, _FORMAT]) + len(hits).to_bytes(2, "big")
        return head + bytes([STATUS_MASK]) + b"".join(_entry(fault) for fault in hits)
    if function == 0x03:
        _need(len(request) == 2)
        codes = [fault.code.to_bytes(3, "big") + bytes([_RECORD]) for fault in memory.faults]
        return head + b"".join(codes)
    if function == 0x04:
        _need(len(request) == 6)
        return head + _frozen(int.from_bytes(request[2:5], "big"), request[5], memory)
    if function == 0x0A:
        _need(len(request) == 2)
        known = {fault.code: _status(fault) for fault in memory.faults}
        codes = [int(c).to_bytes(3, "big") + bytes([known.get(c, 0)]) for c in sorted(Code)]
        return head + bytes([STATUS_MASK]) + b"".join(codes)
    raise Refused(_NO_FUNCTION)


def _need(true: bool) -> None:
    if not true:
        raise Refused(_BAD_LENGTH)


def _status(fault: FaultRecord) -> int:
    return _CONFIRMED | (_ACTIVE if fault.active else 0)


def _entry(fault: FaultRecord) -> bytes:
    return fault.code.to_bytes(3, "big") + bytes([_status(fault)])


def _frozen(code: int, record: int, memory: FaultMemory) -> bytes:
    if code not in {int(known) for known in Code} or record not in (_RECORD, 0xFF):
        raise Refused(_OUT_OF_RANGE)
    fault = next((fault for fault in memory.faults if fault.code == code), None)
    if fault is None:
        return code.to_bytes(3, "big") + b"\x00"
    openness = _UNKNOWN if fault.openness is None else round(min(max(fault.openness, 0), 1) * 100)
    tenths = min(max(round(fault.t_s * 10), 0), 0xFFFFFFFF)
    reason = fault.reason.encode("ascii", "replace")[:REASON_BYTES].ljust(REASON_BYTES)
    values = {
        0xFD01: struct.pack(">I", tenths),
        0xFD02: bytes([fault.level & 0xFF, kind_number(fault.kind)]),
        0xFD03: bytes([_UNKNOWN if fault.drowsiness is None else fault.drowsiness & 0xFF]),
        0xFD04: bytes([openness]),
        0xFD05: struct.pack(">H", fault.count),
        0xFD06: reason,
    }
    data = b"".join(struct.pack(">H", did) + value for did, value in values.items())
    return _entry(fault) + bytes([_RECORD, len(values)]) + data


class UdsServer:
    """ISO-TP around :func:`answer`.

    :meth:`heard` is called for every received frame and :meth:`poll` by the same thread in between.
    """

    def __init__(
        self, settings: BridgeSettings, memory: FaultMemory, say: Callable[[can.Message], bool]
    ) -> None:
        extended = max(settings.uds_request_id, settings.uds_response_id) > 0x7FF
        mode = (
            isotp.AddressingMode.Normal_29bits if extended else isotp.AddressingMode.Normal_11bits
        )
        self._request = (settings.uds_request_id, extended)
        self._memory = memory
        self._identity = identity(settings)
        self._say = say
        self._frames: list[isotp.CanMessage] = []
        address = isotp.Address(mode, txid=settings.uds_response_id, rxid=settings.uds_request_id)
        self._layer = isotp.TransportLayerLogic(
            rxfn=self._next,
            txfn=self._send,
            address=address,
            error_handler=lambda _error: None,  # ISO-TP drops the transfer; the tester asks again
            params={"stmin": 0, "blocksize": 0, "tx_padding": 0xCC, "max_frame_size": 64},
        )

    def heard(self, message: can.Message) -> None:
        """Take a received frame; answers at once where it completes a request."""
        if (message.arbitration_id, message.is_extended_id) != self._request:
            return
        self._frames.append(
            isotp.CanMessage(
                message.arbitration_id,
                data=bytes(message.data),
                extended_id=message.is_extended_id,
            )
        )
        self._layer.process(0.0)
        while self._layer.available():
            request = self._layer.recv()
            said = answer(bytes(request), self._memory, self._identity) if request else None
            if said is not None:
                self._layer.send(said)
            self._layer.process(0.0)

    def poll(self) -> float | None:
        """Send what is due of a long answer; return in how many seconds more is due, or None.

        The tester asks for pauses between the frames (STmin), in which it sends nothing.
        """
        if not self._layer.transmitting():
            return None
        self._layer.process(0.0)
        due_s = self._layer.next_cf_delay()
        return _TURN_S if due_s is None else max(due_s, _SOON_S)

    def _next(self, _timeout: float) -> isotp.CanMessage | None:
        return self._frames.pop(0) if self._frames else None

    def _send(self, message: isotp.CanMessage) -> None:
        self._say(
            can.Message(
                arbitration_id=message.arbitration_id,
                is_extended_id=message.is_extended_id,
                data=bytes(message.data),
                is_rx=False,
            )
        )
