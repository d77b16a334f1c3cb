"""Commands as JSON on an MQTT topic. Pure. The broker's access list says who may write it."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ConfigDict, ValidationError
from pydantic.dataclasses import dataclass

from dms.values import Command, PauseReason


@dataclass(frozen=True, config=ConfigDict(extra="forbid", strict=True))
class _Wish:
    acknowledge: bool = False
    pause: bool | None = None
    pause_reason: str | None = None
    warnings: bool | None = None
    rage: bool | None = None
    id: str | int | None = None


def command_of(payload: bytes | bytearray) -> tuple[Command | None, dict[str, Any]]:
    """Return the command (None if refused) and the answer: ``id``, ``answer`` and ``reason``."""
    thing: Any = None
    try:
        thing = json.loads(payload)
        if not isinstance(thing, dict):
            return None, _refused(None, "a command is a JSON object")
        wish = _Wish(**thing)
        reason = PauseReason(wish.pause_reason) if wish.pause_reason is not None else None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return None, _refused(thing, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    except (ValueError, TypeError, RecursionError) as error:
        return None, _refused(thing, f"not a command: {error}"[:200])
    command = Command(
        acknowledge=wish.acknowledge,
        pause=wish.pause,
        pause_reason=reason,
        warnings=wish.warnings,
        rage=wish.rage,
    )
    if command == Command(pause_reason=reason):
        return None, _refused(thing, "it asks for nothing")
    return command, {"id": wish.id, "answer": "accepted"}


def _refused(thing: object, reason: str) -> dict[str, Any]:
    sent = thing.get("id") if isinstance(thing, dict) else None
    identity = sent if isinstance(sent, (str, int)) else None
    return {"id": identity, "answer": "refused", "reason": reason}
