"""Which room may know which: the decision is pure, and no two modules need each other."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import dms

PACKAGE = Path(dms.__file__).parent
GROUND = {
    "dms", "errors", "fast_init", "folders", "masking", "odds", "plainfile", "resource", "settings",
    "stretches", "table", "values", "yamlfile",
}  # fmt: skip  # imports nothing above it
ANYTHING = {"cli", "commands", "doctor"}
# Room -> the rooms that it may import besides the ground; CONTRIBUTING.md shows the same table.
MAY = {
    "bus": set(),
    "decision": set(),
    "camera": set(),
    "engine": set(),
    "files": set(),
    "perception": {"engine"},
    "bridge": {"bus", "files"},
    "vehicle": {"bus"},
    "store": {"decision", "camera"},
    "scoring": {"decision", "files"},
    "report": {"scoring", "files"},
    "monitor": {"camera", "perception", "decision", "bridge"},
    "config": {"camera", "perception", "decision", "bus", "bridge", "vehicle", "store", "monitor",
               "service"},
    "chain": {"camera", "engine", "perception", "decision", "bridge", "vehicle", "store", "monitor",
              "config"},
    "watching": {"chain", "monitor", "config", "camera", "files"},
    "service": {"chain", "monitor", "config", "bridge", "camera", "decision"},
    "bench": {"chain", "monitor", "config", "camera", "decision", "engine", "vehicle", "scoring",
              "report", "files"},
    "dashboard": {"chain", "monitor", "service", "files"},
}  # fmt: skip
# Of a room that may be imported only in part, the modules that may be.
PARTS = {
    ("store", "decision"): {"dms.decision.baseline"},
    ("store", "camera"): {"dms.camera.image_folder"},
    ("bridge", "files"): {"dms.files.events"},
    ("scoring", "decision"): {"dms.decision.profiles", "dms.decision.settings"},
    ("service", "decision"): {"dms.decision.faults", "dms.decision.flapping"},
    ("bench", "vehicle"): {"dms.vehicle"},
    ("dashboard", "service"): {"dms.service.notify", "dms.service.status", "dms.service.view"},
}
HEAVY = ("cv2", "dlib", "onnxruntime", "can", "cantools", "sqlite3", "paho")


def test_the_decision_core_knows_neither_camera_nor_net_nor_bus():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, dms.decision.core; print(*sys.modules)"],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    loaded = done.stdout.split()
    assert "dms.decision.policy" in loaded
    rooms = {name.split(".")[1] for name in loaded if name.startswith("dms.")}
    assert rooms - GROUND == {"decision"}
    assert [name for name in loaded if name in HEAVY] == []


def test_no_two_modules_need_each_other():
    paths = {name(path): path for path in PACKAGE.rglob("*.py")}
    needs = {each: needed(path, paths) - {each} for each, path in paths.items()}
    assert needs["dms.decision.core"] > {"dms.decision.policy", "dms.values"}
    order = list(TopologicalSorter(needs).static_order())  # raises CycleError, which names it
    assert order.index("dms.values") < order.index("dms.decision.core") < order.index("dms.chain")


def test_each_room_imports_only_what_the_table_lets_it():
    paths = {name(path): path for path in PACKAGE.rglob("*.py")}
    rooms = {room(each) for each in paths}
    assert rooms - GROUND - ANYTHING == MAY.keys()  # a new room is added to the table
    for each, path in paths.items():
        for other in needed(path, paths) - {each}:
            here, there = room(each), room(other)
            if here == there or there in GROUND or here in ANYTHING:
                continue
            assert here not in GROUND, f"{each} is of the ground and imports {other}"
            assert there in MAY[here], f"{each} imports {other}"
            parts = PARTS.get((here, there))
            assert parts is None or other in parts, f"{each} imports {other}"


def test_few_modules_stand_beside_the_rooms():
    assert len(list(PACKAGE.glob("*.py"))) <= 20


def test_contributing_shows_the_table():
    page = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|$", page, re.MULTILINE)
    shown = {room: set(re.findall(r"`(\w+)`", cells)) for room, _, cells in rows}
    assert shown == MAY
    for room, what, _ in rows:  # a file that is named is there
        for file in re.findall(r"`([\w/]+\.\w+|\w+/)`", what):
            places = (PACKAGE / room / file, PACKAGE / file)
            assert any(place.exists() for place in places) or file == "settings.py", (
                f"{room}: {file}"
            )


def room(module):
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "dms"


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
