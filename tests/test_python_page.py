"""docs/python.md is run as it stands, on the golden film's observations in place of its pixels."""

import gzip
import re
from pathlib import Path

import pytest

import dms
from dms.cli import main as cli

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.jsonl"
    path.write_bytes(gzip.decompress((ROOT / "tests/golden/film.jsonl.gz").read_bytes()))
    return path


@pytest.mark.whole
def test_the_page_runs_as_it_stands(film, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in BLOCKS:
        exec(block.replace('FILM = "out/demo/demo.avi"', f"FILM = {str(film)!r}"), names)
    told = capsys.readouterr().out
    assert "microsleep" in told
    assert "unknown dark" in told or "unknown no_face" in told
    assert "did you mean 'yaw_deg'" in told
    assert (tmp_path / "openness.html").stat().st_size > 100_000
    assert len(names["frames"]) > 900


def test_the_pages_bridge_prints_the_alerts_of_a_run(film, tmp_path, monkeypatch, capsys):
    """Saved and named as the page says; a module that is not found says where it is looked for."""
    (bridge,) = [block for block in BLOCKS if "class PrintBridge" in block]
    (wish,) = re.findall(r"--set '(bridges=.*)'", PAGE)
    assert cli(["bench", str(film), "--set", wish]) == 2
    assert "No module named 'printing'" in (refused := capsys.readouterr().err)
    assert "PYTHONPATH" in refused
    (tmp_path / "printing.py").write_text(bridge)
    monkeypatch.syspath_prepend(tmp_path)
    assert cli(["bench", str(film), "--set", wish]) == 0
    told = capsys.readouterr().out
    assert told.index("the bridge is open") < told.index("s  microsleep: eyes closed for 1 s")
    assert told.index("s  microsleep: eyes") < told.index("the bridge is closed")


def test_the_page_says_which_names_are_stable():
    stable = PAGE[PAGE.index("## What is stable") :]
    missing = [name for name in dms.__all__ if f"`{name}" not in stable]
    assert [name for name in missing if not name.endswith("Error")] == []


def test_readme_begins_for_python_as_the_page_does():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "for step in dms.watch(" in readme
    assert "docs/python.md" in readme
