"""Our fault codes as SAE J1939-73 tells them: DM1, active trouble codes and lamps. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dms.bridge.diagnostics import Code, FaultRecord

_AMBER = 0x04  # lamp byte: amber warning lamp on, the others off
_NO_FLASH = 0xFF  # lamps do not flash
_NONE = bytes(4)  # "no active code"
_MOST_COUNT = 126  # 127: not available
SPN_BASE = 516_096  # 0x7E000: from here SPNs are a manufacturer's own (J1939-71)
# What failed, as an offset to the first SPN, and how (failure mode identifier, J1939-73 appendix A)
SPNS: dict[int, tuple[int, int]] = {
    Code.CAMERA: (0, 9),  # abnormal update rate
    Code.ENGINE: (1, 12),  # bad intelligent device
    Code.BLOCKED: (2, 14),  # special instructions
    Code.BRIDGE: (3, 19),  # received network data in error
    Code.VEHICLE: (4, 9),  # abnormal update rate
    Code.STORE: (5, 12),  # bad intelligent device
    Code.OTHER: (6, 31),  # condition exists
}


def dm1(faults: Sequence[FaultRecord], spn_base: int = SPN_BASE) -> bytes:
    """Return the data of DM1 for the ``faults`` that are active; more than 8 bytes for several."""
    active = [fault for fault in faults if fault.active]
    codes = b"".join(_code(fault, spn_base) for fault in active) or _NONE
    data = bytes([_AMBER if active else 0, _NO_FLASH]) + codes
    return data.ljust(8, b"\xff")


def _code(fault: FaultRecord, spn_base: int) -> bytes:
    """Return four bytes: 19 bits of SPN, 5 of FMI, conversion method 0, 7 of occurrences."""
    offset, mode = SPNS.get(fault.code, SPNS[Code.OTHER])
    spn = spn_base + offset
    return bytes(
        [spn & 0xFF, spn >> 8 & 0xFF, spn >> 16 << 5 | mode, min(fault.count, _MOST_COUNT)]
    )
