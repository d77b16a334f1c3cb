"""Tables as spreadsheets and people write them."""

from __future__ import annotations

import pytest

from dms.errors import ConfigError
from dms.table import read_table

WANTED = [(2, {"a": "1", "b": "x y"}), (4, {"a": "", "b": "z"})]


@pytest.mark.parametrize(
    "data",
    [
        b"a,b\n1,x y\n\n,z\n",
        b"\xef\xbb\xbfa,b\r\n1,x y\r\n,\r\n,z\r\n",
        b" a , b\n1, x y\n , \n, z \n",
        b'"a","b"\n"1","x y"\n"",""\n"",z',
        b"a,b,,\n1,x y,,\n,,,\n,z,,\n",
    ],
)
def test_spaces_marks_and_empty_cells_do_no_harm(tmp_path, data):
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    assert read_table(path, ("a",)) == WANTED


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "expected columns a,b; column 'a' is missing, it has none"),
        (b"a;b\n1;2\n", "t.csv:1: its columns are separated by ';'; separate by commas"),
        (b"a\tb\n1\t2\n", "separated by tabs"),
        (b"a\n1\n", "column 'b' is missing, it has a"),
        (b"a,b,b\n1,2,3\n", "column 'b' stands twice"),
        (b"a,b\n1\n", "t.csv:2: not as many cells"),
        (b"a,b\n1,2,3\n", "t.csv:2: not as many cells"),
        (b"a,b\n\xe4,2\n", "no table in UTF-8"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(tmp_path, data, words):
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=words):
        read_table(path, ("a", "b"))


def test_a_missing_table(tmp_path):
    with pytest.raises(ConfigError, match="check the path"):
        read_table(tmp_path / "none.csv", ())


def test_a_short_row_may_be_filled_up(tmp_path):
    path = tmp_path / "t.csv"
    """A spreadsheet leaves out the last cells that are empty."""
    path.write_text("a,b,,,note\n1\n")
    assert read_table(path, ("a",)) == [(2, {"a": "1", "b": "", "": "", "note": ""})]
    with pytest.raises(ConfigError, match="not as many cells"):
        read_table(path, ("a", "b"))
