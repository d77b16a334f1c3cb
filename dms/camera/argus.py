"""NVIDIA's camera daemon on a Jetson: named where a CSI camera is silent, and restarted on request.

nvargus-daemon may deadlock (libnvscf, JetPack 6.0 to 6.2.1): every camera behind it is then silent
until it is restarted, which this service may not do. It leaves a file for systemd/dms-argus.path.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

_log = logging.getLogger(__name__)
_FILE = "argus-restart"
ADVICE = (
    "All cameras behind NVIDIA's daemon are silent where it is stuck: sudo systemctl restart "
    "nvargus-daemon"
)


def behind_argus(source: str) -> bool:
    """Whether pictures of this ``camera.source`` come through nvargus-daemon."""
    return source.strip().startswith("csi:") or "nvarguscamerasrc" in source


def ask_for_restart() -> bool:
    """Ask the root helper, if systemd gave this service a folder to do so. Returns whether."""
    folder = os.environ.get("RUNTIME_DIRECTORY")
    if not folder:
        return False
    try:
        Path(folder, _FILE).touch()
    except OSError as error:
        _log.warning("nvargus-daemon cannot be asked to restart: %s", error)
        return False
    return True
