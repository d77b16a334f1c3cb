"""A name for this device that is its own and tells nothing of it."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

_MACHINE = Path("/etc/machine-id")


def device_name(file: Path = _MACHINE) -> str:
    """Return a client id that is this device's own and tells nothing of it.

    Two clients of one id throw each other out for ever. At most 23 letters (MQTT 3.1.1, 3.1.3.1).
    """
    try:
        machine = file.read_bytes().strip()
    except OSError:
        machine = b""
    if not machine:
        machine = str(uuid.getnode()).encode()
    return f"dms-{hashlib.sha256(b'dms mqtt ' + machine).hexdigest()[:16]}"
