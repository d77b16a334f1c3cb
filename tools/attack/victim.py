"""The service that is attacked: the real command, with a rendered cabin as its camera.

    python -m tools.attack.victim COUNTS dms.yaml

Writes a line of JSON to COUNTS twice a second: time, frames judged and captured, memory.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from unittest.mock import patch

import dms.commands.service
from dms.camera.live import LiveCamera
from dms.camera.settings import CameraSettings
from dms.camera.source import Picture, Source
from dms.cli import main
from dms.service.status import Status
from tools.soak.cabin import Cabin

_PERIOD_S = 0.5
captured = opened = 0
counted: list[Status] = []


class _Counted(Source):
    """Counts what the camera gives, however busy the loop is."""

    def __init__(self, inner: Source) -> None:
        self._inner = inner

    def open(self) -> None:
        global opened  # noqa: PLW0603 (one process, one camera)
        opened += 1
        self._inner.open()

    def grab(self) -> Picture | None:
        global captured  # noqa: PLW0603 (as above)
        picture = self._inner.grab()
        captured += picture is not None
        return picture

    def close(self) -> None:
        self._inner.close()


class _Known(Status):
    def __init__(self, *words: object) -> None:
        super().__init__(*words)  # type: ignore[arg-type]
        counted.append(self)


def _count(path: Path) -> None:
    page_mb = os.sysconf("SC_PAGE_SIZE") / 1e6
    with (
        path.open("w", encoding="utf-8") as file,
        Path("/proc/self/statm").open(encoding="ascii") as used,  # once: there may be none left
    ):
        while True:
            used.seek(0)
            resident_mb = int(used.read().split()[1]) * page_mb
            line = {"t_s": time.monotonic(), "judged": sum(one.frames for one in counted),
                    "captured": captured, "opened": opened, "mb": resident_mb}  # fmt: skip
            file.write(json.dumps(line) + "\n")
            file.flush()
            time.sleep(_PERIOD_S)


def run(counts: Path, settings: str) -> int:
    cabin = Cabin(1)

    def camera(chosen: CameraSettings, patient: bool = False) -> LiveCamera:
        return LiveCamera(lambda: _Counted(cabin.source()), chosen, patient=patient)

    threading.Thread(target=_count, args=(counts,), daemon=True).start()
    with (
        patch("dms.service.service.open_camera", camera),
        patch("dms.commands.config.open_camera", camera),
        patch.object(dms.commands.service, "Status", _Known),
    ):
        return main(["service", "-c", settings])


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2]))
