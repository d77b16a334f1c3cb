"""What can-utils' candump writes (-l, -L) and prints on a screen (-t a, A, z or d) as frames.

python-can reads only what -l writes, and gives up at the first damaged line.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from itertools import islice, pairwise, tee

from dms.bus.python_can import can
from dms.errors import ConfigError

_log = logging.getLogger(__name__)
_HEAD = 200  # frames by which differences of time are told from times
_ERROR_FLAG = 0x20000000  # candump writes error frames as data frames with this bit
_ID = r"([0-9A-Fa-f]{8}|[0-9A-Fa-f]{3})"
_STAMP = r"\s*\((\d+\.\d+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+)\)\s+(\S+)\s+"
_LOGGED = re.compile(
    _STAMP + _ID + r"#(#[0-9A-Fa-f])?((?:[0-9A-Fa-f]{2})*)(R[0-9A-Fa-f]?)?(?:_[0-9A-Fa-f])?"
    r"(?:\s+[RT])?\s*$"
)
_SCREEN = re.compile(
    _STAMP + r"(?:[RT]X\s+[-BE]\s*[-BE]\s+)?" + _ID
    + r"\s+\[\s*\d+\]((?:\s+[0-9A-Fa-f]{2})*)\s*(?:'.*|\s\s+\S.*)?$"
)  # fmt: skip
_TIMELESS = re.compile(
    r"\s*\w+\s+(?:[RT]X\s+[-BE]\s*[-BE]\s+)?" + _ID + r"\s+\[\s*\d+\](?:\s+[0-9A-Fa-f]{2})+"
)


def looks_like(lines: Iterable[str]) -> bool:
    """Whether any of the first ``lines`` of a file is candump's."""
    return any(_LOGGED.match(e) or _SCREEN.match(e) or _TIMELESS.match(e) for e in lines)


def read(lines: Iterable[str], name: str) -> Iterator[can.Message]:
    """Yield the frames of ``lines``; passes over those that are none, with a warning at the end.

    Times that fall again and again are differences (candump -t d) and are added up. Raises
    ConfigError where the lines have no times.
    """
    found, head = tee(_messages(lines, name))
    first = list(islice(head, _HEAD))
    falls = sum(later.timestamp < earlier.timestamp for earlier, later in pairwise(first))
    first.sort(key=lambda message: str(message.channel))  # each may have a clock of its own
    stays = sum(b.timestamp <= a.timestamp for a, b in pairwise(first) if a.channel == b.channel)
    del head
    differences, now_s = min(falls, stays) > len(first) // 4, 0.0
    for message in found:
        if differences:
            now_s += message.timestamp
            message.timestamp = now_s
        yield message


def _messages(lines: Iterable[str], name: str) -> Iterator[can.Message]:
    bad = 0
    for line in lines:
        message = _message(line)
        if message is not None:
            yield message
        elif _TIMELESS.match(line):
            raise ConfigError(f"{name} has no times; record it with candump -l, or with -t a")
        else:
            bad += bool(line.strip())
    if bad:
        _log.warning("%s: %d lines are no frames and were passed over", name, bad)


def _message(line: str) -> can.Message | None:
    remote = fd = None
    if found := _LOGGED.match(line):
        stamp, channel, identifier, fd, text, remote = found.groups()
    elif found := _SCREEN.match(line):
        stamp, channel, identifier, text = found.groups()
    else:
        return None
    data, can_id = bytes.fromhex(text), int(identifier, 16)
    extended = len(identifier) == 8
    return can.Message(
        timestamp=_seconds(stamp),
        channel=channel,
        arbitration_id=can_id & 0x1FFFFFFF,
        is_extended_id=extended,
        is_error_frame=extended and bool(can_id & _ERROR_FLAG),
        is_remote_frame=bool(remote) or "remote" in line,
        is_fd=bool(fd) or len(data) > 8,
        data=data,
    )


def _seconds(stamp: str) -> float:
    if "-" not in stamp:
        return float(stamp)
    when = datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=timezone.utc)
    return when.timestamp()  # only differences count, so any zone does
