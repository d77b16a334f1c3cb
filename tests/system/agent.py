"""Runs inside the virtual machine: takes commands from a virtio port, answers with their output."""

import json
import subprocess
from pathlib import Path

PORT = "/dev/virtio-ports/agent"


def answer(request):
    try:
        done = subprocess.run(
            ["/bin/bash", "-c", request["command"]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=request["timeout_s"],
            check=False,
        )
        return {"code": done.returncode, "output": done.stdout.decode("utf-8", "replace")}
    except subprocess.TimeoutExpired as late:
        return {"code": -1, "output": (late.stdout or b"").decode("utf-8", "replace")}


with Path(PORT).open("r+b", buffering=0) as port:
    port.write(b'{"hello": true}\n')
    waiting = b""
    while True:
        waiting += port.read(65536) or b""
        while b"\n" in waiting:
            line, waiting = waiting.split(b"\n", 1)
            data = json.dumps(answer(json.loads(line))).encode() + b"\n"
            while data:
                data = data[port.write(data) :]
