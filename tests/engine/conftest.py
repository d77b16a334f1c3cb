"""The emulated GPU: the real pycuda extension on an emulated driver, checked after each test."""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

EMULATOR = Path(__file__).parent / "emulator"


def _module(name: str) -> ModuleType:
    """Import a file of the emulator folder under a name of its own."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, EMULATOR / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def _real_driver() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory):
    """The loaded emulator; where there is a real driver, pycuda belongs to that."""
    if _real_driver():
        pytest.skip("this machine has an NVIDIA driver: use dms doctor --engine")
    room = _module("build")
    try:
        library = room.build(tmp_path_factory.mktemp("emulator"))
    except FileNotFoundError as error:
        pytest.skip(str(error))
    return room.Emulator(library)


@pytest.fixture
def gpu_counts(emulated) -> Iterator[object]:
    """Counters of the emulated GPU; a fault or anything left alive fails the test."""
    emulated.forget()
    before = emulated.alive
    yield emulated
    gc.collect()
    assert emulated.faults == 0
    assert emulated.alive == before, "the GPU's memory, streams, graphs or contexts leak"


@pytest.fixture
def trt(gpu_counts) -> Iterator[ModuleType]:  # it loads the driver
    """The module that stands in for TensorRT; its objects must be gone at the end, too."""
    twin = _module("tensorrt_twin")
    twin.freed.clear()
    yield twin
    gc.collect()
    assert twin.alive == {"engine": 0, "context": 0, "runtime": 0}


@pytest.fixture(scope="session")
def cubins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the kernel compiled for Orin, by a process without the emulator in it."""
    folder = tmp_path_factory.mktemp("cubins")
    script = (
        "import sys; from pathlib import Path; from dms.engine.preprocess.kernel import compiled; "
        "compiled('sm_87', Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("neither NVRTC nor nvcc is installed; tools/gpu-less-test has both")
    return folder


@pytest.fixture
def plan_folder(cubins: Path, tmp_path: Path) -> Path:
    """A plan store's folder that holds the compiled kernel already."""
    folder = tmp_path / "plans"
    folder.mkdir()
    for cubin in cubins.iterdir():
        os.link(cubin, folder / cubin.name)
    return folder


@pytest.fixture
def engines(tmp_path: Path) -> Path:
    """A folder like engines/ with random nets; TensorRT's file of each is the plain one."""
    import yaml

    from tests import tiny_nets

    folder = tmp_path / "engines"
    folder.mkdir()
    tiny_nets.write_expression(folder)
    tiny_nets.write_eye_state(folder)
    for path in folder.glob("*.yaml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for kind in ("int8-qdq", "fp32"):
            content["files"][kind] = content["files"]["int8"]
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder
