"""Which room of tools/ may know which, and that its list names every program."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
PAGE = (TOOLS / "README.md").read_text(encoding="utf-8")
ROOMS = {path.parent.name for path in TOOLS.glob("*/__init__.py")}


def may():
    """Room -> the rooms that it may import, as tools/README.md has it."""
    rows = PAGE.split("## Who may import whom")[1]
    found = re.findall(r"^\| `(\w+)` \| ([^|]*) \|$", rows, re.MULTILINE)
    return {room: set(re.findall(r"`(\w+)`", cells)) for room, cells in found}


def rooms_of(path):
    """The rooms that one module imports, at once or later."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{each.name}" for each in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("tools.")}
    return found & ROOMS


def test_each_room_imports_only_what_the_table_lets_it():
    table = may()
    assert table.keys() == ROOMS  # a new room is added to the table
    assert rooms_of(TOOLS / "train" / "export.py") >= {"nets", "drawing"}
    for room in ROOMS:
        for path in (TOOLS / room).rglob("*.py"):
            wrong = rooms_of(path) - table[room] - {room}
            assert not wrong, f"{path.relative_to(TOOLS.parent)} imports {wrong}"


def test_arrows_between_rooms_go_one_way():
    list(TopologicalSorter(may()).static_order())  # raises CycleError, which names it


def test_no_room_imports_a_program_beside_the_rooms():
    beside = {path.stem for path in TOOLS.glob("*.py")} - {"__init__"}
    assert "evaluate" in beside
    for path in TOOLS.glob("*/*.py"):
        for name in re.findall(r"(?:from|import) tools(?:\.| import )(\w+)", path.read_text()):
            assert name not in beside, f"{path.relative_to(TOOLS.parent)} imports {name}"


def test_the_list_names_every_program_and_no_other():
    for path in [*TOOLS.glob("*.py"), *(each for each in TOOLS.iterdir() if "." not in each.name)]:
        if path.is_file() and path.stem != "__init__":
            assert f"`tools/{path.name}`" in PAGE, path.name
    programs = set()
    for path in TOOLS.glob("*/*.py"):
        module = f"tools.{path.parent.name}.{path.stem}".removesuffix(".__main__")
        if '__name__ == "__main__"' in path.read_text() and path.parent.name in ROOMS:
            programs.add(module)
    programs.discard("tools.attack.victim")  # started by the attack alone
    assert set(re.findall(r"`(tools\.\w+(?:\.\w+)?)`", PAGE)) == programs


@pytest.mark.whole
def test_no_program_edits_the_import_path():
    for folder in (TOOLS, TOOLS.parent / "tests"):
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    word = ast.unparse(node.func)
                    assert word not in {"sys.path.insert", "sys.path.append"}, path
