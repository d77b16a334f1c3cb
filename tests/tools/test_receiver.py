from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dms.bridge import signals
from dms.bridge.codec import Codec, contract, data_ids
from dms.bridge.commands import CommandReader
from dms.bridge.e2e import Protector
from dms.values import ActiveAlert, Command, DriverState, Kind, Level

FOLDER = Path(__file__).parents[2] / "tools" / "receiver"
STATE_ID, ALERT_ID = 0x401, 0x400
WARNED = DriverState(
    1.0,
    level=Level.CRITICAL,
    kind=Kind.SLEEP,
    active=(ActiveAlert(Kind.SLEEP, Level.CRITICAL, 0.0, ""),),
    drowsiness=8,
)


def load():
    spec = importlib.util.spec_from_file_location("dms_receiver", FOLDER / "dms_receiver.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


copied = load()


class Sender:
    def __init__(self) -> None:
        self._codec = Codec()

    def state(self, state=WARNED) -> bytes:
        words = signals.state_signals(state, "NoCommand", 0)
        return self._codec.protect(self._codec.frame("DMS_State", words, 0.0))

    def alert(self) -> bytes:
        words = signals.alert_signals(WARNED.active[0], "Raised", 7, 3.0)
        return self._codec.protect(self._codec.frame("DMS_Alert", words, 0.0))

    def off(self) -> bytes:
        return self._codec.protect(self._codec.frame("DMS_State", signals.off_signals(), 0.0))


def story() -> list[tuple[int, int, bytes | None, str, bool]]:
    """Lines of (ms, id, data or None to ask only, expected verdict, expected alive)."""
    sender = Sender()
    good = [sender.state() for _ in range(60)]
    lines = [(i * 100, STATE_ID, good[i], "ok" if i else "initial", True) for i in range(20)]
    lines.append((2000, STATE_ID, good[19], "repeated", True))
    bad = bytearray(good[20])
    bad[4] ^= 0x10
    lines.append((2010, STATE_ID, bytes(bad), "corrupted", True))
    lines.append((2050, STATE_ID, good[22], "some_lost", True))
    lines.append((2100, STATE_ID, good[30], "wrong_sequence", True))
    lines.append((2200, STATE_ID, good[31], "ok", True))
    lines.append((2300, ALERT_ID, sender.alert(), "initial", True))
    lines.append((2310, ALERT_ID, good[32], "corrupted", True))  # a masquerade
    lines.append((2320, 0x123, good[32], "other", True))
    lines.append((2500, STATE_ID, good[32][:7], "corrupted", True))
    lines.append((2501, 0, None, "-", False))  # silent for 301 ms
    lines.append((9000, STATE_ID, good[40], "initial", True))
    for i in range(6):  # a sender that repeats itself is as good as dead
        lines.append((9090 + i * 100, STATE_ID, good[40], "repeated", i < 3))
    lines.append((9650, ALERT_ID, Sender().alert(), "initial", False))  # started anew: not lost
    lines.append((9700, STATE_ID, good[50], "initial", True))
    lines.append((9800, STATE_ID, sender.off(), "wrong_sequence", True))
    lines.append((9900, STATE_ID, sender.off(), "ok", False))
    return lines


def test_the_python_receiver_tells_every_fault():
    receiver = copied.Receiver()
    for ms, can_id, data, verdict, alive in story():
        if data is not None:
            assert receiver.feed(can_id, data, ms / 1000) == verdict, ms
        assert (receiver.state(ms / 1000) is not None) == alive, ms
    assert receiver.alerts[0]["kind"] == 2
    assert receiver.alerts[0]["number"] == 7


def test_the_python_receiver_reads_what_the_contract_says():
    receiver = copied.Receiver()
    sender = Sender()
    state = replace(WARNED, openness=0.5, paused=True, warnings_on=False)
    data = sender.state(state)
    receiver.feed(STATE_ID, data, 0.0)
    message = contract().get_message_by_name("DMS_State")
    raw = message.decode(data, decode_choices=False, scaling=False)
    names = {"".join(part.capitalize() for part in name.split("_")): name for name in copied.STATE}
    assert set(names) == {each for each in raw if not each.startswith("E2E_")}
    assert {key: raw[key] for key in names} == {
        key: receiver.state(0.0)[name] for key, name in names.items()
    }


@pytest.mark.parametrize("name", ["alert", "state", "command"])
def test_the_copied_data_ids_are_those_of_the_contract(name):
    message = contract().get_message_by_name(f"DMS_{name.capitalize()}")
    assert copied.DATA_IDS[name] == data_ids(message)
    listed = ", ".join(f"0x{byte:02X}" for byte in data_ids(message)[:8])
    assert listed in (FOLDER / "dms_receiver.c").read_text()


def test_a_command_made_with_the_copy_is_obeyed():
    data = bytes([0, 0x10, 0, 0, 0, 0, 0, 0])
    sent = copied.protected(data, copied.DATA_IDS["command"], 5)
    assert CommandReader(Codec()).read(sent, 0.0) == Command(acknowledge=True)
    assert copied.crc(b"123456789") == 0xDF


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler (apt-get install gcc)")
    place = tmp_path_factory.mktemp("c") / "example"
    command = [compiler, "-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror",
               "-O1", "-o", place, FOLDER / "example.c", FOLDER / "dms_receiver.c"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return place


def run(program, lines):
    text = "\n".join(
        f"{ms}" if data is None else f"{ms} {can_id:x} {data.hex()}" for ms, can_id, data in lines
    )
    done = subprocess.run([program], input=text, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_c_receiver_tells_every_fault(program):
    told = run(program, [(ms, can_id, data) for ms, can_id, data, *_ in story()])
    for (ms, *_, verdict, alive), line in zip(story(), told, strict=True):
        assert line.split()[:2] == [verdict, "alive" if alive else "dead"], ms
    assert "level=3 kind=2 drowsiness=8 health=1" in told[0]
    assert any("alert=2/3/1" in line for line in told)


def test_the_c_receiver_finds_every_bit_flip(program):
    good = Sender().state()
    lines = []
    for bit in range(64):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        lines.append((bit, STATE_ID, bytes(bad)))
    told = run(program, lines)
    assert set(told) == {"corrupted dead"}


def test_the_milliseconds_may_wrap(program):
    sender = Sender()
    last = 2**32 - 50
    told = run(program, [(last, STATE_ID, sender.state()), (50, STATE_ID, sender.state())])
    assert told[1].startswith("ok alive")


def test_nothing_is_allocated():
    text = (FOLDER / "dms_receiver.c").read_text()
    assert not any(word in text for word in ("malloc", "calloc", "realloc", "alloca", "free("))


def test_profile_2_of_the_copy_equals_ours():
    ids = data_ids(contract().get_message_by_name("DMS_State"))
    ours = Protector(ids)
    for counter in range(1, 40):
        assert copied.protected(bytes(8), ids, counter) == ours.protect(bytes(8))


def test_the_python_receiver_says_that_nobody_was_ever_there():
    words = [sys.executable, str(FOLDER / "dms_receiver.py"), "virtual", "nobody"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout.readline().startswith("the driver monitoring is silent")
        finally:
            program.terminate()


def test_the_base_of_the_c_receiver_can_be_told_to_the_compiler(tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler (apt-get install gcc)")
    place = tmp_path / "example"
    command = [compiler, "-std=c99", "-Wall", "-Werror", "-DDMS_BASE_ID=0x500u", "-o", place,
               FOLDER / "example.c", FOLDER / "dms_receiver.c"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert run(place, [(0, 0x501, Sender().state())])[0].startswith("initial alive")
