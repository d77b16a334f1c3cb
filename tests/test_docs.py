"""What the pages say is there: their links lead somewhere, their commands are understood."""

import contextlib
import importlib.util
import io
import re
import runpy
import shlex
from pathlib import Path

import pytest

from dms.cli import VERBS, parser

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "tools" / "README.md",
         *sorted((ROOT / "docs").glob("*.md")),
         *sorted((ROOT / "engines").glob("*.md"))]  # fmt: skip
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"```(?:sh|console)\n(.*?)```", re.DOTALL)
_TOOL = re.compile(r"`(?:\./)?((?:tools|tests|systemd)/[\w./-]+)")
_MODULE = re.compile(r"python -m ((?:tools|tests)[\w.]*)")
_NAMED = {page.name: page for page in PAGES}


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def commands() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                for part in re.split(r"[|;]|&&", line.split(" #")[0]):
                    words = part.strip().removeprefix("sudo ").removeprefix(".venv/bin/")
                    if words.startswith("dms "):
                        found.append((page.name, words))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page):
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"\w+:", target):
            continue
        place, _, anchor = target.partition("#")
        file = (page.parent / place).resolve() if place else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_programs_and_tests_that_are_named_exist(page):
    text = page.read_text(encoding="utf-8")
    for name in _TOOL.findall(text):
        assert (ROOT / name.rstrip("./")).exists(), f"{page.name}: {name}"
    for name in _MODULE.findall(text):
        assert importlib.util.find_spec(name), f"{page.name}: python -m {name}"


@pytest.mark.parametrize(("page", "line"), commands())
def test_every_command_shown_is_understood(page, line):
    words = shlex.split(line.split(" > ")[0].split(" 2>")[0])[1:]
    words = [word.strip("[]") for word in words if word not in {"...", "FOLDER..."}]
    assert words[0].startswith("-") or words[0] in VERBS, f"{page}: {line}"
    heard = io.StringIO()
    with contextlib.redirect_stderr(heard), contextlib.suppress(SystemExit):
        parser(words[0]).parse_args(words)
    assert not heard.getvalue(), f"{page}: {line}\n{heard.getvalue()}"


def test_there_are_commands_to_test():
    assert len(commands()) > 30


@pytest.fixture
def extras(monkeypatch) -> dict[str, list[str]]:
    """Extra -> requirements, as setup.py tells setuptools."""
    given = {}
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("setuptools.setup", lambda **told: given.update(told))
    runpy.run_path(str(ROOT / "setup.py"))
    return given["extras_require"]


def test_extras_that_pages_name_are_there(extras):
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = {name for names in re.findall(r"\.\[([\w,]+)\]", text) for name in names.split(",")}
    assert named >= {"dlib68", "jetson", "tensorrt"}
    assert named <= extras.keys()


def test_on_a_jetson_no_wheel_stands_before_jetpacks_tensorrt(extras):
    """PyPI's tensorrt is for a discrete GPU; everything else leaves it alone."""
    with_it = {name for name, needs in extras.items() if any("tensorrt" in need for need in needs)}
    assert with_it == {"tensorrt"}
    assert extras["jetson"] == ["pycuda"]


def test_no_page_holds_a_place_that_was_to_be_filled_in():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "engines").glob("*.md")]
    open_places = {page.name: re.findall(r"@[A-Z]+@", page.read_text()) for page in pages}
    assert {name: found for name, found in open_places.items() if found} == {}
