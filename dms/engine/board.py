"""What board this is, and how fast it is set to run: a measurement means nothing without it."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")  # tests put a board's files elsewhere
_CUDA = ("usr/local/cuda/version.json", r'"cuda"\s*:\s*{[^}]*"version"\s*:\s*"([\d.]+)"')


def board(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Yield (what, value) of all that tells this machine apart from others; unknown ones too."""
    yield "system", f"{platform.machine()}, {_release(root)}"
    yield "module", _text(root / "proc/device-tree/model") or "no device tree (not a Jetson)"
    if not (root / "etc/nv_tegra_release").exists():
        return
    yield "power mode", _power_mode(root)
    yield "clocks", ", ".join(_clocks(root)) or "unknown"
    found = re.search(_CUDA[1], _text(root / _CUDA[0]))
    yield "CUDA", found.group(1) if found else "unknown"


def _release(root: Path) -> str:
    """L4T's release with its revision, which tells JetPack 6.0 from 6.2; else the system's name."""
    told = _text(root / "etc/nv_tegra_release")
    found = re.search(r"R(\d+)[^,]*,\s*REVISION:\s*([\d.]+)", told)
    return f"L4T R{found.group(1)}.{found.group(2)}" if found else platform.system()


def _power_mode(root: Path) -> str:
    """The present mode's name, of nvpmodel itself or else of its status file."""
    if root == ROOT and shutil.which("nvpmodel"):
        try:
            done = subprocess.run(
                ["nvpmodel", "-q"], capture_output=True, text=True, timeout=10, check=False
            )
            found = re.search(r"NV Power Mode:\s*(\S+)", done.stdout)
            if found:
                return found.group(1)
        except (OSError, subprocess.SubprocessError):
            pass
    return _text(root / "var/lib/nvpmodel/status") or "unknown: nvpmodel -q"


def _clocks(root: Path) -> Iterator[str]:
    cpu = root / "sys/devices/system/cpu/cpu0/cpufreq"
    now, most = _text(cpu / "scaling_cur_freq"), _text(cpu / "scaling_max_freq")
    if now.isdigit() and most.isdigit():  # the kernel may say "<unknown>"
        yield f"CPU {int(now) // 1000} of {int(most) // 1000} MHz"
    for folder in sorted((root / "sys/class/devfreq").glob("*")):
        now, most = _text(folder / "cur_freq"), _text(folder / "max_freq")
        if re.search(r"gpu|ga10b|gv11b", folder.name) and now.isdigit() and most.isdigit():
            yield f"GPU {int(now) // 10**6} of {int(most) // 10**6} MHz"
    memory = _text(root / "sys/kernel/debug/bpmp/debug/clk/emc/rate")  # only root may read it
    if memory.isdigit():
        yield f"memory {int(memory) // 10**6} MHz"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return ""
