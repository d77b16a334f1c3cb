"""Reads the frame table of a run back as columns of numbers."""

from __future__ import annotations

import csv
import importlib
import math
from array import array
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dms.errors import ConfigError
from dms.files.events import TEXTS
from dms.values import GazeZone

Series: TypeAlias = NDArray[np.float64]
# Columns of words that are read as numbers: each word as its place in its enumeration.
CODED = {"gaze_zone": {zone.value: float(at) for at, zone in enumerate(GazeZone)}}


def load_frames(path: Path, columns: Collection[str] | None = None) -> dict[str, Series]:
    """Return the numeric columns of a ``.csv`` or ``.parquet`` frame table, NaN for unknown.

    ``columns``: only these, so that hours of frames take little memory; those of :data:`CODED`
    words are then numbers, too. Raises ConfigError where the file cannot be used.
    """
    if path.suffix == ".parquet":
        return _from_parquet(path, columns)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return _from_csv(path, csv.reader(file), columns)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} is not a table in UTF-8 ({error}); write it anew") from error


def _from_csv(
    path: Path, rows: Iterator[list[str]], columns: Collection[str] | None
) -> dict[str, Series]:
    """Return the columns of a table; eight bytes a value while it is read, as hours are long."""
    names = next(rows, [])
    if "t_s" not in names:
        raise ConfigError(f"{path} is not a frame table: it has no column t_s")
    wanted = [(at, name, array("d")) for at, name in enumerate(names) if _wanted(name, columns)]
    for number, row in enumerate(rows, 2):
        try:
            for at, _, values in wanted:
                values.append(_number(names[at], row[at]))
        except (ValueError, IndexError) as error:
            raise ConfigError(f"{path}:{number}: {error}; write the frame table again") from error
    return {name: np.array(values, np.float64) for _, name, values in wanted}


def _number(name: str, text: str) -> float:
    return CODED[name].get(text, math.nan) if name in CODED else float(text or "nan")


def _wanted(name: str, columns: Collection[str] | None) -> bool:
    if columns is None:
        return name not in TEXTS
    return name in columns and (name not in TEXTS or name in CODED)


def _from_parquet(path: Path, columns: Collection[str] | None) -> dict[str, Series]:
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ConfigError(
            "Parquet needs pyarrow: pip install 'dms-jetson[bench]', or use .csv"
        ) from error
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {path}: {error}; check the path") from error
    return {
        name: _column(name, table.column(name))
        for name in table.column_names
        if _wanted(name, columns)
    }


def _column(name: str, column: Any) -> Series:
    if name in CODED:
        return np.array([_number(name, text or "") for text in column.to_pylist()], np.float64)
    return np.asarray(column.cast("double").to_numpy(), np.float64)
