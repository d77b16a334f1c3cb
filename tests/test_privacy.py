"""No picture leaves the process: the whole service runs and everything that it writes is watched.

The service gets every way out that there is: CAN, serial adapter, MQTT, event store, live view. Its
pictures carry a pattern; ``strace`` shows every byte that any library writes to a file or socket.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from dms.service.view import ViewError, watch
from dms.store.sealing import new_identity
from tests.bridge.broker import PLACE, Broker
from tests.bridge.lawicel import Lawicel
from tests.planted import traces

pytestmark = pytest.mark.whole  # tools/test --quick leaves it out

ROOT = Path(__file__).resolve().parents[1]
STRACE = shutil.which("strace")
CALLS = "open,openat,openat2,creat,memfd_create,write,pwrite64,writev,pwritev,pwritev2,sendto,"
CALLS += "sendmsg,sendmmsg,connect,sendfile,splice,copy_file_range"
FRAMES, WIDTH, HEIGHT = 60, 480, 360
PATTERN = np.random.default_rng(7).integers(0, 255, (HEIGHT, WIDTH), np.uint8)
PICTURE_HEADS = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"BM6", b"II*\0", b"P5\n")
_STRING = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')
_OPENED = re.compile(
    r'(?:openat|openat2|open|creat|memfd_create)\(.*?"((?:\\x[0-9a-f]{2})*)"(.*?)\) = (\d+)'
)
_ESCAPED = re.compile(r"(?:\\x[0-9a-f]{2})+")
_WRITING = re.compile("O_WRONLY|O_RDWR|O_CREAT|memfd")


@pytest.fixture(scope="module")
def drive(tmp_path_factory, portrait):
    """Make a recording of the public-domain portrait before the pattern."""
    folder = tmp_path_factory.mktemp("drive")
    rows = ["file,t_s"]
    for number in range(FRAMES):
        picture = PATTERN.copy()
        picture[20:320, 120:360] = portrait[10:310, 110:350]
        cv2.imwrite(str(folder / f"{number:03}.png"), picture)
        rows.append(f"{number:03}.png,{number / 15:.4f}")
    (folder / "timestamps.csv").write_text("\n".join(rows) + "\n")
    return folder


def _letters(match: re.Match) -> str:
    return bytes.fromhex(match[0].replace("\\x", "")).decode("latin-1")


class Ran:
    """What a run of the service wrote: ``opened`` files, ``sent``: (call line, bytes), report."""

    def __init__(self, folder: Path, lines: list[str], report: list[str]) -> None:
        self.folder, self.report, self.sent, self.opened = folder, report, [], set()
        self.connected = set()
        for line in lines:
            call = line.split("(", 1)[0].split()[-1]
            if (match := _OPENED.search(line)) and _WRITING.search(line):
                self.opened.add(bytes.fromhex(match[1].replace("\\x", "")).decode())
            elif call == "connect":
                self.connected.add(_ESCAPED.sub(_letters, line.split("{", 1)[-1]))
            elif not call.startswith("open"):
                parts = [
                    bytes.fromhex(text.decode().replace("\\x", ""))
                    for text in _STRING.findall(line.encode())
                ]
                self.sent.append((line[:120], b"".join(parts)))

    def surprises(self) -> list[str]:
        """Return the files opened for writing that the data inventory does not name."""
        known = re.compile(
            r"/state/events\.db(-wal|-shm|-journal)?$|/run/(metrics\.(prom|part)|restarts\.\w+)$"
            r"|/report\.json$|^/dev/(null|tty|pts/\d+|ptmx)$|^/proc/self/"
            r"|__pycache__|/usb-adapter$"
        )
        return sorted(path for path in self.opened if not known.search(path))

    def embeddings(self) -> list[str]:
        """Return the calls and files whose bytes hold a planted embedding, in any form."""
        kept = [(name, (self.folder / name).read_bytes()) for name in written(self.folder)]
        return [f"{line}: {form}" for line, data in (*self.sent, *kept) for form in traces(data)]

    def pictures(self) -> list[str]:
        """Return the calls and files whose bytes hold a part of a picture, as it is or encoded.

        The files are read at the end, too: what is mapped into memory is written without a call.
        """
        rows = [PATTERN[row, start : start + 24].tobytes() for row in range(0, HEIGHT, 4)
                for start in (0, 400)]  # fmt: skip
        rows += [PATTERN[row, 120:].tobytes()[:24] for row in range(322, HEIGHT, 2)]
        wanted = set(rows)
        wanted |= {row.hex().encode() for row in rows}
        wanted |= {base64.b64encode(row) for row in rows}
        kept = [(name, (self.folder / name).read_bytes()) for name in written(self.folder)]
        found = []
        for line, data in (*self.sent, *kept):
            if any(head in data[:64] for head in PICTURE_HEADS) or any(w in data for w in wanted):
                found.append(line)
        return found


def run_service(tmp_path: Path, drive: Path, *, leak: bool = False, **service: object) -> Ran:
    """Run the whole service over the drive under strace, in a folder of its own."""
    for name in ("state", "run", "home", "tmp"):
        (tmp_path / name).mkdir()
    adapter = Lawicel(tmp_path / "usb-adapter")
    with contextlib.ExitStack() as stack:
        stack.callback(adapter.unplug)
        bridges = [{"kind": "virtual"}, {"kind": "slcan", "channel": str(adapter.link)},
                   {"kind": "socketcan", "channel": "dms-none"}]  # fmt: skip
        if PLACE:
            broker = stack.enter_context(Broker(tmp_path))
            bridges.append({"kind": "mqtt", "mqtt": {"port": broker.port}})
        core = {"rest": {"least_s": 1.0, "lively_most": 0.999}, "speech": {"wide": 1.0}}
        settings = {
            "core": core,  # the portrait smiles, and is there for four seconds
            "camera": {"source": str(drive)},
            "bridges": bridges,
            "service": {"store": {"lowest_level": 0}, **service},
        }
        (tmp_path / "dms.yaml").write_text(yaml.safe_dump(settings))
        environment = {
            **os.environ, "RUNTIME_DIRECTORY": str(tmp_path / "run"),
            "TMPDIR": str(tmp_path / "tmp"),
            "STATE_DIRECTORY": str(tmp_path / "state"), "HOME": str(tmp_path / "home"),
            "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        words = [STRACE, "-f", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-e", "signal=none",
                 "-o", str(tmp_path / "trace.txt")] if STRACE else []  # fmt: skip
        words += [sys.executable, "-m", "tests.watched", str(tmp_path / "report.json"), "--plant"]
        words += ["--leak", str(tmp_path / "run" / "metrics.prom")] if leak else []
        words += ["--", "service", "--config", str(tmp_path / "dms.yaml")]
        child = subprocess.Popen(
            words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        stack.callback(child.kill)
        _look_in(tmp_path / "run" / "view.sock", child)
        output, _ = child.communicate(timeout=240)
        assert child.returncode == 0, output.decode()[-2000:]
        assert len(adapter.frames) > 20
    lines = (tmp_path / "trace.txt").read_text().splitlines() if STRACE else []
    return Ran(tmp_path, lines, json.loads((tmp_path / "report.json").read_text()))


def _look_in(socket: Path, child: subprocess.Popen) -> None:
    """Be a viewer, so that the live view has somebody to send to."""
    while child.poll() is None:
        try:
            for _ in watch(socket, patience_s=1.0):
                return
        except (ViewError, ValueError):
            time.sleep(0.05)


def written(folder: Path) -> list[str]:
    """Return what a run left behind, without what the test itself put there."""
    mine = {"dms.yaml", "trace.txt", "report.json", "mosquitto.conf", "usb-adapter"}
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in mine)
    return sorted(str(path.relative_to(folder)) for path in found)


@pytest.fixture(scope="module")
def usual(tmp_path_factory, drive):
    return run_service(tmp_path_factory.mktemp("usual"), drive)


def test_a_full_run_leaves_nothing_but_the_event_store(usual):
    assert set(written(usual.folder)) <= {
        "state/events.db",
        "run/metrics.prom",
        "run/restarts.json",
    }
    files = [entry for entry in usual.report if entry.startswith("file ")]
    assert [f for f in files if "trace" in f or "clip" in f or f.endswith((".jpg", ".png"))] == []
    assert not [entry for entry in usual.report if entry.startswith(("subprocess", "os."))]
    places = {entry.split()[0] for entry in usual.report}
    assert "sqlite3.connect" in places  # the watching was on


@pytest.mark.skipif(STRACE is None, reason="strace is not installed (apt-get install strace)")
def test_no_byte_written_to_any_file_or_socket_is_a_picture(usual):
    assert usual.surprises() == []
    assert usual.pictures() == []
    sent = sum(len(data) for _, data in usual.sent)
    assert usual.sent
    assert 5_000 < sent < 0.05 * FRAMES * WIDTH * HEIGHT  # too little to hold them, however encoded


@pytest.mark.skipif(STRACE is None, reason="strace is not installed (apt-get install strace)")
def test_no_byte_written_to_any_file_or_socket_is_an_embedding(usual):
    assert usual.embeddings() == []
    told = b"".join(data for _, data in usual.sent)
    assert b'"emotion_by": "rest"' in told  # it was learned, so there was one to leak


@pytest.mark.skipif(STRACE is None, reason="strace is not installed (apt-get install strace)")
def test_sockets_lead_to_this_machine_and_the_set_broker_only(usual):
    away = [line for line in usual.connected if "AF_INET" in line and "127.0.0.1" not in line]
    assert away == []


@pytest.mark.skipif(STRACE is None, reason="strace is not installed (apt-get install strace)")
def test_a_picture_that_leaks_through_an_allowed_file_is_caught(tmp_path, drive):
    ran = run_service(tmp_path, drive, leak=True)
    assert ran.pictures()
    assert any("float32" in form for form in ran.embeddings())


def test_clips_that_are_switched_on_are_written_encrypted_and_nothing_else(tmp_path, drive):
    clips = {"enabled": True, "recipient": new_identity()[1], "lowest_level": 1}
    ran = run_service(tmp_path, drive, clips=clips)
    new = [name for name in written(tmp_path) if name.startswith("state/clips/")]
    assert new
    assert all(name.endswith(".tar.age") for name in new)
    for name in new:
        assert (tmp_path / name).read_bytes().startswith(b"age-encryption.org/v1")
    if STRACE:
        assert [path for path in ran.surprises() if "/state/clips/" not in path] == []
        assert ran.pictures() == []
