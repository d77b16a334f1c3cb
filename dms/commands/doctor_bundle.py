"""``dms doctor --bundle``: what a first owner sends back, in one file. No pictures, no settings."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from dms.camera.devices import list_devices
from dms.doctor import Finding
from dms.engine.board import board
from dms.errors import ConfigError

_FILES = ("/etc/nv_tegra_release", "/etc/os-release", "/proc/device-tree/model", "/proc/devices")
_COMMANDS = {  # each at most ten seconds; what is missing says so
    "uname.txt": ("uname", "-a"),
    "modules.txt": ("lsmod",),
    "nvpmodel.txt": ("nvpmodel", "-q"),
    "can.txt": ("ip", "-details", "link", "show", "type", "can"),
    "unit.txt": ("systemctl", "show", "dms", "-p", "ActiveState,SubState,NRestarts,DeviceAllow"),
    "unit-files.txt": ("systemctl", "list-unit-files", "--no-pager", "nv*", "dms*"),
}
_MOST_BYTES = 200_000


def write(path: Path, findings: Iterable[Finding], rows: Iterable[Mapping[str, object]]) -> None:
    """Write the bundle, a .tar.gz. Raises ConfigError where that is not possible."""
    try:
        with tarfile.open(path, "w:gz") as archive:
            for name, text in _texts(findings, rows):
                data = text.encode("utf-8")[:_MOST_BYTES]
                member = tarfile.TarInfo(f"dms-doctor/{name}")
                member.size, member.mtime = len(data), int(time.time())
                archive.addfile(member, io.BytesIO(data))
    except OSError as error:
        raise ConfigError(
            f"--bundle {path}: {error.strerror or error}; name another place"
        ) from error


def _texts(
    findings: Iterable[Finding], rows: Iterable[Mapping[str, object]]
) -> Iterator[tuple[str, str]]:
    found = [{"part": f.part, "verdict": f.verdict.value, "text": f.text} for f in findings]
    yield "doctor.json", json.dumps(found, indent=1)
    yield "engine.json", json.dumps(list(rows), indent=1)
    yield "board.json", json.dumps(dict(board()), indent=1)
    yield "cameras.txt", "\n".join(map(str, list_devices())) or "none"
    yield "packages.txt", "\n".join(sorted(_packages()))
    for name in _FILES:
        yield name.strip("/").replace("/", "-") + ".txt", _read(Path(name))
    for name, command in _COMMANDS.items():
        yield name, _said(command)


def _packages() -> Iterator[str]:
    for one in metadata.distributions():
        yield f"{one.metadata['Name']} {one.version}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0")
    except OSError as error:
        return f"not here: {error.strerror}"


def _said(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return f"not here: {error}"
    return done.stdout + done.stderr
