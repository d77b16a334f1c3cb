"""Recorded observations: a drive without pixels, one JSON object a line, small enough to keep.

A line is ``{"observation": {...}, "vehicle": {...} or null, "faults": [...]}``; the fields are
those of :class:`~dms.values.DriverObservation` and :class:`~dms.values.VehicleContext`. Lids and
iris of each eye stand flat beside the rest (``right_lids_open``, ``left_iris_y``), as in the frame
table; recordings older than these lack them.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json

from dms.errors import ConfigError
from dms.values import EXPRESSIONS, SHAPE, DriverObservation, Fault, Moment

_log = logging.getLogger(__name__)
OBSERVATIONS = ".jsonl"  # how a recording without pixels ends
_AHEAD = 64  # moments of a file that are read before the first of them is decided on

_MOMENT = TypeAdapter(Moment)
# A dataclass takes no config by itself; within a tuple it does.
_FINITE = TypeAdapter(tuple[Moment], config=ConfigDict(allow_inf_nan=False))
_SIDES = ("right", "left")
_FLAT: Mapping[str, tuple[str, ...]] = {
    "lids": ("open", "lowered", "closed"),
    "iris": ("x", "y", "sd"),
}
# Of each part of each eye: the eye, the part, and its values' names in it and in the line.
_PLACES = tuple(
    (f"{side}_eye", part, tuple((name, f"{side}_{part}_{name}") for name in names))
    for side in _SIDES
    for part, names in _FLAT.items()
)
_FLAT_NAMES = frozenset(key for _, _, keys in _PLACES for _, key in keys)


def to_line(moment: Moment) -> str:
    """Return ``moment`` as one line of JSON without its line end; unknown values are left out."""
    thing = _MOMENT.dump_python(moment, mode="json", exclude_none=True)
    thing["faults"] = [str(fault) for fault in moment.faults]
    seen = thing["observation"]
    for side in _SIDES:
        for part in _FLAT:
            values = seen[f"{side}_eye"].pop(part, {})
            seen |= {f"{side}_{part}_{name}": value for name, value in values.items()}
    return json.dumps(thing, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _nested(thing: Any) -> Any:
    """Put lids and iris back into their eyes, and take faults apart.

    What is no such line is left to the validation.
    """
    if not isinstance(thing, dict):
        return thing
    if isinstance(told := thing.get("faults"), list) and told:
        thing["faults"] = [Fault.from_text(one) if isinstance(one, str) else one for one in told]
    seen = thing.get("observation")
    if not isinstance(seen, dict):
        return thing
    if _FLAT_NAMES.isdisjoint(seen):
        return thing
    for of, part, keys in _PLACES:
        values = {name: seen.pop(key) for name, key in keys if key in seen}
        if values:
            eye = seen.setdefault(of, {})
            if isinstance(eye, dict):
                eye[part] = values
    return thing


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


class FallingTimes:
    """Says once that the times of moments fall, as of two recordings in one, and what to do."""

    def __init__(self, advice: str) -> None:
        self._advice, self._newest_s, self._told = advice, -math.inf, False

    def note(self, t_s: float, where: str, *place: object) -> None:
        """Take the next moment's time; ``where`` it is, put together with its ``place``."""
        if t_s >= self._newest_s:
            self._newest_s = t_s
        elif not self._told:
            self._told = True
            _log.warning(
                f"{where}: t_s falls from %g to %g; nothing is judged until it is higher again: %s",
                *place, self._newest_s, t_s, self._advice,
            )  # fmt: skip


def load(path: Path) -> Iterator[Moment]:
    """Yield the moments of a recording in order, some read ahead: in turn, neither is kept warm.

    Raises ConfigError with file and line where a line cannot be used, and where there is none.
    """
    ahead: list[Moment] = []
    most = _AHEAD if path.is_file() else 1  # what comes by a pipe is wanted at once
    try:
        for moment in _read(path):
            ahead.append(moment)
            if len(ahead) == most:
                yield from ahead
                ahead.clear()
    except ConfigError:
        yield from ahead
        raise
    yield from ahead


def _read(path: Path) -> Iterator[Moment]:
    moment, times = None, FallingTimes("give each recording a file of its own")
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if not line.strip() or (number == 1 and line.startswith('{"note"')):
                    continue
                moment = parse(path, number, line)
                times.note(moment.observation.t_s, "%s:%d", path, number)
                yield moment
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text file; give a recording of observations") from error
    if moment is None:
        raise ConfigError(f"{path} holds no observation; record one with --observations")


def parse(path: Path, number: int, line: str) -> Moment:
    """Return the moment of one line; ConfigError names ``path`` and ``number`` where it is none."""
    try:
        (moment,) = _FINITE.validate_python((_nested(from_json(line, allow_inf_nan=False)),))
    except (ValueError, RecursionError):  # rare, so its words may take longer
        moment = _parse_closely(path, number, line)
    seen = moment.observation
    if seen.expression is not None or seen.shape is not None:
        _check_lengths(path, number, seen)
    return moment


def _parse_closely(path: Path, number: int, line: str) -> Moment:
    try:
        # NaN and infinity are no measures: an unknown value is left out, never written as one.
        thing = json.loads(line, parse_constant=_refuse, parse_float=_finite)
        (moment,) = _FINITE.validate_python((_nested(thing),))  # finite as text, too: "nan"
        return moment
    except (ValueError, RecursionError) as error:
        if not isinstance(error, ValidationError):
            raise ConfigError(f"{path}:{number}: the line: Invalid JSON: {error}") from error
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "the line"
        raise ConfigError(f"{path}:{number}: {where}: {first['msg']}") from error


def _check_lengths(path: Path, number: int, seen: DriverObservation) -> None:
    """Raise ConfigError where a row of numbers has too few or too many."""
    scores, eight = seen.expression, len(EXPRESSIONS)
    rows = [("shape", SHAPE, seen.shape)]
    if scores is not None:
        rows.append(("expression.probabilities", eight, scores.probabilities))
        rows.append(("expression.relative", eight, scores.relative))
    for name, needed, got in rows:
        if got is not None and len(got) != needed:
            raise ConfigError(
                f"{path}:{number}: observation.{name}: must be {needed} numbers, got {len(got)}"
            )


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number; leave unknown values out")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)
