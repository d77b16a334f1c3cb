"""Whether TensorRT, pycuda and the GPU really load here, tried in a process of its own.

A library that is there but broken shows only when it is loaded, and may take the process with it.
Run as ``python -m dms.engine.probe`` it prints one JSON object.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass

from dms.engine.absent import why_no_gpu

_TIMEOUT_S = 60.0  # the first load of CUDA on a Jetson takes seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """What one part said: ``there`` is installed, ``works`` loads as well."""

    there: bool
    works: bool
    text: str


def probe(timeout_s: float = _TIMEOUT_S) -> dict[str, Answer]:
    """Return what tensorrt, pycuda and the GPU say, in this order; never raises.

    ``gpu`` is left out where pycuda is missing: nothing here can ask it then.
    """
    there = {name: importlib.util.find_spec(name) is not None for name in ("tensorrt", "pycuda")}
    told: dict[str, object] = {}
    died = ""
    if any(there.values()):
        told, died = _asked(timeout_s)
    answers = {}
    for part in ("tensorrt", "pycuda", "gpu"):
        present = there.get(part, there["pycuda"])
        if part == "gpu" and not present:
            continue
        said = told.get(part)
        if isinstance(said, list):
            answers[part] = Answer(present, bool(said[0]), str(said[1]))
        elif present:
            answers[part] = Answer(True, False, died or "was not reached")
        else:
            answers[part] = Answer(False, False, "missing")
    return answers


def _asked(timeout_s: float) -> tuple[dict[str, object], str]:
    """Run the child; return what it printed before it ended, and how it died if it did."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "dms.engine.probe"],
            capture_output=True, text=True, timeout=timeout_s, check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {}, f"does not load within {timeout_s:g} s: see dmesg"
    except OSError as error:
        return {}, str(error)
    told: dict[str, object] = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            told.update(json.loads(line))
    if done.returncode < 0:
        return told, f"crashes while it loads (signal {-done.returncode}): see dmesg"
    return told, "does not load: " + (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]


def _tell(part: str, works: bool, text: str) -> None:
    sys.stdout.write(json.dumps({part: [works, text]}) + "\n")
    sys.stdout.flush()  # before the next part, which may crash


def _load(part: str, module: str) -> bool:
    try:
        loaded = importlib.import_module(module)
    except Exception as error:  # noqa: BLE001  (whatever a broken library raises is the finding)
        _tell(part, False, f"is installed, but does not load ({error})")
        return False
    version = getattr(loaded, "__version__", None) or getattr(loaded, "VERSION_TEXT", "")
    _tell(part, True, str(version) or "loads")
    return True


def main() -> None:
    """Print one JSON object a part."""
    if importlib.util.find_spec("pycuda") and _load("pycuda", "pycuda.driver"):
        import pycuda.driver as cuda  # noqa: PLC0415

        try:
            cuda.init()  # before TensorRT, which can crash where there is no driver
            device = cuda.Device(0)
            major, minor = device.compute_capability()
            _tell("gpu", True, f"{device.name()}, compute capability {major}.{minor}")
        except cuda.Error as error:
            _tell("gpu", False, f"no NVIDIA GPU answers ({error}); {why_no_gpu()}")
    if importlib.util.find_spec("tensorrt"):
        _load("tensorrt", "tensorrt")


if __name__ == "__main__":
    main()
