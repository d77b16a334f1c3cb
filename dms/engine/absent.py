"""What to do where the GPU or what drives it is missing, told by what this machine has."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

_OF_SERVICE = Path("/opt/dms/lib")  # where systemd/stage puts what the service imports
_PYCUDA = "pycuda pytools siphash24 platformdirs mako markupsafe"
_NODES = ("/dev/nvgpu/igpu0/ctrl", "/dev/nvmap", "/dev/nvidiactl")  # Orin's, and Thor's


def why_no_gpu() -> str:
    """Return what to do where CUDA finds no GPU, told by the device files there are."""
    for node in _NODES:
        try:
            os.close(os.open(node, os.O_RDWR | os.O_CLOEXEC))
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno == errno.EPERM:
                return f"{node} is not in the unit's device list: sudo systemctl restart dms"
            if error.errno == errno.EACCES:
                return f"{node} may not be opened: add this user to the groups video and render"
        return "its device files are there: see dmesg, and that driver and CUDA belong together"
    return "its driver is not loaded: see lsmod and dmesg, or set nets.backend to onnxruntime"


def install_command() -> str:
    """Return how to install pycuda where this very dms would find it."""
    if _OF_SERVICE in Path(__file__).parents:
        return f"sudo -E python3 -m pip install --target {_OF_SERVICE} --no-deps {_PYCUDA}"
    return f"{sys.executable} -m pip install pycuda"
