"""Events as JSON Lines, the stable file of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from dms.errors import ConfigError
from dms.resource import Resource
from dms.values import Event, Kind, Level, Scalar

_DIGITS = 4


def rounded(value: Scalar) -> Scalar:
    """Return a value as files hold it: numbers of four decimals."""
    return round(value, _DIGITS) if isinstance(value, float) else value


def event_object(event: Event) -> dict[str, Any]:
    """Return ``event`` as the JSON object that is stored: numbers rounded to 0.1 ms."""
    thing: dict[str, Any] = {
        "t_s": rounded(event.t_s),
        "kind": event.kind.value,
        "level": int(event.level),
        "start_s": rounded(event.start_s),
        "end_s": rounded(event.end_s),
        "reason": event.reason,
        "values": {key: rounded(event.told[key]) for key in sorted(event.told)},
    }
    return {key: value for key, value in thing.items() if value is not None}


def values_of(told: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return the values of an event from those told of it: its wording goes by its kind."""
    return {key: value for key, value in told.items() if key != "wording"}


def load_events(path: Path) -> list[Event]:
    """Read a file of events back. Raises ConfigError with file and line for a line that is none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text file; give a file of events") from error
    events = []
    for number, line in enumerate(lines, 1):
        try:
            thing = json.loads(line, parse_constant=_refuse)
            events.append(
                Event(
                    t_s=float(thing["t_s"]),
                    kind=Kind(thing["kind"]),
                    level=Level(thing["level"]),
                    reason=str(thing["reason"]),
                    start_s=thing.get("start_s"),
                    end_s=thing.get("end_s"),
                    values=values_of(thing.get("values", {})),
                )
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError(f"{path}:{number}: not an event: {error}") from error
    return events


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number")


class EventWriter(Resource):
    """Appends events to a JSON Lines file, each at once on disk."""

    def __init__(self, path: Path) -> None:
        self._file = create(path)

    def write(self, event: Event) -> None:
        """Append one event."""
        self._file.write(json.dumps(event_object(event), allow_nan=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def create(path: Path) -> IO[str]:
    """Open a new text file, its folder too. Raises ConfigError where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; choose another place") from error
