"""Recorded observations: a drive without pixels, one JSON object a line, small enough to keep.

A line is ``{"observation": {...}, "vehicle": {...} or null, "faults": [...]}``; the fields are
those of :class:`~dms.values.DriverObservation` and :class:`~dms.values.VehicleContext`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dms.errors import ConfigError
from dms.values import DriverObservation, VehicleContext

OBSERVATIONS = ".jsonl"  # how a recording without pixels ends


@dataclass(frozen=True, slots=True)
class Moment:
    """What the decision core is told at one instant."""

    observation: DriverObservation
    vehicle: VehicleContext | None = None
    faults: tuple[str, ...] = ()


_MOMENT = TypeAdapter(Moment)


def to_line(moment: Moment) -> str:
    """Return ``moment`` as one line of JSON without its line end; unknown values are left out."""
    return _MOMENT.dump_json(moment, exclude_none=True).decode()


def save(moments: Iterable[Moment], path: Path, note: str = "") -> int:
    """Write ``moments`` to ``path``, a ``note`` on the first line; return how many there were."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        if note:
            file.write(json.dumps({"note": note}) + "\n")
        for moment in moments:
            file.write(to_line(moment) + "\n")
            count += 1
    return count


def load(path: Path) -> Iterator[Moment]:
    """Yield the moments of a recording in order.

    Raises ConfigError with file and line where a line cannot be used, and where there is none.
    """
    moment = None
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip() and not (number == 1 and line.startswith('{"note"')):
                    yield (moment := _parse(path, number, line))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text file; give a recording of observations") from error
    if moment is None:
        raise ConfigError(f"{path} holds no observation; record one with --observations")


def _parse(path: Path, number: int, line: str) -> Moment:
    try:
        # NaN and infinity are no measures: an unknown value is left out, never written as one.
        return _MOMENT.validate_python(
            json.loads(line, parse_constant=_refuse, parse_float=_finite)
        )
    except (ValueError, RecursionError) as error:
        if not isinstance(error, ValidationError):
            raise ConfigError(f"{path}:{number}: the line: Invalid JSON: {error}") from error
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the line"
        raise ConfigError(f"{path}:{number}: {where}: {first['msg']}") from error


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number; leave unknown values out")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)
