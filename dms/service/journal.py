"""Log records to journald with fields of their own, over its native protocol; else to stderr."""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from dms.masking import masked

_SOCKET = Path("/run/systemd/journal/socket")
_PRIORITY = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_LARGEST = 100_000  # a datagram above the socket's limit would be lost whole


def set_up(level: int) -> None:
    """Send all log records to the journal if stderr goes there, with plain lines otherwise."""
    handler: logging.Handler
    if "JOURNAL_STREAM" in os.environ and _SOCKET.exists():
        handler = JournalHandler(_SOCKET)
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_Masked("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)


class _Masked(logging.Formatter):
    """What libraries quote in their words and tracebacks holds no secret either."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


def encode(fields: dict[str, Any]) -> bytes:
    """Return one journal entry: NAME=value lines, with a length where a value has line ends."""
    parts = []
    for name, value in fields.items():
        raw = masked(str(value)).encode("utf-8", "replace")[:_LARGEST]
        if b"\n" in raw:
            parts.append(name.encode() + b"\n" + struct.pack("<Q", len(raw)) + raw + b"\n")
        else:
            parts.append(name.encode() + b"=" + raw + b"\n")
    return b"".join(parts)


class JournalHandler(logging.Handler):
    """One entry a record. ``extra={"fields": {"DMS_KIND": ...}}`` adds fields."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = str(path)
        self._link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._link.setblocking(False)  # a full journal must not delay an alert

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record; one that the journal does not take is dropped."""
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + logging.Formatter().formatException(record.exc_info)
        fields = {
            "MESSAGE": message,
            "PRIORITY": next((p for level, p in _PRIORITY if record.levelno >= level), 7),
            "SYSLOG_IDENTIFIER": "dms",
            "LOGGER": record.name,
            "CODE_FILE": record.pathname,
            "CODE_LINE": record.lineno,
            "CODE_FUNC": record.funcName,
            "THREAD_NAME": record.threadName,
            **getattr(record, "fields", {}),
        }
        try:
            self._link.sendto(encode(fields), self._path)
        except OSError:
            sys.stderr.write(masked(message) + "\n")

    def close(self) -> None:
        """Close the socket."""
        self._link.close()
        super().close()
