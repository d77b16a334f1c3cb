"""The stubs: what stubgen gets wrong is repaired, and what is gone from TensorRT is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.checks import tensorrt_stubs as room

GENERATED = '''from __future__ import annotations
class IHostMemory:
    """Memory"""
    def __init__(self) -> None: ...
class Thing:
    def ok(self, flag: bool) -> bool:
        """Fine"""
    @property
    def also(self) -> bool: ...
    @staticmethod
    def broken(self, x: <Some.Enum: 1>) -> bool:
        """
        gone
        """
    def after(self) -> int: ...
bool = 1
'''


def test_repaired_stub_is_python_and_keeps_what_it_can(tmp_path: Path) -> None:
    text = room.repair(GENERATED)
    compile(text, "stub", "exec")
    assert "broken: typing.Any" in text
    assert "@staticmethod" not in text
    assert "def __buffer__" in text
    assert "-> builtins.bool" in text
    assert "\nbool = 1" in text


@pytest.fixture(scope="module", params=["10.3.0", "10.16.1.11", "11.4.0.106"])
def stubs(request: pytest.FixtureRequest) -> Path:
    root = Path("out/gpu-less/stubs") / request.param
    if not (root / "tensorrt" / "__init__.pyi").exists():
        pytest.skip("no stubs of the real bindings; tools/gpu-less-test makes them")
    return root


@pytest.mark.parametrize(
    ("code", "gone_in"),
    [
        ("trt.Runtime(trt.Logger()).deserialize_cuda_engine(b'')", None),
        ("trt.IInt8EntropyCalibrator2", "11.4.0.106"),
        ("trt.BuilderFlag.INT8", "11.4.0.106"),
        ("trt.NoSuchThing", "10.3.0 10.16.1.11 11.4.0.106"),
    ],
)
def test_a_call_that_is_gone_is_found(stubs: Path, tmp_path: Path, code: str, gone_in) -> None:
    file = tmp_path / "uses.py"
    file.write_text(f"import tensorrt as trt\n\nprint({code})\n")
    passed, said = room.check(stubs, [str(file)])
    assert passed == (stubs.name not in (gone_in or "")), said


def test_the_twin_has_no_name_that_the_real_module_lacks(stubs: Path, tmp_path: Path) -> None:
    """What stands in for TensorRT in the emulated tests may only offer what is really there."""
    import ast

    twin = Path("tests/engine/emulator/tensorrt_twin.py").read_text()
    names = []
    for node in ast.parse(twin).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            members = [
                item.name
                for item in node.body
                if isinstance(item, ast.FunctionDef) and not item.name.startswith("_")
            ]
            names += [node.name, *(f"{node.name}.{member}" for member in members)]
    assert "IExecutionContext.execute_async_v3" in names
    file = tmp_path / "twin.py"
    file.write_text("import tensorrt as trt\n" + "".join(f"print(trt.{name})\n" for name in names))
    passed, said = room.check(stubs, [str(file)])
    assert passed, said


def test_usage_without_a_version_ends_with_2() -> None:
    done = subprocess.run(
        [sys.executable, "tools/checks/tensorrt_stubs.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
