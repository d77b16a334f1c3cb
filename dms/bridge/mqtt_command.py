"""Commands as JSON on an MQTT topic. Pure. The broker's access list says who may write it."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ConfigDict, ValidationError
from pydantic.dataclasses import dataclass

from dms.masking import told
from dms.values import Command, PauseReason

LARGEST = 4096  # bytes of a command; a whole one takes 150
_LONGEST = 64  # characters of what is repeated to the sender
_REASON = 200  # cut before it is made safe, so that nobody makes us work on what they sent
_REASONS = tuple(reason.value for reason in PauseReason)
_HIGHEST = 2**53  # the largest whole number that every JSON reader keeps


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
    if len(payload) > LARGEST:
        return None, refused(None, f"a command has at most {LARGEST} bytes")
    thing: Any = None
    try:
        thing = json.loads(payload)
        if not isinstance(thing, dict):
            return None, refused(None, "a command is a JSON object")
        wish = _Wish(**thing)
        reason = _reason(wish.pause_reason)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        return None, refused(thing.get("id"), f"{where[:_LONGEST]}: {first['msg']}")
    except (ValueError, TypeError, RecursionError) as error:
        sent = thing.get("id") if isinstance(thing, dict) else None
        return None, refused(sent, f"not a command: {error}")
    command = Command(
        acknowledge=wish.acknowledge,
        pause=wish.pause,
        pause_reason=reason,
        warnings=wish.warnings,
        rage=wish.rage,
    )
    if command == Command(pause_reason=reason):
        return None, refused(wish.id, "it asks for nothing")
    return command, {"id": _identity(wish.id), "answer": "accepted"}


def _reason(sent: str | None) -> PauseReason | None:
    if sent not in (None, *_REASONS):
        raise ValueError(f"pause_reason must be one of {', '.join(_REASONS)}")
    return None if sent is None else PauseReason(sent)


def refused(sent: object, reason: str) -> dict[str, Any]:
    """Return the answer to what is not done; ``sent`` is the id that it came with."""
    return {"id": _identity(sent), "answer": "refused", "reason": told(reason[:_REASON])[:_REASON]}


def _identity(sent: object) -> str | int | None:
    """Return an id as it is repeated: cut, so that nobody makes us shout."""
    if isinstance(sent, str):
        return sent[:_LONGEST]
    return sent if isinstance(sent, int) and abs(sent) <= _HIGHEST else None
