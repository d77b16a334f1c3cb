"""Receiver of DMS_State and DMS_Alert, to copy into a head unit: standard library only.

Checks AUTOSAR E2E profile 2 and the sender's life. Feed it every received frame, and ask for the
state before you use it::

    receiver = Receiver()
    receiver.feed(can_id, data, time.monotonic())
    state = receiver.state(time.monotonic())  # None: the sender is dead or off, show that

Run it on a bus: ``python dms_receiver.py socketcan can0`` (needs python-can).
SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import sys
import time

BASE_ID = 0x400  # the setting base_id; DMS_Alert has it, DMS_State the next one
EXTENDED = False  # the setting extended: 29-bit identifiers
TIMEOUT_S = 0.3  # three periods of DMS_State
MAX_DELTA = 3  # E2EMaxDeltaCounter of the contract: two frames may be lost
USABLE = {"initial", "ok", "some_lost"}

DATA_IDS = {  # E2EDataIdList of dms.dbc
    "alert": bytes.fromhex("74 DE 90 DC ED C8 78 83 DB 97 31 30 CE 84 7A A2"),
    "state": bytes.fromhex("7A 45 A9 88 AB 5A 25 62 03 60 7C 47 A5 D0 76 B1"),
    "command": bytes.fromhex("43 4B B0 E9 CE DA E4 30 A7 3C AB 26 DF 3A A5 BC"),
}
# name: (first bit, bits); the raw numbers are those of the value tables in dms.dbc
STATE = {
    "active_level": (12, 3), "warnings_on": (15, 1), "active_kind": (16, 4), "drowsiness": (20, 4),
    "drowsiness_warning": (24, 2), "distraction_state": (26, 2), "distraction_warning": (28, 2),
    "eyes": (30, 2), "eyes_reason": (32, 4), "command_counter": (36, 4), "openness": (40, 7),
    "rage_on": (47, 1), "baseline_progress": (48, 6), "command_answer": (54, 2), "face": (56, 2),
    "health": (58, 2), "pause": (60, 3), "camera_on": (63, 1),
}  # fmt: skip
ALERT = {
    "level": (12, 3), "kind": (16, 4), "action": (20, 2), "wording": (22, 2), "number": (24, 8),
    "duration": (32, 16), "time": (48, 16),
}  # fmt: skip
NOT_AVAILABLE = "all bits of a signal set"


def crc(data: bytes) -> int:
    """CRC-8/AUTOSAR: polynomial 0x2F, start and final XOR 0xFF."""
    value = 0xFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = ((value << 1) ^ 0x2F if value & 0x80 else value << 1) & 0xFF
    return value ^ 0xFF


def protected(data: bytes, ids: bytes, counter: int) -> bytes:
    """Return ``data`` with counter and CRC, for a DMS_Command of your own."""
    counter &= 0x0F
    rest = bytes([(data[1] & 0xF0) | counter]) + data[2:]
    return bytes([crc(rest + ids[counter : counter + 1])]) + rest


def fields(data: bytes, table: dict[str, tuple[int, int]]) -> dict[str, int]:
    """Return the raw numbers of the signals in ``table``."""
    whole = int.from_bytes(data, "little")
    return {name: whole >> first & (1 << bits) - 1 for name, (first, bits) in table.items()}


class Receiver:
    """Judges frames; ``alerts`` fills with what DMS_Alert said, oldest first."""

    def __init__(self, base_id: int = BASE_ID) -> None:
        self._names = {base_id: "alert", base_id + 1: "state"}
        self._counters: dict[str, int] = {}
        self._state: dict[str, int] | None = None
        self._state_s = 0.0
        self.alerts: list[dict[str, int]] = []

    def feed(self, can_id: int, data: bytes, now_s: float) -> str:
        """Take a frame; return other, initial, ok, some_lost or why it is not used."""
        name = self._names.get(can_id)
        if name is None:
            return "other"
        if self._state is not None and now_s - self._state_s > TIMEOUT_S:
            self._state = None
            self._counters.pop("alert", None)  # the sender may have started again
        verdict = self._check(name, data)
        if verdict == "wrong_sequence" and name == "state" and self._state is None:
            verdict = "initial"  # after a silence any counter will do, but not the same again
        if verdict in USABLE:
            if name == "alert":
                self.alerts.append(fields(data, ALERT))
            else:
                self._state, self._state_s = fields(data, STATE), now_s
        return verdict

    def _check(self, name: str, data: bytes) -> str:
        if len(data) != 8:
            return "corrupted"
        counter = data[1] & 0x0F
        if crc(data[1:] + DATA_IDS[name][counter : counter + 1]) != data[0]:
            return "corrupted"
        last = self._counters.get(name)
        self._counters[name] = counter
        if last is None:
            return "initial"
        delta = (counter - last) % 16
        if delta == 0:
            return "repeated"
        if delta > MAX_DELTA:
            return "wrong_sequence"
        return "ok" if delta == 1 else "some_lost"

    def state(self, now_s: float) -> dict[str, int] | None:
        """Return the newest state, None where the sender is silent, damaged or off."""
        if self._state is None or now_s - self._state_s > TIMEOUT_S or self._state["health"] == 0:
            return None
        return self._state


def main() -> None:
    import can  # noqa: PLC0415 - only for this example

    receiver, started_s = Receiver(), time.monotonic()
    shown: dict[str, int] | None = {}  # nothing yet: silence from the start is reported, too
    with can.Bus(interface=sys.argv[1], channel=sys.argv[2]) as bus:
        while True:
            message = bus.recv(0.1)
            now_s = time.monotonic()
            if message is not None and message.is_extended_id == EXTENDED:
                verdict = receiver.feed(message.arbitration_id, bytes(message.data), now_s)
                if verdict not in {"other", "ok"}:
                    print(f"{message.arbitration_id:#x}: {verdict}")
            while receiver.alerts:
                print("alert", receiver.alerts.pop(0))
            state = receiver.state(now_s)
            if state != shown and (state or now_s - started_s > TIMEOUT_S):
                print(state or "the driver monitoring is silent: treat it as failed", flush=True)
                shown = state


if __name__ == "__main__":
    main()
