"""Compiles the crop kernel for one GPU: by NVRTC where the library is found, else by nvcc.

Neither needs a GPU, so the tests compile for Orin (sm_87) and Thor (sm_110) as well.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import logging
import shutil
import subprocess
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from dms.engine.plans import write_whole
from dms.errors import EngineError

_log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
NAMES = ("dms_steps", "dms_crop")
# Contracted multiply-adds would round the coordinates otherwise than the CPU does.
FLAGS = ("-fmad=false",)


def source() -> str:
    """Return the kernel as one text, its header inlined."""
    header = (FOLDER / "crop.h").read_text(encoding="utf-8").replace("#pragma once\n", "")
    kernel = (FOLDER / "crop.cu").read_text(encoding="utf-8")
    return kernel.replace('#include "crop.h"\n', header)


def compiled(architecture: str, cache: Path | None = None) -> bytes:
    """Return the kernel's cubin for ``architecture``, as ``sm_87``; kept in ``cache`` if given.

    Raises EngineError where neither NVRTC nor nvcc can compile it.
    """
    digest = hashlib.sha256((source() + " ".join(FLAGS)).encode()).hexdigest()[:16]
    kept = cache / f"crop-{architecture}-{digest}.cubin" if cache else None
    if kept:
        with suppress(OSError):  # not there yet
            return kept.read_bytes()
    errors = []
    for compiler in (by_nvrtc, by_nvcc):
        try:
            cubin = compiler(architecture)
        except EngineError as error:
            errors.append(str(error))
            continue
        if kept:
            try:
                write_whole(kept, cubin)
            except EngineError as error:
                _log.warning("the crop kernel is compiled anew at each start: %s", error)
        return cubin
    raise EngineError(
        f"the crop kernel cannot be compiled for {architecture} ({'; '.join(errors)}); "
        "install CUDA's nvrtc or nvcc, or set nets.backend to onnxruntime"
    )


def by_nvcc(architecture: str) -> bytes:
    """Compile with nvcc from the PATH or the wheel nvidia-cuda-nvcc."""
    nvcc = shutil.which("nvcc") or next(map(str, _in_wheels("bin/nvcc")), None)
    if nvcc is None:
        nvcc = shutil.which("nvcc", path="/usr/local/cuda/bin")  # where JetPack puts it
    if nvcc is None:
        raise EngineError("there is no nvcc")
    with tempfile.TemporaryDirectory() as folder:
        text, cubin = Path(folder, "crop.cu"), Path(folder, "crop.cubin")
        text.write_text(source(), encoding="utf-8")
        command = [nvcc, "-cubin", f"-arch={architecture}", *FLAGS, "-o", str(cubin), str(text)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise EngineError(f"nvcc: {(done.stderr or done.stdout).strip()[:200]}")
        return cubin.read_bytes()


def by_nvrtc(architecture: str) -> bytes:
    """Compile with NVRTC, the compiler as a library."""
    nvrtc = _nvrtc()
    program = ctypes.c_void_p()
    text = source().encode()
    _ask(nvrtc, "nvrtcCreateProgram", ctypes.byref(program), text, b"crop.cu", 0, None, None)
    try:
        options = [f"--gpu-architecture={architecture}".encode(), *(f.encode() for f in FLAGS)]
        given = (ctypes.c_char_p * len(options))(*options)
        if nvrtc.nvrtcCompileProgram(program, len(options), given):
            raise EngineError(f"NVRTC: {_said(nvrtc, program)[:200]}")
        size = ctypes.c_size_t()
        _ask(nvrtc, "nvrtcGetCUBINSize", program, ctypes.byref(size))
        cubin = ctypes.create_string_buffer(size.value)
        _ask(nvrtc, "nvrtcGetCUBIN", program, cubin)
        return cubin.raw
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _said(nvrtc: ctypes.CDLL, program: ctypes.c_void_p) -> str:
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    said = ctypes.create_string_buffer(max(1, size.value))
    nvrtc.nvrtcGetProgramLog(program, said)
    return said.value.decode(errors="replace").strip()


def _ask(nvrtc: ctypes.CDLL, name: str, *arguments: object) -> None:
    code = getattr(nvrtc, name)(*arguments)
    if code:
        raise EngineError(f"NVRTC: {name} failed with code {code}")


def _nvrtc() -> ctypes.CDLL:
    names = [ctypes.util.find_library("nvrtc"), "libnvrtc.so", "libnvrtc.so.12", "libnvrtc.so.13"]
    names.append("/usr/local/cuda/lib64/libnvrtc.so")  # where JetPack puts it
    places = [*filter(None, names), *map(str, _in_wheels("lib/libnvrtc.so.*"))]
    for place in places:
        try:
            return ctypes.CDLL(place)
        except OSError:
            continue
    raise EngineError("there is no NVRTC library")


def _in_wheels(pattern: str) -> list[Path]:
    """Find files of NVIDIA's wheels (``nvidia/cu13/...`` or ``nvidia/cuda_nvrtc/...``)."""
    spec = find_spec("nvidia")
    roots = spec.submodule_search_locations if spec else None
    return sorted(found for root in roots or () for found in Path(root).glob(f"*/{pattern}"))
