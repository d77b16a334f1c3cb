"""What to do where the GPU or what drives it is missing, told by what this machine has."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

_OF_SERVICE = Path("/opt/dms/lib")  # where systemd/stage puts what the service imports
_PYCUDA = "pycuda pytools siphash24 platformdirs mako markupsafe"
_MEMORY = "/dev/nvmap"  # of a module of its own, that is there before the GPU's driver
_NODES = ("/dev/nvgpu/igpu0/ctrl", _MEMORY, "/dev/nvidiactl")  # Orin's, and Thor's


def why_no_gpu() -> str:
    """Return what to do where CUDA finds no GPU, told by the device files there are."""
    refused = {node: _refusal(node) for node in _NODES}
    if all(number == errno.ENOENT for node, number in refused.items() if node != _MEMORY):
        return "its driver is not loaded: see lsmod and dmesg, or set nets.backend to onnxruntime"
    for node, number in refused.items():
        if number == errno.EPERM:
            return f"{node} is not in the unit's device list: sudo systemctl restart dms"
        if number == errno.EACCES:
            return f"{node} may not be opened: add this user to the groups video and render"
    return "its device files are there: see dmesg, and that driver and CUDA belong together"


def _refusal(node: str) -> int | None:
    """Return the number of the error with which a device file does not open, None where it does."""
    try:
        os.close(os.open(node, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return error.errno
    return None


def install_command() -> str:
    """Return how to install pycuda where this very dms would find it."""
    if _OF_SERVICE in Path(__file__).parents:
        return f"sudo -E python3 -m pip install --target {_OF_SERVICE} --no-deps {_PYCUDA}"
    return f"{sys.executable} -m pip install pycuda"
