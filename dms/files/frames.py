"""The frame table of a run: written as CSV or Parquet, read back as columns of numbers."""

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
from dms.files.columns import COLUMNS, TEXTS, row, unit_of
from dms.files.events import create
from dms.resource import Resource
from dms.values import (
    DriverObservation,
    DriverState,
    ExpressionScores,
    GazeZone,
    Scalar,
    VehicleContext,
)

Series: TypeAlias = NDArray[np.float64]
# Columns of words that are read as numbers: each word as its place in its enumeration.
CODED = {"gaze_zone": {zone.value: float(at) for at, zone in enumerate(GazeZone)}}
_INTEGERS = {"level", "drowsiness", "face", "horn", "against_rest"}
_EXPRESSION_HELD_S = 0.35


class FrameTable(Resource):
    """Writes one row a frame; ``.csv`` at once, ``.parquet`` in groups of rows.

    Raises ConfigError for another ending, or for Parquet without the bench extra.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix not in {".csv", ".parquet"}:
            raise ConfigError(f"{path}: the frame table is written as .csv or .parquet")
        self._sink = _Parquet(path) if path.suffix == ".parquet" else _Csv(path)
        self._scores: tuple[float, ExpressionScores] | None = None

    def write(
        self,
        observation: DriverObservation,
        state: DriverState,
        vehicle: VehicleContext | None = None,
    ) -> None:
        """Add the row of one frame."""
        if observation.expression is not None:
            self._scores = (observation.t_s, observation.expression)
        if self._scores and observation.t_s - self._scores[0] > _EXPRESSION_HELD_S:
            self._scores = None
        scores = self._scores[1] if self._scores else None
        self._sink.write(row(observation, state, scores, vehicle))

    def close(self) -> None:
        """Write what is left and close the file."""
        self._sink.close()


class _Csv:
    def __init__(self, path: Path) -> None:
        self._file = create(path)
        self._writer = csv.DictWriter(self._file, list(COLUMNS), lineterminator="\n")
        self._writer.writeheader()

    def write(self, values: dict[str, Scalar]) -> None:
        self._writer.writerow(values)

    def close(self) -> None:
        self._file.close()


class _Parquet:
    _GROUP = 3000  # rows

    def __init__(self, path: Path) -> None:
        try:
            self._arrow: Any = importlib.import_module("pyarrow")
            parquet: Any = importlib.import_module("pyarrow.parquet")
        except ImportError as error:
            raise ConfigError(
                "Parquet needs pyarrow: pip install 'dms-jetson[bench]', or write .csv"
            ) from error
        create(path).close()
        types = {name: self._arrow.int32() for name in _INTEGERS}
        types |= {name: self._arrow.string() for name in TEXTS}
        self._schema = self._arrow.schema(
            [
                self._arrow.field(
                    name,
                    types.get(name, self._arrow.float64()),
                    metadata={"description": text, "unit": unit_of(name)},
                )
                for name, text in COLUMNS.items()
            ]
        )
        self._writer = parquet.ParquetWriter(path, self._schema)
        self._rows: list[dict[str, Scalar]] = []

    def write(self, values: dict[str, Scalar]) -> None:
        self._rows.append(values)
        if len(self._rows) >= self._GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


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
        raise ConfigError(f"{path} is not a table in UTF-8 ({error}); write it again") from error


def _from_csv(
    path: Path, rows: Iterator[list[str]], columns: Collection[str] | None
) -> dict[str, Series]:
    """Return the columns of a table; eight bytes a value while it is read, as hours are long."""
    names = next(rows, [])
    if "t_s" not in names:
        raise ConfigError(f"{path} is not a frame table: it has no column t_s")
    wanted = [(at, name, array("d")) for at, name in enumerate(names) if _wanted(name, columns)]
    for number, cells in enumerate(rows, 2):
        try:
            for at, _, values in wanted:
                values.append(_number(names[at], cells[at]))
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
