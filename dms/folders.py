"""The folders that systemd makes for the service; without it their usual places."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the service keeps what must survive a boot."""
    return _given(environment, "STATE_DIRECTORY") or Path("/var/lib/dms")


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where what can be made again is kept: the service's folder, else the user's."""
    usual = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return _given(environment, "CACHE_DIRECTORY") or Path(usual) / "dms"


def runtime_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return where sockets and counts of this boot are kept; None without systemd."""
    return _given(environment, "RUNTIME_DIRECTORY")


def _given(environment: Mapping[str, str], name: str) -> Path | None:
    first = environment.get(name, "").split(":")[0]  # the unit may name several
    return Path(first) if first else None
