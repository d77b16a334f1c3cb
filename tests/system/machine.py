"""A virtual machine with a real kernel and systemd: boot it, run commands in it, cut its power."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Answer:
    code: int
    output: str


class Machine:
    """One QEMU process over a disk that keeps its state between boots."""

    def __init__(self, image: Path, work: Path, memory_mb: int = 1800) -> None:
        self.work = work
        self.disk = work / "disk.qcow2"
        self.memory_mb = memory_mb
        self._kernel, self._initrd = image.parent / "vmlinuz", image.parent / "initrd.img"
        self._process: subprocess.Popen | None = None
        self._link: socket.socket | None = None
        self._waiting = b""
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image, self.disk],
            check=True,
        )

    def boot(self, timeout_s: float = 400) -> None:
        """Start the machine and wait until its agent answers."""
        agent, monitor = self.work / "agent.sock", self.work / "monitor.sock"
        for path in (agent, monitor):
            path.unlink(missing_ok=True)
        accelerator = os.environ.get("DMS_SYSTEM_ACCEL", "tcg,thread=multi")
        command = [
            "qemu-system-x86_64", "-accel", accelerator, "-cpu", "max", "-smp", "2",
            "-m", str(self.memory_mb), "-nographic", "-no-reboot",
            "-kernel", self._kernel, "-initrd", self._initrd,
            "-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet",
            "-drive", f"file={self.disk},if=virtio,cache=writeback",
            "-device", "virtio-serial",
            "-chardev", f"socket,id=agent,path={agent},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=agent",
            "-chardev", f"socket,id=mon,path={monitor},server=on,wait=off",
            "-mon", "chardev=mon", "-nic", "none",
        ]  # fmt: skip
        with (self.work / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )
        self._link = _connect(agent)
        self._waiting = b""
        hello = self._line(time.monotonic() + timeout_s)
        if not json.loads(hello).get("hello"):
            raise RuntimeError(f"odd greeting of the agent: {hello!r}")

    def run(self, command: str, timeout_s: float = 120) -> Answer:
        """Run a shell command as root in the machine."""
        request = {"command": command, "timeout_s": timeout_s}
        self._link.sendall(json.dumps(request).encode() + b"\n")
        answer = Answer(**json.loads(self._line(time.monotonic() + timeout_s + 60)))
        print(f"$ {command}\n[{answer.code}] {answer.output}", flush=True)  # pytest -s follows it
        return answer

    def check(self, command: str, timeout_s: float = 120) -> str:
        """Run a command that must succeed and return its output."""
        answer = self.run(command, timeout_s)
        assert answer.code == 0, f"{command}: {answer.code}\n{answer.output}"
        return answer.output

    def wait(self, command: str, timeout_s: float = 120, pause_s: float = 2.0) -> str:
        """Repeat a command until it succeeds; its output then."""
        end = time.monotonic() + timeout_s
        while True:
            answer = self.run(command)
            if answer.code == 0:
                return answer.output
            if time.monotonic() > end:
                journal = self.run("systemctl status dms --no-pager; journalctl -u dms -n 40")
                raise AssertionError(f"in vain: {command}\n{answer.output}\n{journal.output}")
            time.sleep(pause_s)

    def cut_power(self) -> None:
        """End the machine at once, as a cut of the power would."""
        monitor = _connect(self.work / "monitor.sock")
        monitor.sendall(b"quit\n")
        self._process.wait(30)
        monitor.close()
        self._end()

    def stop(self) -> None:
        """End the machine if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)
        self._end()

    def _end(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = self._process = None

    def _line(self, end: float) -> bytes:
        while b"\n" not in self._waiting:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("the machine does not answer; see console.log")
            self._link.settimeout(left)
            data = self._link.recv(65536)
            if not data:
                raise RuntimeError("the machine has ended; see console.log")
            self._waiting += data
        line, self._waiting = self._waiting.split(b"\n", 1)
        return line


def _connect(path: Path) -> socket.socket:
    end = time.monotonic() + 30
    while True:
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(str(path))
        except OSError:
            link.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return link
