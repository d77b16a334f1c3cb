"""Compiling the kernel for Orin and Thor, without either."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dms.engine.preprocess import kernel as room
from dms.errors import EngineError

ARCHITECTURES = ["sm_87", "sm_110"]
EM_CUDA = 190
ROOT = Path(__file__).parents[3]


def in_a_process_of_its_own(compiler: str, architecture: str) -> bytes:
    """Compile away from the emulated driver, which other tests load and NVRTC would find."""
    script = (
        "import sys; from dms.engine.preprocess import kernel; "
        f"sys.stdout.buffer.write(kernel.{compiler}({architecture!r}))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if b"EngineError: there is no" in done.stderr:
        pytest.skip(f"{compiler}: not installed; tools/gpu-less-test installs and runs it")
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("compiler", ["by_nvcc", "by_nvrtc"])
def test_compiles_for_orin_and_thor(compiler: str, architecture: str) -> None:
    cubin = in_a_process_of_its_own(compiler, architecture)
    assert cubin[:4] == b"\x7fELF"
    assert int.from_bytes(cubin[18:20], "little") == EM_CUDA
    assert all(f".text.{name}".encode() in cubin for name in room.NAMES)


def test_source_is_one_text_without_includes() -> None:
    text = room.source()
    assert '#include "' not in text
    assert "dms_crop_pixel" in text


def test_kept_cubin_is_not_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def compiler(architecture: str) -> bytes:
        calls.append(architecture)
        return b"cubin"

    monkeypatch.setattr(room, "by_nvrtc", compiler)
    assert room.compiled("sm_87", tmp_path) == room.compiled("sm_87", tmp_path) == b"cubin"
    assert calls == ["sm_87"]
    room.compiled("sm_110", tmp_path)
    assert calls == ["sm_87", "sm_110"]


def test_a_full_disk_costs_only_time(tmp_path: Path, monkeypatch, caplog) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(room, "by_nvrtc", lambda _: b"cubin")
    assert room.compiled("sm_87", tmp_path / "file" / "plans") == b"cubin"
    assert "compiled anew at each start" in caplog.text


def test_nvcc_follows_where_nvrtc_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> bytes:
        raise EngineError("there is no NVRTC library")

    monkeypatch.setattr(room, "by_nvrtc", broken)
    monkeypatch.setattr(room, "by_nvcc", lambda _: b"by nvcc")
    assert room.compiled("sm_87") == b"by nvcc"
    monkeypatch.setattr(room, "by_nvcc", broken)
    with pytest.raises(EngineError, match=r"install CUDA's nvrtc or nvcc"):
        room.compiled("sm_87")
