"""A small table that a person or a spreadsheet wrote: CSV with its columns' names in line 1."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from dms.errors import ConfigError

_OTHERS = {";": "';'", "\t": "tabs"}  # what spreadsheets separate by elsewhere


def read_table(
    path: Path, needed: Sequence[str], about: str = "", *, whole: bool = False
) -> list[tuple[int, dict[str, str]]]:
    """Return (1-based line, cells by column) of each row that is not empty, spaces taken off.

    A row may leave out its last cells, which are then empty, but not of a ``whole`` table. Raises
    ConfigError where the file cannot be read, lacks a column that is ``needed`` (``about`` says
    what for), names one twice, or a row leaves out a needed cell or has one more than there are
    columns.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark first
            rows = csv.reader(file, skipinitialspace=True)
            names = _names(path, next(rows, []), needed, about)
            cells_of = names if whole else needed
            found = []
            for row in rows:
                cells = [cell.strip() for cell in row]
                if any(cells):
                    found.append((rows.line_num, _row(path, rows.line_num, names, cells, cells_of)))
            return found
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} is no table in UTF-8 ({error}); save it again") from error


def _names(path: Path, cells: Iterable[str], needed: Sequence[str], about: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    missing = [name for name in needed if name not in names]
    if missing and len(names) == 1 and (other := _OTHERS.keys() & set(names[0])):
        words = " and ".join(sorted(_OTHERS[each] for each in other))
        raise ConfigError(f"{path}:1: its columns are separated by {words}; separate by commas")
    if missing:
        told = about or f"expected columns {','.join(needed)}"
        has = ", ".join(names) or "none"
        raise ConfigError(f"{path}:1: {told}; column {missing[0]!r} is missing, it has {has}")
    if twice := [name for name, count in Counter(names).items() if name and count > 1]:
        raise ConfigError(f"{path}:1: column {twice[0]!r} stands twice; keep one")
    return names


def _row(
    path: Path, line: int, names: Sequence[str], cells: Sequence[str], needed: Sequence[str]
) -> dict[str, str]:
    if any(cells[len(names) :]) or not set(needed) <= set(names[: len(cells)]):
        raise ConfigError(f"{path}:{line}: not as many cells as columns")
    return dict.fromkeys(names, "") | dict(zip(names, cells, strict=False))
