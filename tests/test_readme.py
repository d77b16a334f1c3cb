"""What the README says is held against the code, so that it cannot drift."""

from pathlib import Path

from dms import errors
from dms.cli import VERBS
from dms.files.columns import COLUMNS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FILES = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")


def test_every_column_of_the_frame_table_is_described():
    for name, text in COLUMNS.items():
        assert f"| `{name}` | {text} |" in FILES


def test_every_exit_code_is_listed():
    listed, end, _ = README.split("Exit codes:")[1].partition("The files that a run writes")
    assert end
    for error in (errors.DmsError, *errors.DmsError.__subclasses__()):
        assert f"{error.exit_code} " in listed


def test_every_verb_is_shown():
    for verb in VERBS:
        assert f"dms {verb}" in README
