"""Which module may know which: the decision is pure, and no two modules need each other."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import dms

PACKAGE = Path(dms.__file__).parent
OUTSIDE = (
    "dms.camera",
    "dms.engine",
    "dms.bridge",
    "dms.vehicle",
    "dms.perception.perception",
    "dms.monitor",
)
HEAVY = ("cv2", "dlib", "onnxruntime", "can", "cantools", "sqlite3", "paho")


def test_the_decision_core_knows_neither_camera_nor_net_nor_bus():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, dms.decision.core; print(*sys.modules)"],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    loaded = done.stdout.split()
    assert "dms.decision.policy" in loaded
    assert [name for name in loaded if name.startswith(OUTSIDE) or name in HEAVY] == []


def test_no_two_modules_need_each_other():
    paths = {name(path): path for path in PACKAGE.rglob("*.py")}
    needs = {each: needed(path, paths) - {each} for each, path in paths.items()}
    assert needs["dms.decision.core"] > {"dms.decision.policy", "dms.values"}
    order = list(TopologicalSorter(needs).static_order())  # raises CycleError, which names it
    assert order.index("dms.values") < order.index("dms.decision.core") < order.index("dms.chain")


def name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def needed(path, known):
    """Return which ``known`` modules one imports, at once or later, but not for types alone."""
    found = set()
    nodes = [ast.parse(path.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{each.name}" for each in node.names}
            found |= inner & known.keys() or {node.module}
        nodes += ast.iter_child_nodes(node)
    return found & known.keys()
