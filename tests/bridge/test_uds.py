from __future__ import annotations

from dataclasses import replace

import can
import isotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms import __version__
from dms.bridge import BridgeSettings, open_bridge
from dms.bridge.diagnostics import Code, FaultMemory
from dms.bridge.uds import DIDS, UdsServer, answer, identity
from dms.values import DriverState, Fault, Kind, Level, Part

FINE = DriverState(10.0, drowsiness=4, openness=0.8)
LOST = replace(
    FINE, t_s=12.5, faults=(Fault(Part.CAMERA, "unplugged"),), kind=Kind.FAULT, level=Level.WARNING
)


def memory_of(*states):
    memory = FaultMemory()
    for state in states:
        memory.step(state)
    return memory


@pytest.mark.parametrize(("request_id", "response_id"), [(0x7A0, 0x7A8), (0x18DA58F1, 0x18DAF158)])
def test_a_tester_reads_and_clears_over_the_bus(request_id, response_id):
    """udsoncan and can-isotp on the other end know nothing of our code."""
    udsoncan = pytest.importorskip("udsoncan", reason="udsoncan is missing")
    from udsoncan.client import Client
    from udsoncan.connections import PythonIsoTpConnection

    class Bytes(udsoncan.DidCodec):
        def __init__(self, length):
            self._length = length

        def decode(self, data):
            return bytes(data)

        def __len__(self):
            return self._length

    settings = BridgeSettings(
        kind="virtual", channel=f"uds-{request_id}", uds_request_id=request_id,
        uds_response_id=response_id,
    )  # fmt: skip
    mode = isotp.AddressingMode.Normal_29bits if request_id > 0x7FF else \
        isotp.AddressingMode.Normal_11bits  # fmt: skip
    address = isotp.Address(mode, txid=request_id, rxid=response_id)
    config = {
        **udsoncan.configs.default_client_config,
        "dtc_snapshot_did_size": 2,
        "data_identifiers": {did: Bytes(length) for did, length in DIDS.items()},
        "request_timeout": 10, "p2_timeout": 10,
    }  # fmt: skip
    with (
        can.Bus(interface="virtual", channel=settings.channel) as bus,
        open_bridge(settings) as bridge,
    ):
        stack = isotp.CanStack(bus, address=address)
        with Client(PythonIsoTpConnection(stack), config=config) as tester:
            bridge.publish(FINE)
            assert tester.get_dtc_by_status_mask(0x09).service_data.dtcs == []
            bridge.publish(LOST)
            (dtc,) = tester.get_dtc_by_status_mask(0x01).service_data.dtcs
            assert dtc.id == Code.CAMERA
            assert (dtc.status.test_failed, dtc.status.confirmed) == (True, True)
            (dtc,) = tester.get_dtc_snapshot_by_dtc_number(Code.CAMERA, 1).service_data.dtcs
            frozen = {snapshot.did: snapshot.data for snapshot in dtc.snapshots}
            assert int.from_bytes(frozen[0xFD01], "big") == 125
            assert frozen[0xFD02] == bytes([2, 8])  # AlertKind 8 is Fault
            assert frozen[0xFD03] == bytes([4])
            assert frozen[0xFD04] == bytes([80])
            assert frozen[0xFD06].rstrip() == b"camera: unplugged"
            assert len(tester.get_supported_dtc().service_data.dtcs) == len(Code)
            bridge.publish(replace(FINE, t_s=13.0))
            (dtc,) = tester.get_dtc_by_status_mask(0x08).service_data.dtcs
            assert dtc.status.test_failed is False
            tester.tester_present()
            tester.clear_dtc(0xFFFFFF)
            assert tester.get_number_of_dtc_by_status_mask(0x09).service_data.dtc_count == 0


@pytest.mark.parametrize("stmin_ms", [0, 10, 20])
def test_a_tester_that_asks_for_pauses_gets_the_whole_answer(stmin_ms):
    """Between the frames of a long answer such a tester is silent: nothing heard drives it."""
    settings = BridgeSettings(kind="virtual", channel=f"uds-pauses-{stmin_ms}")
    with (
        can.Bus(interface="virtual", channel=settings.channel) as bus,
        open_bridge(settings) as bridge,
    ):
        bridge.publish(LOST)

        def send(*data):
            bus.send(can.Message(arbitration_id=0x7A0, is_extended_id=False, data=bytes(data)))

        def next_frame():
            while (message := bus.recv(30)) is not None:
                if message.arbitration_id == 0x7A8:
                    return message
            raise AssertionError("the answer breaks off")

        send(0x06, 0x19, 0x04, 0x9A, 0x01, 0x31, 0x01)
        first = next_frame().data
        length = (first[0] & 0x0F) << 8 | first[1]
        send(0x30, 0x00, stmin_ms)
        got = bytes(first[2:])
        while len(got) < length:
            got += bytes(next_frame().data[1:])
        assert got[:2] == b"\x59\x04"
        assert b"camera: unplugged" in got


@pytest.mark.parametrize(
    ("request_", "code"),
    [("22F190", 0x31), ("2EF190", 0x11), ("19", 0x13), ("1902", 0x13), ("1999", 0x12),
     ("1904112233FF", 0x31), ("14000001", 0x31),
     ("14FF", 0x13), ("1002", 0x12), ("3E01", 0x12), ("19049A013107", 0x31)],
)  # fmt: skip
def test_what_we_have_not_is_refused(request_, code):
    request = bytes.fromhex(request_)
    assert answer(request, memory_of(LOST)) == bytes([0x7F, request[0], code])


def test_silence_where_silence_is_asked():
    assert answer(bytes.fromhex("3E80"), FaultMemory()) is None
    assert answer(b"", FaultMemory()) is None


def test_a_known_code_without_a_record_has_no_freeze_data():
    got = answer(bytes.fromhex("19049A013101"), FaultMemory())
    assert got == bytes.fromhex("59049A013100")


@given(st.binary(max_size=40))
def test_any_request_gets_an_answer_or_silence(request):
    memory = memory_of(LOST)
    got = answer(request, memory)
    assert got is None or got[0] in {0x7F, request[0] + 0x40}


@given(st.lists(st.binary(max_size=8), max_size=20))
def test_any_frames_are_survived(frames):
    said = []
    server = UdsServer(BridgeSettings(), memory_of(LOST), lambda m: said.append(m) or True)
    for data in frames:
        server.heard(can.Message(arbitration_id=0x7A0, is_extended_id=False, data=data))
    server.heard(can.Message(arbitration_id=0x7A0, is_extended_id=False, data=b"\x02\x3e\x00"))
    assert bytes(said[-1].data)[:3] == b"\x02\x7e\x00"


def test_a_tester_reads_who_we_are():
    known = identity(BridgeSettings(serial_number="SN-7"))
    assert answer(bytes.fromhex("22F18C"), memory_of(LOST), known) == b"\x62\xf1\x8cSN-7"
    software = b"\xf1\x95" + __version__.encode()
    assert answer(bytes.fromhex("22F195"), memory_of(LOST), known) == b"\x62" + software
    both = answer(bytes.fromhex("22F190F195"), memory_of(LOST), known)
    assert both == b"\x62" + software  # the VIN is told only where the owner has set it
    assert answer(bytes.fromhex("22F190"), memory_of(LOST), known) == bytes.fromhex("7F2231")
    vin = "WVWZZZ1JZXW000001"
    known = identity(BridgeSettings(vin=vin))
    assert answer(bytes.fromhex("22F190"), memory_of(LOST), known) == b"\x62\xf1\x90" + vin.encode()
    assert known[0xF18C].startswith(b"dms-")
    for request in ("22", "22F1", "22F190F1"):
        assert answer(bytes.fromhex(request), memory_of(LOST), known) == bytes.fromhex("7F2213")


@pytest.mark.parametrize(("request_", "got"), [("1001", "5001003201F4"), ("1003", "5003003201F4"),
                                               ("1083", "")])  # fmt: skip
def test_sessions(request_, got):
    said = answer(bytes.fromhex(request_), memory_of(LOST))
    assert (said or b"").hex().upper() == got
