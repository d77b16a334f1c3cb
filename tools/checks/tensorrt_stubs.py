"""Make type stubs from the real TensorRT bindings, which ship none, and check dms/ against them.

    python -m tools.checks.tensorrt_stubs 10.3.0 10.16.1.11 11.4.0.106 [--folder out/stubs]

``tensorrt-cu12-bindings`` is the real Python API without libnvinfer. Three empty libraries stand
in for it, so the module imports and its classes, enums and docstrings can be read; nothing in it
can be called. Needs pip, gcc, mypy and pybind11-stubgen (a few MB from PyPI each).
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
from pathlib import Path

_SYMBOLS = {
    "libnvinfer": (
        "createInferBuilder_INTERNAL",
        "createInferRefitter_INTERNAL",
        "createInferRuntime_INTERNAL",
        "getBuilderPluginRegistry",
        "getPluginRegistry",
    ),
    "libnvonnxparser": (
        "createNvOnnxParser_INTERNAL",
        "createNvOnnxParserRefitter_INTERNAL",
        "getNvOnnxParserVersion",
    ),
    "libnvinfer_plugin": ("initLibNvInferPlugins",),
}
_STUBGEN = """
import ctypes, sys
for library in sys.argv[3:]:
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
sys.path.insert(0, sys.argv[1])
import tensorrt_bindings
from pybind11_stubgen import main
sys.argv = ["stubgen", "tensorrt_bindings.tensorrt", "-o", sys.argv[2], "--ignore-all-errors"]
main()
"""
CHECKED = ("dms/engine/build.py", "dms/engine/tensorrt.py")


def make_stubs(version: str, folder: Path) -> Path:
    """Write ``folder/version/tensorrt/__init__.pyi`` and return ``folder/version``."""
    root = folder / version
    stub = root / "tensorrt" / "__init__.pyi"
    if stub.exists():
        return root
    wheel, made = root / "wheel", root / "made"
    _run(
        *(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(wheel)),
        f"tensorrt-cu12-bindings=={version}",
    )
    libraries = [_empty_library(name, version.split(".", maxsplit=1)[0], root) for name in _SYMBOLS]
    script = root / "stubgen.py"
    script.write_text(_STUBGEN, encoding="utf-8")
    _run(sys.executable, str(script), str(wheel), str(made), *map(str, libraries), quiet=True)
    text = (made / "tensorrt_bindings" / "tensorrt.pyi").read_text(encoding="utf-8")
    stub.parent.mkdir(parents=True, exist_ok=True)
    stub.write_text(repair(text), encoding="utf-8")
    return root


def _empty_library(name: str, major: str, folder: Path) -> Path:
    path = folder / f"{name}.so.{major}"
    source = folder / f"{name}.c"
    source.write_text("".join(f"void *{s}(void){{return 0;}}\n" for s in _SYMBOLS[name]))
    _run("gcc", "-shared", "-fPIC", str(source), f"-Wl,-soname,{path.name}", "-o", str(path))
    return path


def repair(text: str) -> str:
    """Turn pybind11-stubgen's output into a stub that mypy reads.

    A function whose header is no Python becomes Any; ``bool`` and ``float`` are also dtypes of
    TensorRT, so the builtins are named in full; the buffer protocol, which stubgen cannot see, is
    added to IHostMemory.
    """
    kept: list[str] = []
    lines = iter(text.split("\n"))
    line = next(lines, None)
    while line is not None:
        header = re.match(r"(\s*)def (\w+)\(", line)
        if header and not _is_python(line):
            while kept and kept[-1].strip().startswith("@"):
                kept.pop()
            kept.append(f"{header[1]}{header[2]}: typing.Any")
            line = next(lines, None)
            while line is not None and (not line.strip() or _indent(line) > len(header[1])):
                line = next(lines, None)
            continue
        kept.append(re.sub(r"(?<=[>:\[|,]) ?\bbool\b(?! *=)", " builtins.bool", line))
        if line.startswith("class IHostMemory"):
            kept.append("    def __buffer__(self, flags: int, /) -> memoryview: ...")
        line = next(lines, None)
    head = "# mypy: ignore-errors\nimport builtins\nimport typing\n__version__: str\n"
    return head + "\n".join(kept).replace("from __future__ import annotations\n", "", 1)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_python(line: str) -> bool:
    try:
        ast.parse(line.strip() + (" ..." if line.rstrip().endswith(":") else ""))
    except SyntaxError:
        return False
    return True


def check(root: Path, files: list[str]) -> tuple[bool, str]:
    """Run mypy --strict on ``files`` against the stubs in ``root``."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(root / "cache"), *files],
        env={**os.environ, "MYPYPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, done.stdout.strip()


def _run(*command: str, quiet: bool = False) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} ... failed:\n{done.stdout}{done.stderr}"[-2000:])
    if not quiet and done.stdout.strip():
        print(done.stdout.strip())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("versions", nargs="+")
    parser.add_argument("--folder", type=Path, default=Path("out/stubs"))
    arguments = parser.parse_args()
    files = [name for name in CHECKED if Path(name).exists()]
    good = True
    for version in arguments.versions:
        passed, said = check(make_stubs(version, arguments.folder), files)
        print(f"TensorRT {version}: {'ok' if passed else 'FAILED'}, {said}")
        good &= passed
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
