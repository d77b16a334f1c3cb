"""Reads the frame table of a run back, and thins it out for a plot without losing its extremes."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dms.errors import ConfigError
from dms.events import TEXTS

Series: TypeAlias = NDArray[np.float64]


def load_frames(path: Path) -> dict[str, Series]:
    """Return the numeric columns of a ``.csv`` or ``.parquet`` frame table, NaN for unknown.

    Raises ConfigError where the file cannot be used.
    """
    if path.suffix == ".parquet":
        return _from_parquet(path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            names = next(reader, [])
            rows = list(reader)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check the path") from error
    if "t_s" not in names:
        raise ConfigError(f"{path} is not a frame table: it has no column t_s")
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    try:
        return {
            name: np.array([value or "nan" for value in column], np.float64)
            for name, column in zip(names, columns, strict=True)
            if name not in TEXTS
        }
    except ValueError as error:
        raise ConfigError(f"{path}: {error}; write the frame table again") from error


def thin(t_s: Series, values: Series, most: int) -> tuple[Series, Series]:
    """Return at most about ``most`` points that keep each stretch's least and greatest value.

    Gaps (NaN) stay gaps.
    """
    if len(t_s) <= most:
        return t_s, values
    stretch = int(np.ceil(2 * len(t_s) / most))
    kept: list[int] = []
    for start in range(0, len(t_s), stretch):
        part = values[start : start + stretch]
        known = np.flatnonzero(~np.isnan(part))
        if len(known) < len(part):  # a gap begins, ends or goes on here
            kept.append(start + int(np.flatnonzero(np.isnan(part))[0]))
        if len(known):
            seen = part[known]
            kept += [start + int(known[seen.argmin()]), start + int(known[seen.argmax()])]
    at = np.unique(kept)
    return t_s[at], values[at]


def _from_parquet(path: Path) -> dict[str, Series]:
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ConfigError(
            "Parquet needs pyarrow: pip install 'dms-jetson[bench]', or use .csv"
        ) from error
    try:
        table = parquet.read_table(path)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error}; check the path") from error
    columns: Mapping[str, Any] = {
        name: table.column(name) for name in table.column_names if name not in TEXTS
    }
    return {
        name: np.array([np.nan if v is None else v for v in column.to_pylist()], np.float64)
        for name, column in columns.items()
    }
