"""Builds the emulated driver as libcuda.so.1 and answers what happened on it."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from dms.engine import preprocess

HERE = Path(__file__).parent
COUNTS = ("faults", "alive", "copies", "launches", "graph_launches", "synchronisations", "schedule")


def build(folder: Path) -> Path:
    """Compile driver and kernels; what else pycuda's extension needs answers 'not supported'."""
    spec = find_spec("pycuda")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("pycuda is not installed; tools/gpu-less-test installs and runs it")
    extension = next(Path(spec.origin).parent.glob("_driver*.so"))
    compiler, nm = shutil.which("g++"), shutil.which("nm")
    if compiler is None or nm is None:
        raise FileNotFoundError("g++ is not installed: the emulated driver is left out")
    listed = subprocess.run(
        [nm, "-D", "--undefined-only", str(extension)], capture_output=True, text=True, check=True
    )
    written = (HERE / "driver.cpp").read_text(encoding="utf-8")
    known = set(re.findall(r"^int (cu\w+)\(", written, re.MULTILINE))
    missing = set(re.findall(r" U (cu[A-Z]\w+)", listed.stdout)) - known
    rest = folder / "rest.cpp"
    rest.write_text(
        '#include <stdio.h>\nextern "C" {\n'
        + "".join(
            f'int {name}() {{ fprintf(stderr, "[emulator] no {name}\\n"); return 801; }}\n'
            for name in sorted(missing)
        )
        + "}\n",
        encoding="utf-8",
    )
    library = folder / "libcuda.so.1"
    sources = [str(HERE / "driver.cpp"), str(HERE / "kernels.cpp"), str(rest)]
    include = [f"-I{Path(preprocess.__file__).parent}", f"-I{HERE}"]
    flags = ["-O1", "-ffp-contract=off", "-shared", "-fPIC", "-DEMULATOR", "-Wl,-Bsymbolic"]
    name = "-Wl,-soname,libcuda.so.1"
    subprocess.run(
        [compiler, *flags, *include, *sources, name, "-ldl", "-o", str(library)], check=True
    )
    return library


class Emulator:
    """The loaded driver: its counters and its queue."""

    def __init__(self, library: Path) -> None:
        self.library = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        self.library.emu_count.restype = ctypes.c_long

    def __getattr__(self, name: str) -> int:
        if name not in COUNTS:
            raise AttributeError(name)
        return int(self.library.emu_count(COUNTS.index(name)))

    def forget(self) -> None:
        self.library.emu_forget()

    def abandon(self) -> None:
        """Drop everything alive, as the end of a process does."""
        self.library.emu_abandon()

    def on_device(self, address: int, size: int) -> bool:
        return bool(self.library.emu_on_device(ctypes.c_ulonglong(address), ctypes.c_size_t(size)))
