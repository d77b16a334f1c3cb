"""Mutation run over a module: changes one operator, number or statement at a time and tests.

Each mutant lives in a forked process with the changed module in place of the real one; the files
stay as they are. What survives its tests is printed, to be explained or to get a test.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
}  # fmt: skip
QUICK = ["-x", "-q", *(f"-pno:{name}" for name in ("cacheprovider", "cov", "xdist"))]
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", help="such as dms.decision.policy")
    parser.add_argument("tests", nargs="+", help="test files that must notice, quickest first")
    parser.add_argument("--timeout", type=int, default=120, metavar="S", help="a mutant that hangs")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th mutant")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    path = ROOT / Path(*arguments.module.split(".")).with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    mutants = list(mutate(tree))[:: arguments.every]
    survivors: list[str] = []
    running: dict[int, str] = {}
    if pytest.main([*QUICK, *arguments.tests]):  # also imports all that the forks then share
        raise SystemExit("the tests fail without any change; fix them first")
    started = time.monotonic()
    for number, (words, node, change) in enumerate(mutants, 1):
        while len(running) >= arguments.jobs:
            collect(running, survivors)
        child = os.fork()
        if not child:
            apply(node, change)
            changed = Changed(arguments.module, path, ast.fix_missing_locations(tree))
            test(changed, arguments.tests, arguments.timeout)
        running[child] = words
        print(f"\r{number} of {len(mutants)}, {len(survivors)} survive", end="", file=sys.stderr)
    while running:
        collect(running, survivors)
    print(file=sys.stderr)
    took_s = time.monotonic() - started
    print(f"{arguments.module}: {len(mutants)} mutants, {len(survivors)} survive ({took_s:.0f} s)")


def mutate(tree: ast.Module) -> Iterator[tuple[str, ast.AST, int]]:
    """Yield (words, node, number of its change) of every mutant."""
    places = list(ast.walk(tree))
    skipped = {id(inner) for node in places if declares(node) for inner in ast.walk(node)}
    lines: dict[int, int] = {}
    for node in places:  # parents come first, so a node without a line has its parent's
        line = getattr(node, "lineno", lines.get(id(node), 0))
        lines[id(node)] = line
        lines.update({id(child): line for child in ast.iter_child_nodes(node)})
        if id(node) not in skipped:
            for number, words in enumerate(changes(node)):
                yield f"{line}: {words}", node, number


def declares(node: ast.AST) -> bool:
    """Whether this is a setting: the page of rules pins its default, so there is no need here."""
    called = node.value if isinstance(node, ast.AnnAssign) else None
    return isinstance(called, ast.Call) and ast.unparse(called.func) == "setting"


def changes(node: ast.AST) -> list[str]:  # noqa: PLR0911 -- one line a kind of node
    """Name the changes that this node allows."""
    if isinstance(node, ast.Compare):
        return [f"{ast.unparse(node)}: {type(op).__name__} swapped" for op in node.ops]
    if isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(node.op) in SWAPS:
        return [f"{ast.unparse(node)}: {type(node.op).__name__} swapped"]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        return [f"{ast.unparse(node)}: {type(node.op).__name__} dropped"]
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        return [f"{node.value} changed"]
    if isinstance(node, ast.Name) and node.id in NAMES:
        return [f"{node.id} swapped"]
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        return [f"{ast.unparse(node.test)}: negated"]
    if isinstance(node, (ast.Continue, ast.Return)) and getattr(node, "value", None) is None:
        return [f"{type(node).__name__.lower()} dropped"]
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    if is_call or (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute)):
        return [f"{ast.unparse(node).splitlines()[0]}: dropped"]
    return []


def apply(node: ast.AST, variant: int) -> None:
    """Make the change number ``variant`` of :func:`changes` in place."""
    if isinstance(node, ast.Compare):
        node.ops[variant] = SWAPS[type(node.ops[variant])]()  # type: ignore[call-overload]
    elif isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)):
        node.op = SWAPS[type(node.op)]()  # type: ignore[assignment]
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd() if isinstance(node.op, ast.USub) else node.op
        if isinstance(node.op, ast.Not):
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant):
        value = node.value
        node.value = not value if isinstance(value, bool) else value * 1.5 + 1  # type: ignore[operator]
        if isinstance(value, int) and not isinstance(value, bool):
            node.value = value + 1
    elif isinstance(node, ast.Name):
        node.id = NAMES[node.id]
    elif isinstance(node, (ast.If, ast.While, ast.IfExp)):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    else:
        nothing = ast.Expr(ast.Constant(None))
        node.__class__ = ast.Expr  # type: ignore[assignment]
        node.__dict__.update(ast.copy_location(nothing, node).__dict__)


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed tree."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.path, self.tree = name, path, tree

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.tree, str(self.path), "exec"), module.__dict__)


def test(changed: Changed, tests: Sequence[str], timeout_s: int) -> NoReturn:
    """Test one mutant in this forked process; its exit code is 0 where the mutant survives."""
    signal.alarm(timeout_s)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    code = 1
    try:
        forget(changed.name)
        sys.meta_path.insert(0, changed)
        for one in tests:
            code = int(pytest.main([*QUICK, one]))
            if code:
                break
    finally:
        os._exit(code)


def forget(name: str) -> None:
    """Drop the module and all tests, so that they are imported again.

    Tests must import the module itself: what others took from it before stays as it was.
    """
    for one in list(sys.modules):
        if one == name or one.rpartition(".")[2].startswith("test_"):
            del sys.modules[one]
    package, _, last = name.rpartition(".")
    vars(sys.modules[package]).pop(last, None)


def collect(running: dict[int, str], survivors: list[str]) -> None:
    child, status = os.wait()
    words = running.pop(child, "")
    if status == 0:
        survivors.append(words)
        print(f"survives, line {words}", flush=True)


if __name__ == "__main__":
    main()
