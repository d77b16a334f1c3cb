import contextlib
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from dms.errors import ConfigError
from dms.settings import setting, settings
from dms.yamlfile import as_data, load, load_data, read


@settings
class Eye:
    closed_s: float = setting(1.0, unit="s", gt=0, le=10, text="closed this long")
    name: str | None = setting(None, text="a name")


@settings
class Tree:
    eye: Eye = Eye()
    many: tuple[Eye, ...] = ()
    count: int = setting(3, ge=0, text="a count")
    shown: bool = setting(False, text="a switch")
    span: tuple[float, float] = setting((0.0, 1.0), text="a span")


TREE = TypeAdapter(Tree)


def test_a_key_below_a_name_of_ones_own_is_told_with_those_that_are_known():
    named = TypeAdapter(dict[str, Eye])
    with pytest.raises(ConfigError, match=r"mine\.nme: unknown key; did you mean 'name'"):
        load_data({"mine": {"nme": "x"}}, named, "settings")
    with pytest.raises(ConfigError, match=r"mine\.qqqq: unknown key; known here: closed_s, name"):
        load_data({"mine": {"qqqq": "x"}}, named, "settings")


def loaded(tmp_path, text):
    path = tmp_path / "dms.yaml"
    path.write_text(text)
    return load(path, TREE)


def told(tmp_path, text):
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, text)
    return str(error.value).replace(str(tmp_path), "")


def test_values_land_where_they_belong(tmp_path):
    tree = loaded(tmp_path, "eye:\n  closed_s: 2\nmany:\n- {closed_s: 0.5}\n")
    assert tree == Tree(eye=Eye(closed_s=2.0), many=(Eye(closed_s=0.5),))


def test_an_empty_file_is_the_defaults(tmp_path):
    assert loaded(tmp_path, "# nothing\n") == Tree()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("eye:\n  closd_s: 2\n", "/dms.yaml:2: eye.closd_s: unknown key; did you mean 'closed_s'?"),
        ("closed_s: 2\n",
         "/dms.yaml:1: closed_s: unknown key; did you mean eye.closed_s or many[].closed_s?"),
        ("zzz: 1\n", "/dms.yaml:1: zzz: unknown key; known here: count, shown, span, eye, many"),
        ("\neye:\n  closed_s: 99\n",
         "/dms.yaml:3: eye.closed_s: expected less than or equal to 10 in s, got 99"),
        ("eye:\n  closed_s: 500 ms\n", "/dms.yaml:2: eye.closed_s: expected a valid number"),
        ("many:\n- {}\n- {closed_s: 0}\n", "/dms.yaml:3: many.1.closed_s: expected greater than 0"),
        ("eye: 3\n", "/dms.yaml:1: eye: expected keys and values, got 3"),
        ("eye:\n  name: 3\n", "/dms.yaml:2: eye.name: expected text, in quotes, got 3"),
        ("many: 3\n", "/dms.yaml:1: many: expected a list, got 3"),
        ("eye:\n  closed_s: true\n",
         "/dms.yaml:2: eye.closed_s: expected a number in s, got True"),
        ("eye:\n  closed_s: '2'\n", "/dms.yaml:2: eye.closed_s: expected a number in s, got '2'"),
        ("many:\n- closed_s: '2'\n", "/dms.yaml:2: many.0.closed_s: expected a number in s"),
        ("span: [0, '1']\n", "/dms.yaml:1: span.1: expected a number, got '1'"),
        ("count: false\n", "/dms.yaml:1: count: expected a number, got False"),
        ("shown: 1\n", "/dms.yaml:1: shown: expected true or false, got 1"),
        ("shown: 'yes'\n", "/dms.yaml:1: shown: expected true or false, got 'yes'"),
        ("count: 2.5\n", "/dms.yaml:1: count: "),
        ("eye: {\n", "/dms.yaml:2: not valid YAML"),
        ('eye: {name: "a\\0b"}\n', "/dms.yaml:1: not valid YAML: 'a\\x00b' holds a NUL"),
        ("eye:\n\tclosed_s: 2\n", "/dms.yaml:2: not valid YAML: a tab begins it; indent with"),
        ("eye:\n  closed_s: 2\n \tname: x\n", "/dms.yaml:3: not valid YAML: a tab begins it"),
        ("count: 1\ncount: 2\n", "/dms.yaml:2: count: given twice"),
        ("eye:\n  closed_s: .nan\n", "/dms.yaml:2: eye.closed_s: expected a finite number"),
    ],
)  # fmt: skip
def test_each_fault_names_file_line_and_key(tmp_path, text, said):
    assert told(tmp_path, text).startswith(said)


def test_a_long_value_is_quoted_in_part(tmp_path):
    assert len(told(tmp_path, f"count: {'x' * 9999}\n")) < 250


def test_numbers_as_yaml_1_2_writes_them(tmp_path):
    tree = loaded(tmp_path, "eye: {closed_s: 1e-3}\ncount: 2e0\nspan: [0, 1.5E+0]\nshown: yes\n")
    assert tree == Tree(eye=Eye(closed_s=0.001), count=2, span=(0.0, 1.5), shown=True)


@pytest.mark.parametrize("number", ["1:30", "-1:30.5", "0100", "08"])
def test_numbers_in_base_60_or_8_are_refused(tmp_path, number):
    assert told(tmp_path, f"count: {number}\n").endswith(f", got '{number}'")
    assert loaded(tmp_path, f"eye: {{name: {number}}}\n").eye.name == number


def test_all_faults_are_told_at_once(tmp_path):
    assert len(told(tmp_path, "eye:\n  closed_s: -1\ncount: x\nfoo: 1\n").splitlines()) == 3


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ConfigError, match="check the path"):
        read(tmp_path / "none.yaml")


@given(st.binary(max_size=60))
def test_no_bytes_bring_anything_but_a_clear_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("yaml") / "dms.yaml"
    path.write_bytes(content)
    with contextlib.suppress(ConfigError):
        assert isinstance(load(path, TREE), Tree)


def test_settings_become_plain_data_and_back():
    tree = Tree(many=(Eye(closed_s=0.5, name="x"),))
    assert load_data(as_data(tree), TREE, "again") == tree


@pytest.mark.parametrize("text", [
    "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{c}: &{c} [{', '.join(['*' + chr(ord(c) - 1)] * 9)}]\n" for c in "bcdefghij"
    ),
    "a: &a [*a]\n",
    "a: &a {b: *a}\n",
])  # fmt: skip
def test_aliases_that_grow_without_end_are_refused_at_once(tmp_path, text):
    file = tmp_path / "dms.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="aliases"):
        read(file)


def test_a_pipe_as_settings_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "dms.yaml")
    with pytest.raises(ConfigError, match="pipe or a device"):
        read(tmp_path / "dms.yaml")


def test_an_endless_file_is_refused_by_its_size(tmp_path):
    (tmp_path / "dms.yaml").symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match="pipe or a device"):
        read(tmp_path / "dms.yaml")
    (tmp_path / "large").write_bytes(b"# " * 2_100_000)
    with pytest.raises(ConfigError, match="larger than 4 MB"):
        read(tmp_path / "large")


@pytest.mark.whole
def test_large_settings_without_an_alias_are_read_in_seconds(tmp_path):
    rows = "".join(f"- {{closed_s: 1, name: n{i}, }}  # a comment to fill\n" for i in range(30_000))
    begun_s = time.process_time()
    tree = loaded(tmp_path, f"many:\n{rows}")
    assert len(rows) > 1_200_000
    assert len(tree.many) == 30_000
    assert time.process_time() - begun_s < 20.0  # 3 s here; with PyYAML's own parser it was 60


def test_thousands_of_faults_are_told_by_the_first(tmp_path):
    said = told(tmp_path, "".join(f"wrong{i}: 1\n" for i in range(20_000)))
    assert "dms.yaml:50: wrong49: unknown key" in said
    assert said.endswith("and 19950 more")


def test_nesting_without_an_end_is_refused(tmp_path):
    for text in ("[" * 1_000_000, "{a: " * 500_000, "- " * 1_000_000 + "x"):
        assert "not valid YAML" in told(tmp_path, text)
