"""YAML into frozen settings: a fault is reported with file, line, what was expected and found."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from dms.errors import ConfigError
from dms.plainfile import read_plain

T = TypeVar("T")
Location = tuple[int | str, ...]
_MOST_PATHS = 3  # a key that stands in more places than these says little of what was meant
_UNKNOWN = {"unexpected_keyword_argument", "extra_forbidden"}  # as pydantic calls unknown keys
_LARGEST = 4_000_000  # bytes; every setting there is, with its comments, takes 40 kB
_MOST_ALIASED = 200_000  # nodes that aliases add
_MOST_FAULTS = 50  # reported at once
_ODD_NUMBER = re.compile(r"[-+]?(0[0-9_]+|[0-9_]+(:[0-9]+)+(\.[0-9_]*)?)")  # base 8 and base 60
_TAB = re.compile(" *\t")
_LONGEST = 80  # characters of a value that a message quotes


_Parser: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times faster


class _Loader(_Parser):  # type: ignore[misc]
    """YAML 1.1 as PyYAML reads it, but for what surprises.

    1e-3 is a number, as in YAML 1.2; 1:30 (to YAML 1.1 90) and 010 (8) are text, so that a number's
    setting refuses them; the keys on and off are words. As values on and off stay true and false.
    """

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode and "\0" in value:  # no name of a file, bus or host has one
            raise ValueError(f"{value!r} holds a NUL character; leave it out")
        tag = str(super().resolve(kind, value, implicit))
        is_odd = kind is yaml.ScalarNode and implicit[0] and _ODD_NUMBER.fullmatch(value)
        return tag.replace(":int", ":str").replace(":float", ":str") if is_odd else tag

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:bool":  # a word of the vehicle's database is meant
                key.tag = "tag:yaml.org,2002:str"


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def parse(text: str) -> Any:
    """Return what ``text`` says in YAML. Raises yaml.YAMLError, ValueError or RecursionError."""
    return yaml.load(text, _Loader)


def read(path: Path) -> tuple[Any, dict[Location, int]]:
    """Return a YAML file's content and the 1-based line of each key and item.

    Raises ConfigError where the file cannot be read, is not YAML or gives a key twice.
    """
    try:
        text = read_plain(path, _LARGEST).decode("utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text; save it as UTF-8") from error
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        lines: dict[Location, int] = {(): 1}
        if root is None:
            return None, lines
        _check_size(path, root)
        _note_lines(path, root, (), lines)
        return loader.construct_document(root), lines
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        begin = "".join(text.split("\n")[line - 1 : line])
        tab = "a tab begins it; indent with spaces" if _TAB.match(begin) else error.problem
        raise ConfigError(f"{path}:{line}: not valid YAML: {tab}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}:1: not valid YAML: {error}") from error
    finally:
        loader.dispose()


def load(path: Path, adapter: TypeAdapter[T]) -> T:
    """Return the content of ``path`` as the adapter's type; faults as in :func:`load_data`."""
    content, lines = read(path)
    return load_data(content, adapter, str(path), lines)


def load_data(
    content: Any,
    adapter: TypeAdapter[T],
    name: str,
    lines: Mapping[Location, int] | None = None,
    moved: Mapping[str, str] | None = None,
) -> T:
    """Return plain ``content`` as the adapter's type; ``moved``: of keys that are gone, what to do.

    Raises ConfigError that lists every fault, one a line, as ``name:line: key: what is wrong``.
    """
    try:
        made = adapter.validate_python({} if content is None else content)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise ConfigError(_all_faults(name, lines, found, adapter, moved)) from error
    mistaken = list(_mistaken(content, as_data(made)))
    if mistaken:
        raise ConfigError(_all_faults(name, lines, mistaken, adapter))
    return made


def _all_faults(
    name: str,
    lines: Mapping[Location, int] | None,
    found: Sequence[Any],
    adapter: TypeAdapter[Any],
    moved: Mapping[str, str] | None = None,
) -> str:
    first = found[:_MOST_FAULTS]
    told = [_fault(name, lines, fault, adapter, moved or {}) for fault in first]
    more = len(found) - len(told)
    return "\n".join([*told, f"{name}: and {more} more"] if more else told)


def _mistaken(given: Any, made: Any, at: Location = ()) -> Iterator[dict[str, Any]]:
    """Faults, as pydantic tells them, of what it takes for a number or a switch but is none.

    Strict mode would refuse "15" and true for a number, too, but also every list for a tuple.
    """
    if isinstance(given, Mapping) and isinstance(made, Mapping):
        for key, value in given.items():
            yield from _mistaken(value, made.get(str(key)), (*at, key))
    elif isinstance(given, list) and isinstance(made, list):
        for index, pair in enumerate(zip(given, made, strict=False)):
            yield from _mistaken(*pair, (*at, index))
    elif isinstance(made, bool):
        if not isinstance(given, bool):
            yield {"type": "bool", "loc": at, "msg": "expected true or false", "input": given}
    elif isinstance(made, int | float) and isinstance(given, str | bool):
        yield {"type": "float", "loc": at, "msg": "expected a number", "input": given}


def _check_size(path: Path, root: yaml.Node) -> None:
    """Refuse a few lines of aliases that stand for more than anybody could write or wait for."""
    sizes: dict[int, int | None] = {}
    aliased = 0

    def size(node: Any) -> int:
        nonlocal aliased
        if not isinstance(node, yaml.CollectionNode):
            return 1
        if id(node) in sizes:
            aliased += sizes[id(node)] or 0
        else:
            sizes[id(node)] = None
            inner = node.value
            if isinstance(node, yaml.MappingNode):
                inner = [part for pair in node.value for part in pair]
            sizes[id(node)] = 1 + sum(map(size, inner))
        known = sizes[id(node)]
        if known is None or aliased > _MOST_ALIASED:
            line = node.start_mark.line + 1
            raise ConfigError(f"{path}:{line}: aliases (*) grow without end; write the values out")
        return known

    size(root)


def _note_lines(path: Path, node: yaml.Node, at: Location, lines: dict[Location, int]) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[Any] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(f"{path}:{line}: a key must be a plain word")
            if key.value in seen:
                raise ConfigError(f"{path}:{line}: {key.value}: given twice; keep one")
            seen.add(key.value)
            below = (*at, key.value)
            lines[below] = line
            _note_lines(path, value, below, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            below = (*at, index)
            lines[below] = value.start_mark.line + 1
            _note_lines(path, value, below, lines)


def _fault(
    name: str,
    lines: Mapping[Location, int] | None,
    fault: Any,
    adapter: TypeAdapter[Any],
    moved: Mapping[str, str],
) -> str:
    location: Location = tuple(fault["loc"])
    key = ".".join(str(part) for part in location) or "the file"
    known = location
    while lines and known and known not in lines:
        known = known[:-1]
    where = f"{name}:{lines.get(known, 1)}" if lines else name
    if key in moved and fault["type"] in _UNKNOWN:
        return f"{where}: {key}: {moved[key]}"
    return f"{where}: {key}: {_advice(fault, location, adapter)}"


def _advice(fault: Any, location: Location, adapter: TypeAdapter[Any]) -> str:
    if fault["type"] in _UNKNOWN:
        names = _names_at(adapter, location[:-1])
        if near := difflib.get_close_matches(str(location[-1]), names, 1):
            return f"unknown key; did you mean {near[0]!r}?"
        if elsewhere := _paths_to(str(location[-1]), adapter.json_schema()):
            return f"unknown key; did you mean {' or '.join(elsewhere)}?"
        return f"unknown key; known here: {', '.join(names)}"
    unit = _unit_at(adapter, location)
    expected = str(fault["msg"]).replace("Input should be ", "expected ")
    expected = expected.replace("a valid tuple", "a list")
    expected = re.sub(
        r"a valid dictionary|a dictionary or an instance of \w+", "keys and values", expected
    )
    if fault["type"] == "string_type" and isinstance(fault["input"], int | float):
        expected = "expected text, in quotes"
    in_unit = f" in {unit}" if unit else ""
    got = repr(fault.get("input"))
    return f"{expected}{in_unit}, got {got if len(got) <= _LONGEST else got[:_LONGEST] + '...'}"


def _resolve(adapter: TypeAdapter[Any], location: Sequence[int | str]) -> dict[str, Any]:
    """Return the JSON Schema node at ``location``, {} where there is none."""
    schema = adapter.json_schema()
    node = schema
    for part in (None, *location):
        if part is not None:
            named = node.get("properties", {}).get(part) or node.get("items")
            known = named or node.get("additionalProperties") or {}
            node = known if isinstance(known, dict) else {}
        for option in (*node.get("anyOf", ()), *node.get("allOf", ())):
            if "$ref" in option:
                node = option
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node


def _names_at(adapter: TypeAdapter[Any], location: Location) -> list[str]:
    return list(_resolve(adapter, location).get("properties", {}))


def _paths_to(name: str, schema: dict[str, Any]) -> list[str]:
    """Return where in the tree keys of this ``name`` stand; NAME is any name, [] an item."""
    found: list[str] = []

    def look(node: Any, at: str) -> None:
        for option in (*node.get("anyOf", ()), *node.get("allOf", ())):
            look(option, at)
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
        for key, below in node.get("properties", {}).items():
            path = f"{at}.{key}".lstrip(".")
            if key == name:
                found.append(path)
            look(below, path)
        for part, path in (("additionalProperties", f"{at}.NAME"), ("items", f"{at}[]")):
            if isinstance(node.get(part), dict):
                look(node[part], path)

    look(schema, "")
    return found if len(found) <= _MOST_PATHS else []


def _unit_at(adapter: TypeAdapter[Any], location: Location) -> str:
    return str(_resolve(adapter, location).get("unit", ""))


def as_data(value: Any) -> Any:
    """Return settings as plain mappings, lists and scalars, for YAML output."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_data(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_data(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [as_data(item) for item in value]
    return value.value if hasattr(value, "value") else value
